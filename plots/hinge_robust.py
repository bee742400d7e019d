"""The robust hinge: both kinks move outward by ε‖w‖₁, and the soft margin (here the post calls it
boundary) becomes wider.

    python plots/hinge_robust.py     # figure 6 of the post; reads no run

The robust loss is max(0, 1 - yŷ + ε‖w‖₁): its kink is at yŷ = 1 + ε‖w‖₁, where the regular one
(thin) is at yŷ = 1.
"""

import style
import matplotlib.pyplot as plt
import numpy as np

SHIFT = 1.5  # ε‖w‖₁; wide enough for an arrow to show
END = 3.6  # of the curves on either side; beyond it nothing changes


def draw(results):
    figure, axes = plt.subplots(figsize=(style.WIDTH * 0.7, 3.4))
    kink = 1 + SHIFT
    logit = np.array([-END, -kink, -1, 1, kink, END])  # straight lines between kinks and ends
    axes.fill_between([-kink, kink], 6.4, color=style.GREEN, linewidth=0)
    height = 0.45  # of the arrow from the old hinge to the new, a little above their kinks
    arrow = dict(arrowstyle="-|>", facecolor="black", linewidth=0.9, shrinkA=0, shrinkB=3)
    for y, line, text in ((1, "-", "$y = +1$"), (-1, "--", "$y = -1$")):
        axes.plot(logit, np.maximum(0, 1 - y * logit), line, **style.THIN)
        axes.plot(logit, np.maximum(0, 1 - y * logit + SHIFT), line, color="black")
        axes.text(-y * END, 6.4, text, ha="center")
        axes.text(-y * END, 3.7, "regular", ha="center", color="0.4")
        axes.annotate(
            "", (y * (kink - height), height), (y * (1 - height), height), arrowprops=arrow
        )
        axes.text(
            y * (1 + SHIFT / 2 - height),
            height + 0.15,
            r"$\epsilon\|w\|_1$",
            fontsize=11,
            ha="center",
        )
    ticks = [
        (-kink, r"$-1-\epsilon\|w\|_1$"),
        (-1, "$-1$"),
        (kink, r"$1+\epsilon\|w\|_1$"),
        (1, "1"),
    ]
    style.sketch_axes(axes, (-4.3, 4.3), (-0.5, 7.2), r"$\hat{y}$", "$L$", xticks=ticks)
    axes.text(0, 5.4, "soft margin", ha="center", bbox=dict(facecolor=style.GREEN, linewidth=0))
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
