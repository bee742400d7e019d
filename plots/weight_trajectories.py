"""Every weight through training, regular beside robust: "weights smaller than ε are gently wiped off", in motion.

    python plots/weight_trajectories.py   # reads the runs regular and robust-0.2; writes results/figures/weight_trajectories.png

A line per pixel; those of pixels that are blank in every training image are blue. The vertical scale is linear below 0.01
and logarithmic above, the steps are on a square-root scale.
"""
import style  # first: installs the one-line Ctrl-C handler
import matplotlib.pyplot as plt
import numpy as np

PANELS = ("regular", "robust-0.2")
LINEAR_BELOW = 0.01  # of the symmetric logarithmic scale, in the weights' unit


def draw(results):
    figure, panels = plt.subplots(1, 2, figsize=(style.WIDTH, 3.6), sharey=True)
    for run, axes in zip(PANELS, panels):
        arrays = style.read_run(results / run, arrays=["recorded_steps", "step_weights", "step_gradients", "lit_pixels"]).arrays
        step, weights, lit = arrays["recorded_steps"] + 1, arrays["step_weights"], arrays["lit_pixels"]
        axes.plot(step, weights[:, lit], color="black", linewidth=0.4, alpha=0.25)
        axes.plot(step, weights[:, ~lit], color="#6baed6", linewidth=0.4, alpha=0.5)
        largest = np.argsort(np.abs(weights[-1]))[-10:]
        axes.plot(step, weights[:, largest], color=style.ROBUST_COLOURS[1], linewidth=1)
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
