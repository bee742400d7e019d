"""A full fresh run beside the committed results, and the README beside both."""

import importlib
import re
import shutil
from pathlib import Path

import style
import numpy as np
import pytest

import reproduce
from claims import __main__ as claims
from common import files, runs
from report import figures, report

RUNS = list(report.PUBLISHED)


@pytest.mark.parametrize("run", RUNS)
def test_fresh_run_agrees_with_the_committed_and_the_published_one(fresh, run):
    new, committed = (runs.read(each / run).metrics for each in (fresh.folder, runs.RESULTS))
    for name in ("train_accuracy", "test_accuracy", "train_accuracy_running"):
        assert new[name] == pytest.approx(committed[name], abs=0.003)
    for kind in ("unclipped", "clipped"):
        np.testing.assert_allclose(
            new["robust_accuracy"][kind], committed["robust_accuracy"][kind], atol=0.01
        )
    assert new["weight_l1_norm"] == pytest.approx(committed["weight_l1_norm"], rel=0.02)
    train, test = report.PUBLISHED[run]
    assert 100 * new["train_accuracy_running"] == pytest.approx(train, abs=0.4)
    assert 100 * new["test_accuracy"] == pytest.approx(test, abs=0.2)


# What the post's curves look like: run, attack epsilon, accuracy in %, tolerance in points.
CURVES = [
    ("regular", 0.03, 99, 0.5),
    ("regular", 0.075, 50, 4),
    ("regular", 0.08, 50, 5),
    ("regular", 0.1, 22.5, 2.5),
    ("regular", 0.2, 0, 0.5),
    ("robust-0.1", 0.1, 99, 0.5),
    ("robust-0.2", 0.1, 99, 0.5),
    ("robust-0.3", 0.1, 99, 0.5),
    ("robust-0.1", 0.2, 91, 1),
    ("robust-0.2", 0.2, 96, 1),
    ("robust-0.3", 0.2, 95, 1),
    ("robust-0.1", 0.3, 36, 1),
    ("robust-0.2", 0.3, 78, 1),
    ("robust-0.3", 0.3, 83, 1),
]


@pytest.mark.parametrize("run, epsilon, accuracy, tolerance", CURVES)
def test_curves_are_the_published_ones(fresh, run, epsilon, accuracy, tolerance):
    curve = runs.read(fresh.folder / run).metrics["robust_accuracy"]
    found = np.interp(epsilon, curve["epsilon"], curve["unclipped"])
    assert 100 * found == pytest.approx(accuracy, abs=tolerance)


def test_output_is_clean_ends_with_the_table_and_nothing_hidden_is_left(fresh):
    assert fresh.stderr == ""
    assert not [path for path in fresh.folder.rglob("*") if path.name.startswith(".")]
    table, last = report.post_table(fresh.folder), fresh.stdout.splitlines()[-1]
    assert table in fresh.stdout and str(fresh.folder / "README.md") in last


@pytest.mark.slow  # test_determinism.py has one model, test_plots.py one figure
def test_the_post_twice_has_the_same_bytes(fresh, everything):
    """Every file of its runs, and its pictures, in another process."""
    names = {path.relative_to(fresh.folder) for path in fresh.folder.rglob("*.*")}
    names -= {Path("README.md"), Path("figures/landscape_nonlinear.png")}  # show what there is
    names = {name for name in names if (fresh.folder / name).is_file()}
    assert len(names) == 4 * 5 + 12
    for name in names:
        assert (everything / name).read_bytes() == (fresh.folder / name).read_bytes(), name


def test_other_radii_are_trained_drawn_and_reported(quick, capsys, tmp_path):
    """What `reproduce.py --epsilon` does after training: no run of the post is asked for."""
    names = "regular", "robust-8_255", "robust-0.3"
    for old, new in zip(("regular", "robust-0.1", "robust-0.3"), names):
        shutil.copytree(quick / old, tmp_path / new)
    assert runs.post_runs(tmp_path) == names
    for name in figures.POST_FIGURES:
        style.plt.close(importlib.import_module(name).draw(tmp_path))
    assert capsys.readouterr().err == ""
    text = report.write(tmp_path).read_text()
    assert "| Regular | Robust ε = 8/255 | Robust ε = 0.3 |" in text
    assert "python reproduce.py --epsilon 8/255 --epsilon 0.3 --results" in text
    with pytest.raises(SystemExit):
        reproduce.parse_args(["--all", "--epsilon", "0.25"])
    for run in runs.POST_RUNS:  # where all of the post's are, the report is about those
        shutil.copytree(quick / run, tmp_path / run, dirs_exist_ok=True)
    report.write(tmp_path)
    assert "8/255" not in (tmp_path / "README.md").read_text()


def test_report_shows_every_figure_in_order(complete):
    text = (complete / "README.md").read_text()
    pictures = re.findall(r'<img src="figures/(\w+)\.png" alt="\w+" width="\d+">', text)
    assert pictures[:13] == list(figures.POST_FIGURES)
    assert sorted({*pictures} - {*figures.PAIR_FIGURES, *figures.TEN_FIGURES}) == sorted(figures.FIGURES)
    assert all((complete / "figures" / f"{name}.png").exists() for name in pictures)


def test_readme_has_the_numbers_of_the_committed_results():
    readme = (runs.ROOT / "README.md").read_text()
    assert report.post_table(runs.RESULTS).split("\n", 1)[1] in readme  # but for its corner
    assert " ".join(report.findings(runs.RESULTS).split()) in " ".join(readme.split())


def test_committed_report_is_what_the_committed_runs_give(tmp_path, monkeypatch):
    text = (runs.RESULTS / "README.md").read_text()
    written = {}
    monkeypatch.setattr(files, "write_file", lambda path, content: written.update(content=content))
    report.write(runs.RESULTS)
    assert written["content"] == text


def test_no_result_names_the_machine_that_made_it():
    for path in runs.RESULTS.rglob("*.json"):
        assert not re.search(r'"/', path.read_text()), f"{path} has an absolute path"


def test_committed_results_are_small():
    assert sum(path.stat().st_size for path in runs.RESULTS.rglob("*") if path.is_file()) < 20e6


def test_every_link_in_the_documents_leads_somewhere():
    for folder in (runs.ROOT, runs.RESULTS, runs.ROOT / "benchmarks"):
        document = folder / "README.md"
        for target, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", document.read_text()):
            if not target.startswith("http"):
                place = document.parent / target if target else document
                assert place.exists(), target
                assert not anchor or anchor in anchors(place.read_text()), f"{target}#{anchor}"


def anchors(text):
    """What GitHub calls the headings of a Markdown file."""
    return [
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", text, re.M)
    ]


def test_every_row_of_every_table_has_as_many_cells_as_its_header(complete):
    tables = 0
    for block in re.findall(r"(?:^\|.*\n)+", (complete / "README.md").read_text(), re.M):
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(cells) == 1, block
        tables += 1
    assert tables >= 7


def changed(folder, run, **changes):
    """Change the config.json of a run."""
    config = files.read_json(folder / run / "config.json")
    files.write_json(folder / run / "config.json", config | changes)


def test_other_digits_are_not_compared_with_the_post_and_data_not_mixed(tmp_path):
    for run in RUNS:
        shutil.copytree(runs.RESULTS / run, tmp_path / run)
        changed(tmp_path, run, arguments={"digits": [3, 8]})
    text = report.write(tmp_path).read_text()
    assert "| Train | 99.94 |" in text and "post / here" not in text
    with pytest.raises(ValueError, match="digits 0 and 1"):
        claims.measure(tmp_path)
    changed(tmp_path, "robust-0.1", data_sha256="other")
    with pytest.raises(ValueError, match="different data.*python reproduce.py.* --results"):
        report.write(tmp_path)


@pytest.mark.parametrize(
    "there", [["exact-0.2"], ["exact-0.1", "exact-0.3", "robust-0.1-converged"], []]
)
def test_report_shows_what_there_is(tmp_path, there):
    for run in (*RUNS, *there):
        shutil.copytree(runs.RESULTS / run, tmp_path / run)
    text = report.write(tmp_path).read_text()
    assert ("How far from the optimum" in text) == bool(there)
    for run in there:
        kind, epsilon, *_ = run.split("-")
        assert f"ε = {epsilon}, the {'optimum' if kind == 'exact' else 'post'}" in text
