"""All the figures at once, in parallel on all cores."""
import contextlib
import importlib
import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed

import style  # before Matplotlib, for Ctrl-C

import matplotlib.pyplot as plt

NOT_FIGURES = ("__main__", "gallery", "style")


def figure_names():
    """The figures that plots/ can draw: the stems of its scripts."""
    return sorted(path.stem for path in style.PLOTS.glob("*.py") if path.stem not in NOT_FIGURES)


def draw_figure(name, results):
    """Draw plots/<name>.py from a results folder into its figures/<name>.png; returns the path."""
    plt.switch_backend("Agg")
    return style.save(importlib.import_module(name).draw, name, results)


def follow_parent():
    """In a drawing process: exit when the parent does, even if it is killed."""
    def wait():
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


@contextlib.contextmanager
def interrupts_held_back():
    """Ctrl-C reaches every process of a terminal; those started in here never see it and leave the answer to the parent."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def draw_all(names, results):
    """Draw the named figures, printing a line for each; returns the lines that say what could not be drawn."""
    failures = []
    # Fresh processes, and not forks: they run the same on every platform, and none inherits a loaded TensorFlow.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(os.cpu_count() or 1, len(names)), context, initializer=follow_parent) as pool:
        try:
            with interrupts_held_back():
                jobs = {pool.submit(draw_figure, name, results): name for name in names}
            for job in as_completed(jobs):
                try:
                    print(f"  {job.result()}", flush=True)
                except (ValueError, OSError) as error:
                    if "--debug" in sys.argv:
                        raise
                    failures.append(f"{jobs[job]}: {error}")
                except BrokenExecutor:
                    failures.append(f"{jobs[job]}: not drawn, because a drawing process was killed; run it again")
        finally:
            with style.cli.interrupts_wait():  # the figures that are being drawn are waited for; one more could tear the pool apart
                pool.shutdown(cancel_futures=True)
    return sorted(failures)
