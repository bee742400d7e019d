"""Is the loss of a network irregular? Networks of several sizes and seeds.

    python -m beyond.networks.landscapes         # six networks; half a minute

They are trained with the hinge loss and the step of experiment_regular.py. For each: how often its
loss turns along the pixel that matters most, random signs and the signs of the gradient, and along
which share of the pixels it turns at all. Of the first one, and of the regular linear model, the
lines themselves are kept. Reads results/regular/, writes results/landscapes/: config.json,
metrics.json, arrays.npz.
"""

import functools

import numpy as np

import attacks
import data_prep
from beyond.networks.certified import logits_of
from common import cli, runs, training
from common.lazy import keras, tf
from experiment_regular import BATCH_SIZE, LEARNING_RATE, train_step

RUN = "landscapes"
HIDDEN = ((64, 64), (256, 256), (256, 256, 256, 256))  # units of the hidden layers
SEEDS = 2
EPOCHS = 3  # enough for 99.8 % of the training images
IMAGES = 10  # test images, of the lines; the first one is drawn
TURNING_IMAGES = 3  # test images of which every pixel is varied
OFFSETS = np.linspace(-0.5, 0.5, 201)  # along each direction, in pixel units
VALUES = np.linspace(0, 1, 21)  # of one pixel after the other, its whole range
DIRECTIONS = ("pixel", "random", "adversarial")


def network(hidden):
    """Flatten, hidden layers of ReLU, one logit; Keras' default initialisation."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), dtype="float32"),
            layers.Flatten(data_format="channels_last", dtype="float32"),
            *(layers.Dense(units, activation="relu", dtype="float32") for units in hidden),
            layers.Dense(1, dtype="float32"),
        ]
    )


def trained(hidden, seed, data):
    """A network with these hidden layers, trained with the regular step."""
    training.seed_everything(seed)
    model = network(hidden)
    model.compile(optimizer=keras.optimizers.SGD(LEARNING_RATE))
    step = functools.partial(train_step, model, batch_size=BATCH_SIZE)
    train = data.x_train, data.y_train, EPOCHS, BATCH_SIZE
    training.train(step, model, *train, shuffle=True, seed=seed, verbose=0)
    return model


def lines(model, x, y, directions):
    """1 - y ŷ, the hinge without its flat part, along directions, (images, directions, offsets).

    Arguments:
        x: (images, 28, 28, 1); y: (images,); directions: (images, directions, 28, 28, 1).
    """
    steps = OFFSETS[:, np.newaxis, np.newaxis, np.newaxis] * directions[:, :, np.newaxis]
    points = (x[:, np.newaxis, np.newaxis] + steps).astype(np.float32)
    logits = logits_of(model, points.reshape(-1, 28, 28, 1)).reshape(points.shape[:3])
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
        logits = logits_of(model, points.reshape(-1, *image.shape))
        turning.append(turns(logits.reshape(image.size, len(VALUES))) > 0)
    return float(np.mean(turning))


def main(argv=None):
    args = cli.pair_parser(__doc__).parse_args(argv)
    tf.get_logger().setLevel("ERROR")  # it warns that each of six models is traced
    data = data_prep.load_pair(args.digits)
    x, y = data.x_test[:IMAGES], data.y_test[:IMAGES]
    folder = cli.results_folder(args) / RUN
    saved = runs.read(folder.with_name("regular"), arrays=("weights", "bias")).arrays
    linear, arrays = training.model_of(saved["weights"], saved["bias"]), {"offsets": OFFSETS}
    found = {"test_accuracy": [], "turning_pixels": [], "turns": []}
    for hidden in HIDDEN:
        rows = {key: [] for key in found}
        for seed in range(SEEDS):
            model = trained(hidden, seed, data)
            logits = logits_of(model, data.x_test)
            directions = measured_directions(model, x, y, seed)
            losses = lines(model, x, y, directions)
            if "loss_network" not in arrays:
                arrays["loss_network"] = losses[0]
                arrays["loss_linear"] = lines(linear, x[:1], y[:1], directions[:1])[0]
            rows["test_accuracy"].append(float(np.mean(data.y_test * logits > 0)))
            rows["turning_pixels"].append(turning_pixels(model, x[:TURNING_IMAGES]))
            rows["turns"].append(turns(losses).mean(axis=0).tolist())
            print(f"  {hidden}, seed {seed}: {rows['turning_pixels'][-1]:.1%} of pixels turn")
        for key, values in rows.items():
            found[key].append(values)
    run = dict(hidden=HIDDEN, seeds=SEEDS, epochs=EPOCHS, directions=DIRECTIONS)
    metrics = found | dict(images=IMAGES, turning_images=TURNING_IMAGES)
    runs.save(folder, args, data, metrics, arrays, **run)
    print(folder)


if __name__ == "__main__":
    cli.run(main)
