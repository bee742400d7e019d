"""Black-box attacks (the post's "a rough model approximation is enough to fool them").

    python -m beyond.threats.transfer

An attacker without access to the model trains a surrogate, on few images or with another loss, and
uses its worst-case perturbation. Each kind of surrogate is trained several times, from other images
and initial weights. Reads the runs regular and robust-0.1 ... 0.3, attacks each of them with every
surrogate and with each other, and writes results/transfer/.
"""

import numpy as np

import attacks
import data_prep
from claims import rules
from common import cli, runs, training
from common.evaluation import ATTACK_EPSILONS
from experiment_regular import BATCH_SIZE, EPOCHS, LEARNING_RATE

RUN = "transfer"
DRAWS = 20  # surrogates of each kind
MATRIX_EPSILON = 0.2  # of the matrix source x target, in pixel units


def hinge_slope(margins):
    """-∂L/∂(y ŷ) of the hinge."""
    return (margins < 1).astype(np.float32)


def logistic_slope(margins):
    """The same of log(1 + exp(-y ŷ)): the attacker does not know that the target has the hinge."""
    return 1 / (1 + np.exp(margins))


# name: (number of training images or None for all, slope, start at w = 0?). A few hundred steps
# leave most of a random start where it was, and the attack follows the sign of every weight, noise
# or not.
SURROGATES = {
    "20 images": (20, hinge_slope, False),
    "100 images": (100, hinge_slope, False),
    "500 images": (500, hinge_slope, False),
    "all images": (None, hinge_slope, False),
    "all images, logistic": (None, logistic_slope, False),
    "20 images, from zero": (20, hinge_slope, True),
    "100 images, from zero": (100, hinge_slope, True),
    "500 images, from zero": (500, hinge_slope, True),
    "all images, from zero": (None, hinge_slope, True),
}


def train_surrogate(weights, x, y, total, slope):
    """The weights (784,) after EPOCHS of SGD through `total` images, from `weights` and b = 0.

    x: (n, 784), over and over if n < total; then n is a multiple of BATCH_SIZE. y: (n,).

    It is NumPy, unlike common.many: 180 small models, each with its own images, take a third of the
    time.
    """
    weights, bias, rate = weights.copy(), np.float32(0), np.float32(LEARNING_RATE / BATCH_SIZE)
    signed = y[:, np.newaxis] * x  # y ŷ = w·(y x) + y b
    for start in [*range(0, total, BATCH_SIZE)] * EPOCHS:
        first = start % len(y)
        rows = slice(first, first + min(BATCH_SIZE, total - start))
        images, labels = signed[rows], y[rows]
        pull = rate * slope(images @ weights + labels * bias)
        weights += pull @ images
        bias += pull @ labels
    return weights


def train_surrogates(data, count, slope, from_zero):
    """The weights (DRAWS, 784) of linear models, each trained on its own draw of `count` images.

    Few images are repeated to the length of the training set: every surrogate takes as many steps.
    """
    total, found = len(data.y_train), []
    size = min(total, np.lcm(count, BATCH_SIZE)) if count else total
    for seed in range(1, DRAWS + 1):
        start = (not from_zero) * training.initial_weights(seed)[0][:, 0]
        chosen = np.resize(np.random.default_rng(seed).permutation(total)[:count], size)
        x = data.x_train[chosen].reshape(size, -1)
        found.append(train_surrogate(start, x, data.y_train[chosen], total, slope))
    return np.array(found)


def transfer_accuracy(source_weights, weights, bias, x, y, epsilons):
    """Accuracy of a model under the worst-case ℓ∞ attack on another one, unclipped.

    Every image's margin loses ε Σ w_j sign(w'_j). Returns an array of the shape of epsilons, (k,).

    Arguments:
        source_weights: w', (pixels,), of the model that the attacker has.
        weights, bias: of the model under attack.
    """
    margins = np.sort(y * attacks.linear_logits(weights, bias, x))
    reach = epsilons * (weights @ np.sign(source_weights))
    return (len(y) - np.searchsorted(margins, reach, side="right")) / len(y)


def main(argv=None):
    args = cli.pair_parser(__doc__).parse_args(argv)
    data = data_prep.load_pair(args.digits)
    results, needed = cli.results_folder(args), ("weights", "bias")
    targets = [rules.linear(runs.read(results / run, arrays=needed)) for run in runs.POST_RUNS]
    training.seed_everything(0)
    sources = {}
    for name, surrogate in SURROGATES.items():
        sources[name] = train_surrogates(data, *surrogate)
        print(f"  surrogates: {DRAWS} x {name}", flush=True)
    sources |= {run: [weights] for run, (weights, _) in zip(runs.POST_RUNS, targets)}

    curves, clipped = [], []  # of every source: (draws, targets, ε) and (draws, targets)
    x, y = data.x_test, data.y_test
    for draws in sources.values():
        curve, accuracy = [], []
        for source in draws:
            images = attacks.attack_linear(source, x, y, MATRIX_EPSILON, clip=True)
            logits = [attacks.linear_logits(*model, images) for model in targets]
            accuracy.append([np.mean(y * each > 0) for each in logits])
            curve.append([transfer_accuracy(source, *it, x, y, ATTACK_EPSILONS) for it in targets])
        curves.append(np.array(curve))
        clipped.append(accuracy)
    at = np.argmin(np.abs(ATTACK_EPSILONS - MATRIX_EPSILON))
    arrays, folder = dict(epsilon=ATTACK_EPSILONS), results / RUN
    for name, of in (("accuracy", np.mean), ("least", np.min), ("most", np.max)):
        arrays[name] = np.array([of(curve, axis=0) for curve in curves])
    accuracy = {
        "unclipped": arrays["accuracy"][..., at].tolist(),
        "unclipped_least": arrays["least"][..., at].tolist(),
        "unclipped_most": arrays["most"][..., at].tolist(),
        "clipped": [np.mean(draws, axis=0).tolist() for draws in clipped],
    }
    metrics = dict(epsilon=MATRIX_EPSILON, draws=DRAWS, accuracy=accuracy)
    images = [count or len(data.y_train) for count, *_ in SURROGATES.values()]
    names = dict(sources=list(sources), images=images, targets=list(runs.POST_RUNS))
    runs.save(folder, args, data, metrics, arrays, **names)
    rows = zip(SURROGATES, metrics["accuracy"]["unclipped"])
    print(
        f"{folder}: accuracy of the regular model at ε = {MATRIX_EPSILON:g} under the surrogates' "
        "attacks: " + ", ".join(f"{name} {row[0]:.1%}" for name, row in rows)
    )


if __name__ == "__main__":
    cli.run(main)
