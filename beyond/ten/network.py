"""A network of all ten digits with a certificate: what eight minutes of a laptop give.

    python data_prep.py --digits all     # once
    python -m beyond.ten.network         # minutes

The convolutional network of beyond/networks/certified.py with ten logits, trained by Adam on the
cross-entropy of the worst case that intervals allow: its logits are minus the bounds of
z_y - z_k. One network serves for every ε up to 0.3; learning rate, clipping and ramp are those of
certified.py. Proved by intervals, attacked by PGD, of one seed. Writes results/ten_network/:
config.json, metrics.json, arrays.npz (weights, and the first test images, so that they are proved
again without a download).
"""

import os
import warnings
from types import SimpleNamespace

import numpy as np

import attacks
import data_prep
from beyond.networks import bounds, certified
from common import cli, runs, training
from common.lazy import tf

RUN = "ten_network"
EPOCHS = 36
BATCH_SIZE = 100  # images
LEARNING_RATE = 0.003  # of Adam until the end of the ramp; then it falls to zero along a cosine
EPSILON = 1.05 * 0.3  # of training after the ramp, in pixel units
ATTACKS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)  # radii, in pixel units
STEPS, RESTARTS = 40, 3  # of PGD on every image that is not proved
KEPT = 20  # test images
PUBLISHED = {  # proved accuracy (%) at ε = 0.1 and 0.3, of larger networks and longer training
    "IBP (Gowal et al., arXiv:1810.12715)": (97.8, 92.0),
    "CROWN-IBP (Zhang et al., arXiv:1906.06316)": (97.8, 93.0),
    "fast IBP (Shi et al., arXiv:2103.17268), 70 epochs": (98.0, 93.1),
}


def worst_margins(model, x, y, epsilon):
    """The interval bounds of z_y - z_k, (batch, 10), and 0 for k = y; differentiable.

    The difference is taken in the last layer, before it is bounded. x: (batch, 28, 28, 1); y:
    (batch,) in 0 ... 9.
    """
    *hidden, last = model.layers
    low, high = certified.interval_layers(hidden, x, epsilon)
    rows = tf.transpose(last.kernel)
    rows = tf.gather(rows, y)[:, tf.newaxis] - rows  # (batch, rivals, units)
    offsets = tf.gather(last.bias, y)[:, tf.newaxis] - last.bias
    sums = lambda rows, values: tf.linalg.matvec(rows, values)
    return sums(rows, (low + high) / 2) + offsets - sums(tf.abs(rows), (high - low) / 2)


def train_step(model, x, y, steps):
    """One step of Adam on the loss of the worst case; ε rises in the first half of all steps."""
    with tf.GradientTape() as tape:
        logits = -worst_margins(model, x, y, EPSILON * certified.risen(model, steps))
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
        loss = tf.reduce_mean(losses)
    gradients = tape.gradient(loss, model.trainable_variables)
    model.optimizer.apply(gradients, model.trainable_variables)
    return loss


def trained(args, x, y):
    """The network, trained; a line for each epoch."""
    training.seed_everything(args.seed)
    steps = args.epochs * -(-len(y) // args.batch_size)
    model = certified.compiled("convolutional", args.learning_rate, steps, logits=10)
    step = tf.function(lambda x, y: train_step(model, x, y, steps))
    generator = np.random.default_rng(args.seed)
    for epoch in range(args.epochs):
        order, losses = generator.permutation(len(y)), []
        for rows in np.array_split(order, -(-len(y) // args.batch_size)):
            losses.append(step(tf.constant(x[rows]), tf.constant(y[rows])))
        print(f"  epoch {epoch + 1} of {args.epochs}: loss {np.mean(losses):.4f}", flush=True)
    return model


def certified_and_attacked(model, x, y):
    """At each of ATTACKS: the share of images that are proved, and that PGD leaves."""
    network = bounds.Network(model)
    classes = lambda images: model.predict(images, batch_size=1000, verbose=0).argmax(axis=1)
    broken = classes(x) != y
    found = dict(epsilon=list(ATTACKS), certified=[], attacked=[])
    for epsilon in ATTACKS:
        proved = bounds.interval(network, x, y, epsilon) > 0
        for seed in range(RESTARTS if epsilon else 0):
            left = np.flatnonzero(~proved & ~broken)
            size = 2.5 * epsilon / STEPS
            with warnings.catch_warnings(action="ignore"):  # where no gradient leads on
                images = attacks.pgd(model, x[left], y[left], epsilon, size, STEPS, seed=seed)
            broken[left] = classes(images) != y[left] if len(left) else False
        found["certified"].append(float(np.mean(proved)))
        found["attacked"].append(float(np.mean(~broken)))
    return found


def main(argv=None):
    numbers = dict(epochs=EPOCHS, batch_size=BATCH_SIZE, learning_rate=LEARNING_RATE, seed=0)
    args = cli.parser(__doc__, results=None, **numbers).parse_args(argv)
    os.environ["TF_NUM_INTRAOP_THREADS"] = "2"  # before TensorFlow: more than for a linear model
    arrays = data_prep.read_all()
    pixels = {split: arrays[f"x_{split}"][..., np.newaxis] for split in data_prep.SPLITS}
    labels = {split: arrays[f"y_{split}"].astype(np.int64) for split in data_prep.SPLITS}
    x = {split: each.astype(np.float32) / np.float32(255) for split, each in pixels.items()}
    model = trained(args, x["train"], labels["train"])
    metrics = certified_and_attacked(model, x["test"], labels["test"])
    saved = {f"weights-{n}": each for n, each in enumerate(model.get_weights())}
    saved |= dict(images=pixels["test"][:KEPT], labels=labels["test"][:KEPT])
    about = dict(epsilon=EPSILON, weights=int(model.count_params()), published=PUBLISHED)
    data, folder = SimpleNamespace(digest=data_prep.digest(arrays)), cli.results_folder(args) / RUN
    runs.save(folder, args, data, metrics, saved, **about)
    sides = zip(ATTACKS, metrics["certified"], metrics["attacked"])
    print("  ".join(f"{e:g}: {low:.2%} – {high:.2%}" for e, low, high in sides))


if __name__ == "__main__":
    cli.run(main)
