"""Figure 10 of the post: the weights of each model as a picture.

    python plots/model_weights.py    # reads the runs regular, robust-0.1, -0.2, -0.3; writes results/figures/model_weights.png

Dark pixels push the decision to the digit one, light ones to zero; each picture has its own scale, symmetric about 0.
"""
import style  # first: installs the one-line Ctrl-C handler
import matplotlib.pyplot as plt
import numpy as np


def draw(results):
    figure, panels = plt.subplots(1, len(style.RUNS), figsize=(style.WIDTH * max(4, len(style.RUNS)) / 4, 2.6), squeeze=False)
    for run, axes in zip(style.RUNS, panels[0]):
        saved = style.read_run(results / run, arrays=["weights"])
        weights, digits = saved.arrays["weights"], saved.config["arguments"]["digits"]
        largest = np.abs(weights).max()
        picture = style.show_weights(axes, weights)
        axes.set_title(style.label(run))
        bar = figure.colorbar(picture, ax=axes, location="bottom", shrink=0.85, aspect=18, ticks=[-largest, 0, largest])
        bar.ax.set_xticklabels([f"$-${largest:.2f}", "0", f"{largest:.2f}"], fontsize=10)
        bar.outline.set_linewidth(0.5)
    figure.supxlabel("dark pushes to the digit {1}, light to {0}".format(*digits), fontsize=12)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
