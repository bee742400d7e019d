"""Figure 11 of the post: accuracy under the white-box attack, against its epsilon.

    python plots/robust_accuracy.py  # reads the runs regular, robust-0.1, -0.2, -0.3; writes results/figures/robust_accuracy.png

The attack is the exact worst case on all test images, its pixels not clipped to [0, 1], as in the post.
"""
import style  # first: installs the one-line Ctrl-C handler
import matplotlib.pyplot as plt
import numpy as np


def draw(results):
    figure, axes = plt.subplots(figsize=(style.WIDTH, 3.8))
    curves = [style.read_run(results / run, metrics=["robust_accuracy"]).metrics["robust_accuracy"] for run in style.RUNS]
    # What a model keeps above the ones before it is filled with its colour.
    below = np.zeros(len(curves[0]["epsilon"]))
    for run, curve, colour in zip(style.RUNS, curves, style.colours(style.RUNS)):
        epsilon, accuracy = np.array(curve["epsilon"]), 100 * np.array(curve["unclipped"])
        axes.fill_between(epsilon, below, np.maximum(below, accuracy), color=colour, alpha=0.3, linewidth=0)
        axes.plot(epsilon, accuracy, color=colour, linewidth=2, label=style.label(run))
        below = np.maximum(below, accuracy)
    axes.set(xlim=(0, 0.5), ylim=(0, 102), xlabel=r"attack $\epsilon$ (pixel units)", ylabel="accuracy (%)",
             yticks=range(0, 101, 20), title="white-box attacks")
    axes.legend(fontsize=11, borderaxespad=0)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
