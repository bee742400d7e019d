"""A whole phase diagram of robust training: a model for each of 101 training ε, attacked at each ε.

    python -m beyond.chance.sweep                  # 101 models at once
    python -m beyond.chance.sweep --seeds 10 --dtype float32    # their mean over 10 seeds
    python -m beyond.chance.sweep --models 26      # fewer training ε between the same limits
    python -m beyond.linear.figures.phase_diagram  # the figure

Every model is one column of a matrix product, with its own ε, and equals the one that
`experiment_robust.py` trains alone, in float64. In float32 it would not: another order of summation
moves weights near zero, and examples near the margin, the other way. Writes results/sweep/.
"""

import functools

import numpy as np

import attacks
import data_prep
from common import cli, runs, training
from common.many import compiled_epoch, shuffled, train_many
from experiment_robust import BATCH_SIZE, EPOCHS, LEARNING_RATE, robust_hinge_loss

RUN = "sweep"
MODELS = 101  # training ε: 0, 0.005 ... 0.5
LARGEST_EPSILON = 0.5  # pixel units; there every pixel can be made mid-grey, so no model can win


def train_columns(data, epsilons, seeds, args):
    """Train a robust model for each ε, side by side, and all of them again for each seed.

    Arguments:
        epsilons: (K,), in pixel units; seeds: of initial weights and order, N of them.

    Returns weights (N, K, 784), biases (N, K), and running loss and accuracy, (N, epochs, K) both.
    """
    training.seed_everything(seeds[0])
    loss_fn = functools.partial(robust_hinge_loss, epsilon=np.asarray(epsilons, args.dtype))
    epoch, found = compiled_epoch(loss_fn, args.batch_size, args.learning_rate), []
    for seed in seeds:
        orders = shuffled(len(data.y_train), args.epochs, seed) if args.shuffle else None
        start = (
            np.repeat(array, len(epsilons), axis=-1)
            for array in training.initial_weights(seed, args.dtype)
        )
        weights, *rest = train_many(epoch, *start, data.x_train, data.y_train, args.epochs, orders)
        found.append((weights.T, *rest))
        print(f"  seed {seed}: {len(epsilons)} models", flush=True)
    return tuple(map(np.array, zip(*found)))


def accuracy_matrix(weights, biases, x, y, epsilons):
    """The unclipped robust accuracy of many models, (models, attack ε); weights (models, 784)."""
    margins = y[:, np.newaxis] * (x.reshape(len(x), -1) @ weights.T.astype(x.dtype) + biases)
    curves = [
        [np.mean(attacks.robust_margins(margin, model, epsilon) > 0) for epsilon in epsilons]
        for margin, model in zip(margins.T, weights)
    ]
    return np.array(curves)


def parse_args(argv=None):
    flags = dict(epochs=EPOCHS, batch_size=BATCH_SIZE, learning_rate=LEARNING_RATE, seed=0)
    flags |= dict(shuffle=False, seeds=None)  # seeds instead of one, each with --shuffle
    parser = cli.pair_parser(__doc__, **flags)
    help = "how many training ε, evenly spaced from 0 (default: %(default)s)"
    parser.add_argument("--models", type=cli.number(int, 2, 2000), default=MODELS, help=help)
    help = "of training and attack, in pixel units (default: %(default)s)"
    largest = dict(type=cli.number(cli.ratio, 0, 1), default=LARGEST_EPSILON)
    parser.add_argument("--largest-epsilon", **largest, help=help)
    args = cli.add(parser, dtype="float64").parse_args(argv)
    args.shuffle = args.shuffle or bool(args.seeds)
    return args


def main(argv=None):
    args = parse_args(argv)
    data = data_prep.load_pair(args.digits)
    seeds = range(args.seeds) if args.seeds else [args.seed]
    epsilons = np.linspace(0, args.largest_epsilon, args.models)
    attack_epsilons = np.linspace(0, args.largest_epsilon, MODELS)
    weights, biases, loss, accuracy = train_columns(data, epsilons, seeds, args)
    test = data.x_test, data.y_test, attack_epsilons
    robust = np.array([accuracy_matrix(*columns, *test) for columns in zip(weights, biases)])
    mean = robust.mean(axis=0)
    metrics = {
        "epsilon": epsilons.tolist(),
        "test_accuracy": mean[:, 0].tolist(),
        "train_accuracy_running": accuracy[:, -1].mean(axis=0).tolist(),
        "train_loss_running": loss[:, -1].mean(axis=0).tolist(),
        "weight_l1_norm": np.abs(weights).sum(axis=2).mean(axis=0).tolist(),
        "best_accuracy": {
            "attack_epsilon": attack_epsilons.tolist(),
            "accuracy": mean.max(axis=0).tolist(),
            "epsilon": epsilons[mean.argmax(axis=0)].tolist(),
        },
    }
    # Only the last seed's weights are kept: those of ten would be 3 MB.
    arrays = dict(
        seeds=np.array(seeds),
        train_epsilons=epsilons,
        attack_epsilons=attack_epsilons,
        accuracy=mean,
        accuracy_by_seed=robust.astype(np.float32),
        weights=weights[-1].astype(np.float32),
        bias=biases[-1],
    )
    folder = cli.results_folder(args) / RUN
    runs.save(folder, args, data, metrics, arrays, loss=robust_hinge_loss)
    print(f"{folder}: {robust.shape[0] * robust.shape[1]:,} models")


if __name__ == "__main__":
    cli.run(main)
