"""Accuracy for every training ε against every attack ε: SGD's models and the proved optima.

    python -m beyond.linear.figures.phase_diagram_exact  # reads the runs sweep and diagram

The colour is the accuracy on the test images under the exact worst case, unclipped, with contours
at 50, 90, 95 and 99 %. Below: how many pixels the optimum uses. The post's models are marked.
"""

import numpy as np

from beyond.chance.figures import phase_diagram
from common import runs
from plots import style

TITLES = {"sweep": "the post’s recipe, SGD", "diagram": "the optimum"}
ROWS = dict(sharex=True, sharey="row", height_ratios=[2.6, 1])


def draw(results):
    figure, grid = style.subplots(1.2, 6, 2, 2, **ROWS)
    for (name, title), (axes, below) in zip(TITLES.items(), grid.T):
        run = runs.read(results / name, arrays=phase_diagram.ARRAYS)
        train, attack, _ = (run.arrays[key] for key in phase_diagram.ARRAYS)
        picture, _ = phase_diagram.draw_map(axes, run)
        axes.plot(train, train, color="black", linewidth=0.8, linestyle="--")
        axes.set(title=title, xlim=(0, train[-1]), ylim=(0, attack[-1]))
        if name == "sweep":
            phase_diagram.mark_models(axes, 5, "the post’s models")
            used = run.arrays["weights"]
            step = run.config["arguments"]["learning_rate"] * train[:, np.newaxis]
            pixels, what = np.sum(np.abs(used) > step, axis=1), "above a step of SGD, lr × ε"
        else:
            pixels, what = run.arrays["pixels"], "not zero"
            for end in ("separation_epsilon", "constant_epsilon"):
                below.axvline(run.metrics[end], color="black", linewidth=0.7, linestyle=":")
        below.step(train, pixels, where="mid", color=style.ROBUST_COLOURS[-1], linewidth=1.6)
        below.set_yscale("symlog", linthresh=1)
        below.set(xlabel=style.TRAINING, ylim=(0, 1000))
        below.set_title(f"weights {what}", fontsize=11)
    style.number_ticks(below.yaxis, [0, 1, 10, 100, 784])
    grid[0, 0].set_ylabel(style.ATTACK)
    grid[1, 0].set_ylabel("pixels")
    figure.colorbar(picture, ax=grid[0], label="accuracy (%)")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
