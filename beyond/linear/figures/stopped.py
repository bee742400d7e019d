"""What stopping does: one SGD run at ε = 0.3, looked at ever later, and the optimum of its loss.

    python -m beyond.linear.figures.stopped  # reads the runs stopped and exact-0.3

Each picture of the weights has its own scale. Under it: the share of ‖w‖₁ that is on the pixels of
the optimum, and the accuracy on the test images under the attack of 0.3, unclipped.
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
    figure, panels = style.subplots(1.1, 2.7, 1, len(titles))
    figure.suptitle(
        f"robust $\\epsilon$ = {epsilon:g}, after more and more epochs of SGD", fontsize=13
    )
    text = f"of $\\|w\\|_1$ on the {metrics['pixels']} pixels of the optimum; "
    text += f"right under the attack of {epsilon:g}"
    figure.supxlabel(text, fontsize=12)
    for axes, title, values, share, right in zip(panels, titles, weights, shares, accuracy):
        style.show_weights(axes, values)
        axes.set_title(title, fontsize=12)
        axes.set_xlabel(f"{share:.0%} of $\\|w\\|_1$\n{right:.1%} right", fontsize=11)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
