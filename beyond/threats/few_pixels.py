"""How few pixels fool a linear model, if an attacker may set each to anything from 0 to 1?

    python -m beyond.threats.few_pixels      # NumPy alone; a second

The number is exact for each test image: see fewest_pixels. Reads the post's four models and the
proved optima, exact-*, and writes results/few_pixels/: config.json, metrics.json (for each model
the median over the images, and the accuracy if COUNTS pixels may be changed, over all images and
over those of each digit), arrays.npz (fewest: for each model and image).
"""

import numpy as np

import attacks
import data_prep
from claims.rules import EXACT
from common import cli, runs

RUN = "few_pixels"
MODELS = (*runs.POST_RUNS, *EXACT)  # the rows of `fewest`
COUNTS = (1, 2, 3, 5, 10, 20, 40)  # pixels changed


def gains(weights, x, y):
    """What each pixel can take from the margin y ŷ, |w_i| room_i, (batch, pixels), in float64.

    Its room is x_i or 1 - x_i: how far it can move in [0, 1] in the direction that harms.
    """
    room = np.abs(x - (np.multiply.outer(y, weights) < 0))
    return room * np.abs(weights).astype(float)


def fewest_pixels(weights, bias, x, y):
    """The least number of pixels, each anywhere in [0, 1], that makes a prediction wrong: (batch,).

    Arguments:
        weights: (pixels,); bias: (); x: images in [0, 1], (batch, pixels) or (batch, 28, 28, 1);
        y: (batch,), -1 or +1.

    0 if it is wrong already; pixels + 1 if all of them together cannot. Pixel i takes at most
    |w_i| room_i from the margin, so those with the largest of these products come first.
    """
    margins = y * attacks.linear_logits(weights, bias, x)
    taken = -np.sort(-gains(weights, x.reshape(len(x), -1), y), axis=1)
    short = np.sum(np.cumsum(taken, axis=1) < margins[:, np.newaxis], axis=1)
    return np.where(margins > 0, short + 1, 0)


def attack_pixels(weights, x, y, count):
    """The exact worst case of at most `count` changed pixels, in the shape and type of x.

    Arguments: as of fewest_pixels; count: one number, or one for each image, (batch,).
    """
    flat = x.reshape(len(x), -1)
    taken = gains(weights, flat, y)
    rank = np.argsort(np.argsort(-taken, axis=1, kind="stable"), axis=1)
    changed = (rank < np.reshape(count, (-1, 1))) & (taken > 0)
    worst = np.outer(y, weights) < 0  # the end of a pixel's range that harms
    return np.where(changed, worst, flat).astype(x.dtype).reshape(x.shape)


def fewest_of_models(saved, data):
    """fewest_pixels of each of MODELS for every test image, (models, images) int16.

    saved: the runs by name, with weights and bias.
    """
    arrays = [saved[name].arrays for name in MODELS]
    fewest = [fewest_pixels(it["weights"], it["bias"], data.x_test, data.y_test) for it in arrays]
    return np.array(fewest, np.int16)


def by_digit(values, y, digits, measure):
    """A measure of the values, (images,), of each digit: {"0": ..., "1": ...}."""
    return {str(digit): measure(values[y == sign]) for digit, sign in zip(digits, (-1, 1))}


def accuracy(fewest, counts):
    """The share of images, (images,), that stay right if so many pixels may be changed: a list."""
    return [float(np.mean(fewest > count)) for count in counts]


def main(argv=None):
    args = cli.pair_parser(__doc__).parse_args(argv)
    data, results = data_prep.load_pair(args.digits), cli.results_folder(args)
    saved = {name: runs.read(results / name, arrays=("weights", "bias")) for name in MODELS}
    fewest = fewest_of_models(saved, data)
    median = lambda each: float(np.median(each))
    kept = lambda each: accuracy(each, COUNTS)
    metrics = {"counts": list(COUNTS)}
    for name, measure in (("median_pixels", median), ("accuracy", kept)):
        metrics[name] = {model: measure(each) for model, each in zip(MODELS, fewest)}
        metrics[f"{name}_by_digit"] = {
            model: by_digit(each, data.y_test, args.digits, measure)
            for model, each in zip(MODELS, fewest)
        }
    runs.save(results / RUN, args, data, metrics, {"fewest": fewest}, models=list(MODELS))
    medians = ", ".join(f"{name} {count:g}" for name, count in metrics["median_pixels"].items())
    print(f"{results / RUN}: pixels that fool half of the images, {medians}")


if __name__ == "__main__":
    cli.run(main)
