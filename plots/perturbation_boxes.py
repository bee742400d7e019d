"""Figure 5 of the post: what an attack may reach, in three inputs: around each example a cube with side 2ε.

    python plots/perturbation_boxes.py     # reads no run; writes results/figures/perturbation_boxes.png

‖δ‖∞ ≤ ε lets every input move by at most ε on its own, so the neighbourhood is a cube and its corners are the worst.
"""
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

import style

EPSILON = 0.045  # of the range of an input; large enough to see a cube, small enough to tell 50 apart
COUNT = 50
SEED = 0


def cube(centre):
    """The six faces of the ℓ∞ ball around centre: (6, 4, 3)."""
    ring = np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)])
    faces = [np.insert(ring, axis, side, axis=1) for axis, side in product(range(3), (-1, 1))]
    return centre + EPSILON * np.array(faces)


def draw(results):
    figure, axes = plt.subplots(figsize=(style.WIDTH * 0.7, 4.4), subplot_kw=dict(projection="3d"))
    points = np.random.default_rng(SEED).uniform(EPSILON, 1 - EPSILON, (COUNT, 3))
    for point in points:  # a collection each, so that Matplotlib draws the far ones first
        axes.add_collection3d(Poly3DCollection(cube(point), facecolor=style.GREEN, edgecolor="0.2", linewidth=0.4, alpha=0.5))
    axes.scatter(*points.T, color="black", s=4, depthshade=False)
    axes.set(xlim=(0, 1), ylim=(0, 1), zlim=(0, 1), xticks=[], yticks=[], zticks=[])
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
