"""The weights of the post's recipe above those of the proved optimum, with the number of pixels that each uses.

    python plots/model_weights_exact.py   # reads the runs robust-* and exact-*; writes results/figures/model_weights_exact.png
"""
import style  # first: installs the one-line Ctrl-C handler
import matplotlib.pyplot as plt
import numpy as np


def draw(results):
    figure, rows = plt.subplots(2, len(style.EPSILONS), figsize=(style.WIDTH * 0.9, 4.9))
    for kind, name, row in zip(("robust", "exact"), ("the post’s recipe", "the optimum"), rows):
        for epsilon, axes in zip(style.EPSILONS, row):
            weights = style.read_run(results / f"{kind}-{epsilon:g}", arrays=["weights"]).arrays["weights"]
            style.show_weights(axes, weights)
            used = np.flatnonzero(weights)
            axes.set(title=f"$\\epsilon$ = {epsilon:g}: {len(used)} pixels",
                     xlabel=f"largest $|w_i|$: {np.abs(weights).max():.2f}")
            if kind == "exact":  # a frame round each pixel in use: most weights are too small to be seen beside the largest
                axes.plot(used % 28, used // 28, "s", markersize=4.5, markerfacecolor="none", color=style.ROBUST_COLOURS[-1],
                          markeredgewidth=0.6)
        row[0].set_ylabel(name, fontsize=13)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
