"""Robust training beside an L1 penalty of the same strength: their accuracy curves and their weights.

    python plots/robust_vs_l1.py     # reads the runs regular, robust-0.2 and l1-0.2; writes results/figures/robust_vs_l1.png

The penalty is chosen so that both have the same ‖w‖₁. The attack is the exact worst case, unclipped.
"""
import matplotlib.pyplot as plt
import numpy as np

import style

RUNS = {"regular": ("regular", style.REGULAR_COLOUR), "l1-0.2": ("L1 penalty", "#2171b5"),
        "robust-0.2": (r"robust $\epsilon$ = 0.2", style.ROBUST_COLOURS[1])}


def draw(results):
    figure, (curves, *pictures) = plt.subplots(1, 3, figsize=(style.WIDTH * 1.2, 2.9), width_ratios=(1.7, 1, 1))
    for (run, (name, colour)), axes in zip(RUNS.items(), (None, *pictures)):
        saved = style.read_run(results / run, metrics=["robust_accuracy"], arrays=["weights"])
        curve, weights = saved.metrics["robust_accuracy"], saved.arrays["weights"]
        curves.plot(curve["epsilon"], 100 * np.array(curve["unclipped"]), color=colour, linewidth=2, label=name)
        if axes:
            style.show_weights(axes, weights)
            axes.set_title(name)
            axes.set_xlabel(f"$\\|w\\|_1$ = {np.abs(weights).sum():.2f}")
    curves.set(xlim=(0, 0.5), ylim=(0, 102), yticks=range(0, 101, 20), ylabel="accuracy (%)",
               xlabel=r"attack $\epsilon$ (pixel units)")
    curves.legend(fontsize=10, loc="upper right", bbox_to_anchor=(1.06, 1.04), handlelength=1.4)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
