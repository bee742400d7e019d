"""All the figures at once, side by side on all cores."""
import importlib
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed

import matplotlib.pyplot as plt

import style

NOT_FIGURES = ("__main__", "gallery", "style")


def figure_names():
    """The figures that plots/ can draw: the stems of its scripts."""
    return sorted(path.stem for path in style.PLOTS.glob("*.py") if path.stem not in NOT_FIGURES)


def draw_figure(name, results):
    """Draw plots/<name>.py from a results folder into its figures/<name>.png; returns the path."""
    plt.switch_backend("Agg")
    return style.save(importlib.import_module(name).draw, name, results)


def draw_all(names, results):
    """Draw the named figures, printing a line for each; returns the lines that say what could not be drawn."""
    failures = []
    # Fresh processes, and not forks: they run the same on every platform, and none inherits a loaded TensorFlow.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(os.cpu_count() or 1, len(names)), context) as pool:
        jobs = {pool.submit(draw_figure, name, results): name for name in names}
        for job in as_completed(jobs):
            try:
                print(f"  {job.result()}", flush=True)
            except (ValueError, OSError) as error:
                failures.append(f"{jobs[job]}: {error}")
    return sorted(failures)
