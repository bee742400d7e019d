"""For each model and attack ε the misclassified attacked image that is nearest to the boundary.

    python plots/misclassified_attacked.py   # figure 12 of the post; reads regular and robust-*

Below each: its digit → the one that it is taken for. The attack is the exact worst case, unclipped.
The grey scale runs from −ε to 1 + ε, so that the display cuts nothing off.
"""

import style
from misclassified_clean import show_row

ARRAYS = ("shown_epsilons", "attacked_images", "attacked_targets")


def draw(results):
    saved = style.read_runs(results, arrays=ARRAYS)
    columns = len(next(iter(saved.values())).arrays["shown_epsilons"])
    figure, grid = style.subplots(1.3, 0.95 * len(saved), len(saved), columns, squeeze=False)
    for (name, run), row in zip(saved.items(), grid):
        epsilons, images, targets = (run.arrays[key] for key in ARRAYS)
        shown = [(image + epsilon) / (1 + 2 * epsilon) for epsilon, image in zip(epsilons, images)]
        show_row(row, shown, targets, run.config["arguments"]["digits"])
        row[0].set_ylabel(style.label(name), rotation=0, ha="right", va="center", labelpad=8)
    for axes, epsilon in zip(grid[0], epsilons):
        axes.set_title(f"$\\epsilon$ = {epsilon:g}", fontsize=11)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
