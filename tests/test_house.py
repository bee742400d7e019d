"""That the code stays what it is for: short, read from top to bottom, the post's point in view."""

import ast
import difflib
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

import experiment_regular

MOST_FUNCTIONS = 66
OURS = [
    path
    for path in ROOT.rglob("*.py")
    if not {".venv", ".git", "__pycache__"} & set(path.relative_to(ROOT).parts)
]


@pytest.mark.parametrize("folder", sorted({str(path.relative_to(ROOT).parent) for path in OURS}))
def test_lines_are_short_and_imports_need_no_excuse(folder):
    for path in (path for path in OURS if path.parent == ROOT / folder):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert len(line) <= 100, f"{path}:{number}"
            assert not re.search(r"#\s*noqa", line), f"{path}:{number}"


def test_the_two_experiments_differ_in_what_the_post_is_about():
    texts = [
        (ROOT / f"experiment_{name}.py").read_text().splitlines() for name in ("regular", "robust")
    ]
    changed = [line for line in difflib.ndiff(*texts) if line.startswith(("+ ", "- "))]
    assert len(changed) <= 45, len(changed)


def test_train_step_and_main_are_in_the_experiment():
    for name in ("regular", "robust"):
        tree = ast.parse((ROOT / f"experiment_{name}.py").read_text())
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert functions >= {"train_step", "losses_and_logits", "experiment", "main", "parse_args"}


def test_a_run_enters_few_functions(tmp_path):
    """A reader who follows one run from main has this many functions of the project to read."""
    entered = set()

    def note(frame, event, argument):
        code = frame.f_code
        place = code.co_filename.removeprefix(f"{ROOT}/")
        ours = place != code.co_filename and not place.startswith((".venv", "tests"))
        if event == "call" and ours and "<" not in code.co_name:
            entered.add((place, code.co_qualname))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        experiment_regular.main(["--epochs", "1", "--results", str(tmp_path)])
    finally:
        sys.setprofile(before)
    assert 20 <= len(entered) <= MOST_FUNCTIONS, sorted(entered)


# --- a loss of your own

HINGE = "tf.maximum(1.0 - targets * logits, 0.0)"
SQUARED = {'RUN = "regular"': 'RUN = "squared-hinge"', HINGE: f"tf.square({HINGE})"}
FIGURES = ("accuracy_table", "model_weights", "robust_accuracy", "misclassified_attacked")


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the repository with an experiment_squared.py and its name in style.RUNS."""
    folder = tmp_path_factory.mktemp("copied")
    for name in ("common", "report", "plots", "data"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in ROOT.glob("*.py"):
        shutil.copy(path, folder)
    text = (folder / "experiment_regular.py").read_text()
    for old, new in SQUARED.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    (folder / "experiment_squared.py").write_text(text)
    style = (folder / "plots" / "style.py").read_text()
    assert style.count("\nRUNS = ()\n") == 1
    (folder / "plots" / "style.py").write_text(
        style.replace("\nRUNS = ()\n", '\nRUNS = ("squared-hinge",)\n')
    )
    return folder


def test_a_loss_of_your_own_trains_and_joins_the_figures(copied, quick):
    def python(*words):
        return subprocess.run([sys.executable, *words], cwd=copied, text=True, capture_output=True)

    for run in quick.iterdir():
        shutil.copytree(run, copied / "results" / run.name)
    missing = python("plots", *FIGURES)
    told = "squared-hinge is missing; make it with: python experiment_squared.py\n"
    assert missing.stderr.count("\n") == 1 and missing.stderr.endswith(told)
    done = python("experiment_squared.py", "--epochs", "1")
    assert done.returncode == 0 and "squared-hinge: test accuracy" in done.stdout, done.stderr
    drawn = python("plots", *FIGURES)
    assert drawn.returncode == 0 and drawn.stderr == ""
    assert {path.stem for path in (copied / "results" / "figures").iterdir()} == set(FIGURES)
