"""All pairs of digits under the attack of ε = 0.2: SGD above the diagonal, the optimum below.

    python -m beyond.pairs.figures.pairs  # reads the runs pairs/*

Large: the accuracy on the test images under that attack, unclipped, which is the colour, too.
Small: without an attack. Both models are trained for ε = 0.2; SGD is the post's recipe.
"""

import numpy as np

from beyond.pairs import summary as pairs_summary
from plots import style

DARK = 62  # % accuracy below which the text is white


def draw(results):
    kept = pairs_summary.attacked(pairs_summary.read(results))
    table, clean = np.full((2, 10, 10), np.nan)
    for name, models in kept.items():
        first, second = map(int, name.split("-"))
        for place, (attacked, without) in zip(((first, second), (second, first)), models):
            table[place], clean[place] = 100 * attacked, 100 * without
    figure, axes = style.subplots(1.1, style.WIDTH)
    picture = axes.imshow(table, cmap="Greens_r", vmin=30, vmax=100)
    for (row, column), value in np.ndenumerate(table):
        if row == column:
            axes.text(column, row, row, ha="center", va="center", fontsize=22, color="0.6")
        elif not np.isnan(value):
            look = dict(ha="center", color="white" if value < DARK else "black")
            axes.text(column, row + 0.05, f"{value:.1f}", fontsize=13, va="bottom", **look)
            axes.text(column, row + 0.12, f"{clean[row, column]:.1f}", fontsize=9, va="top", **look)
    axes.set(xticks=range(10), yticks=range(10))
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.spines[:].set_visible(False)
    axes.set_title("SGD, the post’s recipe", fontsize=13)
    axes.set_xlabel("the proved optimum", fontsize=13)
    bar = figure.colorbar(picture, ax=axes, shrink=0.6, aspect=30)
    bar.set_label("accuracy under attack (%)")
    bar.outline.set_visible(False)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
