"""Figure 9 of the post: the test images that each model misclassifies without any attack.

    python plots/misclassified_clean.py   # reads the runs regular, robust-0.1, -0.2, -0.3

A row per model, nearest to the decision boundary first, up to four. Writes results/figures/misclassified_clean.png.
"""
import style  # first: installs the one-line Ctrl-C handler
import matplotlib.pyplot as plt

COLUMNS = 4


def draw(results):
    figure, grid = plt.subplots(len(style.RUNS), COLUMNS, figsize=(style.WIDTH * 0.6, 0.92 * len(style.RUNS)), squeeze=False)
    for run, row in zip(style.RUNS, grid):
        saved = style.read_run(results / run, metrics=["misclassified_test"], arrays=["misclassified_clean"])
        images, count = saved.arrays["misclassified_clean"], saved.metrics["misclassified_test"]
        for axes, image in zip(row, [*images, *[None] * COLUMNS]):
            style.show_digit(axes, image)
        row[0].set_ylabel(f"{style.label(run)}\n{count} wrong", rotation=0, ha="right", va="center", labelpad=10)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
