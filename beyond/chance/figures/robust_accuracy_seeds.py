"""Figure 11 over seeds that differ in initial weights and in the order of the images.

    python -m beyond.chance.figures.robust_accuracy_seeds  # reads the runs *-seeds

Lines: the median; bands: from the 5th to the 95th percentile.
"""

import numpy as np

from common import runs
from plots import style

ARRAYS = ("epsilon", "robust_accuracy")


def draw(results):
    names = ("regular-seeds", "robust-seeds")
    seeds = [runs.read(results / name, arrays=ARRAYS).arrays for name in names]
    curves = [curve for run in seeds for curve in run["robust_accuracy"]]  # (seeds, epsilons)
    figure, axes = style.subplots(1, 3.4)
    epsilon, models = seeds[0]["epsilon"], runs.POST_RUNS
    for curve, model, colour in zip(curves, models, style.colours(models), strict=True):
        low, median, high = np.percentile(100 * curve, (5, 50, 95), axis=0)
        axes.fill_between(epsilon, low, high, color=colour, alpha=0.4, linewidth=0)
        axes.plot(epsilon, median, color=colour, linewidth=1.6, label=style.label(model))
    style.accuracy_axes(axes, title=f"median and 5–95 % over {len(curves[0])} seeds")
    axes.legend(fontsize=11, borderaxespad=0)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
