"""Two folders of results in numbers."""

import shutil

import numpy as np
import pytest

from common import runs
from report import compare


@pytest.fixture
def copies(tmp_path):
    """Two folders with the regular run and robust-0.1."""
    folders = tmp_path / "first", tmp_path / "second"
    for folder in folders:
        for name in ("regular", "robust-0.1"):
            shutil.copytree(runs.RESULTS / name, folder / name)
    return folders


def status(*folders):
    with pytest.raises(SystemExit) as caught:
        compare.main(list(map(str, folders)))
    return caught.value.code


def test_the_same_results_differ_by_nothing(copies, capsys):
    assert status(*copies) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["regular", "robust-0.1", "other"]
    assert all("metrics 0.0e+00, arrays 0.0e+00" in line for line in lines[:2])
    assert lines[2].startswith("other bytes: 0 files")


def test_a_difference_is_told_with_its_place(copies, capsys):
    run = runs.read(copies[1] / "regular")
    accuracy = run.metrics["test_accuracy"] - 0.25
    runs.write_json(
        copies[1] / "regular" / "metrics.json", run.metrics | {"test_accuracy": accuracy}
    )
    weights = run.arrays["weights"] + np.float32(0.5)
    runs.write_arrays(copies[1] / "regular" / "arrays.npz", run.arrays | {"weights": weights})
    assert status(*copies) == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert "metrics 2.5e-01 (test_accuracy), arrays 5.0e-01 (weights)" in line


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
