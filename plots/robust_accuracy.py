"""Accuracy under the exact worst case, unclipped as in the post.

    python plots/robust_accuracy.py  # figure 11 of the post; reads regular and robust-*

The attack knows the model, white-box, and is on all test images; its pixels are not kept in [0, 1].

"""

import style
import numpy as np

from common import runs


def draw(results):
    saved = style.read_runs(results, metrics=["robust_accuracy"])
    figure, axes = style.subplots(1, 3.8)
    below = 0  # what a model keeps above the ones before it is filled with its colour
    for (name, run), colour in zip(saved.items(), style.colours(saved)):
        epsilon, accuracy = style.accuracy(run)
        above = np.maximum(below, accuracy)
        axes.fill_between(epsilon, below, above, color=colour, alpha=0.3, linewidth=0)
        axes.plot(epsilon, accuracy, color=colour, linewidth=2, label=style.label(name))
        below = above
    digits = tuple(run.config["arguments"]["digits"])
    pair = "" if digits == runs.DIGITS else ", {} against {}".format(*digits)
    style.accuracy_axes(axes, title="white-box attacks" + pair)
    axes.legend(fontsize=11, borderaxespad=0)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
