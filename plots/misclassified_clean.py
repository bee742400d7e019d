"""Test images misclassified without an attack: up to four per model, nearest to the boundary first.

python plots/misclassified_clean.py  # figure 9 of the post; reads the runs of style.RUNS
"""

import style
import matplotlib.pyplot as plt

COLUMNS = 4


def draw(results):
    saved = style.read_runs(results, metrics=["misclassified_test"], arrays=["misclassified_clean"])
    figure, grid = plt.subplots(
        len(saved), COLUMNS, squeeze=False, figsize=(style.WIDTH * 0.6, 0.92 * len(saved))
    )
    for (name, run), row in zip(saved.items(), grid):
        for axes, image in zip(row, [*run.arrays["misclassified_clean"], *[None] * COLUMNS]):
            style.show_digit(axes, image)
        row[0].set_ylabel(
            f"{style.label(name)}\n{run.metrics['misclassified_test']} wrong",
            rotation=0,
            ha="right",
            va="center",
            labelpad=10,
        )
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
