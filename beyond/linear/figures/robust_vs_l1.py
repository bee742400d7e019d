"""Robust training beside two L1 penalties: one that gives the same ‖w‖₁, one of the same optimum.

    python -m beyond.linear.figures.robust_vs_l1  # reads regular, l1-0.2*, robust-0.2

The penalty is λ‖w‖₁. The λ of the same optimum is ε times the least robust loss: with it the two
problems have the same optimal classifiers, up to scale, and still ten epochs of SGD reach different
ones. The attack is the exact worst case, unclipped. The pictures show w / ‖w‖₁, all on one scale.
"""

import numpy as np

from common import runs
from plots import style

# run: (name, colour)
RUNS = {
    "regular": ("regular", style.REGULAR_COLOUR),
    "l1-0.2": (r"L1, the same $\|w\|_1$", "#9ecae1"),
    "l1-0.2-equivalent": ("L1, the same optimum", "#2171b5"),
    "robust-0.2": (r"robust $\epsilon$ = 0.2", style.ROBUST_COLOURS[1]),
}
METRICS = ("robust_accuracy", "weight_l1_norm")


def draw(results):
    figure, (curves, *pictures) = style.subplots(1.3, 2.9, 1, 4, width_ratios=(2, 1, 1, 1))
    saved = {name: runs.read(results / name, METRICS, ["weights"]) for name in RUNS}
    for name, (label, colour) in RUNS.items():
        curves.plot(*style.accuracy(saved[name]), color=colour, linewidth=2, label=label)
    del saved["regular"]  # its weights are in figure 10
    norms = {name: run.metrics["weight_l1_norm"] for name, run in saved.items()}
    weights = [run.arrays["weights"] / norms[name] for name, run in saved.items()]
    largest = np.abs(weights).max()
    for (name, norm), values, axes in zip(norms.items(), weights, pictures):
        style.show_picture(axes, values, -largest, largest, 0.5)
        axes.set_title(RUNS[name][0], fontsize=12)
        axes.set_xlabel(f"$\\|w\\|_1$ = {norm:.2f}")
    style.accuracy_axes(curves)
    style.legend_below(figure, curves)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
