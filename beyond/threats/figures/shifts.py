"""Accuracy where the test images are shifted, not attacked: moved, turned, noisy, blurred, faint.

    python -m beyond.threats.figures.shifts  # reads the run shifts

Solid: the post's models; dashed: the proved optima for ε = 0.1, 0.2, 0.3. At 0 nothing is changed.
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
    figure, panels = style.subplots(1.2, 7, rows, COLUMNS, sharey=True, squeeze=False)
    for name, axes in zip(shifts, panels.flat):
        amounts = [UNCHANGED.get(name, 0), *run.metrics[name]["amounts"]]
        accuracy = 100 * np.array([run.metrics["clean"], *run.metrics[name]["accuracy"]])
        for model, twin, curve in zip(models, twins, accuracy.T):
            look = dict(color=colour[twin], linewidth=1.8, label=style.label(model))
            axes.plot(amounts, curve, "-" if model == twin else "--", **look)
        axes.set(xlim=(amounts[0], amounts[-1]), ylim=(40, 101))
        axes.set_xticks(amounts, [f"{abs(amount):g}" for amount in amounts])
        axes.set_title(name, fontsize=12)
    for axes in panels[:, 0]:
        axes.set_ylabel("accuracy (%)")
    style.legend_below(figure, axes)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
