import re
import shutil
import subprocess
import sys

import gallery
import matplotlib.image
import pytest
import style

from common import runs
from report import figures


def test_every_script_in_plots_is_in_the_report():
    others = {"__main__", "gallery", "style"}
    scripts = {path.stem for path in (runs.ROOT / "plots").glob("*.py")}
    assert scripts - others == set(figures.FIGURES)


@pytest.mark.parametrize("name", gallery.figure_names())
def test_every_plot_writes_its_png(fresh, name):
    picture = matplotlib.image.imread(fresh.folder / "figures" / f"{name}.png")
    assert picture.shape[1] >= 700  # 3.5 inches at 200 dpi
    assert picture[..., :3].std() > 0.02  # not an empty page


def test_a_plot_runs_from_any_folder(script, fresh, tmp_path):
    done = script("plots/robust_accuracy.py", "--results", fresh.folder, cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.strip() == str(fresh.folder / "figures" / "robust_accuracy.png")


def test_plots_do_not_import_tensorflow():
    code = (
        "import sys, importlib; sys.path.insert(0, 'plots'); import gallery\n"
        "for name in gallery.figure_names(): importlib.import_module(name)\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=runs.ROOT, check=True, timeout=120)
    for path in runs.ROOT.glob("plots/*.py"):  # nor while they draw
        assert not re.search(r"^[ \t]+(import|from) ", path.read_text(), re.M), path


def test_a_run_of_your_own_joins_the_figures_by_one_line(fresh, tmp_path, monkeypatch):
    """What the README says: one more name in style.RUNS."""
    for run in fresh.folder.iterdir():
        if run.is_dir() and run.name != "figures":
            shutil.copytree(run, tmp_path / run.name)
    shutil.copytree(fresh.folder / "robust-0.2", tmp_path / "robust-0.25")
    monkeypatch.setattr(style, "RUNS", (*runs.POST_RUNS, "robust-0.25"))
    five = style.colours(style.RUNS)
    assert len(set(five)) == 5 and five[4] not in (five[1], five[3])  # between the others, as its ε
    assert (
        style.label("robust-0.25") == r"robust $\epsilon$ = 0.25"
        and style.label("squared-hinge") == "squared-hinge"
    )
    assert style.colours(("regular", "squared-hinge"))[1] == style.OWN_COLOURS[0]
    for name in (
        "accuracy_table",
        "misclassified_clean",
        "model_weights",
        "robust_accuracy",
        "misclassified_attacked",
        "robust_accuracy_seeds",
    ):
        assert gallery.draw_all([name], tmp_path) == {}


def test_missing_run_is_one_line_with_the_command(script, tmp_path):
    done = script("plots/model_weights.py", "--results", tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "python experiment_regular.py" in done.stderr
    assert not list(tmp_path.iterdir())


def test_all_plots_at_once_name_what_is_missing_and_draw_the_rest(script, fresh, tmp_path):
    for run in ("regular", "robust-0.1", "robust-0.2"):
        shutil.copytree(fresh.folder / run, tmp_path / run)
    done = script(
        "plots", "hinge_loss", "misclassified_logits", "robust_accuracy", "--results", tmp_path
    )
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1 and "experiment_robust.py --epsilon 0.3" in done.stderr
    drawn = {path.stem for path in (tmp_path / "figures").iterdir()}
    assert drawn == {"hinge_loss", "misclassified_logits", "robust_accuracy"}
