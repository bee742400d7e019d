"""The same seed gives the same bytes: whatever ran before, in another process, on other threads."""

import json
import shlex

import numpy as np
import pytest
from conftest import ROOT
from threadpoolctl import threadpool_limits

import experiment_regular
from common import evaluation, runs


@pytest.fixture(scope="module")
def again(script, quick, tmp_path_factory):
    """robust-0.2 once more, by the command that its config.json has, in a process of its own."""
    folder = tmp_path_factory.mktemp("again")
    python, name, *arguments = shlex.split(runs.read(quick / "robust-0.2").config["command"])
    assert python == "python" and (ROOT / name).is_file()
    done = script(name, *arguments, "--results", folder, TF_NUM_INTRAOP_THREADS="1")
    assert done.returncode == 0 and done.stderr == ""
    assert "127/127 - " in done.stdout and "robust-0.2: test accuracy" in done.stdout
    return folder / "robust-0.2"


@pytest.mark.parametrize("name", sorted(runs.FILES - {".DS_Store"}))
def test_recorded_command_gives_the_same_bytes_in_another_process(again, quick, name):
    assert (again / name).read_bytes() == (quick / "robust-0.2" / name).read_bytes()


def test_same_seed_gives_the_same_bytes_whatever_ran_before(quick, tmp_path):
    """Here the three robust models, and other tests."""
    experiment_regular.main(["--epochs", "1", "--results", str(tmp_path)])
    for path in (quick / "regular").iterdir():
        assert path.read_bytes() == (tmp_path / "regular" / path.name).read_bytes(), path.name


def test_no_file_of_a_run_has_a_path_a_time_or_a_host(quick):
    for path in (quick / "regular").glob("*.json"):
        text = path.read_text()
        assert str(quick) not in text and '"/' not in text and "time" not in text
    config = json.loads((quick / "regular" / "config.json").read_text())
    assert set(config) == {"command", "run", "arguments", "versions", "data_sha256"}


def test_threads_of_numpy_change_no_number_but_the_last_digits_of_a_logit(data):
    """NumPy's matrix products add up in another order: logits, up to 7, move by at most 1e-6."""
    arrays = runs.read(runs.RESULTS / "robust-0.2", arrays=["weights", "bias"]).arrays
    model, found = (arrays["weights"], arrays["bias"], data), []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append((evaluation.evaluate(*model), evaluation.figure_arrays(*model)))
    (first, pictures), (other, others) = found
    assert first == other
    np.testing.assert_allclose(
        pictures.pop("test_logits"), others.pop("test_logits"), rtol=0, atol=1e-6
    )
    for name, array in pictures.items():
        np.testing.assert_array_equal(array, others[name], strict=True)
