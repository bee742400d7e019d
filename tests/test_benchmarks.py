"""That every benchmark runs and writes what it says; never how fast."""

import json

import pytest
from conftest import ROOT

SHARED = "bench", "lirpa"
NAMES = sorted({path.stem for path in (ROOT / "benchmarks").glob("*.py")} - {*SHARED})


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_benchmark_runs_and_writes_its_table(script, tmp_path, name):
    if name == "attack":
        pytest.importorskip("foolbox")
    done = script(
        f"benchmarks/{name}.py", "--quick", "--repeat", 1, "--results", tmp_path, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    saved = json.loads((tmp_path / "benchmarks" / f"{name}.json").read_text())
    assert saved["quick"] and saved["reference"] in saved["cases"]
    for case, row in saved["cases"].items():
        assert case in done.stdout and row["seconds"]
        assert row["minimum"] <= row["median"] <= row["maximum"]


def test_committed_benchmarks_are_whole_runs():
    files = sorted((ROOT / "results" / "benchmarks").glob("*.json"))
    assert [path.stem for path in files] == NAMES
    for path in files:
        saved = json.loads(path.read_text())
        assert not saved["quick"] and saved["machine"]["versions"]["tensorflow"]
