"""The weights of the post's recipe and of the optimum; frames mark the pixels that it uses.

python -m beyond.linear.figures.model_weights_exact  # reads the runs robust-* and exact-*
"""

import matplotlib.pyplot as plt
import numpy as np

from common import runs
from plots import style

ROWS = {"robust": "the post’s recipe", "exact": "the optimum"}


def draw(results):
    figure, grid = plt.subplots(2, len(runs.EPSILONS), figsize=(style.WIDTH * 0.9, 4.9))
    for (kind, title), row in zip(ROWS.items(), grid):
        for epsilon, axes in zip(runs.EPSILONS, row):
            run = runs.read(results / runs.name(kind, epsilon), arrays=["weights"])
            weights = run.arrays["weights"]
            style.show_weights(axes, weights)
            used = np.flatnonzero(weights)
            axes.set(
                title=f"$\\epsilon$ = {epsilon:g}: {len(used)} pixels",
                xlabel=f"largest $|w_i|$: {np.abs(weights).max():.2f}",
            )
            if kind == "exact":  # most weights are too small to be seen beside the largest
                axes.plot(
                    used % 28,
                    used // 28,
                    "s",
                    markersize=4.5,
                    markerfacecolor="none",
                    color=style.ROBUST_COLOURS[-1],
                    markeredgewidth=0.6,
                )
        row[0].set_ylabel(title, fontsize=13)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
