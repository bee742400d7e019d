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


def compared(capsys, *folders):
    """The status and the lines of a comparison."""
    with pytest.raises(SystemExit) as caught:
        compare.main(list(map(str, folders)))
    return caught.value.code, capsys.readouterr().out.splitlines()


def test_the_same_results_differ_by_nothing(copies, capsys):
    status, (*lines, last) = compared(capsys, *copies)
    assert status == 0 and last.startswith("other bytes: 0 files")
    names = ["claims.json", "pairs/0-1", "regular", "robust-0.1"]
    assert [line.split()[0] for line in lines] == names
    assert lines[0].endswith("claims 0.0e+00")
    assert all(line.endswith("metrics 0.0e+00, arrays 0.0e+00") for line in lines[1:])


@pytest.mark.parametrize("folder", ["regular", "pairs/0-1"])
def test_differences_are_shown_with_their_place_and_names_that_are_gone_or_new(
    copies, capsys, folder
):
    run = runs.read(copies[1] / folder)
    metrics = dict(run.metrics, added={"a": 1, "b": 2}, test_accuracy=-1)
    arrays = dict(run.arrays, weights=run.arrays["weights"] + np.float32(0.5))
    del arrays["bias"]
    files.write_json(copies[1] / folder / "metrics.json", metrics)
    files.write_arrays(copies[1] / folder / "arrays.npz", arrays)
    status, lines = compared(capsys, *copies)
    assert status == 1
    (number,) = [number for number, line in enumerate(lines) if line.startswith(f"{folder} ")]
    assert "(test_accuracy" in lines[number]
    assert lines[number].endswith("arrays 5.0e-01 (weights)")
    assert lines[number + 1 : number + 3] == ["  new in metrics: added", "  gone in arrays: bias"]


def test_claims_are_compared_by_their_names(copies, capsys):
    claims = files.read_json(copies[1] / "claims.json")
    del claims["claims"]["dots"], claims["claims"]["accuracy"]["numbers"]["folds"]
    claims["claims"]["margin"]["verdict"] = "another text"
    files.write_json(copies[1] / "claims.json", claims)
    status, (first, second, *_) = compared(capsys, *copies)
    assert status == 1 and first.endswith("claims nan (margin.verdict)")
    assert second == "  gone in claims: accuracy.numbers.folds, dots"


def test_numbers_and_pictures_that_differ_are_status_0(copies, capsys):
    metrics = runs.read(copies[1] / "regular").metrics | {"test_accuracy": 0.5}
    files.write_json(copies[1] / "regular" / "metrics.json", metrics)
    for number, folder in enumerate(copies):
        (folder / "figures").mkdir()
        (folder / "figures" / "x.png").write_bytes(bytes([number]))
    status, lines = compared(capsys, *copies)
    assert status == 0 and "other bytes: 2 files, 1 of them pictures" in lines[-1]
    (copies[1] / "figures" / "x.png").unlink()
    assert compared(capsys, *copies)[0] == 1
    with pytest.raises(FileNotFoundError, match="not a folder of results"):
        compare.main([str(copies[0]), "nowhere"])
