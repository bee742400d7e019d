"""Files that are damaged or meant to do harm: each is refused by name, at once, with next to no memory, and nothing in it runs."""
import ast
import gzip
import io
import json
import os
import pickle
import shutil
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from functools import partial

import gallery
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import data_prep
import report
import storage
from conftest import ROOT

SHAPE = (3, 2, 2)
IDX = data_prep.idx_header(SHAPE) + bytes(12)
MEMORY = 16 * 2**20  # bytes that refusing a small bad file may take


@pytest.fixture
def memory():
    """Fails the test if Python's peak of memory in it is above MEMORY."""
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MEMORY


def refused(read, path, content):
    """Write a file, read it, expect a ValueError of one line that names it; returns the message."""
    path.write_bytes(content)
    with pytest.raises(ValueError) as caught:
        read(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    return str(caught.value)


# --- IDX files

read_idx = partial(data_prep.read_idx, shape=SHAPE)


@given(st.binary(max_size=64))
@example(IDX[:-1])
@example(b"")
def test_bytes_that_are_no_idx_file_are_refused(tmp_path, content):
    if len(content) != len(IDX) or not content.startswith(IDX[:16]):
        refused(read_idx, tmp_path / "some", content)


@given(magic=st.integers(0, 2**32 - 1), sizes=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=5), data=st.binary(max_size=30))
@example(magic=0x0803, sizes=[2**32 - 1] * 3, data=bytes(12))  # claims 79 octillion bytes
@example(magic=0x0803, sizes=[0, 2, 2], data=b"")
@example(magic=0x0D03, sizes=[3, 2, 2], data=bytes(12))  # floats, by its magic number
@example(magic=0x0803, sizes=[3, 2, 2], data=bytes(13))
@pytest.mark.parametrize("packed", [False, True])
def test_idx_header_other_than_expected_is_refused_whatever_it_claims(tmp_path, memory, packed, magic, sizes, data):
    content = struct.pack(f">I{len(sizes)}I", magic, *sizes) + data
    if content[:16] == IDX[:16] and len(data) == 12:
        return
    refused(read_idx, tmp_path / ("a.gz" if packed else "a"), gzip.compress(content, 1) if packed else content)


@given(st.data())
def test_gzip_with_flipped_or_missing_bytes_is_refused_or_read_the_same(tmp_path, data):
    """The check sum is at the end of the file: what it cannot see, bytes of the header as the time, does not matter."""
    content = bytearray(gzip.compress(IDX[:16] + bytes(range(12)), mtime=0))
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[place:]
    path = tmp_path / "a.gz"
    path.write_bytes(content)
    try:
        array = read_idx(path)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert array.tobytes() == bytes(range(12))


def test_gzip_bomb_is_not_unpacked(tmp_path, memory):
    packed = io.BytesIO()
    with gzip.open(packed, "wb", 1) as file:  # right at first, then zeros without end
        file.write(IDX)
        for _ in range(100):
            file.write(bytes(2**20))
    assert "too long" in refused(read_idx, tmp_path / "bomb.gz", packed.getvalue())


# --- npz files

def npy(header, body=b""):
    """A npy file with any text as its header."""
    header = header.encode() + b"\n"
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(header)) + header + body


def npz(members, **how):
    """A zip file of (name, bytes) members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", **how) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return packed.getvalue()


def saved(**arrays):
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    return packed.getvalue()


@given(st.binary(max_size=200))
@example(b"PK\x05\x06" + bytes(18))  # an empty archive, which is sound and holds nothing
def test_bytes_that_are_no_npz_file_are_refused(tmp_path, content):
    if content[:22] != b"PK\x05\x06" + bytes(18):
        refused(storage.read_arrays, tmp_path / "some.npz", content)


@given(st.data())
@pytest.mark.parametrize("pack", [np.savez, np.savez_compressed])
def test_npz_with_changed_bytes_is_refused_or_still_plain_arrays(tmp_path, pack, data):
    packed = io.BytesIO()
    pack(packed, weights=np.arange(6.0).reshape(2, 3), labels=np.array([True, False]))
    content = bytearray(packed.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "changed.npz"
    path.write_bytes(content)
    try:
        arrays = storage.read_arrays(path)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        for array in arrays.values():
            assert not array.dtype.hasobject and array.nbytes < 1000


SIZES = st.integers(-3, 3) | st.sampled_from([-2**31, -2**63, 2**31, 2**63, 2**64, 10**30])
TYPES = st.sampled_from(["<f4", "|u1", "<f8", ">i4", "|b1", "|V0", "<U0", "|S0", "|O", "<M8[ns]", "<c16", "nonsense", "<f4,<f4"])


@given(shape=st.lists(SIZES, max_size=4).map(tuple), kind=TYPES, fortran=st.booleans(), body=st.binary(max_size=24))
@example(shape=(10**30, 0), kind="<f4", fortran=False, body=b"")
@example(shape=(-2, -3), kind="|u1", fortran=False, body=bytes(6))
@example(shape=(2**62,), kind="|V0", fortran=False, body=b"")
def test_npy_header_is_believed_only_where_the_bytes_agree(tmp_path, memory, shape, kind, fortran, body):
    header = repr({"descr": kind, "fortran_order": fortran, "shape": shape})
    path = tmp_path / "a.npz"
    path.write_bytes(npz([("a.npy", npy(header, body))]))
    try:
        array = storage.read_arrays(path)["a"]
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert array.shape == shape and array.tobytes() == body


@pytest.mark.parametrize("header", [
    "{'descr': '<f4', 'fortran_order': False, 'shape': (open('touched', 'w').close() or 1,)}",
    "__import__('os').system('touch touched')",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (True, 1.5)}",
    "{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '<f4', 'fortran_order': False}",
    "(" * 150 + ")" * 150, "-" * 9000 + "1", "[" * 5000, "{" * 300, "1" * 9000, "not " * 2000 + "1", "1+" * 4000 + "1j", " " * 20_000,
    "\0", "",
])
def test_npy_header_is_never_code(tmp_path, monkeypatch, header):
    monkeypatch.chdir(tmp_path)
    refused(storage.read_arrays, tmp_path / "a.npz", npz([("a.npy", npy(header, bytes(4)))]))
    assert os.listdir(tmp_path) == ["a.npz"]


class Payload:
    """Unpickling it makes a folder."""

    def __reduce__(self):
        return os.mkdir, ("touched",)


def test_pickle_in_an_npz_is_not_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    objects = np.empty(1, object)
    objects[0] = Payload()
    header = repr({"descr": "|O", "fortran_order": False, "shape": (1,)})
    for member in (npy(header, pickle.dumps(Payload())), pickle.dumps(Payload())):
        refused(storage.read_arrays, tmp_path / "a.npz", npz([("a.npy", member)]))
    assert "objects" in refused(storage.read_arrays, tmp_path / "a.npz", saved(weights=objects))
    with pytest.raises(ValueError, match="not made of finite numbers"):
        storage.write_arrays(tmp_path / "b.npz", weights=objects)
    assert os.listdir(tmp_path) == ["a.npz"]


@pytest.mark.parametrize("claimed", [100, 2**22])
def test_zip_bomb_is_not_unpacked_whatever_size_it_claims(tmp_path, memory, claimed):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.npy", "w", force_zip64=False) as member:
        for _ in range(200):
            member.write(bytes(2**20))
    size = struct.pack("<I", 200 * 2**20)
    bomb = packed.getvalue()
    assert bomb.count(size) == 2  # before the data and in the list of contents
    assert "would unpack" in refused(storage.read_arrays, tmp_path / "a.npz", bomb)
    lie = bomb.replace(size, struct.pack("<I", claimed))
    assert "CRC" in refused(storage.read_arrays, tmp_path / "a.npz", lie)


def test_many_members_may_not_add_up_to_more_than_the_limit(tmp_path, memory, monkeypatch):
    monkeypatch.setattr("files.READ_LIMIT", 2**20)
    member = npy(repr({"descr": "|u1", "fortran_order": False, "shape": (2**17,)}), bytes(2**17))
    sound = npz([(f"{i}.npy", member) for i in range(7)], compression=zipfile.ZIP_DEFLATED)
    (tmp_path / "sound.npz").write_bytes(sound)
    assert len(storage.read_arrays(tmp_path / "sound.npz")) == 7
    bomb = npz([(f"{i}.npy", member) for i in range(8)], compression=zipfile.ZIP_DEFLATED)
    assert "would unpack" in refused(storage.read_arrays, tmp_path / "bomb.npz", bomb)
    assert "more than" in refused(storage.read_arrays, tmp_path / "long.npz", bytes(2**20 + 1))


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
@pytest.mark.parametrize("members, how", [
    ([("w.npy", 0), ("w.npy", 0)], {}), ([("w.npy", 0), ("w", 0)], {}),
    ([("w.npy", 0)], dict(compression=zipfile.ZIP_BZIP2)), ([("w.npy", 0)], dict(compression=zipfile.ZIP_LZMA)),
])
def test_npz_that_numpy_would_not_write_is_refused(tmp_path, members, how):
    one = npy(repr({"descr": "|u1", "fortran_order": False, "shape": (1,)}), b"x")
    refused(storage.read_arrays, tmp_path / "a.npz", npz([(name, one) for name, _ in members], **how))


def test_names_that_are_paths_write_nothing(tmp_path):
    one = npy(repr({"descr": "|u1", "fortran_order": False, "shape": (1,)}), b"x")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.npz").write_bytes(npz([("../../escaped.npy", one), ("/etc/escaped.npy", one)]))
    assert len(storage.read_arrays(tmp_path / "inner" / "a.npz")) == 2
    assert not list(tmp_path.rglob("*escaped*"))


def test_arrays_in_any_memory_order_come_back_the_same(tmp_path):
    arrays = dict(a=np.asfortranarray(np.arange(6.0).reshape(2, 3)), b=np.arange(10)[::-2], c=np.float32(3), d=np.zeros((0, 784)))
    storage.write_arrays(tmp_path / "a.npz", **arrays)
    for name, array in storage.read_arrays(tmp_path / "a.npz").items():
        np.testing.assert_array_equal(array, arrays[name], strict=True)


@pytest.mark.parametrize("bad", [np.array([1, np.nan]), np.array(np.inf), np.array(["text"]), np.array([1j])])
def test_what_could_not_be_read_back_is_not_written(tmp_path, bad):
    with pytest.raises(ValueError, match="weights is not made of finite numbers"):
        storage.write_arrays(tmp_path / "a.npz", weights=bad)
    assert not list(tmp_path.iterdir())


# --- the data file

@pytest.fixture
def pair_path(tmp_path, monkeypatch):
    monkeypatch.setattr(data_prep, "DATA", tmp_path)
    return data_prep.pair_path((3, 8))


@given(st.data())
def test_pair_with_wrong_types_shapes_or_labels_is_refused_with_the_cure(pair_path, data):
    pair = {f"{kind}_{split}": np.array([0, 1, 1], np.uint8) if kind == "y" else np.zeros((3, 28, 28), np.uint8)
            for kind in "xy" for split in ("train", "test")}
    np.savez(pair_path, **pair)
    assert data_prep.load_pair((3, 8)).x_train.shape == (3, 28, 28, 1)
    name = data.draw(st.sampled_from(sorted(pair)))
    types = st.sampled_from([np.float32, np.int8, np.uint16, bool])
    shapes = st.lists(st.integers(0, 4), max_size=4).map(tuple).filter(lambda shape: shape != pair[name].shape)
    labels = st.lists(st.integers(0, 255), min_size=3, max_size=3).filter(lambda values: set(values) != {0, 1})
    changes = [types.map(pair[name].astype), shapes.map(lambda shape: np.ones(shape, np.uint8))]
    if name.startswith("y"):
        changes.append(labels.map(lambda values: np.array(values, np.uint8)))
    np.savez(pair_path, **pair | {name: data.draw(st.one_of(changes))})
    with pytest.raises(ValueError, match="remove it and build it again with: python data_prep.py --digits 3 8"):
        data_prep.load_pair((3, 8))


@pytest.mark.parametrize("names", [[], ["x_train"], ["x_train", "y_train", "x_test", "y_test", "more"]])
def test_pair_with_other_names_is_refused(pair_path, names):
    np.savez(pair_path, **dict.fromkeys(names, np.zeros(1, np.uint8)))
    with pytest.raises(ValueError, match="instead of x_train, y_train, x_test, y_test; remove it"):
        data_prep.load_pair((3, 8))


# --- saved runs

DAMAGES = {
    "arrays.npz": {
        "truncated": lambda content: content[:len(content) // 2], "empty": lambda content: b"",
        "a pickle": lambda content: pickle.dumps(Payload()), "no arrays": lambda content: saved(),
        "a pickle inside": lambda content: saved(weights=np.array([None])),
        "a NaN": lambda content: saved(**_arrays(content) | {"weights": np.full(784, np.nan)}),
        "text": lambda content: saved(**_arrays(content) | {"weights": np.full(784, "text")}),
        "one weight missing": lambda content: saved(**_arrays(content) | {"weights": np.ones(783)}),
    },
    "metrics.json": {
        "truncated": lambda content: content[:100], "empty": lambda content: b"", "no metrics": lambda content: b"{}",
        "a list": lambda content: b"[]", "not text": lambda content: b"\xff\xfe\x00", "nested": lambda content: b"[" * 100_000,
        "NaN": lambda content: _metrics(content, "NaN"), "infinity": lambda content: _metrics(content, "1e999"),
        "a huge integer": lambda content: _metrics(content, "9" * 400), "text": lambda content: _metrics(content, '"high"'),
        "null": lambda content: _metrics(content, "null"),
    },
    "config.json": {"truncated": lambda content: content[:50], "a number": lambda content: b"3"},
}


def _arrays(content):
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


def _metrics(content, value):
    """metrics.json with another test accuracy, and the same in the place of the first accuracy of each curve."""
    metrics = json.loads(content)
    metrics["test_accuracy"] = metrics["robust_accuracy"]["unclipped"][0] = metrics["robust_accuracy"]["clipped"][0] = "HERE"
    return json.dumps(metrics).replace('"HERE"', value).encode()


@pytest.fixture
def results(tmp_path):
    """A copy of the post's four saved runs, without the figures."""
    folder = tmp_path / "results"
    for run in report.PUBLISHED:
        shutil.copytree(storage.RESULTS / run, folder / run)
    return folder


@pytest.mark.parametrize("file, damage", [(file, damage) for file in DAMAGES for damage in DAMAGES[file]])
def test_damaged_run_is_named_with_the_command_that_rebuilds_it(results, monkeypatch, file, damage):
    monkeypatch.chdir(results)
    path = results / "robust-0.2" / file
    path.write_bytes(DAMAGES[file][damage](path.read_bytes()))
    figure = {"arrays.npz": "model_weights", "metrics.json": "robust_accuracy"}.get(file, "accuracy_table")
    readers = [partial(gallery.draw_figure, figure), report.write]
    for read in readers[:1] if damage in ("one weight missing", "no arrays") else readers:  # the report reads no weights
        with pytest.raises(ValueError) as caught:
            read(results)
        message = str(caught.value)
        assert "\n" not in message and str(results) in message
        if damage == "one weight missing":
            assert "make it with: python reproduce.py" in message
        else:
            assert file in message and f"python experiment_robust.py --epsilon 0.2 --out-dir {results}" in message
    assert sorted(path.name for path in results.iterdir()) == sorted(report.PUBLISHED)


ODD = ["null", "true", '"text"', "[]", "{}", "[0.5]", '{"a": 1}', "NaN", "-Infinity", "1e999", "9" * 5000, "[[1, 2], [3]]", '[null]']


@pytest.mark.parametrize("name", json.loads((storage.RESULTS / "regular" / "metrics.json").read_text()))
def test_metric_of_another_kind_is_told_or_not_looked_at(results, name):
    path = results / "regular" / "metrics.json"
    metrics = json.loads(path.read_text())
    places = [(metrics, name), *((metrics[name], inner) for inner in (metrics[name] if isinstance(metrics[name], dict) else ()))]
    for place, key in places:
        for odd in ODD:
            before, place[key] = place[key], "HERE"
            path.write_text(json.dumps(metrics).replace('"HERE"', odd))
            place[key] = before
            try:
                report.write(results)
            except storage.Unusable as error:
                assert "python " in str(error) and str(results) in str(error)


@pytest.mark.parametrize("figure, name", [
    ("model_weights", "weights"), ("misclassified_clean", "misclassified_clean"),
    *(pytest.param(*names, marks=pytest.mark.slow) for names in (
        ("misclassified_attacked", "attacked_images"), ("misclassified_attacked", "attacked_found"),
        ("misclassified_logits", "test_logits"), ("misclassified_logits", "weights"))),
])
def test_array_of_another_shape_is_told_or_drawn(results, figure, name):
    path = results / "regular" / "arrays.npz"
    sound = _arrays(path.read_bytes())
    for shape in ((), (0,), (3, 3)):
        path.write_bytes(saved(**sound | {name: np.ones(shape)}))
        try:
            gallery.draw_figure(figure, results)
        except storage.Unusable as error:
            assert "python " in str(error) and str(results) in str(error)
        plt.close("all")


@pytest.mark.parametrize("name, content, command", [
    ("benchmarks/plots.json", "x", "python benchmarks/plots.py"),
    ("benchmarks/plots.json", '{"cases": {"a": {"median": 1}}}', "python benchmarks/plots.py"),
    ("benchmarks/plots.json", '{"reference": "a", "cases": {"a": {"median": 1' + 400 * "0" + "}}}", "python benchmarks/plots.py"),
    ("claims.json", "{}", "python claims.py"),
    ("claims.json", '{"claims": [{"claim": "a"}]}', "python claims.py"),
    ("robust-0.2/metrics.json", '{"weight_l1_norm": ' + 900 * "[" + 900 * "]" + "}", "python experiment_robust.py --epsilon 0.2"),
])
def test_damaged_part_of_the_report_names_its_own_command(results, name, content, command):
    (results / name).parent.mkdir(exist_ok=True)
    (results / name).write_text(content)
    with pytest.raises(ValueError, match=command) as caught:
        report.write(results)
    assert name in str(caught.value) or name.split("/")[0] in str(caught.value)


def test_run_of_another_shape_or_kind_is_named(results):
    with pytest.raises(storage.Unusable, match=r"weights has the shape \(784,\) and not \(10,\); make it with"):
        storage.read_run(results / "regular", arrays={"weights": (10,)})
    with pytest.raises(storage.Unusable, match="robust_accuracy is not a number; make it with"):
        storage.read_run(results / "regular", scalars=["robust_accuracy"])


def test_every_figure_and_the_report_name_what_they_miss(script, results):
    for run in report.PUBLISHED:
        (results / run / "arrays.npz").write_bytes(b"")
    reading = ["accuracy_table", "misclassified_attacked", "robust_accuracy"]
    done = script("plots", *reading, "--results", results)
    assert done.returncode == 1 and done.stdout == "" and "Traceback" not in done.stderr
    for name, line in zip(reading, done.stderr.splitlines(), strict=True):
        assert line.startswith(f"{name}: ") and "make it with: python experiment_" in line
    done = script("report.py", "--results", results)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "arrays.npz is not a sound npz file" in done.stderr


def test_model_from_elsewhere_is_never_opened_by_plots_or_report(results):
    """Loading a Keras model can run code that is in it. Here every saved model is trouble, and opening one is an error."""
    for run in report.PUBLISHED:
        (results / run / "model.keras").write_bytes(pickle.dumps(Payload()))
    code = f"""
import sys
def watch(event, arguments):
    if event == 'open' and str(arguments[0]).endswith('.keras') or event in ('pickle.find_class', 'marshal.loads', 'os.system'):
        if event != 'marshal.loads' or 'frozen importlib' not in sys._getframe(1).f_code.co_filename:  # how modules are read
            raise SystemExit(f'{{event}} {{arguments}}')
sys.path.insert(0, 'plots')
import gallery, report
sys.addaudithook(watch)
from pathlib import Path
for name in {["accuracy_table", "model_weights"]}:
    gallery.draw_figure(name, Path({str(results)!r}))
report.write(Path({str(results)!r}))
try:
    open({str(results / "regular" / "model.keras")!r})
except SystemExit:
    print('watched')
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True, timeout=120)
    assert done.returncode == 0 and done.stdout == "watched\n", done.stderr


FORBIDDEN = {"pickle", "marshal", "shelve", "joblib", "dill", "cloudpickle", "eval", "exec", "system", "popen", "load_model",
             "subprocess", "unsafe_load", "enable_unsafe_deserialization"}


@pytest.mark.parametrize("path", [*ROOT.glob("*.py"), *ROOT.glob("plots/*.py")], ids=lambda path: path.name)
def test_no_script_has_the_means_to_execute_what_it_reads(path):
    """No pickle, no eval, no shell, no loading of Keras models, no np.load: read_arrays reads arrays."""
    tree = ast.parse(path.read_text())
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names}
    assert not used & FORBIDDEN
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "load"
                and isinstance(node.value, ast.Name) and node.value.id == "np"]


def test_keras_refuses_code_in_a_model_by_default(tmp_path):
    """Should a reader load a model from elsewhere: Keras' safe mode, its default, stops at code."""
    from training import keras
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x + 1)])
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="safe_mode|unsafe"):
        keras.models.load_model(tmp_path / "model.keras")
