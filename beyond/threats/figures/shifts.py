"""How much better or worse than the regular model the others are where the test images are shifted.

    python -m beyond.threats.figures.shifts  # reads the run shifts

The images are not attacked but moved, turned, noisy, blurred, faint ...; on the left of each panel
nothing is changed. Numbers: the accuracy of the regular model in %. Curves: the points of accuracy
that a model gains or loses against it, on a scale that is linear up to a point and logarithmic
beyond. Solid: robust models; dashed: the proved optima. The grey band is half a point on each side.
"""

import numpy as np

from common import runs
from plots import style

COLUMNS = 3
UNCHANGED = {"contrast (factor)": 1}  # the amount that changes nothing; 0 for the others


def draw(results):
    run = runs.read(results / "shifts", metrics=["clean"])
    models, shifts = run.config["run"]["models"], run.config["run"]["shifts"]
    twins = [model.replace("exact", "robust") for model in models]
    colour = dict(zip(models, style.colours(models)))
    rows = -(-len(shifts) // COLUMNS)
    figure, panels = style.subplots(1.2, 7.4, rows, COLUMNS, sharey=True, squeeze=False)
    for name, axes in zip(shifts, panels.flat):
        amounts = [UNCHANGED.get(name, 0), *run.metrics[name]["amounts"]]
        accuracy = 100 * np.array([run.metrics["clean"], *run.metrics[name]["accuracy"]])
        regular = accuracy[:, models.index("regular")]
        axes.axhspan(-0.5, 0.5, color=style.GREY, linewidth=0)
        axes.axhline(0, color="black", linewidth=0.5)
        for model, twin, curve in zip(models, twins, accuracy.T):
            if model != "regular":
                label = style.label(model).replace("exact", "optimum")
                look = dict(color=colour[twin], linestyle=style.DASHES.get(model, "-"))
                axes.plot(curve - regular, linewidth=1.8, label=label, **look)
        for place, kept in enumerate(regular):
            axes.text(place, 38, f"{kept:.1f}", fontsize=9, ha="center", va="center", color="0.4")
        axes.set_xlim(-0.3, len(amounts) - 0.7)  # room for the numbers
        axes.set_xticks(range(len(amounts)), [f"{abs(amount):g}" for amount in amounts])
        axes.set_title(name, fontsize=12)
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(-60, 60)
    style.number_ticks(axes.yaxis, [-50, -10, -1, 0, 1, 10])
    axes.minorticks_off()
    figure.supylabel("accuracy minus that of the regular model (points)", fontsize=12)
    style.legend_below(figure, axes, 3)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
