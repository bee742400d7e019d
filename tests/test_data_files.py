"""IDX files as they lie on people's disks: renamed, unpacked, below torchvision's root."""

import gzip

import numpy as np
import pytest

import data_prep

FILES = {name: (file, (2, 3), sha256) for name, (file, _, sha256) in data_prep.MNIST.items()}
CONTENT = b"\x00\x00\x08\x02" + b"\x00\x00\x00\x02" + b"\x00\x00\x00\x03" + bytes(range(6))


@pytest.mark.parametrize("below", [".", "MNIST/raw"])
@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("packed", [False, True])
def test_what_is_plainly_meant_is_read(tmp_path, monkeypatch, below, end, packed):
    monkeypatch.setattr(data_prep, "MNIST", FILES)
    (tmp_path / below).mkdir(parents=True, exist_ok=True)
    for file, *_ in FILES.values():
        (tmp_path / below / (file + end)).write_bytes(gzip.compress(CONTENT) if packed else CONTENT)
        if end:
            (tmp_path / below / file).touch()  # an empty file beside the good one
    for array in data_prep.read_source(tmp_path).values():
        np.testing.assert_array_equal(array, np.arange(6).reshape(2, 3))


@pytest.mark.parametrize("kind", [np.int64, np.float32, np.uint8])
def test_an_npz_of_whole_numbers_is_read_whatever_their_type(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(data_prep, "MNIST", FILES)
    whole = np.arange(6, dtype=kind).reshape(2, 3)
    np.savez(tmp_path / "mnist.npz", **dict.fromkeys(FILES, whole))
    for array in data_prep.read_source(tmp_path / "mnist.npz").values():
        assert array.dtype == np.uint8
        np.testing.assert_array_equal(array, np.arange(6).reshape(2, 3))
