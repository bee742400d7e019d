"""Robust training and two L1 penalties: one with the same ‖w‖₁, one with the λ whose optima are the
same.

    python -m beyond.linear.figures.robust_vs_l1  # reads regular, l1-0.2*, robust-0.2

The attack is the exact worst case, unclipped.
"""

from common import runs
from plots import style

# run: (name, colour)
RUNS = {
    "regular": ("regular", style.REGULAR_COLOUR),
    "l1-0.2": (r"L1, the same $\|w\|_1$", "#9ecae1"),
    "l1-0.2-equivalent": (r"L1, $\lambda$ = $\epsilon$ × optimum", "#2171b5"),
    "robust-0.2": (r"robust $\epsilon$ = 0.2", style.ROBUST_COLOURS[1]),
}
METRICS = ("robust_accuracy", "weight_l1_norm")


def draw(results):
    figure, (curves, *pictures) = style.subplots(1.3, 2.9, 1, 4, width_ratios=(2, 1, 1, 1))
    for (name, (label, colour)), axes in zip(RUNS.items(), (None, *pictures)):
        run = runs.read(results / name, metrics=METRICS, arrays=["weights"])
        curves.plot(*style.accuracy(run), color=colour, linewidth=2, label=label)
        if axes:
            style.show_weights(axes, run.arrays["weights"])
            axes.set_title(label.replace("optimum", "opt."), fontsize=12)
            axes.set_xlabel(f"$\\|w\\|_1$ = {run.metrics['weight_l1_norm']:.2f}")
    style.accuracy_axes(curves)
    style.legend_below(figure, curves)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
