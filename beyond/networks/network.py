"""A small network on the same digits: what carries over from the linear case.

    python -m beyond.networks.network

Two hidden layers, trained with the hinge loss and the step of experiment_regular.py, attacked with
FGSM and PGD: no exact worst case is known here, and accuracy under PGD is an upper bound on the
robust accuracy. The loss along a pixel, a random and an adversarial direction is measured for it
and for the regular linear model. Reads results/regular/, writes results/network/: config.json,
metrics.json, history.csv, arrays.npz, model.keras.
"""

import functools
import os

import numpy as np

import attacks
import data_prep
from common import cli, runs, training
from common.lazy import keras
from experiment_regular import (
    BATCH_SIZE,
    EPOCHS,
    LEARNING_RATE,
    hinge_loss,
    losses_and_logits,
    train_step,
)

RUN = "network"
HIDDEN = (64, 64)  # units of the two hidden layers
ATTACKS = np.linspace(0, 0.3, 7)  # radii in pixel units; beyond them no accuracy is left
PGD_STEPS = 10
IMAGES = 50  # test images whose landscapes are measured; the first one is drawn
OFFSETS = np.linspace(-0.5, 0.5, 201)  # along each direction, in pixel units
VALUES = np.linspace(0, 1, 21)  # of one pixel after the other, its whole range
DIRECTIONS = ("pixel", "random", "adversarial")


def network(hidden=HIDDEN):
    """Flatten, two hidden layers of ReLU, one logit; Keras' default initialisation."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), dtype="float32"),
            layers.Flatten(data_format="channels_last", dtype="float32"),
            *(layers.Dense(units, activation="relu", dtype="float32") for units in hidden),
            layers.Dense(1, dtype="float32"),
        ]
    )


def landscapes(model, x, y, directions):
    """1 - y ŷ, the hinge without its flat part, along directions, (images, directions, offsets).

    Arguments:
        x: (images, 28, 28, 1); y: (images,); directions: (images, directions, 28, 28, 1).
    """
    steps = OFFSETS[:, np.newaxis, np.newaxis, np.newaxis] * directions[:, :, np.newaxis]
    points = (x[:, np.newaxis, np.newaxis] + steps).astype(np.float32)
    logits = model.predict(points.reshape(-1, 28, 28, 1), batch_size=10_000, verbose=0)
    logits = logits.reshape(points.shape[:3])
    return 1 + attacks.margin_loss(y[:, np.newaxis, np.newaxis], logits)


def measured_directions(model, x, y, seed):
    """For each image: its most important pixel, random signs, and the signs of its gradient.

    The most important pixel is the one with the largest gradient. Returns (images, 3, 28, 28, 1).
    """
    gradient, _ = attacks.loss_gradient(model, attacks.margin_loss, x, y)
    pixel = np.abs(gradient) == np.abs(gradient).max(axis=(1, 2, 3), keepdims=True)
    noise = np.random.default_rng(seed).choice([-1.0, 1.0], x.shape)
    return np.stack([pixel, noise, np.sign(gradient)], axis=1)


def turns(losses):
    """How often the slope changes its sign along the last axis, flat parts aside.

    It is 0 for whatever only rises or only falls.
    """

    def count(line):
        slope = np.sign(np.round(np.diff(line), 6))
        slope = slope[slope != 0]
        return np.sum(slope[1:] != slope[:-1])

    return np.apply_along_axis(count, -1, losses)


def turning_pixels(model, x):
    """The share of pixels along which the logit turns while the pixel goes from 0 to 1.

    The share is over all images, x: (images, 28, 28, 1).
    """
    turning = []
    for image in x:
        points = np.tile(image.ravel(), (image.size, len(VALUES), 1))
        points[np.arange(image.size), :, np.arange(image.size)] = VALUES
        logits = model.predict(points.reshape(-1, *image.shape), batch_size=10_000, verbose=0)
        turning.append(turns(logits.reshape(image.size, len(VALUES))) > 0)
    return float(np.mean(turning))


def attack_curves(model, x, y):
    """Accuracy under FGSM and PGD, clipped and not, at each of ATTACKS: {name: list}."""
    curves = {name: [] for name in ("fgsm", "pgd", "fgsm_clipped", "pgd_clipped")}
    for epsilon in ATTACKS:
        for clip, end in ((False, ""), (True, "_clipped")):
            attacked = {
                "fgsm": attacks.fgsm(model, x, y, epsilon, clip=clip),
                "pgd": attacks.pgd(model, x, y, epsilon, epsilon / 4, PGD_STEPS, clip=clip),
            }
            for name, images in attacked.items():
                logits = model.predict(images, batch_size=10_000, verbose=0)[:, 0]
                curves[name + end].append(float(np.mean(y * logits > 0)))
        parts = [f"{name} {values[-1]:.2%}" for name, values in curves.items()]
        print(f"  epsilon {epsilon:.2f}: " + "  ".join(parts), flush=True)
    return curves


def parse_args(argv=None):
    parser = cli.training_parser(__doc__, EPOCHS, BATCH_SIZE, LEARNING_RATE)
    return parser.parse_args(argv)


def main(argv=None):
    args = parse_args(argv)
    os.environ["TF_NUM_INTRAOP_THREADS"] = "2"  # more than for a linear model, before TensorFlow
    data = data_prep.load_pair(args.digits)
    linear = runs.read(cli.results_folder(args) / "regular", arrays=("weights", "bias")).arrays
    training.seed_everything(args.seed)
    model = network()
    model.compile(optimizer=keras.optimizers.SGD(args.learning_rate))
    step = functools.partial(train_step, model, batch_size=args.batch_size)

    folder = cli.results_folder(args) / RUN
    train = data.x_train, data.y_train, args.epochs, args.batch_size
    history = training.train(step, model, *train, shuffle=args.shuffle, seed=args.seed)
    logits = model.predict(data.x_test, batch_size=10_000, verbose=0)[:, 0]
    metrics = dict(
        train_accuracy_running=history.history["accuracy"][-1],
        misclassified_test=int(np.sum(data.y_test * logits <= 0)),
        images=IMAGES,
        turns={},
        robust_accuracy={
            "epsilon": ATTACKS.tolist(),
            **attack_curves(model, data.x_test, data.y_test),
        },
    )
    splits = ("train", data.x_train, data.y_train), ("test", data.x_test, data.y_test)
    for split, x, y in splits:
        losses, found = losses_and_logits(model, x, y)
        metrics[f"{split}_loss"] = float(np.mean(losses))
        metrics[f"{split}_accuracy"] = float(np.mean(y * np.array(found) > 0))
    arrays = dict(offsets=OFFSETS, test_logits=logits, test_targets=data.y_test.astype(np.int8))
    x, y = data.x_test[:IMAGES], data.y_test[:IMAGES]
    directions = measured_directions(model, x, y, args.seed)  # the same ones for both models
    linear_model = training.model_of(linear["weights"], linear["bias"])
    for name, either in (("network", model), ("linear", linear_model)):
        losses = landscapes(either, x, y, directions)
        arrays[f"loss_{name}"] = losses[0]
        metrics["turns"][name] = dict(zip(DIRECTIONS, turns(losses).mean(axis=0).tolist()))
    table = {"epoch": history.epoch, **history.history}
    runs.save(folder, args, data, metrics, arrays, model, table, hinge_loss)
    print(f"{folder}: test accuracy {metrics['test_accuracy']:.2%}")


if __name__ == "__main__":
    cli.run(main)
