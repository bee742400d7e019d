"""The weights of the post's recipe, above, and of the optimum for the same ε, below.

    python -m beyond.linear.figures.model_weights_exact  # reads the runs robust-* and exact-*

Above each: how many weights are not zero. Green frames mark the pixels that the optimum uses; most
of its weights are too small to be seen beside the largest. Each picture has its own scale.
"""

import numpy as np

from common import runs
from plots import style

ROWS = {"robust": "the post’s recipe", "exact": "the optimum"}


def draw(results):
    figure, grid = style.subplots(0.9, 4.9, 2, len(runs.EPSILONS))
    for (kind, title), row in zip(ROWS.items(), grid):
        row[0].set_ylabel(title, fontsize=13)
        for epsilon, axes in zip(runs.EPSILONS, row):
            run = runs.read(results / runs.name(kind, epsilon), arrays=["weights"])
            weights = run.arrays["weights"]
            used = np.flatnonzero(weights)
            style.show_weights(
                axes, weights, title=f"$\\epsilon$ = {epsilon:g}: {len(used)} pixels"
            )
            axes.set_xlabel(f"largest $|w_i|$: {np.abs(weights).max():.2f}")
            if kind == "exact":  # most weights are too small to be seen beside the largest
                style.frame_pixels(axes, used, 4.5, style.ROBUST_COLOURS[-1], 0.6)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
