"""Accuracy when an attacker may set a few pixels of each image to anything from 0 to 1.

    python -m beyond.threats.figures.few_pixels  # reads the models, exact-*, few_pixels

The attack is exact: it takes the pixels with the largest |weight| times the way that they can go.
Where two optima are equal, their dashes alternate on one line. Below, a test image with the fewest
changed pixels, framed in red, that make each model wrong; it is the image for which these numbers
are nearest to each model's median.
"""

import numpy as np

import data_prep
from beyond.threats.few_pixels import attack_pixels
from common import runs
from plots import style

COUNTS = np.arange(41)  # pixels that may be changed
FRAME_COLOUR = "#d62728"


def draw(results):
    run = runs.read(results / "few_pixels", arrays=["fewest"])
    fewest = dict(zip(run.config["run"]["models"], run.arrays["fewest"]))
    colours = [*style.colours(runs.POST_RUNS), *style.ROBUST_COLOURS]
    data = data_prep.load_pair(run.config["arguments"]["digits"])
    shown = [np.argmin(sum(np.abs(each - np.median(each)) for each in fewest.values()))]
    x, y = data.x_test[shown], data.y_test[shown]
    figure, grid = style.subplots(1.2, 5.4, 2, len(fewest), height_ratios=[2.4, 1])
    for axes in grid[0]:
        axes.remove()
    curves = figure.add_subplot(grid[0, 0].get_gridspec()[0, :])
    for name, colour, axes in zip(fewest, colours, grid[1]):
        title = style.label(name).replace("exact", "optimum")
        kept = 100 * np.mean(fewest[name] > COUNTS[:, np.newaxis], axis=1)
        look = dict(color=colour, linewidth=2, linestyle=style.DASHES.get(name, "-"))
        curves.plot(COUNTS, kept, label=title, **look)
        weights = runs.read(results / name, arrays=["weights"]).arrays["weights"]
        count = fewest[name][shown]
        attacked = attack_pixels(weights, x, y, count)
        style.show_picture(axes, attacked, 0, 1)
        style.frame_pixels(axes, np.flatnonzero(attacked != x), 3.2, FRAME_COLOUR, 0.9)
        axes.set_title(title.replace(" $", "\n$"), fontsize=11)
        axes.set_xlabel(f"{count[0]} pixel{'s' if count[0] > 1 else ''}", fontsize=11)
    curves.set(xlim=(0, COUNTS[-1]), xlabel="pixels that the attacker may change")
    curves.set(ylim=(0, 102), yticks=range(0, 101, 20), ylabel="accuracy (%)")
    curves.legend(fontsize=10, loc="upper right")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
