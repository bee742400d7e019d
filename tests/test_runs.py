"""Saved runs: what is written, what is read back, and what is refused with one clear message."""

import io
import os
import pickle
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import cli, files, runs
from common.lazy import keras


class Payload:
    """Unpickling it makes a folder."""

    def __reduce__(self):
        return Path.mkdir, (Path("touched"),)


def npz(save=np.savez, *array, **arrays):
    packed = io.BytesIO()
    save(packed, *array, **arrays)
    return packed.getvalue()


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A copy of a saved run, in a folder that is the working directory."""
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(runs.RESULTS / "robust-0.2", tmp_path / "robust-0.2")


def test_name_gives_the_value_and_the_command_back():
    """So that values that differ have names that differ."""
    ratios = [f"{above}/{below}" for below in range(1, 300, 7) for above in range(20)]
    for text in (*ratios, "0.3333333", "0.30000000000000004", "1e-7"):
        value = cli.epsilon(text)
        *_, flag, again = runs.command(runs.name("robust", value)).split()
        assert flag == "--epsilon" and cli.epsilon(again) == value
    names = {text: runs.epsilon_name(cli.epsilon(text)) for text in ("16/510", "1/2", "1e-7")}
    assert names == {"16/510": "8_255", "1/2": "0.5", "1e-7": "0.0000001"}


@pytest.mark.parametrize(
    "run, command",
    [
        ("regular", "python experiment_regular.py"),
        ("robust-0.1-converged", "python -m beyond.linear.converged --epsilon 0.1"),
        ("l1-0.2-equivalent", "python -m beyond.linear.l1 --epsilon 0.2"),
        ("robust-seeds", "python -m beyond.chance.seeds"),
        ("unknown", "the script that saves it"),
    ],
)
def test_command_that_makes_a_run(run, command):
    assert runs.command(run) == command
    flags = runs.command("regular", epochs=3, shuffle=True, digits=[3, 8], seeds=None)
    assert flags == "python experiment_regular.py --epochs 3 --shuffle --digits 3 8"


# --- what is written can be read, and nothing else is written


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, [1, np.nan], ["text"], [1j], [Payload()]])
def test_what_could_not_be_read_back_is_not_written(tmp_path, bad):
    with pytest.raises(ValueError, match="weights is not made of finite numbers"):
        files.write_arrays(tmp_path / "a.npz", {"weights": np.array(bad)})
    if isinstance(bad, float):
        with pytest.raises(ValueError, match="JSON"):
            files.write_json(tmp_path / "metrics.json", {"accuracy": [0.5, bad]})
    assert not list(tmp_path.iterdir())


# --- what is not a run is refused

DAMAGES = {
    "arrays.npz": {
        "truncated": lambda content: content[: len(content) // 2],
        "a pickle": lambda content: pickle.dumps(Payload()),
        "a pickle inside": lambda content: npz(weights=np.array([Payload()])),
        "a NaN": lambda content: npz(weights=np.full(784, np.nan)),
        "a plain npy": lambda content: npz(np.save, np.ones(784)),
    },
    "metrics.json": {
        "truncated": lambda content: content[:100],
        "a list": lambda content: b"[]",
        "not text": lambda content: b"\xff\xfe\x00",
        "nested": lambda content: b"[" * 100_000,
        "NaN": lambda content: b'{"test_accuracy": NaN}',
    },
    "config.json": {"truncated": lambda content: content[:50]},
}


@pytest.mark.parametrize(
    "file, damage", [(file, damage) for file in DAMAGES for damage in DAMAGES[file]]
)
def test_damaged_run_is_named_with_the_command_that_makes_it(run, file, damage):
    (run / file).write_bytes(DAMAGES[file][damage]((run / file).read_bytes()))
    command = f"python experiment_robust.py --epsilon 0.2 --results {run.parent}"
    with pytest.raises(ValueError, match="robust-0.2 is damaged") as caught:
        runs.read(run)
    assert str(caught.value).endswith(f"make it with: {command}")
    assert [path.name for path in run.parent.iterdir()] == [run.name]  # no code has run


def test_missing_run_file_metric_and_array_are_named(run):
    with pytest.raises(FileNotFoundError, match="regular is missing; .*experiment_regular.py"):
        runs.read(run.parent / "regular")
    with pytest.raises(ValueError, match="robust-0.2 has no speed; make it with"):
        runs.read(run, metrics=["test_accuracy", "speed"])
    with pytest.raises(ValueError, match="has no hats, masks; make it with"):
        runs.read(run, arrays=["weights", "masks", "hats"])


@given(st.data())
def test_npz_with_changed_bytes_is_refused_or_still_plain_numbers(tmp_path, data):
    content = bytearray(npz(weights=np.arange(6.0).reshape(2, 3), labels=np.array([True, False])))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "changed.npz").write_bytes(content)
    try:
        arrays = files.read_arrays(tmp_path / "changed.npz")
    except files.DAMAGE:
        return
    assert all(array.dtype.kind in "fiub" for array in arrays.values())


# --- where a run is written


def whole(folder, number=0, **more):
    """Write a run without TensorFlow, whose files all say the same number."""
    noise = np.random.default_rng(number).random(5000)  # which no zip makes smaller
    data, arrays = SimpleNamespace(digest=""), {"number": np.full(1000, number), "noise": noise}
    runs.save(folder, SimpleNamespace(), data, {"number": number}, arrays, number=number, **more)


def test_new_run_takes_the_place_of_the_old_one_or_leaves_it(monkeypatch, tmp_path):
    for number in range(2):
        whole(tmp_path / "regular", number)
        run = runs.read(tmp_path / "regular")
        assert run.config["run"] == run.metrics == {"number": number}

    def fail(*_):
        raise error

    def rename(path, target):  # the old one is out of the way already
        return fail() if path.suffix == ".new" else os.rename(path, target)

    monkeypatch.setattr(files, "save_model", fail)
    monkeypatch.setattr(Path, "rename", rename)
    for error in (ValueError, KeyboardInterrupt, SystemExit):
        for model in (True, None):
            with pytest.raises(error):
                whole(tmp_path / "regular", 2, model=model)
            assert runs.read(tmp_path / "regular").metrics == {"number": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["regular"]


def test_folder_of_something_else_is_not_replaced(tmp_path):
    (tmp_path / "regular").mkdir()
    (tmp_path / "regular" / "thesis.tex").write_text("years of work")
    (tmp_path / "regular" / "config.json").write_text("{}")  # a name that a run has, too
    with pytest.raises(FileExistsError, match="regular is not a saved run; move it"):
        whole(tmp_path / "regular")
    assert (tmp_path / "regular" / "thesis.tex").read_text() == "years of work"
    assert len(list(tmp_path.iterdir())) == 1 and len(list((tmp_path / "regular").iterdir())) == 2


def test_leftovers_of_killed_processes_stop_nothing(tmp_path, monkeypatch):
    """One with the same number, one with another; of the latter nothing is touched."""
    monkeypatch.setattr(runs.os, "getpid", lambda: 7)
    for number in (7, 8):
        place = tmp_path / f".regular.{number}.new"
        place.mkdir()
        (place / "config.json").write_text("half")
    whole(tmp_path / "regular", 3)
    assert runs.read(tmp_path / "regular").metrics == {"number": 3}
    assert {path.name for path in tmp_path.iterdir()} == {"regular", ".regular.8.new"}


# --- the model that is saved is the one that was measured


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_a_model_that_computes_otherwise_than_its_weights_is_not_saved(data, policy):
    arrays = runs.read(runs.RESULTS / "robust-0.2").arrays
    layers = [keras.layers.Flatten(dtype=policy), keras.layers.Dense(1, dtype=policy)]
    model = keras.Sequential([keras.Input((28, 28, 1)), *layers])
    model.set_weights([arrays["weights"][:, np.newaxis], arrays["bias"][np.newaxis]])
    if policy == "float32":
        runs.check_logits(model, data.x_test, arrays["test_logits"])
        return
    with pytest.raises(ValueError, match='is not saved; give every layer dtype="float32"'):
        runs.check_logits(model, data.x_test, arrays["test_logits"])


def test_the_loss_is_recorded_as_it_stands_in_its_script(quick):
    regular, robust = (runs.read(quick / name).config["run"] for name in ("regular", "robust-0.2"))
    assert regular["loss"] == (
        "experiment_regular.py: hinge_loss = tf.maximum(1.0 - targets * logits, 0.0)"
    )
    assert "epsilon * weight_l1_norm" in robust["loss"]
