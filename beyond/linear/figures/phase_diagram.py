"""Accuracy for every training ε against every attack ε: SGD's models and the proved optima.

    python -m beyond.linear.figures.phase_diagram  # reads the runs sweep and diagram

The colour is the accuracy on the test images under the exact worst case, unclipped, and darker is
better; black lines join equal accuracy. Dots are the post's models. The blue line is the training
that is best under each attack, where more than single images decide that, and one answer to all is
worse by a point. Below: how many pixels have a weight, on a scale that is logarithmic from 1 on;
dotted, the ε of separation and the one from which the constant classifier is optimal.
"""

import numpy as np
from matplotlib.patheffects import withStroke

from common import runs
from plots import style

ARRAYS = ("train_epsilons", "attack_epsilons", "accuracy", "weights")
TITLES = {"sweep": "the post’s recipe, SGD", "diagram": "the optimum"}
LEVELS = (50, 90, 95, 99)  # % accuracy, of the black lines
LABELS = {  # about where they are named, for the post's digits: the nearest one is
    "sweep": [(0.05, 0.18), (0.14, 0.215), (0.115, 0.18), (0.06, 0.11)],
    "diagram": [(0.09, 0.25), (0.15, 0.29), (0.33, 0.445), (0.06, 0.09)],
}
DECIDED = 99.5  # % accuracy below which the best training is drawn: above, single images decide
BLUE = "#08306b"


def draw_map(axes, train, attack, accuracy, labels):
    """Colours, named lines of equal accuracy (%), and the best training; returns the colours."""
    lines = axes.contour(train, attack, accuracy.T, LEVELS, colors="black", linewidths=0.7)
    for text in axes.clabel(lines, fmt="%g %%", fontsize=10, manual=labels):
        text.set(zorder=5, path_effects=[withStroke(linewidth=2.5, foreground="white")])
    best = accuracy.max(axis=0)
    drawn = (best < DECIDED) & (best > accuracy[-1] + 1)  # the last one gives one answer to all
    chosen = train[accuracy.argmax(axis=0)]
    axes.plot(chosen[drawn], attack[drawn], color=BLUE, label="best training")
    axes.plot(train, train, color="black", linewidth=0.8, linestyle="--", label="attack = training")
    axes.set(xlim=(0, train[-1]), ylim=(0, attack[-1]))
    return axes.pcolormesh(train, attack, accuracy.T, rasterized=True, **style.ACCURACY)


def draw(results):
    shape = dict(sharex=True, sharey="row", height_ratios=[2.6, 1])
    figure, grid = style.subplots(1.2, 6, 2, 2, **shape)
    for (name, title), (axes, below) in zip(TITLES.items(), grid.T):
        run = runs.read(results / name, arrays=ARRAYS)
        train, attack, accuracy, weights = (run.arrays[key] for key in ARRAYS)
        post = tuple(run.config["arguments"]["digits"]) == runs.DIGITS
        labels = LABELS[name] if post else False
        picture = draw_map(axes, train, attack, 100 * accuracy, labels)
        axes.set_title(title)
        if name == "sweep":
            axes.plot(runs.EPSILONS, runs.EPSILONS, "ko", markersize=5, label="the post’s models")
            axes.legend(fontsize=10, loc="upper left")
            step = run.config["arguments"]["learning_rate"] * train[:, np.newaxis]
            pixels, what = np.sum(np.abs(weights) > step, axis=1), "above a step of SGD, lr × ε"
        else:
            pixels, what = run.arrays["pixels"], "not zero"
            for end in ("separation_epsilon", "constant_epsilon"):
                below.axvline(run.metrics[end], color="black", linewidth=0.7, linestyle=":")
        below.step(train, pixels, where="mid", color=style.ROBUST_COLOURS[-1], linewidth=1.6)
        below.set_yscale("symlog", linthresh=1)
        below.set(xlabel=style.TRAINING, ylim=(0, 1000))
        below.set_title(f"weights {what}", fontsize=11)
    style.number_ticks(below.yaxis, [0, 1, 10, 100, 784])
    grid[0, 0].set_ylabel(style.ATTACK)
    grid[1, 0].set_ylabel("pixels")
    figure.colorbar(picture, ax=grid[0], label="accuracy (%)")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
