"""Accuracy for every training ε against every attack ε: SGD's models and the proved optima.

    python -m beyond.linear.figures.phase_diagram_exact  # reads the runs sweep and diagram

The colour is the accuracy on the test images under the exact worst case, unclipped, with contours
at 50, 90, 95 and 99 %. Below: how many pixels the optimum uses. The post's models are marked.
"""

import matplotlib.pyplot as plt
import numpy as np

from common import runs
from plots import style

LEVELS = (50, 90, 95, 99)  # % accuracy, of the contours
TITLES = {"sweep": "the post’s recipe, SGD", "diagram": "the optimum"}


def draw(results):
    figure, grid = plt.subplots(
        2, 2, figsize=(style.WIDTH * 1.2, 6), sharex=True, sharey="row", height_ratios=[2.6, 1]
    )
    for (name, title), (axes, below) in zip(TITLES.items(), grid.T):
        run = runs.read(results / name, arrays=["train_epsilons", "attack_epsilons", "accuracy"])
        train, attack = run.arrays["train_epsilons"], run.arrays["attack_epsilons"]
        accuracy = 100 * run.arrays["accuracy"].T
        picture = axes.pcolormesh(
            train, attack, accuracy, cmap="Greens_r", vmin=0, vmax=100, rasterized=True
        )
        axes.contour(train, attack, accuracy, LEVELS, colors="black", linewidths=0.7)
        axes.plot(train, train, color="black", linewidth=0.8, linestyle="--")
        axes.set(title=title, xlim=(0, train[-1]), ylim=(0, attack[-1]))
        if name == "sweep":
            axes.plot(
                runs.EPSILONS,
                runs.EPSILONS,
                "o",
                color="black",
                markersize=5,
                label="the post’s models",
            )
            axes.legend(
                fontsize=10, loc="upper left", frameon=True, framealpha=0.9, edgecolor="none"
            )
            used = run.arrays["weights"]
            step = run.config["arguments"]["learning_rate"] * train[:, np.newaxis]
            pixels, what = np.sum(np.abs(used) > step, axis=1), "above a step of SGD, lr × ε"
        else:
            pixels, what = run.arrays["pixels"], "not zero"
            for end in ("separation_epsilon", "constant_epsilon"):
                below.axvline(run.metrics[end], color="black", linewidth=0.7, linestyle=":")
        below.step(train, pixels, where="mid", color=style.ROBUST_COLOURS[-1], linewidth=1.6)
        below.set_yscale("symlog", linthresh=1)
        below.set(
            xlabel=r"training $\epsilon$ (pixel units)",
            ylim=(0, 1000),
            yticks=[0, 1, 10, 100, 784],
            yticklabels=["0", "1", "10", "100", "784"],
        )
        below.set_title(f"weights {what}", fontsize=11)
    grid[0, 0].set_ylabel(r"attack $\epsilon$ (pixel units)")
    grid[1, 0].set_ylabel("pixels")
    figure.colorbar(picture, ax=grid[0], label="accuracy (%)")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
