"""The same seed gives the same bytes: in another process, and with another number of TensorFlow's threads."""

import json

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import runs
import storage


@pytest.fixture(scope="module")
def alone(script, tmp_path_factory):
    """robust-0.2, trained once more in a process of its own, with one thread of TensorFlow."""
    folder = tmp_path_factory.mktemp("alone")
    done = script(
        "experiment_robust.py",
        "--epsilon",
        "0.2",
        "--out-dir",
        folder,
        TF_NUM_INTRAOP_THREADS="1",
        TF_NUM_INTEROP_THREADS="1",
    )
    assert done.returncode == 0 and done.stderr == ""
    assert "epoch 10/10" in done.stdout and "robust-0.2: test accuracy" in done.stdout
    return folder / "robust-0.2"


@pytest.mark.parametrize("name", ["arrays.npz", "history.csv"])
def test_same_seed_gives_the_same_bytes_in_another_process_with_another_number_of_threads(
    alone, fresh, name
):
    assert (alone / name).read_bytes() == (fresh.folder / "robust-0.2" / name).read_bytes()


def test_same_seed_gives_the_same_metrics_but_for_the_comparison_with_the_optimum(alone, fresh):
    metrics = json.loads((fresh.folder / "robust-0.2" / "metrics.json").read_text())
    del metrics["optimality_gap"]  # which needs the exact run
    assert json.loads((alone / "metrics.json").read_text()) == metrics


def test_threads_of_numpy_change_no_number_but_the_last_digit_of_a_logit(data):
    """NumPy's matrix products add up in another order: the saved logits, which are up to 7, move by at most 1e-6."""
    arrays = storage.read_run(storage.RESULTS / "robust-0.2", arrays=["weights", "bias"]).arrays
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(
                (
                    runs.evaluate(arrays["weights"], arrays["bias"], data),
                    runs.figure_arrays(arrays["weights"], arrays["bias"], data),
                )
            )
    (first, pictures), (other, others) = found
    assert first == other
    np.testing.assert_allclose(
        pictures.pop("test_logits"), others.pop("test_logits"), rtol=0, atol=1e-6
    )
    for name, array in pictures.items():
        np.testing.assert_array_equal(array, others[name], strict=True)
