"""The same seed gives the same bytes: in another process, on other threads."""

import shlex

import numpy as np
from conftest import ROOT
from threadpoolctl import threadpool_limits

from common import evaluation, runs


def test_recorded_command_gives_the_same_bytes_in_another_process(script, quick, tmp_path):
    """On one thread, under a keras.json and a notebook's backend of Matplotlib."""
    (tmp_path / "keras.json").write_text(
        '{"image_data_format": "channels_first", "floatx": "float64", "epsilon": 0.1,'
        ' "backend": "jax"}'
    )
    python, name, *arguments = shlex.split(runs.read(quick / "robust-0.2").config["command"])
    assert python == "python" and (ROOT / name).is_file()
    settings = {"KERAS_HOME": str(tmp_path), "MPLBACKEND": "module://a_notebook_s_own.backend"}
    words = *arguments, "--results", tmp_path
    done = script(name, *words, cwd=tmp_path, TF_NUM_INTRAOP_THREADS="1", **settings)
    assert done.returncode == 0 and done.stderr == ""
    assert "127/127 - " in done.stdout and "robust-0.2: test accuracy" in done.stdout
    for path in (quick / "robust-0.2").iterdir():
        assert path.read_bytes() == (tmp_path / "robust-0.2" / path.name).read_bytes(), path.name


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
