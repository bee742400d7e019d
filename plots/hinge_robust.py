"""The robust hinge: both kinks move outward by ε‖w‖₁, and the soft margin becomes wider.

    python plots/hinge_robust.py     # figure 6 of the post; reads no run

The robust loss is max(0, 1 − yŷ + ε‖w‖₁): its kink is at yŷ = 1 + ε‖w‖₁, where that of the regular
one, thin, is at yŷ = 1. Here the post calls the soft margin boundary.
"""

import style
import numpy as np

SHIFT = 1.5  # ε‖w‖₁; wide enough for an arrow to show
KINK = 1 + SHIFT
END = 3.6  # of the curves on either side; beyond it nothing changes
TICKS = {-KINK: r"$-1-\epsilon\|w\|_1$", -1: "$-1$", KINK: r"$1+\epsilon\|w\|_1$", 1: "1"}
HEIGHT = 0.45  # of the arrow from the old hinge to the new, a little above their kinks
ARROW = dict(arrowstyle="-|>", facecolor="black", linewidth=0.9, shrinkA=0, shrinkB=3)


def draw(results):
    figure, axes = style.subplots(0.7, 3.4)
    logit = np.array([-END, -KINK, -1, 1, KINK, END])  # straight lines between kinks and ends
    axes.fill_between([-KINK, KINK], 6.4, color=style.GREEN, linewidth=0)
    for y, line, text in ((1, "-", "$y = +1$"), (-1, "--", "$y = -1$")):
        axes.plot(logit, np.maximum(0, 1 - y * logit), line, **style.THIN)
        axes.plot(logit, np.maximum(0, 1 - y * logit + SHIFT), line, color="black")
        axes.text(-y * END, 6.4, text, ha="center")
        axes.text(-y * END, 3.7, "regular", ha="center", color="0.4")
        old, new = y * (1 - HEIGHT), y * (KINK - HEIGHT)
        axes.annotate("", (new, HEIGHT), (old, HEIGHT), arrowprops=ARROW)
        shift = dict(s=r"$\epsilon\|w\|_1$", fontsize=11, ha="center")
        axes.text((old + new) / 2, HEIGHT + 0.15, **shift)
    style.sketch_axes(axes, (-4.3, 4.3), (-0.5, 7.2), r"$\hat{y}$", "$L$", TICKS.items())
    axes.text(0, 5.4, "soft margin", ha="center", bbox=dict(facecolor=style.GREEN, linewidth=0))
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
