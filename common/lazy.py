"""TensorFlow, Keras and what is built on them, imported at first use.

--help does not wait seconds for them.

    from common.lazy import callbacks, keras, tf     # reads and works like the modules themselves
"""

import contextlib
import gc
import importlib
import os
import sys


class Lazy:
    """A module that is imported when something of it is first asked for."""

    def __init__(self, name):
        self._name = name

    def __getattr__(self, attribute):
        with contextlib.nullcontext() if "tensorflow" in sys.modules else _prepared():
            value = getattr(importlib.import_module(self._name), attribute)
        setattr(self, attribute, value)
        return value


@contextlib.contextmanager
def any_backend():
    """Let Matplotlib be imported whatever MPLBACKEND names, and take that backend if it exists.

    A notebook sets one for all that it starts, also for a Python that lacks it.
    """
    backend, first = os.environ.pop("MPLBACKEND", None), "matplotlib" not in sys.modules
    try:
        yield
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    if backend and first and "matplotlib" in sys.modules:
        with contextlib.suppress(ValueError):
            sys.modules["matplotlib"].rcParams["backend"] = backend


@contextlib.contextmanager
def _prepared():
    """Settings of TensorFlow, which its import reads, and silence of its C++ meanwhile."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # A step is a chain of tiny operations: passing them between threads costs more than it saves.
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    # Bytes would differ on a GPU, and products of 100 x 784 gain nothing there.
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever the user chose: the steps need it
    try:
        stderr = os.dup(2)
    except OSError:  # closed, by 2>&-
        stderr = None
    try:
        if stderr is not None:
            with open(os.devnull, "w") as silence:
                os.dup2(silence.fileno(), 2)
        with any_backend():  # Keras imports Matplotlib
            yield
        gc.freeze()  # or keras.utils.clear_session would search all of it, a third of a second
    finally:
        if stderr is not None:
            os.dup2(stderr, 2)
            os.close(stderr)


tf = Lazy("tensorflow")
keras = Lazy("keras")
callbacks = Lazy("common.callbacks")
