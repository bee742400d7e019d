"""Which weights the optimum wipes off: those of pixels at which the examples pull less than ε.

    python -m beyond.linear.figures.weight_threshold  # reads the runs exact-*

A stroke for each pixel: how the active examples, those with a loss, pull at it, |mean of y x_i|,
against its weight. The optimality conditions say that a pixel pulled less than ε has a weight of
exactly zero, and that one with a weight is pulled by exactly ε: it is the pull, not the weight,
that is compared with ε. The vertical scale is linear up to 0.001 and logarithmic beyond.
"""

import numpy as np

from common import runs
from plots import style

WIPED = dict(marker="|", markersize=7, color="0.45", markeredgewidth=0.5, clip_on=False)
KEPT = dict(marker="_", markersize=9, color=style.ROBUST_COLOURS[-1], markeredgewidth=1)


def draw(results):
    figure, panels = style.subplots(1.2, 3, 1, len(runs.EPSILONS), sharey=True)
    for epsilon, axes in zip(runs.EPSILONS, panels):
        run = runs.read(results / runs.name("exact", epsilon), arrays=["weights", "pixel_pull"])
        pull, size = np.abs(run.arrays["pixel_pull"]), np.abs(run.arrays["weights"])
        axes.axvline(epsilon, color="black", linewidth=0.7, linestyle=":")
        for which, look, name in ((size == 0, WIPED, "wiped off"), (size > 0, KEPT, "kept")):
            label = f"{np.sum(which)} {name}"
            axes.plot(pull[which], size[which], linestyle="none", label=label, **look)
        text = f"$\\epsilon$ = {epsilon:g}"
        axes.set(title=text, xlim=(0, 1.25 * epsilon), xticks=[0, epsilon], xticklabels=["0", text])
        axes.set_xlabel(r"$|\mathrm{mean}\ y\,x_i|$, active examples")
        axes.legend(fontsize=10, loc="upper left", handletextpad=0.2)
    axes.set_yscale("symlog", linthresh=0.001)  # zero is on it, and small weights are seen
    axes.set_ylim(0, 30)
    style.number_ticks(axes.yaxis, [0, 0.001, 0.01, 0.1, 1, 10])
    panels[0].set_ylabel("$|w_i|$")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
