"""Figure 6 of the post: robust training moves both hinges outward by ε‖w‖₁, and with them the band between the kinks.

    python plots/hinge_robust.py     # reads no run; writes results/figures/hinge_robust.png

The robust loss is max(0, 1 - yŷ + ε‖w‖₁), so its kink is at yŷ = 1 + ε‖w‖₁ instead of 1.
"""
import matplotlib.pyplot as plt
import numpy as np

import style

SHIFT = 1.2  # ε‖w‖₁; wide enough for its arrows to show
END = 3.6  # the drawing's end on either side


def draw(results):
    figure, axes = plt.subplots(figsize=(style.WIDTH * 0.7, 3.2))
    kink = 1 + SHIFT
    logit = np.array([-END, -kink, -1, 1, kink, END])
    axes.axvspan(-kink, kink, ymin=0.06, ymax=0.9, color=style.GREEN, linewidth=0)
    for y, line in ((1, "-"), (-1, "--")):
        axes.plot(logit, np.maximum(0, 1 - y * logit), line, **style.THIN)  # where the hinge was
        axes.plot(logit, np.maximum(0, 1 - y * logit + SHIFT), line, color="black")
    style.sketch_axes(axes, (-4.2, 4.2), (-0.5, 7), r"$\hat{y}$", r"$L$")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
