"""Is the loss of a network along a pixel irregular? Networks of several sizes and seeds.

    python -m beyond.networks.landscapes         # six networks; half a minute

The network of network.py is one of them, with fewer epochs. For each network: how often its loss
turns along the pixel that matters most, random signs and the signs of the gradient, and along which
share of the pixels it turns at all. Writes results/landscapes/:
config.json, metrics.json, arrays.npz.
"""

import functools
import os

import numpy as np

import data_prep
from beyond.networks import network
from common import cli, runs, training
from common.lazy import keras, tf
from experiment_regular import BATCH_SIZE, LEARNING_RATE, train_step

RUN = "landscapes"
HIDDEN = ((64, 64), (256, 256), (256, 256, 256, 256))  # units of the hidden layers
SEEDS = 2
EPOCHS = 3  # enough for 99.8 % of the training images
IMAGES = 10  # test images, of the lines
TURNING_IMAGES = 3  # test images of which every pixel is varied


def trained(hidden, seed, data):
    """A network with these hidden layers, trained with the regular step."""
    training.seed_everything(seed)
    model = network.network(hidden)
    model.compile(optimizer=keras.optimizers.SGD(LEARNING_RATE))
    step = functools.partial(train_step, model, batch_size=BATCH_SIZE)
    train = data.x_train, data.y_train, EPOCHS, BATCH_SIZE
    training.train(step, model, *train, shuffle=True, seed=seed, verbose=0)
    return model


def main(argv=None):
    args = cli.pair_parser(__doc__).parse_args(argv)
    os.environ["TF_NUM_INTRAOP_THREADS"] = "2"  # more than for a linear model, before TensorFlow
    tf.get_logger().setLevel("ERROR")  # it warns that each of six models is traced
    data = data_prep.load_pair(args.digits)
    x, y = data.x_test[:IMAGES], data.y_test[:IMAGES]
    found = {"test_accuracy": [], "turning_pixels": [], "turns": []}
    for hidden in HIDDEN:
        rows = {key: [] for key in found}
        for seed in range(SEEDS):
            model = trained(hidden, seed, data)
            logits = model.predict(data.x_test, batch_size=10_000, verbose=0)[:, 0]
            losses = network.landscapes(model, x, y, network.measured_directions(model, x, y, seed))
            rows["test_accuracy"].append(float(np.mean(data.y_test * logits > 0)))
            rows["turning_pixels"].append(network.turning_pixels(model, x[:TURNING_IMAGES]))
            rows["turns"].append(network.turns(losses).mean(axis=0).tolist())
            print(f"  {hidden}, seed {seed}: {rows['turning_pixels'][-1]:.1%} of pixels turn")
        for key, values in rows.items():
            found[key].append(values)
    folder = cli.results_folder(args) / RUN
    run = dict(hidden=HIDDEN, seeds=SEEDS, epochs=EPOCHS, directions=network.DIRECTIONS)
    metrics = found | dict(images=IMAGES, turning_images=TURNING_IMAGES)
    arrays = {key: np.array(values) for key, values in found.items()}
    runs.save(folder, args, data, metrics, arrays, **run)
    print(folder)


if __name__ == "__main__":
    cli.run(main)
