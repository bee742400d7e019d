"""The same seed gives the same bytes: in another process, and with another number of TensorFlow's threads."""
import os
import subprocess
import sys

import numpy as np
import pytest

import storage
from conftest import ROOT

# Each runs in its own process, all at once: threads of TensorFlow, threads of NumPy's matrix products.
THREADS = {"two": (2, 2), "one": (1, 2), "numpy-one": (2, 1)}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The robust-0.2 folder of each of THREADS."""
    folder, processes = tmp_path_factory.mktemp("threads"), []
    for name, (tensorflow, numpy) in THREADS.items():
        threads = dict(TF_NUM_INTRAOP_THREADS=str(tensorflow), TF_NUM_INTEROP_THREADS=str(tensorflow),
                       OPENBLAS_NUM_THREADS=str(numpy), OMP_NUM_THREADS=str(numpy))
        command = [sys.executable, ROOT / "experiment_robust.py", "--epsilon", "0.2", "--epochs", "2", "--out-dir", folder / name]
        processes.append(subprocess.Popen(command, env=os.environ | threads, stdout=subprocess.DEVNULL))
    assert [process.wait(timeout=300) for process in processes] == [0] * len(processes)
    return {name: folder / name / "robust-0.2" for name in THREADS}


@pytest.mark.parametrize("name", ["metrics.json", "arrays.npz", "history.csv"])
def test_same_seed_gives_the_same_bytes_in_another_process_with_another_number_of_threads(results, name):
    assert (results["one"] / name).read_bytes() == (results["two"] / name).read_bytes()


def test_threads_of_numpy_change_no_weight_and_no_number_but_the_last_digit_of_a_logit(results):
    """NumPy's matrix products add up in another order: the saved logits, which are up to 7, move by at most 1e-6."""
    first, other = results["two"], results["numpy-one"]
    for name in ("metrics.json", "history.csv"):
        assert (first / name).read_bytes() == (other / name).read_bytes(), name
    first, other = (storage.read_run(folder).arrays for folder in (first, other))
    np.testing.assert_allclose(first.pop("test_logits"), other.pop("test_logits"), rtol=0, atol=1e-6)
    for name, array in first.items():
        np.testing.assert_array_equal(array, other[name], strict=True)
