"""Accuracy for every training ε against every attack ε.

    python -m beyond.chance.figures.phase_diagram  # reads the run sweep

The colour is the accuracy on the test images under the exact worst case, unclipped: it shows where
robust training helps, and which of it is best. The post's models are marked.
"""

import numpy as np
from matplotlib.patheffects import withStroke

from common import runs
from plots import style

ARRAYS = ("train_epsilons", "attack_epsilons", "accuracy")
LEVELS = (50, 90, 95, 99)  # % accuracy, of the contours
# About where the contours are named, for the post's digits.
LABELS = [(0.05, 0.18), (0.14, 0.215), (0.115, 0.18), (0.06, 0.11)]
DECIDED = 99.5  # % accuracy below which the best model is drawn: above, single images decide
COLLAPSED = 60  # % clean accuracy, below which a model gives one answer to nearly all images
BEST_COLOUR = "#08306b"  # a blue, which nobody takes for a green


def draw_map(axes, run):
    """Colours and contours of a run's accuracy (%); both are returned."""
    train, attack, accuracy = (run.arrays[key] for key in ARRAYS)
    grid = train, attack, 100 * accuracy.T
    picture = axes.pcolormesh(*grid, cmap="Greens_r", vmin=0, vmax=100, rasterized=True)
    return picture, axes.contour(*grid, LEVELS, colors="black", linewidths=0.7)


def mark_models(axes, size, label):
    """A dot for each of the post's robust models, and a legend."""
    axes.plot(runs.EPSILONS, runs.EPSILONS, "o", color="black", markersize=size, label=label)
    frame = dict(frameon=True, framealpha=0.9, edgecolor="none")
    axes.legend(fontsize=10, loc="upper left", **frame)


def draw(results):
    run = runs.read(results / "sweep", arrays=ARRAYS)
    post = tuple(run.config["arguments"]["digits"]) == runs.DIGITS
    train, attack, accuracy = (run.arrays[key] for key in ARRAYS)
    figure, axes = style.subplots(0.85, 4.8)
    picture, lines = draw_map(axes, run)
    names = axes.clabel(lines, fmt="%g %%", fontsize=10, manual=LABELS if post else False)
    ends = [0, train[-1]]
    axes.plot(ends, ends, "--", color="black", linewidth=0.8, label="attack = training")
    best, clean = 100 * accuracy.max(axis=0), 100 * accuracy[:, 0]
    collapsed = clean < COLLAPSED
    drawn = best < DECIDED
    if collapsed.any():
        one_answer = np.median(clean[collapsed])
        drawn &= best > one_answer  # above, no training helps
        place = dict(x=train[collapsed].mean(), y=0.4 * attack[-1], ha="center", va="center")
        axes.text(s=f"one answer to all: {one_answer:.0f} %", rotation=90, fontsize=11, **place)
    chosen = train[accuracy.argmax(axis=0)]
    line = dict(color=BEST_COLOUR, linewidth=1.6, label="best training")
    axes.plot(chosen[drawn], attack[drawn], **line)
    mark_models(axes, 6, "the post’s models" if post else "robust runs")
    for text in (*names, *axes.texts):  # readable where a line crosses them
        text.set(zorder=5, path_effects=[withStroke(linewidth=2.5, foreground="white")])
    axes.set(xlabel=style.TRAINING, xlim=(0, train[-1]))
    axes.set(ylabel=style.ATTACK, ylim=(0, attack[-1]))
    figure.colorbar(picture, label="accuracy (%)")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
