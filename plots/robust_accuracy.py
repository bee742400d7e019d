"""Accuracy under the exact worst case, unclipped as in the post.

    python plots/robust_accuracy.py  # figure 11 of the post; reads regular and robust-*

The attack is white-box and on all test images; its pixels are not kept in [0, 1].
"""

import style
import matplotlib.pyplot as plt
import numpy as np

from common import runs


def draw(results):
    saved = style.read_runs(results, metrics=["robust_accuracy"])
    figure, axes = plt.subplots(figsize=(style.WIDTH, 3.8))
    below = 0  # what a model keeps above the ones before it is filled with its colour
    for (name, run), colour in zip(saved.items(), style.colours(saved)):
        curve = run.metrics["robust_accuracy"]
        epsilon, accuracy = curve["epsilon"], 100 * np.array(curve["unclipped"])
        above = np.maximum(below, accuracy)
        axes.fill_between(epsilon, below, above, color=colour, alpha=0.3, linewidth=0)
        axes.plot(epsilon, accuracy, color=colour, linewidth=2, label=style.label(name))
        below = above
    digits = run.config["arguments"]["digits"]
    post = tuple(digits) == runs.DIGITS
    axes.set(
        xlim=(0, 0.5),
        ylim=(0, 102),
        xlabel=r"attack $\epsilon$ (pixel units)",
        ylabel="accuracy (%)",
        yticks=range(0, 101, 20),
        title="white-box attacks" + ("" if post else ", {} against {}".format(*digits)),
    )
    axes.legend(fontsize=11, borderaxespad=0)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
