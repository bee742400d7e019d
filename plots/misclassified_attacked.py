"""Figure 12 of the post: attacked images that are misclassified, one for each model and attack epsilon.

    python plots/misclassified_attacked.py   # reads the runs regular, robust-0.1, -0.2, -0.3

Each is the one nearest to the decision boundary; the attack is the exact worst case, not clipped, and the grey scale
runs from -ε to 1 + ε so that nothing of it is hidden. Writes results/figures/misclassified_attacked.png.
"""
import style  # first: installs the one-line Ctrl-C handler
import matplotlib.pyplot as plt


def draw(results):
    runs = [style.read_run(results / run, arrays=["shown_epsilons", "attacked_images", "attacked_found"]).arrays
            for run in style.RUNS]
    epsilons = runs[0]["shown_epsilons"]
    figure, grid = plt.subplots(len(runs), len(epsilons), figsize=(style.WIDTH * 1.3, 0.8 * len(runs)), squeeze=False)
    for name, arrays, row in zip(style.RUNS, runs, grid):
        for axes, image, epsilon, found in zip(row, arrays["attacked_images"], epsilons, arrays["attacked_found"]):
            style.show_digit(axes, (image + epsilon) / (1 + 2 * epsilon) if found else None)
        row[0].set_ylabel(style.label(name), rotation=0, ha="right", va="center", labelpad=8)
    for axes, epsilon in zip(grid[0], epsilons):
        axes.set_title(f"$\\epsilon$ = {epsilon:g}", fontsize=11)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
