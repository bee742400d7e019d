"""What six networks look at, three zeros and three ones: the gradient of the logit along the pixels
(dark: towards "one"), and the least attack that PGD finds to turn the decision, with its ε.

    python -m beyond.networks.figures.meaning    # reads the run meaning

Each gradient is scaled by its own largest value. Each network is of one seed. To the right, medians
over the test images: alignment |⟨x, g⟩| / ‖g‖₂ and the number of pixels with half of ‖g‖₁.
"""

from common import runs
from plots import style

SIZES = {"small": "two hidden layers", "convolutional": "convolutional"}
GAP = 0.35  # between gradients and turned images, in pictures


def draw(results):
    needed = "images", "gradients", "turned", "epsilon"
    run = runs.read(results / "meaning", metrics=runs.NETWORK_NAMES, arrays=needed)
    images, gradients, turned, epsilons = (run.arrays[name] for name in needed)
    count = len(images)
    widths = [*[1] * count, GAP, *[1] * count, 1.9]
    figure, grid = style.subplots(
        1.2, 5.6, 1 + len(gradients), len(widths), width_ratios=widths, squeeze=False
    )
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0, hspace=0)
    for axes in [*grid[:, count], *grid[:, -1], *grid[0, count + 1 :]]:
        axes.set_axis_off()
    for axes, image in zip(grid[0], images):
        style.show_picture(axes, image, 0, 1)
    grid[0, 0].set_ylabel("image", rotation=0, ha="right", va="center", fontsize=10)
    middle = 1 + count + count // 2
    grid[0, middle].text(0, 0, "turned by the least attack", ha="center", fontsize=11)
    grid[0, count // 2].set_title("gradient of the logit", loc="left", fontsize=11)
    for row, name, *found in zip(grid[1:], runs.NETWORK_NAMES, gradients, turned, epsilons):
        for axes, gradient in zip(row, found[0]):
            style.show_weights(axes, gradient)
        for axes, image, epsilon in zip(row[count + 1 :], *found[1:]):
            style.show_picture(axes, image, 0, 1)
            axes.text(1, 1, f"{epsilon:.2f}", fontsize=7, va="top", color="#d62728")
        architecture, training = name.split("-")
        text = f"{SIZES[architecture]},\n{training}".replace(" hidden", "\nhidden")
        row[0].set_ylabel(text, rotation=0, ha="right", va="center", fontsize=10)
        numbers = run.metrics[name]
        text = f"alignment {numbers['alignment'][1]:.1f}\n{numbers['pixels_of_half'][1]:.0f} pixels"
        row[-1].text(0.1, 0.5, text, va="center", fontsize=10, transform=row[-1].transAxes)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
