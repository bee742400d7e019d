"""Test images misclassified without an attack: up to four per model, nearest to the boundary first.
Below each: its digit → the one that it is taken for.

python plots/misclassified_clean.py  # figure 9 of the post; reads regular and robust-*
"""

import itertools

import style
import matplotlib.pyplot as plt

COLUMNS = 4
ARRAYS = ("misclassified_clean", "misclassified_targets")


def draw(results):
    saved = style.read_runs(results, metrics=["misclassified_test"], arrays=ARRAYS)
    figure, grid = plt.subplots(
        len(saved), COLUMNS, squeeze=False, figsize=(style.WIDTH * 0.6, 0.92 * len(saved))
    )
    for (name, run), row in zip(saved.items(), grid):
        mistakes = list(zip(*(run.arrays[key] for key in ARRAYS)))
        for axes, mistake in itertools.zip_longest(row, mistakes):
            if mistake:
                style.show_mistake(axes, *mistake, run.config["arguments"]["digits"])
            else:
                style.show_digit(axes, None)
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
