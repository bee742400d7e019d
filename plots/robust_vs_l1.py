"""Robust training beside an L1 penalty of the same strength: their accuracy curves and their weights.

    python plots/robust_vs_l1.py     # reads the runs regular, robust-0.2 and l1-0.2; writes results/figures/robust_vs_l1.png

The penalty is chosen so that both have the same ‖w‖₁. The attack is the exact worst case, unclipped.
"""
import matplotlib.pyplot as plt
import numpy as np

import style

RUNS = {"regular": ("regular", style.REGULAR_COLOUR), "l1-0.2": ("L1 penalty", "#d08a2e"),
        "robust-0.2": (r"robust $\epsilon$ = 0.2", style.ROBUST_COLOURS[1])}


def draw(results):
    figure, (curves, penalty, robust) = plt.subplots(1, 3, figsize=(style.WIDTH * 1.2, 2.9), width_ratios=(1.7, 1, 1))
    for run, (name, colour) in RUNS.items():
        saved = style.read_run(results / run, metrics=["robust_accuracy"], arrays=["weights"])
        curve = saved.metrics["robust_accuracy"]
        curves.plot(curve["epsilon"], 100 * np.array(curve["unclipped"]), color=colour, linewidth=2, label=name)
        axes = {"l1-0.2": penalty, "robust-0.2": robust}.get(run)
        if axes is not None:
            largest = np.abs(saved.arrays["weights"]).max()
            axes.imshow(saved.arrays["weights"].reshape(28, 28), vmin=-largest, vmax=largest)
            axes.set(xticks=[], yticks=[], title=name)
            axes.spines[:].set(visible=True, color="0.6", linewidth=0.5)
    curves.set(xlim=(0, 0.5), ylim=(0, 102), xlabel=r"attack $\epsilon$", ylabel="accuracy (%)")
    curves.legend(fontsize=10)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
