"""What six networks look at: the gradient of the logit, and the least attack that turns it.

    python -m beyond.networks.figures.meaning    # reads the run meaning

Three test images of each digit, top row. For each network and image, on the left the gradient along
the pixels, on a scale of its own (dark raises the logit), on the right the image turned by the
least attack that PGD found, and its ε. One seed each.
"""

import numpy as np

from common import runs
from plots import style

ARRAYS = ("images", "gradients", "turned", "epsilon")


def draw(results):
    run = runs.read(results / "meaning", arrays=ARRAYS)
    images, gradients, turned, epsilon = (run.arrays[key] for key in ARRAYS)
    names, columns = run.config["run"]["networks"], 2 * len(images)
    figure, grid = style.subplots(1.2, 0.75 * (len(names) + 1), len(names) + 1, columns)
    for axes in grid[0]:
        axes.set_axis_off()
    for image, axes in zip(images, grid[0, ::2]):
        axes.set_axis_on()
        style.show_picture(axes, image, 0, 1)
    for name, row, *values in zip(names, grid[1:], gradients, turned, epsilon):
        for left, right, gradient, image, least in zip(row[::2], row[1::2], *values):
            size = np.abs(gradient).max() or 1
            style.show_picture(left, gradient, -size, size)
            style.show_picture(right, image, 0, 1)
            text = f"{least:.2f}" if np.isfinite(least) else "–"
            right.set_xlabel(text, fontsize=8, labelpad=1)
        row[0].set_ylabel(name.replace("-", "\n"), rotation=0, ha="right", va="center", fontsize=9)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
