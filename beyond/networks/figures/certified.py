"""Networks between two sides, certificate below and attack above, beside exact linear models.

    python -m beyond.networks.figures.certified  # reads the runs certified, robust-0.2 and exact-*

One seed each, on all test images; attacked pixels stay in [0, 1]. Dots: what was measured; between
two of them, a network keeps no less than is proved at the next ε and no more than the attack left
at the one before, hence the steps. The certified networks were trained for ε up to 0.42, the dotted
line. Lines: the exact accuracy of linear models. The lower panels are the upper ones near 100 %.
"""

import numpy as np

from common import runs
from plots import style

TITLES = {"small": "two hidden layers", "convolutional": "convolutional"}
TRAININGS = {
    "regular": style.REGULAR_COLOUR,
    "adversarial": style.OWN_COLOURS[1],
    "certified": style.OWN_COLOURS[0],
}
LINEAR = {
    "robust-0.2": ("--", "linear, robust $\\epsilon$ = 0.2"),
    "exact-0.1": ((0, (1, 1)), "linear optimum, $\\epsilon$ = 0.1"),
    "exact-0.2": ("-.", "linear optimum, $\\epsilon$ = 0.2"),
    "exact-0.3": ("-", "linear optimum, $\\epsilon$ = 0.3"),
}


def draw(results):
    run = runs.read(results / "certified", metrics=runs.NETWORK_NAMES)
    linear = {name: runs.read(results / name, metrics=["robust_accuracy"]) for name in LINEAR}
    figure, panels = style.subplots(1.2, 6.6, 2, len(TITLES), sharex=True, sharey="row")
    for (kind, title), column in zip(TITLES.items(), panels.T):
        for axes in column:
            for how, colour in TRAININGS.items():
                found = run.metrics[f"{kind}-{how}"]
                sides = (100 * np.array(found[side]) for side in ("certified", "attacked"))
                style.draw_sides(axes, found["epsilon"], *sides, colour, linewidth=1.4, label=how)
            axes.axvline(run.config["run"]["epsilon"], color="black", linewidth=0.9, linestyle=":")
            for name, (line, text) in LINEAR.items():
                look = dict(color="black", linewidth=0.9, linestyle=line, label=text)
                axes.plot(*style.accuracy(linear[name], "clipped"), **look)
            style.accuracy_axes(axes, xticks=np.arange(0, 0.51, 0.1))
        column[0].set_title(title)
        axes.set(ylim=(95, 100.2), yticks=range(95, 101))
    style.legend_below(figure, axes, 3)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
