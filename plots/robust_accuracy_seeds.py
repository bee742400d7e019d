"""How much figure 11 depends on chance: the accuracy curves over seeds.

    python plots/robust_accuracy_seeds.py   # reads the runs regular-seeds and robust-seeds

Median and the band from the 5th to the 95th percentile; the seeds differ in initial weights and in the order of the
images. Writes results/figures/robust_accuracy_seeds.png.
"""
import style  # first: installs the one-line Ctrl-C handler
import matplotlib.pyplot as plt
import numpy as np


def draw(results):
    figure, axes = plt.subplots(figsize=(style.WIDTH, 3.4))
    runs = [style.read_run(results / name, arrays=["epsilon", "robust_accuracy"]).arrays for name in ("regular-seeds", "robust-seeds")]
    curves = [curve for run in runs for curve in run["robust_accuracy"]]  # (seeds, epsilons) each
    models = style.storage.POST_RUNS
    for curve, model, colour in zip(curves, models, style.colours(models), strict=True):
        low, median, high = np.percentile(100 * curve, (5, 50, 95), axis=0)
        axes.fill_between(runs[0]["epsilon"], low, high, color=colour, alpha=0.4, linewidth=0)
        axes.plot(runs[0]["epsilon"], median, color=colour, linewidth=1.6, label=style.label(model))
    axes.set(xlim=(0, 0.5), ylim=(0, 102), xlabel=r"attack $\epsilon$ (pixel units)", ylabel="accuracy (%)",
             title=f"median and 5–95 % over {len(curves[0])} seeds")
    axes.legend(fontsize=11, borderaxespad=0)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
