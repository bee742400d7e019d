"""Attacked logits of the misclassified images, and how many there are, for each attack ε.

    python plots/misclassified_logits.py # figure 13 of the post; reads regular and a robust run

A ridge is the density of the attacked logits of the misclassified test images; a row without one
had too few mistakes. The two humps are the two digits.
"""

import style
import numpy as np

from attacks import robust_margins
from common import runs

EPSILONS = np.linspace(0.025, 0.5, 20)  # of the attack, in pixel units
FEWEST = 3  # mistakes needed to draw a density
BANDWIDTH = 0.2  # of the density, in logits; one for all ridges, or it would widen with epsilon
HEIGHT = 2.4  # of a ridge, in rows: neighbours overlap a little


def wrong_logits(arrays):
    """The attacked logits of the misclassified images, for each ε."""
    targets, weights = arrays["test_targets"], arrays["weights"]
    for epsilon in EPSILONS:
        margins = robust_margins(targets * arrays["test_logits"], weights, epsilon)
        yield (targets * margins)[margins <= 0].astype(np.float32)  # enough to draw, and faster


def draw_ridge(axes, row, logits, limit, colour):
    axes.axhline(-row, color="0.85", linewidth=0.5, zorder=2 * row)
    if len(logits) >= FEWEST:
        grid = np.linspace(-limit, limit, 800, dtype=np.float32)
        density = np.exp(-(((grid[:, np.newaxis] - logits) / BANDWIDTH) ** 2) / 2).sum(axis=1)
        ridge = HEIGHT * density / density.max() - row
        front = dict(zorder=2 * row + 1)
        for shade, alpha in (("white", 1), (colour, 0.8)):  # white hides the ridge behind
            axes.fill_between(grid, -row, ridge, color=shade, alpha=alpha, linewidth=0, **front)
        axes.plot(grid, ridge, color="black", linewidth=0.8, **front)


def draw(results):
    arrays = ["weights", "test_logits", "test_targets"]
    names = style.two_runs(results)
    saved = [runs.read(results / name, arrays=arrays) for name in names]
    low, high = saved[0].config["arguments"]["digits"]
    wrong = [list(wrong_logits(run.arrays)) for run in saved]
    # One scale for both panels: their widths are what is compared.
    limit = max(1.15 * np.abs(logits).max(initial=0) for rows in wrong for logits in rows)
    figure, panels = style.subplots(1, 5, 1, 2, sharex=True, sharey=True)
    for name, colour, rows, axes in zip(names, (style.GREY, style.GREEN), wrong, panels):
        count = dict(fontsize=10, color="0.4", ha="right", transform=axes.get_yaxis_transform())
        axes.text(1.13, 1.0, "mistakes", **count)
        for x, ha, text in ((-limit, "left", (high, low)), (limit, "right", (low, high))):
            axes.text(x, HEIGHT - 0.3, r"{} $\to$ {}".format(*text), fontsize=12, ha=ha)
        for row, logits in enumerate(rows):
            axes.text(1.13, -row, len(logits), va="center", **count)
            draw_ridge(axes, row, logits, limit, colour)
        axes.axvline(0, color="black", linewidth=0.6, linestyle=":", zorder=100)
        axes.set(xlim=(-limit, limit), ylim=(-len(EPSILONS) + 0.5, HEIGHT + 0.2))
        axes.set(title=style.label(name), xlabel="attacked logit of the misclassified")
        axes.spines["left"].set_visible(False)
        axes.tick_params(left=False)
    named = range(1, len(EPSILONS), 2)
    panels[0].set_yticks([-row for row in named], [f"{EPSILONS[row]:.2f}" for row in named])
    panels[0].set_ylabel(r"attack $\epsilon$")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
