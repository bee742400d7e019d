"""Networks between two proved sides, certificate below and attack above; lines: the exact accuracy
of linear models. The lower panels are the upper ones near 100 %.

    python -m beyond.networks.figures.certified  # reads the runs certified, robust-0.2 and exact-*

Attacked pixels stay in [0, 1]. Dots: what was measured. A band that cannot be seen is closed, and
the accuracy is known exactly.
"""

import matplotlib.pyplot as plt
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
ROWS = {"all": (0, 102), "near 100 %": (95, 100.2)}


def draw(results):
    names = [f"{kind}-{how}" for kind in TITLES for how in TRAININGS]
    networks = runs.read(results / "certified", metrics=names).metrics
    linear = {
        name: runs.read(results / name, metrics=["robust_accuracy"]).metrics["robust_accuracy"]
        for name in LINEAR
    }
    figure, panels = plt.subplots(
        len(ROWS), len(TITLES), figsize=(style.WIDTH * 1.2, 6.6), sharex=True, sharey="row"
    )
    for row, limits in zip(panels, ROWS.values()):
        for kind, axes in zip(TITLES, row):
            for how, colour in TRAININGS.items():
                run = networks[f"{kind}-{how}"]
                sides = [100 * np.array(run[side]) for side in ("certified", "attacked")]
                axes.fill_between(
                    run["epsilon"],
                    *sides,
                    facecolor=(colour, 0.3),
                    edgecolor=colour,
                    linewidth=1.4,
                    label=how,
                )
                for side in sides:
                    axes.plot(run["epsilon"], side, "o", color=colour, markersize=3)
            for name, (line, text) in LINEAR.items():
                curve = linear[name]
                accuracy = 100 * np.array(curve["clipped"])
                axes.plot(
                    curve["epsilon"], accuracy, color="black", linewidth=0.9, ls=line, label=text
                )
            axes.set(xlim=(0, 0.5), ylim=limits, xticks=np.arange(0, 0.51, 0.1))
    for kind, axes in zip(TITLES, panels[0]):
        axes.set_title(TITLES[kind])
    for axes in panels[-1]:
        axes.set_xlabel(r"attack $\epsilon$ (pixel units)")
    for axes in panels[:, 0]:
        axes.set_ylabel("accuracy (%)")
    figure.legend(
        *panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=11
    )
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
