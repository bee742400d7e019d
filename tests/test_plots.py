"""Figures: each is drawn, without TensorFlow, and says what it misses."""

import importlib
import shutil
import sys

import style
import gallery
import matplotlib.image
from conftest import ROOT

from claims import __main__ as claims
from common import lazy, runs
from report import figures, report

SCRIPTS = {
    name: ROOT / f"{module.replace('.', '/')}.py" if "." in module else ROOT / f"plots/{name}.py"
    for name, module in gallery.modules().items()
}


def test_plots_has_the_posts_figures_and_the_report_every_other_one():
    named = figures.ALL_FIGURES
    assert set(named) == set(SCRIPTS)
    post = {name for name, path in SCRIPTS.items() if path.parent == ROOT / "plots"}
    assert post == set(figures.POST_FIGURES)
    for name in named:
        title, rest = figures.caption(name)
        assert title.endswith(".") and len(title) <= 120, name  # it stands in for the picture
        assert rest.endswith(".") and "\n" not in title + rest and "python" not in title + rest, (
            name
        )


def test_every_figure_is_drawn(complete):
    for name in figures.FIGURES:
        picture = matplotlib.image.imread(complete / "figures" / f"{name}.png")
        assert picture.shape[1] >= 700, name  # 3.5 inches at 200 dpi
        assert picture[..., :3].std() > 0.02, name  # not an empty page


def test_drawing_and_the_report_ask_nothing_of_tensorflow(tmp_path, monkeypatch):
    """The post's figures of models of other radii, all others, and what would follow."""
    results = shutil.copytree(runs.RESULTS, tmp_path / "results")
    shutil.copytree(results / "regular", tmp_path / "other" / "regular")
    shutil.copytree(results / "robust-0.1", tmp_path / "other" / "robust-8_255")
    for module in (lazy.tf, lazy.keras):
        monkeypatch.setitem(sys.modules, module._name, None)  # to import it is an error
        monkeypatch.setattr(module, "__dict__", {"_name": module._name})  # without what it has
    for module in gallery.modules().values():
        with style.matplotlib.style.context(style.LOOK):
            draw = importlib.import_module(module).draw
            draw(results if "." in module else tmp_path / "other")
    claims.main([f"--results={results}"])
    assert (results / "claims.json").read_bytes() == (runs.RESULTS / "claims.json").read_bytes()
    report.write(results)


def test_missing_runs_are_named_and_the_rest_is_drawn(here, tmp_path):
    for run in ("regular", "robust-0.1", "robust-0.2"):
        shutil.copytree(runs.RESULTS / run, tmp_path / run)
    done = here("plots", "robust_accuracy", "--results", tmp_path)
    assert done.returncode == 0 and done.stderr.count("\n") == 1
    assert "left out: " in done.stderr and "robust.py --epsilon 0.3 --results" in done.stderr
    done = here("plots", "phase_diagram", "--results", tmp_path)
    assert done.returncode == 1  # a figure that was named is not drawn
    assert done.stderr.startswith("phase_diagram is not drawn: ") and done.stderr.count("\n") == 1
    assert "python -m beyond.chance.sweep --results" in done.stderr
    assert [path.stem for path in (tmp_path / "figures").iterdir()] == ["robust_accuracy"]
