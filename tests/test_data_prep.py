"""The data: read from what people have, verified, split into pairs; what is wrong is named."""

import gzip

import numpy as np
import pytest
from test_cli import usage_error

import data_prep
from common import files
from common.lazy import keras

SHAPE = (3, 2, 2)
PIXELS = bytes(range(12))
HEADER = b"\x00\x00\x08\x03" + b"\x00\x00\x00\x03" + b"\x00\x00\x00\x02" * 2


@pytest.mark.parametrize("below", [".", "MNIST/raw"])
@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("packed", [False, True])
def test_idx_files_are_read_as_they_lie_on_disks(tmp_path, below, end, packed):
    """Renamed, unpacked, below torchvision's root."""
    (tmp_path / below).mkdir(parents=True, exist_ok=True)
    content = HEADER + PIXELS
    for file in data_prep.IDX_FILES.values():
        (tmp_path / below / (file + end)).write_bytes(gzip.compress(content) if packed else content)
    for array in data_prep.read_source(tmp_path).values():
        np.testing.assert_array_equal(array, np.arange(12).reshape(SHAPE))


def test_an_npz_of_whole_numbers_is_read_whatever_their_type(tmp_path):
    whole = np.arange(12).reshape(SHAPE)
    np.savez(tmp_path / "mnist.npz", **dict.fromkeys(data_prep.ARRAYS, whole))
    for array in data_prep.read_source(tmp_path / "mnist.npz").values():
        np.testing.assert_array_equal(array, whole.astype(np.uint8), strict=True)


@pytest.mark.parametrize(
    "content",
    [
        HEADER + PIXELS[:-1],
        HEADER + PIXELS + b"x",
        b"\x00\x00\x08\x01" + HEADER[4:] + PIXELS,
        HEADER[:4] + b"\xff\xff\xff\xff" + HEADER[8:] + PIXELS,
        b"",
        gzip.compress(HEADER + PIXELS, mtime=0)[:-9],  # a time would be in the name of the test
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_wrong_idx_file_is_refused(tmp_path, packed, content):
    (tmp_path / "bad").write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(ValueError, match="bad is damaged, or no IDX file .*download it again"):
        data_prep.read_idx(tmp_path / "bad")


@pytest.mark.smoke
def test_embedded_data_is_mnist_zeros_and_ones_as_promised(data):
    assert data.digest == data_prep.DIGEST_0_1
    for split, counts in (("train", [5923, 6742]), ("test", [980, 1135])):
        x, y = data_prep.load(split)
        assert x.shape == (sum(counts), 28, 28, 1) and x.dtype == y.dtype == np.float32
        assert x.min() == 0 and x.max() == 1
        assert [int(np.sum(y == sign)) for sign in (-1, 1)] == counts


def test_select_pair_keeps_order_and_labels_the_second_digit_one():
    labels = np.array([3, 8, 1, 8, 3], np.uint8)
    images = np.arange(5, dtype=np.uint8)[:, None, None] * np.ones((28, 28), np.uint8)
    arrays = dict(x_train=images, y_train=labels, x_test=images, y_test=labels)
    pair = data_prep.select_pair(arrays, (8, 3))
    assert pair["y_train"].tolist() == [1, 0, 0, 1]
    assert pair["x_train"][:, 0, 0].tolist() == [0, 1, 3, 4]


@pytest.fixture
def own_data(tmp_path, monkeypatch):
    """data/ moved to a temporary folder, with a good copy of the embedded file in it."""
    good = data_prep.pair_path().read_bytes()
    monkeypatch.setattr(data_prep, "DATA", tmp_path)
    data_prep.pair_path().write_bytes(good)
    return data_prep.pair_path()


@pytest.fixture
def small(own_data, ten_digits, tmp_path, monkeypatch):
    """A source of ten made-up digits, as mnist.npz, that counts as MNIST."""
    known = {name: data_prep.idx_sha256(array) for name, array in ten_digits.items()}
    monkeypatch.setattr(data_prep, "SHA256", known)
    np.savez(tmp_path / "mnist.npz", **ten_digits)
    return tmp_path / "mnist.npz"


def tiny_mnist(**changes):
    return dict.fromkeys(data_prep.ARRAYS, np.zeros(SHAPE, np.uint8)) | changes


@pytest.mark.parametrize(
    "arrays, complaint",
    [
        (b"words", r"which holds x_train, .* \(mnist.npz is not an npz file\)"),
        (None, "mnist.npz has no train-images-idx3-ubyte"),  # a folder
        (tiny_mnist(), r"mnist.npz: x_train, uint8 \(3, 2, 2\), is not MNIST's train-images"),
        (tiny_mnist(x_train=np.full(SHAPE, 0.5, np.float32)), "x_train.* is not MNIST"),
        ({"x_train": np.zeros(3, np.uint8)}, r"which holds x_train, y_train.* \('y_train'\)"),
        (tiny_mnist(y_test=np.array([None])), "Object arrays"),
    ],
)
def test_bad_source_leaves_the_good_file_alone(own_data, tmp_path, arrays, complaint):
    before, source = own_data.read_bytes(), tmp_path / "mnist.npz"
    if arrays is None:
        source.mkdir()
    elif isinstance(arrays, bytes):
        source.write_bytes(arrays)
    else:
        np.savez(source, **arrays)
    with pytest.raises((ValueError, FileNotFoundError), match=complaint):
        data_prep.main(["--source", str(source)])
    assert own_data.read_bytes() == before
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("digits", [(0, 1), data_prep.ALL])
def test_changed_arrays_are_noticed_and_a_rezipped_file_is_not(small, digits):
    if digits == data_prep.ALL:
        data_prep.build(digits, small)
    path = data_prep.pair_path(digits)
    arrays = files.read_arrays(path)
    np.savez(path, **arrays)  # other bytes, the same arrays
    data_prep.read_file(digits)
    arrays["x_test"][0, 0, 0] ^= 1
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="(digest|is not MNIST's).*python data_prep.py"):
        data_prep.read_file(digits)


def test_data_that_are_damaged_or_missing_name_the_command_that_builds_them(own_data):
    own_data.write_bytes(own_data.read_bytes()[:100_000])
    with pytest.raises(ValueError, match="is damaged.*python data_prep.py"):
        data_prep.load_pair()
    with pytest.raises(FileNotFoundError, match="python data_prep.py --digits 3 8"):
        data_prep.load("train", (3, 8))


def test_no_network_is_one_line_with_the_way_out(own_data, monkeypatch):
    def fail():
        raise Exception("URL fetch failure on https://example.org: unreachable\nsecond line")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", fail)
    complaint = r"could not be downloaded \(URL fetch failure.*--source PATH"
    with pytest.raises(OSError, match=complaint) as caught:
        data_prep.main(["--digits", "3", "8"])
    assert "\n" not in str(caught.value)
    assert not data_prep.pair_path((3, 8)).exists()


def test_all_ten_digits_give_every_pair(small, ten_digits, capsys):
    data_prep.main(["--digits", "3", "8", "--source", str(small)])
    alone = data_prep.load_pair((3, 8))
    data_prep.pair_path((3, 8)).unlink()
    data_prep.main(["--digits", "all", "--source", str(small)])
    printed = capsys.readouterr().out
    assert "digit 9:     60  together:    600" in printed and "mnist_all.npz: digest" in printed
    for name, array in data_prep.read_all().items():
        np.testing.assert_array_equal(array, ten_digits[name])
    for own, selected in zip(alone, data_prep.load_pair((3, 8)), strict=True):
        np.testing.assert_array_equal(own, selected)
    data_prep.main(["--digits", "8", "3"])  # without a download
    assert set(data_prep.load_pair((8, 3)).y_test) == {-1, 1}


@pytest.mark.parametrize("words", ["3", "all 3", "3 all", "3 8 9", "every"])
def test_digits_are_two_or_all(capsys, words):
    error = usage_error(capsys, data_prep.parse_args, "--digits", *words.split())
    assert "error: argument --digits: " in error
