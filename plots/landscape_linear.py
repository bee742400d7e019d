"""Figure 4 of the post: the loss of a linear model against one input x_i is a straight line with slope -y w_i.

    python plots/landscape_linear.py     # reads no run; writes results/figures/landscape_linear.png

The slope is the same everywhere, so its sign alone gives the worst direction. Shown is the active part of the hinge.
"""
import matplotlib.pyplot as plt
import numpy as np

import style

Y, W_I = 1, 0.3  # the case w_i > 0, y = 1
L_0 = 3.6  # the loss at x_i = 0, from the bias and the other inputs
X_I = 4.1  # the value of the input before any attack, as in figure 3


def draw(results):
    figure, axes = plt.subplots(figsize=(style.WIDTH * 0.6, 2.8))
    x = np.array([0, 9])
    loss = L_0 - Y * W_I * x
    axes.fill_between(x, loss, color=style.GREY, linewidth=0)
    axes.plot(x, loss, color="black")
    axes.plot([X_I, X_I], [0, 4], "--", color="black", linewidth=0.7)
    style.sketch_axes(axes, (-0.4, 9.4), (-0.3, 4.3), "input", r"$L$", xticks=[(X_I, "$x_i$")])
    axes.text(6.6, 3.2, r"$\dfrac{\partial L}{\partial x_i} = -y\,w_i$", ha="center", va="center", bbox=style.BOX)
    axes.text(2.0, 0.7, "$w_i > 0,\\ y = 1$", ha="center")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
