"""Black-box attacks: accuracy under the worst case of a surrogate.

    python -m beyond.threats.figures.transfer_attacks  # reads the run transfer

A line for each surrogate that the attacker trained; dotted, the white-box attack that knows the
model itself. Unclipped.
"""

import matplotlib.pyplot as plt

from common import runs
from plots import style

PANELS = ("regular", "robust-0.2")
# Of the surrogates: blue for a random start, orange for a start from zero.
COLOURS = (
    "#c6dbef",
    "#9ecae1",
    "#6baed6",
    "#2171b5",
    "#08306b",
    "#fdd0a2",
    "#fdae6b",
    "#f16913",
    "#a63603",
)


def draw(results):
    run = runs.read(results / "transfer", arrays=["epsilon", "accuracy"])
    sources, targets = run.config["run"]["sources"], run.config["run"]["targets"]
    epsilon, accuracy = run.arrays["epsilon"], 100 * run.arrays["accuracy"]
    surrogates = [name for name in sources if name not in targets]
    figure, panels = plt.subplots(1, len(PANELS), figsize=(style.WIDTH * 1.2, 3.4), sharey=True)
    for target, axes in zip(PANELS, panels):
        curves = accuracy[:, targets.index(target)]
        for name, colour in zip(surrogates, COLOURS):
            axes.plot(epsilon, curves[sources.index(name)], color=colour, linewidth=1.8, label=name)
        axes.plot(epsilon, curves[sources.index(target)], "k:", label="none: white box")
        axes.set(
            xlim=(0, 0.5),
            ylim=(0, 102),
            title=f"attacks on {style.label(target)}",
            xlabel=r"attack $\epsilon$ (pixel units)",
            yticks=range(0, 101, 20),
        )
    panels[0].set_ylabel("accuracy (%)")
    figure.legend(
        *panels[0].get_legend_handles_labels(),
        loc="outside right center",
        fontsize=10,
        title="surrogate",
        title_fontsize=11,
    )
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
