import shutil

import matplotlib.image
import pytest

import gallery
import report
import storage

POST_FIGURES = list(report.FIGURES)


def test_every_script_in_plots_is_in_the_report():
    assert sorted(report.FIGURES) == gallery.figure_names()


@pytest.mark.parametrize("name", gallery.figure_names())
def test_every_plot_writes_its_png(fresh, name):
    picture = matplotlib.image.imread(fresh.folder / "figures" / f"{name}.png")
    assert picture.shape[1] >= 700  # 3.5 inches at 200 dpi
    assert picture[..., :3].std() > 0.02  # not an empty page


def test_a_plot_runs_from_any_folder(script, fresh, tmp_path):
    done = script("plots/robust_accuracy.py", "--results", fresh.folder, cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.strip() == str(fresh.folder / "figures" / "robust_accuracy.png")


def test_plots_do_not_import_tensorflow(fresh):
    import subprocess
    import sys
    code = ("import sys; sys.path.insert(0, 'plots'); import gallery\n"
            f"for name in gallery.figure_names(): gallery.draw_figure(name, {str(fresh.folder)!r})\n"
            "assert not {'tensorflow', 'keras'} & set(sys.modules)")
    subprocess.run([sys.executable, "-c", code], cwd=storage.ROOT, check=True, timeout=120)


def test_missing_run_is_one_line_with_the_command(script, tmp_path):
    done = script("plots/model_weights.py", "--results", tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "python experiment_regular.py" in done.stderr
    assert not list(tmp_path.iterdir())


def test_all_plots_at_once_name_what_is_missing_and_draw_the_rest(script, fresh, tmp_path):
    for run in ("regular", "robust-0.1", "robust-0.2"):
        shutil.copytree(fresh.folder / run, tmp_path / run)
    done = script("plots", "hinge_loss", "misclassified_logits", "robust_accuracy", "--results", tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "experiment_robust.py --epsilon 0.3" in done.stderr
    assert sorted(path.stem for path in (tmp_path / "figures").iterdir()) == ["hinge_loss", "misclassified_logits"]
