"""Accuracy under the exact worst case: the post's recipe and the optimum.

    python -m beyond.linear.figures.robust_accuracy_exact  # reads the runs robust-* and exact-*

Thick lines: unclipped, the attack that both are trained for; thin lines: clipped to [0, 1]. Dotted:
the ε of training.
"""

import numpy as np

from common import runs
from plots import style


def draw(results):
    figure, panels = style.subplots(1.2, 3.4, 1, len(runs.EPSILONS), sharey=True)
    for epsilon, green, axes in zip(runs.EPSILONS, style.ROBUST_COLOURS, panels):
        models = ("robust", green, "the post’s recipe"), ("exact", "black", "the optimum")
        for kind, colour, name in models:
            run = runs.read(results / runs.name(kind, epsilon), metrics=["robust_accuracy"])
            clipped = style.accuracy(run, "clipped")
            axes.plot(*style.accuracy(run), color=colour, linewidth=2.2, label=name)
            axes.plot(*clipped, color=colour, linewidth=0.8, label=f"{name}, clipped")
        axes.axvline(epsilon, color="black", linewidth=0.7, linestyle=":")
        style.accuracy_axes(axes, title=f"trained at $\\epsilon$ = {epsilon:g}")
        axes.set_xticks(np.arange(0, 0.51, 0.1))
    style.legend_below(figure, panels[1])
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
