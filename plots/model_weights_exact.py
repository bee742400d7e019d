"""The weights of the post's recipe above those of the proved optimum, with the number of pixels that each uses.

    python plots/model_weights_exact.py   # reads the runs robust-* and exact-*; writes results/figures/model_weights_exact.png
"""
import matplotlib.pyplot as plt
import numpy as np

import style


def draw(results):
    figure, rows = plt.subplots(2, len(style.EPSILONS), figsize=(style.WIDTH * 0.9, 4.6))
    for kind, name, row in zip(("robust", "exact"), ("the post's recipe", "the optimum"), rows):
        for epsilon, axes in zip(style.EPSILONS, row):
            weights = style.read_run(results / f"{kind}-{epsilon:g}", arrays=["weights"]).arrays["weights"]
            largest = np.abs(weights).max()
            axes.imshow(weights.reshape(28, 28), vmin=-largest, vmax=largest)
            axes.set(xticks=[], yticks=[], title=f"$\\epsilon$ = {epsilon:g}: {np.count_nonzero(weights)} pixels")
            axes.spines[:].set(visible=True, color="0.6", linewidth=0.5)
        row[0].set_ylabel(name, fontsize=13)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
