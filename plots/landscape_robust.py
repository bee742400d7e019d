"""Figure 7 of the post: the loss against one weight w_i, in regular and in robust training.

    python plots/landscape_robust.py     # reads no run; writes results/figures/landscape_robust.png

"""
import matplotlib.pyplot as plt
import numpy as np

import style

Y = 1
EPSILON = 0.5


def draw(results):
    figure, panels = plt.subplots(1, 2, figsize=(style.WIDTH, 3.2), sharey=True)
    w = np.array([-2, 0, 2])
    for axes, x_i in zip(panels, (0.2, 0.8)):
        axes.plot(w, 2 - Y * x_i * w, **style.THIN)
        axes.plot(w, 2.5 - Y * x_i * w + EPSILON * np.abs(w), color="black")
        style.sketch_axes(axes, (-2.3, 2.3), (-0.3, 6), "$w_i$", "$L$")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
