"""Figure 2 of the post: the hinge loss of both classes against the logit ŷ, with the soft margin between the kinks.

    python plots/hinge_margin.py     # reads no run; writes results/figures/hinge_margin.png
"""
import matplotlib.pyplot as plt
import numpy as np

import style


def draw(results):
    figure, axes = plt.subplots(figsize=(style.WIDTH * 0.6, 2.8))
    logit = np.array([-2.6, -1.0, 1.0, 2.6])  # the ends of the drawing and the two kinks
    axes.axvspan(-1, 1, ymax=0.9, color=style.GREEN, linewidth=0)  # where both classes pay a loss
    for y, line, text in ((1, "-", "$y = +1$"), (-1, "--", "$y = -1$")):
        axes.plot(logit, np.maximum(0, 1 - y * logit), line, color="black")
        axes.text(-y * 2.6, 2.6, text, ha="center")
    style.sketch_axes(axes, (-3.2, 3.2), (-0.3, 4.2), r"$\hat{y}$", r"$L$", xticks=[(-1, "$-1$"), (1, "1")], yticks=[(1, "1")])
    axes.text(0, 3.3, "soft margin", ha="center", bbox=dict(facecolor=style.GREEN, linewidth=0))
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
