"""A network of all ten digits between its certificate and the attack, beside linear models.

    python -m beyond.ten.figures.ten_network     # reads the runs ten_network and ten_linear

On 10,000 test images; attacked pixels stay in [0, 1]. Dots: what was measured; between two of them
the network keeps no less than is proved at the next ε and no more than PGD left at the one before.
Lines: exact, of linear models, SGD's and the best that a search found. Crosses: published values,
of larger networks that were trained longer.
"""

import numpy as np

from common import runs
from plots import style

LINES = {  # of linear models: colour, line
    "robust-0.1": (style.ROBUST_COLOURS[1], "-"),
    "found-0.1": (style.OWN_COLOURS[1], "--"),
    "found-0.2": (style.OWN_COLOURS[1], "-"),
}


def draw(results):
    network = runs.read(results / "ten_network", metrics=["epsilon", "certified", "attacked"])
    linear = runs.read(results / "ten_linear", metrics=["models"], arrays=["clipped"])
    found, figure, axes = network.metrics, *style.subplots(1, 4.2)
    sides = (100 * np.array(found[side]) for side in ("certified", "attacked"))
    style.draw_sides(axes, found["epsilon"], *sides, style.OWN_COLOURS[0], label="network")
    for name, (colour, line) in LINES.items():
        curve = 100 * linear.arrays["clipped"][linear.metrics["models"].index(name)]
        label = "linear, " + name.replace("-", " $\\epsilon$ = ")
        axes.plot(linear.arrays["attack_epsilons"], curve, line, color=colour, label=label)
    for place, values in enumerate(network.config["run"]["published"].values()):
        label = "published" if place == 0 else None
        axes.plot((0.1, 0.3), values, "x", color="black", markersize=5, label=label)
    style.accuracy_axes(axes, xlim=(0, 0.305))
    axes.legend(loc="lower left")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
