"""Robust training and two L1 penalties: one with the same ‖w‖₁, one with the λ whose optima are the
same.

    python -m beyond.linear.figures.robust_vs_l1  # reads regular, l1-0.2*, robust-0.2

The attack is the exact worst case, unclipped.
"""

import matplotlib.pyplot as plt
import numpy as np

from common import runs
from plots import style

# run: (name in the legend, title of its picture, colour)
RUNS = {
    "regular": ("regular", None, style.REGULAR_COLOUR),
    "l1-0.2": (r"L1, the same $\|w\|_1$", r"L1, the same $\|w\|_1$", "#9ecae1"),
    "l1-0.2-equivalent": (
        r"L1, $\lambda$ = $\epsilon$ × optimum",
        r"L1, $\lambda$ = $\epsilon$ × opt.",
        "#2171b5",
    ),
    "robust-0.2": (r"robust $\epsilon$ = 0.2", r"robust $\epsilon$ = 0.2", style.ROBUST_COLOURS[1]),
}


def draw(results):
    figure, (curves, *pictures) = plt.subplots(
        1, 4, figsize=(style.WIDTH * 1.3, 2.9), width_ratios=(2, 1, 1, 1)
    )
    for (name, (label, title, colour)), axes in zip(RUNS.items(), (None, *pictures)):
        run = runs.read(
            results / name, metrics=["robust_accuracy", "weight_l1_norm"], arrays=["weights"]
        )
        curve = run.metrics["robust_accuracy"]
        curves.plot(
            curve["epsilon"],
            100 * np.array(curve["unclipped"]),
            color=colour,
            linewidth=2,
            label=label,
        )
        if axes:
            style.show_weights(axes, run.arrays["weights"])
            axes.set_title(title, fontsize=12)
            axes.set_xlabel(f"$\\|w\\|_1$ = {run.metrics['weight_l1_norm']:.2f}")
    curves.set(
        xlim=(0, 0.5),
        ylim=(0, 102),
        yticks=range(0, 101, 20),
        ylabel="accuracy (%)",
        xlabel=r"attack $\epsilon$ (pixel units)",
    )
    figure.legend(
        *curves.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=11
    )
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
