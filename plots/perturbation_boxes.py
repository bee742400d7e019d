"""The ℓ∞ neighbourhoods: a box of side 2ε around every example.

    python plots/perturbation_boxes.py   # figure 5 of the post; reads no run

Shown for three inputs: every input moves by up to ε whatever the others do, which makes a cube.
"""

from itertools import product

import style
import numpy as np
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

EPSILON = 0.045  # inputs are in [0, 1]; large enough to see a cube, small enough for 50
COUNT = 50
SEED = 4743  # of those tried, the one whose cubes hide each other least from this side
MARKED = 34  # a cube with room below it


def cube(centre):
    """The six faces of the ℓ∞ ball round centre (3,): (6 faces, 4 corners, 3)."""
    square = np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)])
    faces = [np.insert(square, axis, side, axis=1) for axis, side in product(range(3), (-1, 1))]
    return centre + EPSILON * np.array(faces)


def draw(results):
    figure, axes = style.subplots(0.7, 4.4, subplot_kw=dict(projection="3d"))
    for direction, name in zip(1.1 * np.eye(3), ("$x_1$", "$x_2$", "$x_3$")):
        axes.quiver(0, 0, 0, *direction, color="black", linewidth=0.7, arrow_length_ratio=0.04)
        axes.text(*1.06 * direction, name, ha="center", va="center")
    points = np.random.default_rng(SEED).uniform(EPSILON, 1 - EPSILON, (COUNT, 3))
    look = dict(facecolor=style.GREEN, edgecolor="0.2", linewidth=0.5, alpha=0.6)
    for point in points:  # each its own collection, so that Matplotlib draws the far ones first
        axes.add_collection3d(Poly3DCollection(cube(point), **look))
    # The points are in front, or the green would veil them.
    axes.plot(*points.T, "o", color="black", markersize=2, zorder=1000)
    x, y, z = points[MARKED] + (EPSILON, 0, -EPSILON - 0.025)  # just below one cube's front face
    side = [x, x], [y - EPSILON, y + EPSILON], [z, z]
    axes.plot(*side, "|-", color="black", linewidth=0.7, markersize=5)
    axes.text(x, y, z - 0.05, r"$2\epsilon$", ha="center", va="center")
    axes.set(xlim=(0, 1), ylim=(0, 1), zlim=(0.07, 1.07))  # a little high, for the axis labels
    axes.set_axis_off()
    axes.set_box_aspect((1, 1, 1), zoom=1.05)  # as the limits, so that cubes are cubes
    axes.view_init(elev=22, azim=32)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
