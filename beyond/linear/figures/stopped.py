"""What stopping does: one SGD run at ε = 0.3, looked at ever later, and the optimum of its loss.

    python -m beyond.linear.figures.stopped  # reads the runs stopped and exact-0.3

Under each picture of the weights: their share on the pixels of the optimum, and the accuracy under
the attack of 0.3, unclipped.
"""

from common import runs
from plots import style


def draw(results):
    run = runs.read(results / "stopped", ["norm_on_pixels", "robust_accuracy"], ["weights"])
    metrics, epsilon = run.metrics, run.metrics["epsilon"]
    exact = runs.read(results / runs.name("exact", epsilon), ["robust_accuracy"], ["weights"])
    curve = exact.metrics["robust_accuracy"]
    kept = curve["unclipped"][curve["epsilon"].index(epsilon)]
    titles = [*(f"{epochs} epochs" for epochs in metrics["epochs"]), "optimum"]
    shares, accuracy = [*metrics["norm_on_pixels"], 1], [*metrics["robust_accuracy"], kept]
    weights = [*run.arrays["weights"], exact.arrays["weights"]]
    figure, panels = style.subplots(1.1, 2.4, 1, len(titles))
    for axes, title, values, share, right in zip(panels, titles, weights, shares, accuracy):
        style.show_weights(axes, values)
        axes.set_title(title, fontsize=12)
        text = f"{metrics['pixels']} pixels: {share:.0%}\nattacked: {right:.1%}"
        axes.set_xlabel(text, fontsize=10)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
