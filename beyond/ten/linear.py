"""How robust can a linear classifier of all ten digits be?

    python data_prep.py --digits all           # first, once: all ten digits
    python -m beyond.ten.linear                # train, prove, search, measure: minutes
    python -m beyond.ten.linear --check        # only check the saved proofs, in whole numbers
    python -m beyond.ten.linear --choose       # only show how the learning rates were chosen
    python -m beyond.ten.figures.ten_linear    # the figure

The logits are z_k = w_k·x + b_k, the labels 0 ... 9, and the loss is the hinge of Crammer and
Singer (JMLR 2, 2001), max(0, 1 + max_{k≠y} (z_k - z_y)). An attack ‖δ‖∞ ≤ ε changes z_k - z_y by at
most ε ‖w_k - w_y‖₁, and reaches that for any one rival k. So the worst case is exact, as for two
digits. Writes results/ten_linear/: config.json, metrics.json, arrays.npz (the models, the exact
curves, and the proofs: see `optimum.check`).
"""

import functools
import itertools
from fractions import Fraction
from types import SimpleNamespace

import numpy as np

import attacks
import data_prep
from beyond.ten import optimum
from beyond.threats import few_pixels
from common import cli, evaluation, runs, training
from common.lazy import keras, tf

RUN = "ten_linear"
EPOCHS, BATCH_SIZE = 10, 100  # as in the post; images
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
CHOSEN = {0: 0.1, 0.05: 0.03, 0.1: 0.01, 0.2: 0.001}  # by --choose: the rate for each training ε
HELD_OUT = 10_000  # the last training images, on which --choose measures
OPTIMA = (0.05, 0.1, 0.12)  # ε, in pixel units
COLLAPSE = 0.134  # an ε near to which w = 0 is proved to be optimal
FOUND = (0.1, 0.2)  # ε of `search`
SEARCH = dict(epochs=40, batch_size=500)  # by what some of them keep of the training images
SEARCH_RATE, SEARCH_SCALE = 0.01, 10  # of Adam, falling to zero; of the start's logits
SHOWN = (0, 0.05, 0.1, 0.2, 0.3)  # attack ε in metrics.json
PARTS = "kernels", "biases"  # of the saved models


def worst_rival(targets, logits, kernel, epsilon):
    """max over k ≠ y of z_k - z_y + ε ‖w_k - w_y‖₁: above 0, an attack changes the prediction.

    Arguments:
        targets: (batch,) in 0 ... 9; logits: (batch, 10).
        kernel: (784, 10); epsilon: the radius of the attack, >= 0, in pixel units.

    Returns one value per example, (batch,).
    """
    distances = tf.reduce_sum(tf.abs(kernel[:, :, tf.newaxis] - kernel[:, tf.newaxis]), axis=0)
    own = tf.one_hot(targets, logits.shape[1], on_value=True, off_value=False)
    gaps = logits - tf.gather(logits, targets, batch_dims=1)[:, tf.newaxis]
    gaps += epsilon * tf.gather(distances, targets)
    return tf.reduce_max(tf.where(own, -np.inf, gaps), axis=1)


def robust_hinge_loss(targets, logits, kernel, epsilon):
    """max(0, 1 + max over k ≠ y of (z_k - z_y + ε ‖w_k - w_y‖₁)), (batch,)."""
    return tf.maximum(0.0, 1.0 + worst_rival(targets, logits, kernel, epsilon))


def sigmoid_loss(targets, logits, kernel, epsilon):
    """A smooth count of the images that an attack changes, (batch,): not convex, but no outlier,
    whose hinge is large, outweighs others."""
    return tf.sigmoid(worst_rival(targets, logits, kernel, epsilon))


def train_step(kernel, bias, optimizer, loss_fn, x, y, batch_size):
    """One step on one batch; x: (batch, 784), y: (batch,). Returns the losses, (batch,)."""
    with tf.GradientTape() as tape:
        losses = loss_fn(y, x @ kernel + bias, kernel)
        loss = tf.reduce_sum(losses) / batch_size
    optimizer.apply(tape.gradient(loss, [kernel, bias]), [kernel, bias])
    return losses


def train(loss_fn, optimizer, x, y, start=None, epochs=EPOCHS, batch_size=BATCH_SIZE):
    """Train in the fixed order of the images; x: (n, 784), y: (n,) in 0 ... 9.

    start: (kernel, bias) to start from, (784, 10) and (10,); None: the initial weights of seed 0.
    Returns the last kernel and bias.
    """
    training.seed_everything(0)
    initial = keras.initializers.GlorotUniform(0)((784, 10)), np.zeros(10)
    kernel, bias = (tf.Variable(it, dtype="float32") for it in start or initial)
    optimizer.build([kernel, bias])
    x, y = tf.constant(x), tf.constant(y, tf.int32)

    @tf.function
    def epoch():
        for first in tf.range(0, len(y), batch_size):
            rows = slice(first, first + batch_size)
            train_step(kernel, bias, optimizer, loss_fn, x[rows], y[rows], batch_size)

    for _ in range(epochs):
        epoch()
    return kernel.numpy(), bias.numpy()


def train_robust(epsilon, rate, x, y):
    """The post's recipe for ten digits: kernel and bias."""
    loss_fn = functools.partial(robust_hinge_loss, epsilon=epsilon)
    return train(loss_fn, keras.optimizers.SGD(rate), x, y)


def over_rivals(measure, kernel, bias, x, y, *others):
    """The least over all k ≠ y of a measure of the two-class model w_y - w_k, b_y - b_k, (batch,).

    measure: of (weights, bias, x, +1, *others), as attacks.signed_radius.
    """
    kernel, bias, least = kernel.astype(float), bias.astype(float), np.full(len(y), np.inf)
    for own, rival in itertools.permutations(range(len(bias)), 2):
        rows = np.flatnonzero(y == own)
        model = kernel[:, own] - kernel[:, rival], bias[own] - bias[rival]
        found = measure(*model, x[rows], np.ones(len(rows)), *others)
        least[rows] = np.minimum(least[rows], found)
    return least


def share(radii, epsilons):
    """The exact share of images that stay right under each ε, from their radii (batch,): a list."""
    return np.mean(radii > np.reshape(epsilons, (-1, 1)), axis=1).tolist()


def choose_rates(x, y):
    """Train on all but the last images with every rate, and print what they keep of those."""
    for epsilon, rate in itertools.product(CHOSEN, RATES):
        model = train_robust(epsilon, rate, x[:-HELD_OUT], y[:-HELD_OUT])
        radii = over_rivals(attacks.signed_radius, *model, x[-HELD_OUT:], y[-HELD_OUT:])
        (kept,) = share(radii, epsilon)
        print(f"ε = {epsilon:g}, rate {rate:g}: {kept:.2%} held out, under attack", flush=True)


def search(epsilon, start, x, y):
    """A model that is right on many images under attack: found, not proved to be the best."""
    steps = SEARCH["epochs"] * len(y) // SEARCH["batch_size"]
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(SEARCH_RATE, steps))
    loss_fn = functools.partial(sigmoid_loss, epsilon=epsilon)
    return train(loss_fn, optimizer, x, y, [SEARCH_SCALE * part for part in start], **SEARCH)


def prove(x, y):
    """The Optimum of each ε in OPTIMA and that of the ε, by which w = 0 is one; x in bytes."""
    found = {epsilon: optimum.solve(x, y, epsilon) for epsilon in OPTIMA}
    full = optimum.solve(x, y, COLLAPSE, optimum.FULL_STAGES, full=True)
    zero = dict(kernel=0 * full.kernel, bias=0 * full.bias, objective=1.0)
    return found | {float(np.ceil(1e4 * full.proved_from) / 1e4): full._replace(**zero)}


def check(run, x, y):
    """Check a saved run's proofs, exactly; x in bytes. Raises ValueError for one that is wrong."""
    for epsilon, saved in run.metrics["optimum"].items():
        bound = optimum.check(run.arrays[f"alpha_{epsilon}"], x, y, Fraction(epsilon))
        place = run.metrics["models"].index(f"optimum-{epsilon}")
        model = (run.arrays[part][place] for part in PARTS)
        value = optimum.objective(*model, x, y, float(epsilon))
        if float(bound) != saved["lower_bound"] or not np.isclose(value, saved["objective"], 1e-6):
            raise ValueError(f"ε = {epsilon}: {float(bound)} and {value} are not those of {saved}")
        print(f"ε = {epsilon}: the least objective is from {float(bound):.6f} to {value:.6f}")


def parse_args(argv=None):
    parser = cli.parser(__doc__, results=None)
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--check", action="store_true", help="only check the saved proofs")
    only.add_argument("--choose", action="store_true", help="only compare the learning rates")
    return parser.parse_args(argv)


def main(argv=None):
    args, arrays = parse_args(argv), data_prep.read_all()
    folder = cli.results_folder(args) / RUN
    x_bytes, x_test = (arrays[name].reshape(-1, 784) for name in ("x_train", "x_test"))
    x, x_test = x_bytes / np.float32(255), x_test / np.float32(255)
    y, y_test = arrays["y_train"].astype(int), arrays["y_test"].astype(int)
    if args.check:
        return check(runs.read(folder, ["optimum"], PARTS), x_bytes, y)
    if args.choose:
        return choose_rates(x, y)
    del args.check, args.choose  # so that the saved command has no flags

    models = {
        runs.name("robust", epsilon) if epsilon else "regular": train_robust(epsilon, rate, x, y)
        for epsilon, rate in CHOSEN.items()
    }
    trained, optima = list(models), prove(x_bytes, y)
    models |= {runs.name("optimum", epsilon): it[:2] for epsilon, it in optima.items()}
    start = models["optimum-0.1"]
    models |= {runs.name("found", epsilon): search(epsilon, start, x, y) for epsilon in FOUND}

    test, saved = (x_test, y_test), {"attack_epsilons": evaluation.ATTACK_EPSILONS}
    metrics = dict(models=list(models), shown_epsilons=SHOWN)
    for attack in ("unclipped", "clipped"):
        clip = attack == "clipped"
        radii = [over_rivals(attacks.signed_radius, *it, *test, clip) for it in models.values()]
        metrics[attack] = {name: share(each, SHOWN) for name, each in zip(models, radii)}
        saved[attack] = np.array([share(each, evaluation.ATTACK_EPSILONS) for each in radii])
    fewest = [over_rivals(few_pixels.fewest_pixels, *models[name], *test) for name in trained]
    metrics["median_pixels"] = {name: float(np.median(it)) for name, it in zip(trained, fewest)}
    metrics["objective"] = {  # of the training images, at the ε of training
        name: optimum.objective(*models[name], x_bytes, y, epsilon)
        for name, epsilon in zip(trained, CHOSEN)
    }
    metrics["optimum"] = {
        f"{epsilon:g}": dict(objective=it.objective, lower_bound=it.lower_bound)
        for epsilon, it in optima.items()
    }
    saved |= {f"alpha_{epsilon:g}": it.alpha for epsilon, it in optima.items()}
    saved |= {part: np.array(each) for part, each in zip(PARTS, zip(*models.values()))}
    data = SimpleNamespace(digest=data_prep.digest(arrays))
    rates = list(CHOSEN.values())
    runs.save(folder, args, data, metrics, saved, loss=robust_hinge_loss, learning_rates=rates)
    for name, kept in metrics["unclipped"].items():
        print(f"{name}: right on {', '.join(f'{each:.1%}' for each in kept)} at ε = {SHOWN}")
    print(folder)


if __name__ == "__main__":
    cli.run(main)
