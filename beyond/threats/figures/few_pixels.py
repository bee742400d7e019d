"""Accuracy when an attacker may set a few pixels of each image to anything from 0 to 1; below, one
test image with the fewest pixels changed (framed) that make each model wrong.

    python -m beyond.threats.figures.few_pixels  # reads the models, exact-*, few_pixels

The attack is exact: it takes the pixels with the largest |weight| times the way that they can go.
The image is the one for which these numbers are nearest to each model's median.
"""

import matplotlib.pyplot as plt
import numpy as np

import data_prep
from beyond.threats.few_pixels import attack_pixels
from claims.rules import EXACT
from common import runs
from plots import style

COUNTS = np.arange(41)  # pixels that may be changed


def draw(results):
    run = runs.read(results / "few_pixels", arrays=["fewest"])
    fewest = dict(zip(run.config["run"]["models"], run.arrays["fewest"]))
    saved = {name: runs.read(results / name, arrays=["weights"]) for name in fewest}
    colours = [*style.colours(runs.POST_RUNS), *style.ROBUST_COLOURS]
    data = data_prep.load_pair(run.config["arguments"]["digits"])
    x, y = data.x_test, data.y_test
    shown = [np.argmin(sum(np.abs(each - np.median(each)) for each in fewest.values()))]

    figure = plt.figure(figsize=(style.WIDTH * 1.2, 5.4))
    rows = figure.add_gridspec(2, len(saved), height_ratios=[2.4, 1])
    curves = figure.add_subplot(rows[0, :])
    for column, (name, colour) in enumerate(zip(saved, colours)):
        title = style.label(name).replace("exact", "optimum")
        kept = 100 * np.mean(fewest[name] > COUNTS[:, np.newaxis], axis=1)
        line = "--" if name in EXACT else "-"
        curves.plot(COUNTS, kept, line, color=colour, linewidth=2, label=title)
        count = fewest[name][shown]
        attacked = attack_pixels(saved[name].arrays["weights"], x[shown], y[shown], count)
        axes = figure.add_subplot(rows[1, column])
        style.show_digit(axes, attacked)
        changed = np.flatnonzero(attacked != x[shown])
        axes.plot(
            changed % 28,
            changed // 28,
            "s",
            markersize=3.2,
            markerfacecolor="none",
            color="#d62728",
            markeredgewidth=0.9,
        )
        axes.set_title(title.replace(" $", "\n$"), fontsize=11)
        axes.set_xlabel(f"{count[0]} pixel{'s' if count[0] > 1 else ''}", fontsize=11)
    curves.set(
        xlabel="pixels that the attacker may change",
        ylabel="accuracy (%)",
        xlim=(0, COUNTS[-1]),
        ylim=(0, 102),
        yticks=range(0, 101, 20),
    )
    curves.legend(fontsize=10, loc="upper right")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
