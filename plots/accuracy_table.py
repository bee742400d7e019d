"""Figure 8 of the post: the accuracy of the four models, as a table.

    python plots/accuracy_table.py   # reads the runs regular, robust-0.1, -0.2, -0.3; writes results/figures/accuracy_table.png

Train is what the post prints: the running average over the last epoch, while the weights move.
"""
import style  # first: installs the one-line Ctrl-C handler
import matplotlib.pyplot as plt

ROWS = {"Train": "train_accuracy_running", "Test": "test_accuracy"}


def draw(results):
    metrics = [style.read_run(results / run, metrics=ROWS.values()).metrics for run in style.RUNS]
    figure, axes = plt.subplots(figsize=(style.WIDTH * max(4, len(style.RUNS)) / 4, 1.3))
    axes.axis("off")
    table = axes.table(
        [[f"{100 * run[name]:.2f}" for run in metrics] for name in ROWS.values()],
        rowLabels=[f"{name} accuracy (%)" for name in ROWS], colLabels=[style.label(run) for run in style.RUNS],
        colWidths=[0.76 / len(style.RUNS)] * len(style.RUNS), cellLoc="center", loc="center right", edges="horizontal")
    table.auto_set_font_size(False)
    table.set_fontsize(13)
    table.scale(1, 1.9)
    corner = table.add_cell(0, -1, 0.25, table[0, 0].get_height())  # or the upper rule is shorter than the others
    corner.visible_edges = "horizontal"
    for cell in table.get_celld().values():
        cell.set_linewidth(0.7)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
