"""Every training epsilon against every attack epsilon: where robust training helps, and which of it is best.

    python plots/phase_diagram.py    # reads the run sweep; writes results/figures/phase_diagram.png

The colour is the accuracy on the test images under the exact worst case, unclipped. The post's models are marked.
"""
import style  # first: installs the one-line Ctrl-C handler
import matplotlib.pyplot as plt
import numpy as np

LEVELS = (50, 90, 95, 99)  # % accuracy, of the contours
LABELS = [(0.05, 0.18), (0.14, 0.215), (0.115, 0.18), (0.06, 0.11)]  # about where they are named, for the post's digits, one for each contour
DECIDED = 99.5  # % accuracy, of the best model, below which it is drawn: above, single images decide
COLLAPSED = 60  # % accuracy without an attack, below which a model gives one answer to nearly all images
BEST_COLOUR = "#08306b"  # a blue, to be told from the greens by everybody


def draw(results):
    run = style.read_run(results / "sweep", arrays=["train_epsilons", "attack_epsilons", "accuracy"])
    arrays, post = run.arrays, tuple(run.config["arguments"]["digits"]) == style.cli.DIGITS
    train, attack, accuracy = arrays["train_epsilons"], arrays["attack_epsilons"], 100 * arrays["accuracy"]
    figure, axes = plt.subplots(figsize=(style.WIDTH * 0.85, 4.8))
    picture = axes.pcolormesh(train, attack, accuracy.T, cmap="Greens_r", vmin=0, vmax=100, rasterized=True)
    lines = axes.contour(train, attack, accuracy.T, LEVELS, colors="black", linewidths=0.7)
    axes.clabel(lines, fmt="%g %%", fontsize=10, manual=LABELS if post else False)
    axes.plot([0, train[-1]], [0, train[-1]], color="black", linewidth=0.8, linestyle="--", label="attack = training")
    best, clean, collapsed = accuracy.max(axis=0), accuracy[:, 0], accuracy[:, 0] < COLLAPSED
    drawn = best < DECIDED
    if collapsed.any():
        one_answer = np.median(clean[collapsed])
        drawn &= best > one_answer  # above, no training helps
        axes.text(train[collapsed].mean(), 0.4 * attack[-1], f"one answer to all: {one_answer:.0f} %", rotation=90, fontsize=11,
                  ha="center", va="center")
    axes.plot(train[accuracy.argmax(axis=0)][drawn], attack[drawn], color=BEST_COLOUR, linewidth=1.6, label="best training")
    axes.plot(style.EPSILONS, style.EPSILONS, "o", color="black", markersize=6, label="the post’s models" if post else "robust runs")
    axes.set(xlabel=r"training $\epsilon$ (pixel units)", ylabel=r"attack $\epsilon$ (pixel units)",
             xlim=(0, train[-1]), ylim=(0, attack[-1]))
    axes.legend(fontsize=10, loc="upper left", frameon=True, framealpha=0.9, edgecolor="none")
    figure.colorbar(picture, label="accuracy (%)")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
