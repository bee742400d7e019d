"""Black-box attacks: accuracy under the worst case of a surrogate.

    python -m beyond.threats.figures.transfer_attacks  # reads the run transfer

A line for each surrogate that the attacker trained; dotted, the white-box attack that knows the
model itself. Unclipped.
"""

from common import runs
from plots import style

PANELS = ("regular", "robust-0.2")
RANDOM_START = ("#c6dbef", "#9ecae1", "#6baed6", "#2171b5", "#08306b")
ZERO_START = ("#fdd0a2", "#fdae6b", "#f16913", "#a63603")


def draw(results):
    run = runs.read(results / "transfer", arrays=["epsilon", "accuracy"])
    sources, targets = run.config["run"]["sources"], run.config["run"]["targets"]
    epsilon, accuracy = run.arrays["epsilon"], 100 * run.arrays["accuracy"]
    surrogates = [name for name in sources if name not in targets]
    figure, panels = style.subplots(1.2, 3.4, 1, len(PANELS), sharey=True)
    for target, axes in zip(PANELS, panels):
        curves = dict(zip(sources, accuracy[:, targets.index(target)]))
        for name, colour in zip(surrogates, RANDOM_START + ZERO_START):
            axes.plot(epsilon, curves[name], color=colour, linewidth=1.8, label=name)
        axes.plot(epsilon, curves[target], "k:", label="none: white box")
        style.accuracy_axes(axes, title=f"attacks on {style.label(target)}")
    lines = axes.get_legend_handles_labels()
    look = dict(fontsize=10, title="surrogate", title_fontsize=11)
    figure.legend(*lines, loc="outside right center", **look)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
