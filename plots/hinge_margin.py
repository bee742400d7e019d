"""The hinge loss of both classes against the logit, and the soft margin between their kinks.

    python plots/hinge_margin.py     # figure 2 of the post; reads no run

In the soft margin, green, an example has a loss whichever its class is.
"""

import style
import numpy as np

END = 2.6  # of the curves on either side; beyond it nothing changes


def draw(results):
    figure, axes = style.subplots(0.6, 2.8)
    logit = np.array([-END, -1, 1, END])  # straight lines between the two kinks and the ends
    axes.fill_between([-1, 1], 3.6, color=style.GREEN, linewidth=0)  # in here both classes pay
    for y, line, text in ((1, "-", "$y = +1$"), (-1, "--", "$y = -1$")):
        axes.plot(logit, np.maximum(0, 1 - y * logit), line, color="black")
        axes.text(-y * END, 1.2 + END, text, ha="center")
    kinks = [(-1, "$-1$"), (1, "1")]
    style.sketch_axes(axes, (-3.2, 3.2), (-0.3, 4.1), r"$\hat{y}$", "$L$", kinks, [(1, "")])
    # The 1 stands further from its tick than usual, clear of both curves.
    axes.text(-0.5, 1, "1", ha="center", va="center")
    axes.text(0, 2.9, "soft margin", ha="center", bbox=dict(facecolor=style.GREEN, linewidth=0))
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
