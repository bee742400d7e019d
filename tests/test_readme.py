"""The recipes of README.md's "Change one thing", run as they stand there."""

import re
import shutil
import subprocess
import sys
import textwrap

import pytest
from conftest import ROOT

from common import runs, training


def block(title):
    """The Python code of a recipe."""
    recipe = (ROOT / "README.md").read_text().split(f"- **{title}**")[1]
    return textwrap.dedent(re.search(r"  ```python\n(.*?)  ```", recipe, re.S)[1])


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the code, without results."""
    folder = tmp_path_factory.mktemp("copied")
    for name in ("common", "report", "plots", "data", "beyond"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in ROOT.glob("*.py"):
        shutil.copy(path, folder)
    return folder


def python(*words, cwd):
    command = [sys.executable, *words]
    done = subprocess.run(command, cwd=cwd, text=True, capture_output=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_loss_an_optimizer_and_a_step_of_your_own(copied):
    """All three at once, in one copy."""
    text = (copied / "experiment_regular.py").read_text()
    run, loss = block("A loss of your own").strip().split("\n\n\n")
    optimizer = re.search(r"such as `(keras\.optimizers\.\S+)`", (ROOT / "README.md").read_text())
    for pattern, new in (
        (r'RUN = "regular"', run),
        (r"def hinge_loss\(.*?\n\n\n", loss + "\n\n\n"),
        (r"keras\.optimizers\.SGD\(args\.learning_rate\)", optimizer[1]),
        (r"(?=    model\.optimizer\.apply)", f"    {block('A train step of your own')}"),
    ):
        text, count = re.subn(pattern, lambda _, new=new: new, text, count=1, flags=re.S)
        assert count == 1, pattern
    (copied / "experiment_squared.py").write_text(text)
    python("experiment_squared.py", "--epochs", "1", cwd=copied)
    saved = runs.read(copied / "results" / "squared-hinge")
    assert saved.metrics["test_accuracy"] > 0.99


def test_a_figure_of_your_own(copied):
    shutil.copytree(runs.RESULTS / "robust-0.2", copied / "results" / "robust-0.2")
    (copied / "plots" / "largest.py").write_text(block("A figure of your own"))
    printed = python("plots/largest.py", cwd=copied)
    assert (copied / "results" / "figures" / "largest.png").stat().st_size > 5000, printed


def test_an_attack_on_a_network_of_your_own(tmp_path, monkeypatch, capsys):
    weights = runs.read(runs.RESULTS / "robust-0.1").arrays
    training.model_of(weights["weights"], weights["bias"]).save(tmp_path / "mine.keras")
    monkeypatch.chdir(tmp_path)
    exec(block("Attack a network of your own"), {})
    printed = [float(line) for line in capsys.readouterr().out.split()[-3:]]
    exact = runs.read(runs.RESULTS / "robust-0.1").metrics["robust_accuracy"]["clipped"][20]
    # FGSM and PGD reach the exact worst case of a linear model, and so does the bound.
    assert printed == pytest.approx([exact] * 3, abs=0.002)
    assert printed[2] <= min(printed)
