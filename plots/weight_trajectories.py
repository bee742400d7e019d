"""Every weight through training, regular beside robust: "weights smaller than ε are gently wiped off", in motion.

    python plots/weight_trajectories.py   # reads the runs regular and robust-0.2; writes results/figures/weight_trajectories.png

A line per pixel that is lit in some training image; the vertical scale is linear below 0.01 and logarithmic above.
"""
import matplotlib.pyplot as plt
import numpy as np

import style

PANELS = ("regular", "robust-0.2")
LINEAR_BELOW = 0.01  # of the symmetric logarithmic scale, in the weights' unit


def draw(results):
    figure, panels = plt.subplots(1, 2, figsize=(style.WIDTH, 3.6), sharey=True)
    for run, axes in zip(PANELS, panels):
        arrays = style.read_run(results / run, arrays=["recorded_steps", "step_weights", "step_gradients", "lit_pixels"]).arrays
        weights = arrays["step_weights"][:, arrays["lit_pixels"]]
        order = np.argsort(np.abs(weights[-1]))  # the largest on top
        axes.plot(arrays["recorded_steps"] + 1, weights[:, order], color="black", linewidth=0.4, alpha=0.25)
        axes.plot(arrays["recorded_steps"] + 1, weights[:, order[-10:]], color=style.ROBUST_COLOURS[1], linewidth=1)
        axes.axhline(0, color="black", linewidth=0.5)
        axes.set_xscale("function", functions=(np.sqrt, np.square))  # most happens early
        axes.set_yscale("symlog", linthresh=LINEAR_BELOW)
        axes.set(title=style.label(run), xlabel="step of SGD", xlim=(0, arrays["recorded_steps"][-1] + 1),
                 xticks=[0, 50, 200, 500, 1000], yticks=[-0.1, -0.01, 0, 0.01, 0.1, 1])
        axes.set_yticklabels([r"$-$0.1", r"$-$0.01", "0", "0.01", "0.1", "1"])
    panels[0].set_ylabel("$w_i$ (the ten largest $|w_i|$ in green)")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
