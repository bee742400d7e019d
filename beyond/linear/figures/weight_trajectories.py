"""Every weight through training: “weights smaller than ε are gently wiped off”, in motion.

    python -m beyond.linear.figures.weight_trajectories  # reads the run regular and a robust one

Blue: on pixels that are blank in every training image. Green: the ten largest at the end. The steps
are on a square-root scale, because most happens early; the weights on one that is linear from −0.01
to 0.01 and logarithmic beyond, so that small ones are seen.
"""

import numpy as np
from matplotlib.collections import LineCollection

from common import runs
from plots import style

LINEAR_BELOW = 0.01  # of the symmetric logarithmic scale, in the weights' unit
ARRAYS = ("recorded_steps", "step_weights", "lit_pixels")


def draw(results):
    figure, panels = style.subplots(1, 3.6, 1, 2, sharey=True)
    for name, axes in zip(style.two_runs(results), panels):
        run = runs.read(results / name, arrays=ARRAYS)
        steps, weights, lit = (run.arrays[key] for key in ARRAYS)
        step = steps + 1
        lines = np.stack(np.broadcast_arrays(step, weights.T), axis=-1)  # (pixels, steps, 2)
        for chosen, colour, alpha in ((lit, "black", 0.25), (~lit, "#6baed6", 0.5)):
            look = dict(colors=colour, linewidths=0.4, alpha=alpha, zorder=2)
            axes.add_collection(LineCollection(lines[chosen], **look))  # faster than many lines
        largest = np.argsort(np.abs(weights[-1]))[-10:]
        axes.plot(step, weights[:, largest], color=style.ROBUST_COLOURS[1], linewidth=1)
        axes.axhline(0, color="black", linewidth=0.5)
        axes.set_xscale("function", functions=(np.sqrt, np.square))  # most happens early
        axes.set_yscale("symlog", linthresh=LINEAR_BELOW)
        axes.set(title=style.label(name), xlabel="step of SGD (root scale)")
        axes.set(xlim=(0, step[-1]), xticks=[0, 50, 200, 500, 1000])
    style.number_ticks(axes.yaxis, [-0.1, -0.01, 0, 0.01, 0.1, 1])
    panels[0].set_ylabel("$w_i$ (linear to ±0.01, then logarithmic)")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
