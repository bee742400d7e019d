"""Every training epsilon against every attack epsilon: where robust training helps, and which of it is best.

    python plots/phase_diagram.py    # reads the run sweep; writes results/figures/phase_diagram.png

The colour is the accuracy on the test images under the exact worst case, unclipped. The post's models are marked.
"""
import matplotlib.pyplot as plt
import numpy as np

import style

LEVELS = (50, 90, 95, 99)  # % accuracy, of the contours
DECIDED = 99.5  # % accuracy, of the best model, below which it is drawn


def draw(results):
    arrays = style.read_run(results / "sweep", arrays=["train_epsilons", "attack_epsilons", "accuracy"]).arrays
    train, attack, accuracy = arrays["train_epsilons"], arrays["attack_epsilons"], 100 * arrays["accuracy"]
    figure, axes = plt.subplots(figsize=(style.WIDTH * 0.85, 4.8))
    picture = axes.pcolormesh(train, attack, accuracy.T, cmap="Greens_r", vmin=0, vmax=100, rasterized=True)
    lines = axes.contour(train, attack, accuracy.T, LEVELS, colors="black", linewidths=0.7)
    axes.clabel(lines, fmt="%g %%", fontsize=9)
    axes.plot([0, train[-1]], [0, train[-1]], color="black", linewidth=0.8, linestyle="--", label="attack = training")
    decided = accuracy.max(axis=0) < DECIDED  # at weaker attacks several models lose nothing, and single images decide
    axes.plot(train[accuracy.argmax(axis=0)][decided], attack[decided], color="#c0392b", linewidth=1.6, label="best training")
    axes.plot(style.EPSILONS, style.EPSILONS, "o", color="black", markersize=6, label="the post's models")
    axes.set(xlabel=r"training $\epsilon$ (pixel units)", ylabel=r"attack $\epsilon$ (pixel units)",
             xlim=(0, train[-1]), ylim=(0, attack[-1]))
    axes.legend(fontsize=10, loc="upper left", frameon=True, framealpha=0.9, edgecolor="none")
    figure.colorbar(picture, label="accuracy (%)")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
