"""A full fresh run beside the committed results, and the README beside both."""

import re
import shutil

import numpy as np
import pytest
from markdown_it import MarkdownIt

import reproduce
from claims import __main__ as claims
from common import files, runs
from report import figures, page, report

RUNS = list(report.PUBLISHED)
# What the post's curves look like: attack ε, accuracy in %, tolerance in points.
CURVES = {
    "regular": [(0.03, 99, 0.5), (0.075, 50, 4), (0.1, 22.5, 2.5), (0.2, 0, 0.5)],
    "robust-0.1": [(0.1, 99, 0.5), (0.2, 91, 1), (0.3, 36, 1)],
    "robust-0.2": [(0.1, 99, 0.5), (0.2, 96, 1), (0.3, 78, 1)],
    "robust-0.3": [(0.1, 99, 0.5), (0.2, 95, 1), (0.3, 83, 1)],
}


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
    curve = new["robust_accuracy"]
    for epsilon, accuracy, tolerance in CURVES[run]:
        found = np.interp(epsilon, curve["epsilon"], curve["unclipped"])
        assert 100 * found == pytest.approx(accuracy, abs=tolerance), epsilon


def test_output_is_clean_ends_with_the_table_and_nothing_hidden_is_left(fresh):
    assert fresh.stderr == ""
    assert not [path for path in fresh.folder.rglob("*") if path.name.startswith(".")]
    table, last = report.post_table(fresh.folder), fresh.stdout.splitlines()[-1]
    assert table in fresh.stdout and str(fresh.folder / "README.md") in last


def test_other_radii_are_reported(tmp_path):
    """No run of the post is asked for; their figures: test_plots.py."""
    names = "regular", "robust-8_255", "robust-0.3"
    for old, new in zip(("regular", "robust-0.1", "robust-0.3"), names):
        shutil.copytree(runs.RESULTS / old, tmp_path / new)
    assert runs.post_runs(tmp_path) == names
    text = report.write(tmp_path).read_text()
    assert "| Regular | Robust ε = 8/255 | Robust ε = 0.3 |" in text
    assert "python reproduce.py --epsilon 8/255 --epsilon 0.3 --results" in text
    with pytest.raises(SystemExit):
        reproduce.parse_args(["--all", "--epsilon", "0.25"])
    for run in runs.POST_RUNS:  # where all of the post's are, the report is about those
        shutil.copytree(runs.RESULTS / run, tmp_path / run, dirs_exist_ok=True)
    report.write(tmp_path)
    assert "8/255" not in (tmp_path / "README.md").read_text()


def pages(results):
    """README.md and the pages beside it, in the order of the report."""
    return [results / f"{name}.md" for name in ("README", *report.PAGES)]


def test_pages_show_every_figure_and_say_what_it_is(complete):
    text = "".join(path.read_text() for path in pages(complete))
    shown = re.findall(r'<img src="figures/(\w+)\.png" alt="([^"]+)" width="\d+">', text)
    pictures = [name for name, _ in shown]
    assert pictures[:13] == list(figures.POST_FIGURES)
    assert sorted({*pictures} - {*figures.PAIR_FIGURES, *figures.TEN_FIGURES}) == sorted(
        figures.FIGURES
    )
    assert all((complete / "figures" / f"{name}.png").exists() for name in pictures)
    assert all(len(words.split()) > 3 for _, words in shown)


def test_the_first_page_is_read_in_ten_minutes():
    assert len((runs.RESULTS / "README.md").read_text().split()) <= 2500


def test_readme_has_the_numbers_of_the_committed_results():
    readme = (runs.ROOT / "README.md").read_text()
    assert report.post_table(runs.RESULTS).split("\n", 1)[1] in readme  # but for its corner
    assert " ".join(report.render(runs.RESULTS, "findings")[0].split()) in " ".join(readme.split())


def test_committed_pages_are_what_the_committed_runs_give(monkeypatch):
    written = {}
    monkeypatch.setattr(files, "write_file", written.__setitem__)
    report.write(runs.RESULTS)
    assert set(pages(runs.RESULTS)) < set(written)
    for path, text in written.items():
        assert path.read_text() == text, path.name


def test_committed_results_are_small_and_name_no_path_of_the_machine_that_made_them():
    paths = [path for path in runs.RESULTS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in paths) < 20e6
    for path in paths:
        assert path.suffix != ".json" or '"/' not in path.read_text(), path


def test_every_link_in_the_documents_leads_somewhere():
    others = "README.md", "CONTRIBUTING.md", "tests/README.md", "benchmarks/README.md"
    for document in (*map(runs.ROOT.joinpath, others), *pages(runs.RESULTS)):
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
    text = "\n".join(path.read_text() for path in pages(complete))
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(cells) == 1, block
        tables += 1
    assert tables >= 15


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


@pytest.mark.parametrize("there", [["exact-0.1", "exact-0.3", "robust-0.1-converged"], []])
def test_report_shows_what_there_is(tmp_path, there):
    for run in (*RUNS, *there):
        shutil.copytree(runs.RESULTS / run, tmp_path / run)
    path = report.write(tmp_path)
    assert ("(linear.md)" in path.read_text()) == bool(there)
    text = (tmp_path / "linear.md").read_text() if there else ""
    assert ("How far from the optimum" in text) == bool(there)
    for run in there:
        kind, epsilon, *_ = run.split("-")
        assert f"ε = {epsilon}, the {'optimum' if kind == 'exact' else 'post'}" in text


def test_the_name_of_a_folder_is_no_html_in_the_report_and_the_page(tmp_path):
    folder = tmp_path / "a <b>&c"
    folder.mkdir()
    for run in RUNS:
        (folder / run).symlink_to(runs.RESULTS / run)
    for text in (MarkdownIt().render(report.write(folder).read_text()), page.page(folder)):
        assert "a &lt;b&gt;&amp;c" in text and "<b>&" not in text
