"""The hinge loss against the margin y·ŷ.

    python plots/hinge_loss.py       # figure 1 of the post; reads no run

An example with a margin of 1 or more has no loss.
"""

import style
import numpy as np


def draw(results):
    figure, axes = style.subplots(0.5, 2.8)
    margin = np.array([-1.5, 1.0, 2.5])
    loss = np.maximum(0, 1 - margin)
    axes.fill_between(margin, loss, color=style.GREY, linewidth=0)
    axes.plot(margin, loss, color="black")
    style.sketch_axes(axes, (-1.7, 2.7), (-0.3, 2.8), r"$y\hat{y}$", "$L$", [(1, "1")], [(1, "1")])
    axes.text(1.6, 2.0, r"$L(y\hat{y}) = \max(0,\ 1 - y\hat{y})$", ha="center", bbox=style.BOX)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
