"""Accuracy under the exact worst case: the post's recipe and the optimum. Thin lines: clipped.

    python -m beyond.linear.figures.robust_accuracy_exact  # reads the runs robust-* and exact-*

Thick lines are unclipped, the attack that both are trained for. Dotted: the ε of training.
"""

import matplotlib.pyplot as plt
import numpy as np

from common import runs
from plots import style


def draw(results):
    figure, panels = plt.subplots(
        1, len(runs.EPSILONS), figsize=(style.WIDTH * 1.2, 3.4), sharey=True
    )
    for epsilon, green, axes in zip(runs.EPSILONS, style.ROBUST_COLOURS, panels):
        for kind, colour, name in (
            ("robust", green, "the post’s recipe"),
            ("exact", "black", "the optimum"),
        ):
            run = runs.read(results / runs.name(kind, epsilon), metrics=["robust_accuracy"])
            curve = run.metrics["robust_accuracy"]
            axes.plot(
                curve["epsilon"],
                100 * np.array(curve["unclipped"]),
                color=colour,
                linewidth=2.2,
                label=name,
            )
            axes.plot(
                curve["epsilon"],
                100 * np.array(curve["clipped"]),
                color=colour,
                linewidth=0.8,
                label=f"{name}, clipped",
            )
        axes.axvline(epsilon, color="black", linewidth=0.7, linestyle=":")
        axes.set(
            xlim=(0, 0.5),
            ylim=(0, 102),
            xticks=np.arange(0, 0.51, 0.1),
            yticks=range(0, 101, 20),
            title=f"trained at $\\epsilon$ = {epsilon:g}",
            xlabel=r"attack $\epsilon$ (pixel units)",
        )
    panels[0].set_ylabel("accuracy (%)")
    figure.legend(
        *panels[1].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=11
    )
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
