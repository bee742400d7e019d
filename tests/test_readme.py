"""README.md: the recipes of "Change one thing", run as they stand there, and its numbers."""

import importlib.util
import re
import shutil
import textwrap

import numpy as np
from conftest import ROOT

from common import runs
from common.lazy import keras, tf

README = (ROOT / "README.md").read_text(encoding="utf-8")
FIGURES = ("accuracy_table", "model_weights", "robust_accuracy")


def blocks(title):
    """The Python code of a recipe, one or more pieces."""
    recipe = README.split(f"- **{title}**")[1].split("\n- **")[0]
    return [textwrap.dedent(it) for it in re.findall(r"  ```python\n(.*?)  ```", recipe, re.S)]


def block(title):
    return blocks(title)[0]


def replaced(text, *changes):
    """The text with each pattern, which it has once, replaced."""
    for pattern, new in changes:
        text, count = re.subn(pattern, lambda _, new=new: new, text, flags=re.S | re.M)
        assert count == 1, pattern
    return text


def test_a_loss_an_optimizer_and_a_step_of_your_own(script, monkeypatch, tmp_path):
    """All three at once; and drawn by a copy, from another folder: it finds all it needs."""
    copied = tmp_path / "copy of it"  # with spaces in its name
    ignore = shutil.ignore_patterns("__pycache__", "results*", "tests", ".*", "docs", "data")
    shutil.copytree(ROOT, copied, ignore=ignore)
    run, loss = block("A loss of your own").strip().split("\n\n\n")
    optimizer = re.search(r"such as `(keras\.optimizers\.\S+)`", README)
    text = replaced(
        (copied / "experiment_regular.py").read_text(),
        (r'^RUN = "regular"', run),
        (r"^def hinge_loss\(.*?\n\n\n", loss + "\n\n\n"),
        (r"keras\.optimizers\.SGD\(args\.learning_rate\)", optimizer[1]),
        (r"^(?=    model\.optimizer\.apply)", f"    {block('A train step of your own')}"),
    )
    (copied / "experiment_squared.py").write_text(text)
    spec = importlib.util.spec_from_file_location("squared", copied / "experiment_squared.py")
    squared = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(squared)
    monkeypatch.setattr(runs, "ROOT", copied)
    squared.main(["--epochs", "1", "--results", str(copied / "results")])
    saved = runs.read(copied / "results" / "squared-hinge")
    assert saved.metrics["test_accuracy"] > 0.99
    assert saved.config["command"].startswith("python experiment_squared.py ")

    for made in runs.POST_RUNS:
        shutil.copytree(runs.RESULTS / made, copied / "results" / made)
    style = (copied / "plots" / "style.py").read_text()
    style = replaced(style, (r"^RUNS = \(\)$", 'RUNS = ("squared-hinge",)'))
    (copied / "plots" / "style.py").write_text(style)
    (copied / "plots" / "largest.py").write_text(block("A figure of your own"))
    done = script(copied / "plots", *FIGURES, "largest", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    drawn = {path.stem: path for path in (copied / "results" / "figures").iterdir()}
    assert drawn.keys() == {*FIGURES, "largest"} and drawn["largest"].stat().st_size > 5000


def test_the_lines_in_which_the_experiments_differ():
    removed, added = (re.findall(rf"^\{sign}(    .*)", README, re.M) for sign in "-+")
    regular, robust = (
        (ROOT / f"experiment_{name}.py").read_text(encoding="utf-8").splitlines()
        for name in ("regular", "robust")
    )
    assert len(removed) == 1 and {*removed} <= {*regular} - {*robust}
    assert len(added) == 2 and {*added} <= {*robust} - {*regular}


def test_an_attack_on_a_network_of_your_own(data, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    one, ten = blocks("Attack a network of your own")
    names = {}
    exec(one, names)
    printed = [float(line) for line in capsys.readouterr().out.split()[-3:]]
    assert 0.97 < printed[2] <= min(printed)
    dataset = tf.data.Dataset.from_tensor_slices((names["x"], names["y"])).batch(30)
    line = re.search(r"`(x, y = map\(np.*)`", README)[1]
    exec(line, found := {"np": np, "dataset": dataset})
    assert all(np.array_equal(found[each], names[each]) for each in ("x", "y"))
    layers = keras.layers.Flatten(), keras.layers.Dense(8, "relu"), keras.layers.Dense(10)
    names["ten"] = model = keras.Sequential([keras.Input((28, 28, 1)), *layers])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = data.x_train[:1000], (data.y_train[:1000] > 0).astype(int)
    model.fit(x, y, epochs=3, verbose=0)
    names |= dict(x10=data.x_test[:20], y10=(data.y_test[:20] > 0).astype(int))
    exec(ten, names)
    fgsm, pgd, proved = (float(line) for line in capsys.readouterr().out.split()[-3:])
    assert proved <= pgd <= fgsm and pgd < 1


def test_lines_of_the_files_to_read_are_those_that_it_names():
    named = re.findall(r"\[[^\]]+\]\(([^)]+)\) \((\d+) lines\)", README)
    assert len(named) >= 3
    for name, lines in named:
        assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) == int(lines), name
