"""All pairs of digits under the attack of ε = 0.2: SGD above the diagonal, the optimum below.

    python -m beyond.pairs.figures.pairs  # reads the runs pairs/*

Large number, and colour: the accuracy on the test images under that attack, unclipped. Small
number: the accuracy without an attack. Both models are trained for ε = 0.2; SGD is the post's
recipe.
"""

import numpy as np

from beyond.pairs import summary as pairs_summary
from plots import style


def draw(results):
    kept = pairs_summary.attacked(pairs_summary.read(results))
    table, clean = np.full((2, 10, 10), np.nan)
    for name, models in kept.items():
        first, second = map(int, name.split("-"))
        for place, (attacked, without) in zip(((first, second), (second, first)), models):
            table[place], clean[place] = 100 * attacked, 100 * without
    figure, axes = style.subplots(1.1, style.WIDTH)
    picture = axes.imshow(table, **style.ACCURACY)
    for (row, column), value in np.ndenumerate(table):
        if row == column:
            axes.text(column, row, row, ha="center", va="center", fontsize=22, color="0.6")
        elif not np.isnan(value):
            place = dict(x=column, ha="center")
            axes.text(y=row + 0.05, s=f"{value:.1f}", fontsize=13, va="bottom", **place)
            axes.text(y=row + 0.12, s=f"{clean[row, column]:.1f}", fontsize=9, va="top", **place)
    axes.set(xticks=range(10), yticks=range(10))
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.spines[:].set_visible(False)
    axes.set_title("SGD, the post’s recipe", fontsize=13)
    axes.set_xlabel("the proved optimum", fontsize=13)
    figure.supxlabel(
        "large: % under the attack of ε = 0.2; small: % without an attack", fontsize=12
    )
    bar = figure.colorbar(picture, ax=axes, shrink=0.6, aspect=30)
    bar.set_label("accuracy under attack (%)")
    bar.outline.set_visible(False)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
