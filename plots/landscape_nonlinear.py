"""Figure 3 of the post: the loss of a non-linear model against one input is irregular; its slope at x_i says little.

    python plots/landscape_nonlinear.py     # reads no run; writes results/figures/landscape_nonlinear.png

A sketch, as in the post: the curve is a sum of sines, not the loss of a trained model.
"""
import matplotlib.pyplot as plt
import numpy as np

import style

X_I = 4.6  # the value of the input before any attack


def irregular_loss(x):
    """Slow, middling and quick sines, added until no direction looks like another."""
    return 2.4 + 0.55 * np.sin(0.9 * x + 0.6) + 0.45 * np.sin(2.1 * x) + 0.25 * np.sin(4.3 * x + 1)


def draw(results):
    figure, axes = plt.subplots(figsize=(style.WIDTH * 0.6, 2.8))
    x = np.linspace(0, 9, 500)
    axes.fill_between(x, irregular_loss(x), color=style.GREY, linewidth=0)
    axes.plot(x, irregular_loss(x), color="black")
    axes.plot([X_I, X_I], [0, 3.9], "--", color="black", linewidth=0.7)
    axes.plot(X_I, irregular_loss(X_I), "o", color="black", markersize=4)
    axes.text(9, 3.75, "sketch, not measured", ha="right", style="italic", color="0.35")
    style.sketch_axes(axes, (-0.4, 9.4), (-0.3, 4.3), "input $i$", "$L$", xticks=[(X_I, "$x_i$")])
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
