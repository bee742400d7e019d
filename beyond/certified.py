"""Networks with a certificate: accuracy under attack between two proved sides.

    python -m beyond.certified

A network of two hidden layers and a convolutional one, each trained regularly, adversarially (PGD
in the step) and with a certificate (the loss of the interval bound). For each attack ε an attack
that succeeds (PGD) gives the upper side, and bounds.py the lower one. Attacked pixels stay in
[0, 1]. Writes results/certified/: config.json, metrics.json, arrays.npz (weights).
"""

import functools
import os

import numpy as np

import attacks
import data_prep
from beyond import bounds
from common import cli, runs, training
from common.lazy import keras, tf

RUN = "certified"
EPOCHS = 20
BATCH_SIZE = 100
LEARNING_RATE = 0.005  # of Adam, falling to zero along a cosine
EPSILON = 0.42  # of certified training at the end of its ramp
ADVERSARIAL_EPSILON, ADVERSARIAL_STEPS = 0.2, 5  # of PGD in the step
RAMP = 0.4  # of the training, in which ε rises from 0
CLEAN_WEIGHT = 0.1  # of the clean loss after the ramp; 1 before it
ATTACKS = np.linspace(0, 0.5, 6)
PGD_STEPS, RESTARTS = 40, 5
HARD = 200  # images of least margin after the first start that are attacked again
TRAININGS = ("regular", "adversarial", "certified")


def network(kind):
    """small: two hidden layers of 64; convolutional: two convolutions and a layer of 64."""
    layers = keras.layers
    convolutions = [
        layers.Conv2D(16, 5, 2, activation="relu"),
        layers.Conv2D(32, 4, 2, activation="relu"),
    ]
    units = (64, 64) if kind == "small" else (64,)
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), dtype="float32"),
            *(convolutions if kind == "convolutional" else []),
            layers.Flatten(),
            *(layers.Dense(each, activation="relu") for each in units),
            layers.Dense(1),
        ]
    )


def interval_margin(model, x, y, epsilon):
    """The interval bound of y·logit, (batch,), in float32 and differentiable: for training only."""
    low, high = tf.maximum(x - epsilon, 0.0), tf.minimum(x + epsilon, 1.0)
    for layer in model.layers:
        if not layer.weights:
            low, high = layer(low), layer(high)
            continue
        centre, radius, kernel = (low + high) / 2, (high - low) / 2, layer.kernel
        if len(kernel.shape) == 2:
            centre, radius = centre @ kernel + layer.bias, radius @ tf.abs(kernel)
        else:
            centre = tf.nn.conv2d(centre, kernel, 2, "VALID") + layer.bias
            radius = tf.nn.conv2d(radius, tf.abs(kernel), 2, "VALID")
        low, high = layer.activation(centre - radius), layer.activation(centre + radius)
    return y * (low + high)[:, 0] / 2 - (high - low)[:, 0] / 2


def attacked(model, x, y, epsilon):
    """PGD inside a step, from the image itself."""
    found = x
    for _ in range(ADVERSARIAL_STEPS):
        with tf.GradientTape() as tape:
            tape.watch(found)
            loss = -y * model(found)[:, 0]
        gradient = tape.gradient(loss, found)
        found = found + 2 * epsilon / ADVERSARIAL_STEPS * tf.sign(gradient)
        found = tf.clip_by_value(found, tf.maximum(x - epsilon, 0), tf.minimum(x + epsilon, 1))
    return tf.stop_gradient(found)


def train_step(model, x, y, batch_size, kind, steps):
    """One step of Adam on the logistic loss of one batch, regular, adversarial or certified.

    steps: of the whole training, of which RAMP is the ramp. x: (batch, 28, 28, 1), y: (batch,).
    """
    y = tf.cast(y, tf.float32)
    rise = tf.minimum(tf.cast(model.optimizer.iterations, tf.float32) / (RAMP * steps), 1.0)
    if kind == "adversarial":
        x = attacked(model, x, y, rise * ADVERSARIAL_EPSILON)
    with tf.GradientTape() as tape:
        logits = model(x, training=True)[:, 0]
        losses = tf.nn.softplus(-y * logits)
        if kind == "certified":
            clean = 1 - rise * (1 - CLEAN_WEIGHT)
            margins = interval_margin(model, x, y, rise * EPSILON)
            losses = clean * losses + (1 - clean) * tf.nn.softplus(-margins)
        loss = model.optimizer.scale_loss(tf.reduce_sum(losses) / batch_size)
    gradients = tape.gradient(loss, model.trainable_variables)
    model.optimizer.apply(gradients, model.trainable_variables)
    return losses, logits, gradients


def broken(model, x, y, epsilon):
    """Which images PGD makes wrong: one start for all, further ones for the HARD nearest."""
    result, chosen = np.zeros(len(y), bool), np.arange(len(y))
    for seed in range(RESTARTS):
        if not len(chosen):
            break
        size = epsilon / 10
        images = attacks.pgd(model, x[chosen], y[chosen], epsilon, size, PGD_STEPS, seed=seed)
        margins = y[chosen] * model.predict(images, batch_size=10_000, verbose=0)[:, 0]
        result[chosen] = margins <= 0
        order = np.argsort(margins, kind="stable")
        chosen = chosen[order][np.sort(margins) > 0][:HARD]
    return result


def bracket(model, x, y, kind):
    """Accuracy at each of ATTACKS: certified (lower side), attacked (upper), images between."""
    proved_by, wrong = bounds.Network(model), np.zeros(len(y), bool)
    found = {"epsilon": ATTACKS.tolist(), "certified": [], "attacked": [], "between": []}
    for epsilon in ATTACKS:
        safe = bounds.interval(proved_by, x, y, epsilon) > 0
        rest = np.flatnonzero(~safe & ~wrong)
        wrong[rest] = broken(model, x[rest], y[rest], epsilon)  # once broken, at larger ε as well
        rest = np.flatnonzero(~safe & ~wrong)
        refine = kind == "small"  # 800 hidden units of a convolution cost too much
        safe[rest] = bounds.crown(proved_by, x[rest], y[rest], epsilon, refine=refine) > 0
        found["certified"].append(float(np.mean(safe)))
        found["attacked"].append(float(np.mean(~wrong)))
        found["between"].append(int(np.sum(~safe & ~wrong)))
    return found


def parse_args(argv=None):
    parser = cli.parser(__doc__)
    cli.add_training(parser, EPOCHS, BATCH_SIZE, LEARNING_RATE, shuffle=True)
    return parser.parse_args(argv)


def main(argv=None):
    args = parse_args(argv)
    os.environ["TF_NUM_INTRAOP_THREADS"] = "2"  # before TensorFlow, as in network.py
    data = data_prep.load_pair(args.digits)
    folder, metrics, arrays = cli.results_folder(args) / runs.name(RUN), {}, {}
    steps = args.epochs * -(-len(data.y_train) // args.batch_size)
    with runs.write(folder) as place:
        for kind in ("small", "convolutional"):
            for trained in TRAININGS:
                training.seed_everything(args.seed)
                model = network(kind)
                rate = keras.optimizers.schedules.CosineDecay(args.learning_rate, steps)
                model.compile(optimizer=keras.optimizers.Adam(rate))
                step = functools.partial(
                    train_step, model, batch_size=args.batch_size, kind=trained, steps=steps
                )
                order = dict(shuffle=args.shuffle, seed=args.seed, verbose=0)
                train = data.x_train, data.y_train, args.epochs, args.batch_size
                training.train(step, model, *train, **order)
                name = f"{kind}-{trained}"
                metrics[name] = found = bracket(model, data.x_test, data.y_test, kind)
                for number, weights in enumerate(model.get_weights()):
                    arrays[f"{name}-{number}"] = weights
                sides = zip(ATTACKS, found["certified"], found["attacked"])
                cells = [f"{e:.1f}: {low:.2%} – {high:.2%}" for e, low, high in sides]
                print(f"  {name}: " + "  ".join(cells), flush=True)
        runs.save(place, args, data, metrics, arrays)


if __name__ == "__main__":
    cli.run(main)
