"""Shifts of the distribution, which nobody chose to do harm (the post: "Safety is another
perspective"): the test images moved, turned, noisy, blurred, faint, on a background, thin or thick.

    python -m beyond.threats.shifts                      # NumPy and SciPy alone; a few seconds

Reads the post's four models and the proved optima, exact-*, and writes results/shifts/.
"""

import numpy as np
from scipy import ndimage

import attacks
import data_prep
from claims import rules
from common import cli, runs

RUN = "shifts"
MODELS = (*runs.POST_RUNS, *rules.EXACT)


def translated(x, pixels, generator):
    """Moved up, down, left and right, by whole pixels."""
    ways = (pixels, 0), (-pixels, 0), (0, pixels), (0, -pixels)
    return [ndimage.shift(x, (0, *way), order=0) for way in ways]


def rotated(x, degrees, generator):
    """Turned either way about the middle, interpolated linearly."""
    turn = lambda angle: ndimage.rotate(x, angle, axes=(2, 1), reshape=False, order=1)
    return [turn(degrees), turn(-degrees)]


def noisy(x, deviation, generator):
    """With Gaussian noise of this standard deviation, clipped to the range of a pixel."""
    return [np.clip(x + generator.normal(0, deviation, x.shape), 0, 1)]


def salted(x, share, generator):
    """With this share of the pixels set to 0 or 1, either as likely."""
    salt = generator.integers(0, 2, x.shape)
    return [np.where(generator.random(x.shape) < share, salt, x)]


def blurred(x, deviation, generator):
    """Smoothed by a Gaussian of this standard deviation, in pixels."""
    return [ndimage.gaussian_filter(x, (0, deviation, deviation))]


def faint(x, factor, generator):
    """Every pixel times this factor."""
    return [factor * x]


def on_background(x, brightness, generator):
    """No pixel darker than this brightness."""
    return [np.maximum(x, brightness)]


def thickened(x, change, generator):
    """Strokes thicker by `change` pixels, or thinner: the largest, or least, value around."""
    size = 1, 1 + abs(change), 1 + abs(change)
    return [(ndimage.grey_dilation if change > 0 else ndimage.grey_erosion)(x, size)]


SHIFTS = {  # name: (function, amounts from the least to the most)
    "translation (pixels)": (translated, (1, 2, 3, 4)),
    "rotation (degrees)": (rotated, (15, 30, 45)),
    "Gaussian noise (deviation)": (noisy, (0.1, 0.2, 0.3, 0.5)),
    "salt and pepper (share)": (salted, (0.05, 0.1, 0.2, 0.3)),
    "blur (pixels)": (blurred, (0.5, 1, 1.5, 2)),
    "contrast (factor)": (faint, (0.9, 0.7, 0.5, 0.3)),
    "background (brightness)": (on_background, (0.1, 0.2, 0.3, 0.4)),
    "thicker (pixels)": (thickened, (1, 2)),
    "thinner (pixels)": (thickened, (-1, -2)),
}


def accuracies(models, x, y):
    """The accuracy of linear models, pairs (weights, bias), on images (n, 28, 28): (models,)."""
    x = x.reshape(len(x), -1).astype(float)
    return [np.mean(y * attacks.linear_logits(*model, x) > 0) for model in models]


def measure(models, x, y, seed, accuracies=accuracies):
    """Accuracy under each shift, {name: (amounts, models)}: the mean of its variants.

    accuracies: of models and images, as above; another one for models that are not linear.
    """
    generator, found = np.random.default_rng(seed), {}
    for name, (function, amounts) in SHIFTS.items():
        variants = (function(x, amount, generator) for amount in amounts)
        kept = [[accuracies(models, each, y) for each in images] for images in variants]
        found[name] = np.array([np.mean(rows, axis=0) for rows in kept])
    return found


def main(argv=None):
    args = cli.pair_parser(__doc__).parse_args(argv)
    data, results = data_prep.load_pair(args.digits), cli.results_folder(args)
    needed = ("weights", "bias")
    models = [rules.linear(runs.read(results / name, arrays=needed)) for name in MODELS]
    x, y = data.x_test[..., 0], data.y_test
    found = measure(models, x, y, seed=0)
    metrics = {"clean": list(map(float, accuracies(models, x, y)))}
    for name, accuracy in found.items():
        metrics[name] = dict(amounts=list(SHIFTS[name][1]), accuracy=accuracy.tolist())
    runs.save(results / RUN, args, data, metrics, {}, models=list(MODELS), shifts=list(SHIFTS))
    turned = zip(MODELS, found["rotation (degrees)"][-1])
    print(f"{results / RUN}: turned by 45°, " + ", ".join(f"{m} {a:.1%}" for m, a in turned))


if __name__ == "__main__":
    cli.run(main)
