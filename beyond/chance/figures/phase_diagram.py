"""Accuracy for every training ε against every attack ε.

    python -m beyond.chance.figures.phase_diagram  # reads the run sweep

The colour is the accuracy on the test images under the exact worst case, unclipped: it shows where
robust training helps, and which of it is best. The post's models are marked.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patheffects import withStroke

from common import runs
from plots import style

LEVELS = (50, 90, 95, 99)  # % accuracy, of the contours
# About where the contours are named, for the post's digits.
LABELS = [(0.05, 0.18), (0.14, 0.215), (0.115, 0.18), (0.06, 0.11)]
DECIDED = 99.5  # % accuracy below which the best model is drawn: above, single images decide
COLLAPSED = 60  # % clean accuracy, below which a model gives one answer to nearly all images
BEST_COLOUR = "#08306b"  # a blue, which nobody takes for a green


def draw(results):
    run = runs.read(results / "sweep", arrays=["train_epsilons", "attack_epsilons", "accuracy"])
    post = tuple(run.config["arguments"]["digits"]) == runs.DIGITS
    train, attack = run.arrays["train_epsilons"], run.arrays["attack_epsilons"]
    accuracy = 100 * run.arrays["accuracy"]
    figure, axes = plt.subplots(figsize=(style.WIDTH * 0.85, 4.8))
    picture = axes.pcolormesh(
        train, attack, accuracy.T, cmap="Greens_r", vmin=0, vmax=100, rasterized=True
    )
    lines = axes.contour(train, attack, accuracy.T, LEVELS, colors="black", linewidths=0.7)
    names = axes.clabel(lines, fmt="%g %%", fontsize=10, manual=LABELS if post else False)
    axes.plot(
        [0, train[-1]],
        [0, train[-1]],
        color="black",
        linewidth=0.8,
        linestyle="--",
        label="attack = training",
    )
    best, clean = accuracy.max(axis=0), accuracy[:, 0]
    collapsed = clean < COLLAPSED
    drawn = best < DECIDED
    if collapsed.any():
        one_answer = np.median(clean[collapsed])
        drawn &= best > one_answer  # above, no training helps
        axes.text(
            train[collapsed].mean(),
            0.4 * attack[-1],
            f"one answer to all: {one_answer:.0f} %",
            rotation=90,
            fontsize=11,
            ha="center",
            va="center",
        )
    axes.plot(
        train[accuracy.argmax(axis=0)][drawn],
        attack[drawn],
        color=BEST_COLOUR,
        linewidth=1.6,
        label="best training",
    )
    axes.plot(
        runs.EPSILONS,
        runs.EPSILONS,
        "o",
        color="black",
        markersize=6,
        label="the post’s models" if post else "robust runs",
    )
    for text in (*names, *axes.texts):  # readable where a line crosses them
        text.set(zorder=5, path_effects=[withStroke(linewidth=2.5, foreground="white")])
    axes.set(
        xlabel=r"training $\epsilon$ (pixel units)",
        ylabel=r"attack $\epsilon$ (pixel units)",
        xlim=(0, train[-1]),
        ylim=(0, attack[-1]),
    )
    axes.legend(fontsize=10, loc="upper left", frameon=True, framealpha=0.9, edgecolor="none")
    figure.colorbar(picture, label="accuracy (%)")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
