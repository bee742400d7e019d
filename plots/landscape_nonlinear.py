"""The loss along one input of a non-linear model: the post's sketch, and measured curves.

    python plots/landscape_nonlinear.py  # figure 3 of the post; reads landscapes, if there

The first panel is a sketch: a sum of sines. The others are measured on the first test image, of a
network with two hidden layers and of the linear model, if the network was trained: 1 − yŷ, the
hinge before it is cut off at zero.
"""

import style
import numpy as np

from common import runs

X_I = 4.6  # the value of the input before any attack
TITLES = ("along the strongest pixel", "along random signs", "along the network’s attack")


def irregular_loss(x):
    """Slow, middling and quick sines, added until no direction looks like another."""
    return 2.4 + 0.55 * np.sin(0.9 * x + 0.6) + 0.45 * np.sin(2.1 * x) + 0.25 * np.sin(4.3 * x + 1)


def draw_sketch(axes):
    x = np.linspace(0, 9, 500)
    axes.fill_between(x, irregular_loss(x), color=style.GREY, linewidth=0)
    axes.plot(x, irregular_loss(x), color="black")
    axes.plot([X_I, X_I], [0, 3.4], "--", color="black", linewidth=0.7)
    axes.plot(X_I, irregular_loss(X_I), "o", color="black", markersize=4)
    axes.text(9.3, 3.75, "sketch, not measured", ha="right", style="italic", color="0.35")
    style.sketch_axes(axes, (-0.4, 9.4), (-0.3, 4.3), "input $i$", "$L$", [(X_I, "$x_i$")])


def draw_measured(panels, arrays):
    losses = zip(arrays["loss_network"], arrays["loss_linear"])
    for axes, title, (network, linear) in zip(panels, TITLES, losses):
        axes.plot(arrays["offsets"], network, color="black", label="network")
        axes.plot(arrays["offsets"], linear, color=style.REGULAR_COLOUR, label="regular")
        axes.axvline(0, linestyle="--", color="black", linewidth=0.7)
        axes.set(title=title, xlim=(-0.5, 0.5), xlabel="change (pixel units)")
        axes.set_ylabel(r"$1 - y\hat{y}$")
    panels[0].legend(fontsize=11, loc="best", borderaxespad=0, handlelength=1.4)


def draw(results):
    if not (results / "landscapes").exists():
        figure, sketch = style.subplots(0.6, 2.8)
    else:
        needed = ["offsets", "loss_network", "loss_linear"]
        network = runs.read(results / "landscapes", arrays=needed)
        figure, ((sketch, *first), rest) = style.subplots(1, 5.2, 2, 2)
        draw_measured([*first, *rest], network.arrays)
        figure.supxlabel("the vertical scales differ", fontsize=12, style="italic", color="0.35")
    draw_sketch(sketch)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
