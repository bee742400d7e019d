"""Two folders of results in numbers."""

import shutil

import numpy as np
import pytest

from common import files, runs
from report import compare


@pytest.fixture
def copies(tmp_path):
    """Two folders with the regular run, robust-0.1, one pair and the claims."""
    folders = tmp_path / "first", tmp_path / "second"
    for folder in folders:
        for name in ("regular", "robust-0.1", "pairs/0-1"):
            shutil.copytree(runs.RESULTS / name, folder / name)
        shutil.copy(runs.RESULTS / "claims.json", folder)
    return folders


def status(*folders):
    with pytest.raises(SystemExit) as caught:
        compare.main(list(map(str, folders)))
    return caught.value.code


def test_the_same_results_differ_by_nothing(copies, capsys):
    assert status(*copies) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    names = ["claims.json", "pairs/0-1", "regular", "robust-0.1"]
    assert [line.split()[0] for line in lines] == names
    assert lines[0].endswith("claims 0.0e+00")
    assert all(line.endswith("metrics 0.0e+00, arrays 0.0e+00") for line in lines[1:])
    assert last.startswith("other bytes: 0 files")


def test_a_difference_is_shown_with_its_place(copies, capsys):
    run = runs.read(copies[1] / "regular")
    accuracy = run.metrics["test_accuracy"] - 0.25
    files.write_json(
        copies[1] / "regular" / "metrics.json", run.metrics | {"test_accuracy": accuracy}
    )
    weights = run.arrays["weights"] + np.float32(0.5)
    files.write_arrays(copies[1] / "regular" / "arrays.npz", run.arrays | {"weights": weights})
    assert status(*copies) == 0
    out = capsys.readouterr().out
    assert "metrics 2.5e-01 (test_accuracy), arrays 5.0e-01 (weights)" in out


def test_names_that_are_gone_or_new_are_listed_apart_from_numbers(copies, capsys):
    """In the metrics and arrays of a run, in a pair's, and in the claims."""
    for folder in ("regular", "pairs/0-1"):
        run = runs.read(copies[1] / folder)
        metrics = dict(run.metrics, added={"a": 1, "b": 2})
        del metrics["test_accuracy"]
        files.write_json(copies[1] / folder / "metrics.json", metrics)
        arrays = {key: value for key, value in run.arrays.items() if key != "bias"}
        arrays["weights"] = arrays["weights"] + np.float32(0.5)
        files.write_arrays(copies[1] / folder / "arrays.npz", arrays)
    claims = files.read_json(copies[1] / "claims.json")
    del claims["claims"]["dots"], claims["claims"]["accuracy"]["numbers"]["folds"]
    claims["claims"]["margin"]["verdict"] = "another text"
    files.write_json(copies[1] / "claims.json", claims)
    assert status(*copies) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("claims nan (margin.verdict)")
    assert lines[1] == "  gone in claims: accuracy.numbers.folds, dots"
    changed = [
        "  gone in metrics: test_accuracy",
        "  new in metrics: added",
        "  gone in arrays: bias",
    ]
    for start, name in ((2, "pairs/0-1"), (6, "regular")):
        assert lines[start].startswith(f"{name} ")
        assert lines[start].endswith("metrics 0.0e+00, arrays 5.0e-01 (weights)")
        assert lines[start + 1 : start + 4] == changed
    assert status(*reversed(copies)) == 1
    assert "  new in claims: accuracy.numbers.folds, dots" in capsys.readouterr().out


def test_what_is_missing_or_no_number_is_status_1(copies, capsys):
    shutil.rmtree(copies[1] / "robust-0.1")
    assert status(*copies) == 1
    assert "robust-0.1" in capsys.readouterr().out
    with pytest.raises(FileNotFoundError, match="not a folder of results"):
        compare.main([str(copies[0]), "nowhere"])


def test_pictures_are_compared_by_their_bytes(copies, capsys):
    for number, folder in enumerate(copies):
        (folder / "figures").mkdir()
        (folder / "figures" / "x.png").write_bytes(bytes([number]))
    assert status(*copies) == 0
    assert "other bytes: 1 files, 1 of them pictures" in capsys.readouterr().out
    (copies[1] / "figures" / "x.png").unlink()
    assert status(*copies) == 1
