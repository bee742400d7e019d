"""The loss along one input of the linear model: a straight line.

    python plots/landscape_linear.py     # figure 4 of the post; reads no run

The slope −y w_i is the same wherever x_i is, so its sign alone gives the worst direction.
"""

import style
import numpy as np

Y, W_I = 1, 0.3  # the case w_i > 0, y = 1; a slope that is easy to see
OTHERS = 3.6  # the loss at x_i = 0, from the bias and the other inputs
X_I = 4.6  # the value of the input before any attack, as in figure 3
SLOPE = r"$\dfrac{\partial L}{\partial x_i} = -y\,w_i$"


def draw(results):
    figure, axes = style.subplots(0.6, 2.8)
    x = np.array([0, X_I, 9])
    loss = OTHERS - Y * W_I * x
    axes.fill_between(x, loss, color=style.GREY, linewidth=0)
    axes.plot(x, loss, "o-", color="black", markersize=4, markevery=[1])  # the dot is at x_i
    axes.plot([X_I, X_I], [0, 3.9], "--", color="black", linewidth=0.7)
    axes.text(7, 3.3, SLOPE, ha="center", va="center", bbox=style.BOX)
    axes.text(2.3, 0.8, r"$w_i > 0,\ \ y = 1$", ha="center")
    style.sketch_axes(axes, (-0.4, 9.4), (-0.3, 4.3), "input $i$", "$L$", [(X_I, "$x_i$")])
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
