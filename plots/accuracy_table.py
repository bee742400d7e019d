"""Accuracy of the models on the training and on the test images.

    python plots/accuracy_table.py   # figure 8 of the post; reads regular and robust-*

Train is the running average over the last epoch.
"""

import style

ROWS = {"Train": "train_accuracy_running", "Test": "test_accuracy"}


def draw(results):
    saved = style.read_runs(results, metrics=ROWS.values())
    figure, axes = style.subplots(max(4, len(saved)) / 4, 1.3)
    axes.axis("off")
    table = axes.table(
        [[f"{100 * run.metrics[name]:.2f}" for run in saved.values()] for name in ROWS.values()],
        rowLabels=[f"{name} accuracy (%)" for name in ROWS],
        colLabels=[style.label(run) for run in saved],
        colWidths=[0.76 / len(saved)] * len(saved),
        cellLoc="center",
        loc="center right",
        edges="horizontal",
    )
    table.auto_set_font_size(False)
    table.set_fontsize(13)
    table.scale(1, 1.9)
    # An empty corner, or the upper rule is shorter than the others.
    corner = table.add_cell(0, -1, 0.25, table[0, 0].get_height())
    corner.visible_edges = "horizontal"
    for cell in table.get_celld().values():
        cell.set_linewidth(0.7)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
