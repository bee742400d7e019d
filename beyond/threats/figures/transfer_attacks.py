"""Black-box attacks: accuracy under the worst case of a surrogate.

    python -m beyond.threats.figures.transfer_attacks  # reads the run transfer

The attacker has trained a surrogate on so many training images, from random weights (above) or from
zero (below). Lines: the mean over draws of these images; bands: from the least to the most. Dotted:
the white-box attack, which knows the model itself. Unclipped.
"""

from common import runs
from plots import style

PANELS = ("regular", "robust-0.2")
CURVES = ("accuracy", "least", "most")  # over the draws
BLUES = ("#c6dbef", "#9ecae1", "#6baed6", "#2171b5", "#08306b")
ORANGES = ("#fdd0a2", "#fdae6b", "#f16913", "#a63603")


def draw(results):
    run = runs.read(results / "transfer", arrays=["epsilon", *CURVES])
    sources, targets = run.config["run"]["sources"], run.config["run"]["targets"]
    epsilon = run.arrays["epsilon"]
    surrogates = [name for name in sources if name not in targets]
    rows = surrogates[: len(BLUES)], surrogates[len(BLUES) :]
    figure, grid = style.subplots(1.2, 6, 2, len(PANELS), sharex=True, sharey=True)
    for names, colours, row in zip(rows, (BLUES, ORANGES), grid):
        for target, axes in zip(PANELS, row):
            of_target = [100 * run.arrays[name][:, targets.index(target)] for name in CURVES]
            for name, colour in zip(names, colours):
                mean, least, most = (curves[sources.index(name)] for curves in of_target)
                band = dict(color=colour, alpha=0.25, linewidth=0)
                axes.fill_between(epsilon, least, most, **band)
                axes.plot(epsilon, mean, color=colour, linewidth=1.8, label=name)
            white_box = of_target[0][sources.index(target)]
            axes.plot(epsilon, white_box, "k:", label="none: white box")
            style.accuracy_axes(axes, title=f"attacks on {style.label(target)}")
        axes.legend(fontsize=10, title="surrogate", loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
