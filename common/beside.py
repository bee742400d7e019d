"""Processes beside this one, for work that would wait for one core."""

import contextlib
import multiprocessing
import os
import signal
import threading
from concurrent import futures

# Convolutions take half of the time. TensorFlow reads it when it is imported, and bytes differ by
# it, so that networks have processes of their own.
ONEDNN = {"TF_ENABLE_ONEDNN_OPTS": "1"}


def begin(environ):
    """What each process begins with; Ctrl-C, which reaches all, is left to the first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(environ)
    threading.Thread(target=end_with_parent, daemon=True).start()


def end_with_parent():
    """Or a process would wait for work for ever if the one that started it is killed."""
    multiprocessing.parent_process().join()
    os._exit(1)


@contextlib.contextmanager
def processes(count, environ=()):
    """An executor of new processes with some more variables in their environment.

    None where there can be no processes, for work that this one can do as well: without variables.
    Raises OSError if they are needed and there can be none, or if one of them is killed.
    """
    context = multiprocessing.get_context("spawn")  # a fork would take TensorFlow's threads along
    try:
        executor = futures.ProcessPoolExecutor(count, context, begin, [dict(environ)])
    except (OSError, NotImplementedError):  # no semaphores, as where /dev/shm is read-only
        if environ:
            raise OSError("there can be no processes here; make /dev/shm writable") from None
        yield None
        return
    with executor:
        try:
            yield executor
        except BaseException as error:
            for child in multiprocessing.active_children():
                child.terminate()  # or its work would be waited for
            if isinstance(error, futures.BrokenExecutor):
                raise OSError("a process has ended early, perhaps for want of memory") from None
            raise


def networks():
    """An executor for tasks on convolutional networks, a process a core.

    Of the cores that a scheduler allows, where that is known, and of four at most: a process with
    TensorFlow takes a gigabyte.
    """
    allowed = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if allowed else os.cpu_count() or 1
    return processes(min(cores, 4), ONEDNN)
