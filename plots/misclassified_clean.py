"""Test images misclassified without an attack: up to four per model, nearest to the boundary first.

    python plots/misclassified_clean.py  # figure 9 of the post; reads regular and robust-*

Below each: its digit → the one that it is taken for.
"""

import itertools

import style

ARRAYS = ("misclassified_clean", "misclassified_targets")


def show_row(row, images, targets, digits):
    """Draw misclassified images, and below each its digit and the one that it is taken for.

    Arguments:
        row: axes; they stay empty beyond the last image, and where a target is 0.
        targets: -1 or +1; digits: the pair that these stand for.
    """
    for axes, image, target in itertools.zip_longest(row, images, targets):
        if target:
            style.show_picture(axes, image, 0, 1)
            taken = digits if target < 0 else digits[::-1]
            axes.set_xlabel(r"{} $\to$ {}".format(*taken), fontsize=10, labelpad=2)
        else:
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)


def draw(results):
    saved = style.read_runs(results, metrics=["misclassified_test"], arrays=ARRAYS)
    figure, grid = style.subplots(0.6, 0.92 * len(saved), len(saved), 4, squeeze=False)
    for (name, run), row in zip(saved.items(), grid):
        show_row(row, *(run.arrays[key] for key in ARRAYS), run.config["arguments"]["digits"])
        text = f"{style.label(name)}\n{run.metrics['misclassified_test']} wrong"
        row[0].set_ylabel(text, rotation=0, ha="right", va="center", labelpad=10)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
