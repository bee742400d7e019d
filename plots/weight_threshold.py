"""What becomes of "weights smaller than ε are wiped off" at the optimum: which pixels keep a weight.

    python plots/weight_threshold.py  # reads the runs exact-*; writes results/figures/weight_threshold.png

A dot per pixel: how the active examples pull at it, |mean of y x_i|, against its weight. The optimality conditions say
that a pixel pulled less than ε has a weight of exactly zero, and that one with a weight is pulled by exactly ε.
"""
import matplotlib.pyplot as plt
import numpy as np

import style


def draw(results):
    figure, panels = plt.subplots(1, len(style.EPSILONS), figsize=(style.WIDTH * 1.2, 2.9))
    for epsilon, axes in zip(style.EPSILONS, panels):
        arrays = style.read_run(results / f"exact-{epsilon:g}", arrays=["weights", "pixel_pull"]).arrays
        pull, size = np.abs(arrays["pixel_pull"]), np.abs(arrays["weights"])
        kept = size > 0
        axes.axvline(epsilon, color="black", linewidth=0.7, linestyle=":")
        axes.plot(pull[~kept], size[~kept], "o", markersize=3, markerfacecolor="none", color="0.55", markeredgewidth=0.6,
                  clip_on=False, label=f"{np.sum(~kept)} wiped off")
        axes.plot(pull[kept], size[kept], "o", markersize=4, color=style.ROBUST_COLOURS[-1], alpha=0.7, clip_on=False,
                  label=f"{np.sum(kept)} kept")
        axes.set(xlim=(0, 1.25 * epsilon), ylim=(0, 3 * size.max()), xticks=[0, epsilon], title=f"$\\epsilon$ = {epsilon:g}",
                 xlabel=r"$|\mathrm{mean}\ y\,x_i|$ of the active examples")
        axes.set_yscale("symlog", linthresh=0.01)  # zero is on it, and small weights are seen
        axes.set_xticklabels(["0", r"$\epsilon$"])
        axes.legend(fontsize=10, loc="upper left", handletextpad=0.2)
    panels[0].set_ylabel("$|w_i|$")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
