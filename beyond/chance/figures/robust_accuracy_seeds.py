"""Figure 11 over seeds that differ in initial weights and in the order of the images.

    python -m beyond.chance.figures.robust_accuracy_seeds  # reads the runs *-seeds

Shown: the median and the band from the 5th to the 95th percentile.
"""

import matplotlib.pyplot as plt
import numpy as np

from common import runs
from plots import style


def draw(results):
    seeds = [
        runs.read(results / name, arrays=["epsilon", "robust_accuracy"]).arrays
        for name in ("regular-seeds", "robust-seeds")
    ]
    curves = [curve for run in seeds for curve in run["robust_accuracy"]]  # (seeds, epsilons)
    figure, axes = plt.subplots(figsize=(style.WIDTH, 3.4))
    models = runs.POST_RUNS
    epsilon = seeds[0]["epsilon"]
    for curve, model, colour in zip(curves, models, style.colours(models), strict=True):
        low, median, high = np.percentile(100 * curve, (5, 50, 95), axis=0)
        axes.fill_between(epsilon, low, high, color=colour, alpha=0.4, linewidth=0)
        axes.plot(epsilon, median, color=colour, linewidth=1.6, label=style.label(model))
    axes.set(
        xlim=(0, 0.5),
        ylim=(0, 102),
        xlabel=r"attack $\epsilon$ (pixel units)",
        ylabel="accuracy (%)",
        title=f"median and 5–95 % over {len(curves[0])} seeds",
    )
    axes.legend(fontsize=11, borderaxespad=0)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
