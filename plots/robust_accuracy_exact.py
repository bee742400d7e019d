"""Accuracy under the exact worst case: the post's recipe against the proved optimum.

    python plots/robust_accuracy_exact.py   # reads the runs robust-* and exact-*; writes results/figures/robust_accuracy_exact.png

Thick lines: unclipped, the attack that both are trained for. Thin lines: the attacked pixels kept in [0, 1].
"""
import matplotlib.pyplot as plt
import numpy as np

import style


def draw(results):
    figure, panels = plt.subplots(1, len(style.EPSILONS), figsize=(style.WIDTH * 1.2, 3.1), sharey=True)
    for epsilon, axes in zip(style.EPSILONS, panels):
        for kind, colour, name in (("robust", style.ROBUST_COLOURS[0], "the post's recipe"),
                                   ("exact", style.ROBUST_COLOURS[-1], "the optimum")):
            curve = style.read_run(results / f"{kind}-{epsilon:g}", metrics=["robust_accuracy"]).metrics["robust_accuracy"]
            axes.plot(curve["epsilon"], 100 * np.array(curve["unclipped"]), color=colour, linewidth=2.2, label=name)
            axes.plot(curve["epsilon"], 100 * np.array(curve["clipped"]), color=colour, linewidth=0.8, label="clipped")
        axes.axvline(epsilon, color="black", linewidth=0.7, linestyle=":")
        axes.text(epsilon + 0.008, 60, "trained", rotation=90, fontsize=11, va="center")
        axes.set(xlim=(0, 0.5), ylim=(0, 102), xticks=np.arange(0, 0.51, 0.1), title=f"trained at $\\epsilon$ = {epsilon:g}",
                 xlabel=r"attack $\epsilon$")
    panels[0].set_ylabel("accuracy (%)")
    panels[-1].legend(fontsize=10, loc="lower left")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
