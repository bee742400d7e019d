"""Accuracy where the test images are shifted, not attacked: moved, turned, noisy, blurred, faint.

    python -m beyond.threats.figures.shifts  # reads the run shifts

Solid: the post's models; dashed: the proved optima for ε = 0.1, 0.2, 0.3. At 0 nothing is changed.
"""

import matplotlib.pyplot as plt
import numpy as np

from common import runs
from plots import style

COLUMNS = 3
UNCHANGED = {"contrast (factor)": 1}  # the amount that changes nothing; 0 for the others


def draw(results):
    run = runs.read(results / "shifts", metrics=["clean"])
    models, shifts = run.config["run"]["models"], run.config["run"]["shifts"]
    looks = list(zip(style.colours(models), ["-"] * len(models)))
    for column, model in enumerate(models):
        if model.startswith("exact"):
            twin = models.index(model.replace("exact", "robust"))
            looks[column] = looks[twin][0], "--"
    figure, panels = plt.subplots(
        -(-len(shifts) // COLUMNS),
        COLUMNS,
        sharey=True,
        figsize=(style.WIDTH * 1.2, 7),
        squeeze=False,
    )
    for name, axes in zip(shifts, panels.flat):
        amounts = [UNCHANGED.get(name, 0), *run.metrics[name]["amounts"]]
        accuracy = 100 * np.array([run.metrics["clean"], *run.metrics[name]["accuracy"]])
        for model, curve, (colour, line) in zip(models, accuracy.T, looks):
            axes.plot(amounts, curve, line, color=colour, linewidth=1.8, label=style.label(model))
        axes.set(xlim=(amounts[0], amounts[-1]), ylim=(40, 101), xticks=amounts)
        axes.set_xticks(amounts, [f"{abs(amount):g}" for amount in amounts])
        axes.set_title(name, fontsize=12)
    for axes in panels[:, 0]:
        axes.set_ylabel("accuracy (%)")
    figure.legend(
        *panels.flat[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=4,
        fontsize=11,
    )
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
