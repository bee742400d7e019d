"""Figure 13 of the post: how confident the wrong predictions are, regular beside robust (ε = 0.2).

    python plots/misclassified_logits.py   # reads the runs regular and robust-0.2

A ridge for each attack epsilon: the density of the attacked logits of the misclassified test images, scaled to the
same height; a row without a ridge had too few mistakes. Writes results/figures/misclassified_logits.png.
"""
import style  # first: installs the one-line Ctrl-C handler
import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import gaussian_kde

PANELS = ("regular", "robust-0.2")
EPSILONS = np.linspace(0.025, 0.5, 20)  # attack radii, in pixel units
FEWEST = 3  # mistakes needed to draw a density
BANDWIDTH = 0.2  # of the density, in logits; one for all ridges, or the smoothing would widen with epsilon as the classes part
HEIGHT = 2.4  # of a ridge, in rows: neighbours overlap a little


def draw(results):
    figure, panels = plt.subplots(1, 2, figsize=(style.WIDTH, 5), sharex=True, sharey=True)
    limit = 0.0  # the same scale for both panels: their widths are what is compared
    for run, axes, colour in zip(PANELS, panels, (style.GREY, style.GREEN)):
        arrays = style.read_run(results / run, arrays=["weights", "test_logits", "test_targets"]).arrays
        logits, targets = arrays["test_logits"], arrays["test_targets"]
        reach = EPSILONS * np.abs(arrays["weights"]).sum()
        attacked = [logits - targets * size for size in reach]
        wrong = [values[values * targets <= 0] for values in attacked]
        limit = max(limit, *(1.15 * np.abs(values).max(initial=0) for values in wrong))
        grid = np.linspace(-limit, limit, 800)
        count = dict(fontsize=10, color="0.4", ha="right", transform=axes.get_yaxis_transform())
        axes.text(1, 1.15, "mistakes", **count)
        for row, values in enumerate(wrong):
            axes.axhline(-row, color="0.85", linewidth=0.5, zorder=2 * row)
            axes.text(1, 0.15 - row, len(values), **count)
            if len(np.unique(values)) >= FEWEST:
                density = gaussian_kde(values, BANDWIDTH / values.std(ddof=1))(grid)
                ridge = HEIGHT * density / density.max() - row
                axes.fill_between(grid, -row, ridge, color="white", linewidth=0, zorder=2 * row + 1)
                axes.fill_between(grid, -row, ridge, color=colour, alpha=0.8, linewidth=0, zorder=2 * row + 1)
                axes.plot(grid, ridge, color="black", linewidth=0.8, zorder=2 * row + 1)
        axes.axvline(0, color="black", linewidth=0.6, linestyle=":", zorder=100)
        axes.set(xlim=(-limit, limit), ylim=(-len(EPSILONS) + 0.5, HEIGHT + 0.2), title=style.label(run),
                 xlabel="attacked logit of the misclassified")
        axes.spines["left"].set_visible(False)
        axes.tick_params(left=False)
    panels[0].set(yticks=-np.arange(1, len(EPSILONS), 2), yticklabels=[f"{epsilon:.2f}" for epsilon in EPSILONS[1::2]],
                  ylabel=r"attack $\epsilon$")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
