"""The weights of robust training for three balls, as strong against the regular model.

    python -m beyond.linear.figures.model_weights_norms  # reads the runs regular and norms

The ℓ∞ ball, the post's, has the dual norm ‖w‖₁, which wipes weights out; the duals ‖w‖₂ of ℓ2 and
‖w‖∞ of ℓ1 do not. Each picture has its own scale; below it, how much of ‖w‖₁ is in few weights.
"""

import numpy as np

from common import runs
from plots import style

NAMES = {"inf": r"$\ell_\infty$", "2": r"$\ell_2$", "1": r"$\ell_1$"}


def draw(results):
    regular = runs.read(results / "regular", arrays=["weights"]).arrays["weights"]
    run = runs.read(results / "norms", metrics=["models"], arrays=["weights"])
    shown = [("regular", regular)]
    for model, weights in zip(run.metrics["models"], run.arrays["weights"]):
        shown.append((f"{NAMES[model['norm']]}, $\\epsilon$ = {model['epsilon']:.3g}", weights))
    rows = -(-len(shown) // 4)
    figure, grid = style.subplots(1.2, 2.7 * rows, rows, 4, squeeze=False)
    for axes in grid.flat[len(shown) :]:
        axes.set_axis_off()
    for axes, (title, weights) in zip(grid.flat, shown):
        size = np.sort(np.abs(weights))
        share = size[-50:].sum() / size.sum()
        style.show_weights(axes, weights, title=title)
        axes.set_xlabel(f"50 largest: {share:.0%} of $‖w‖_1$")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
