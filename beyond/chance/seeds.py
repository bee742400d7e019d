"""The spread over seeds, which differ in initial weights and in the order of the images.

    python -m beyond.chance.seeds                       # 20 seeds of the post's four models
    python -m beyond.chance.seeds --seeds 100

Seed s is, to the bit, what experiment_regular.py and experiment_robust.py train with
`--seed s --shuffle`. Seeds are not columns of one product, since each has its own order of the
images. Writes results/regular-seeds/ and results/robust-seeds/: config.json, metrics.json,
arrays.npz.
"""

import functools

import numpy as np

import attacks
import data_prep
import experiment_regular as regular
import experiment_robust as robust
from common import cli, runs, training
from common.evaluation import ATTACK_EPSILONS
from common.many import compiled_epoch, shuffled, train_many

RUN = "seeds"  # regular-seeds, robust-seeds


def train_seeds(loss_fn, learning_rate, data, args):
    """Train one model for each of args.seeds seeds.

    Returns by name: weights (seeds, 784), robust_accuracy (seeds, 101), unclipped, test_accuracy
    and train_accuracy_running (seeds,).
    """
    epoch, found = compiled_epoch(loss_fn, regular.BATCH_SIZE, learning_rate), []
    for seed in range(args.seeds):
        orders = shuffled(len(data.y_train), args.epochs, seed)
        start = training.initial_weights(seed, args.dtype)
        weights, bias, _, accuracy = train_many(
            epoch, *start, data.x_train, data.y_train, args.epochs, orders
        )
        curve = attacks.robust_accuracy(
            weights[:, 0], bias[0], data.x_test, data.y_test, ATTACK_EPSILONS
        )
        found.append((weights[:, 0], curve, curve[0], accuracy[-1]))
    names = "weights", "robust_accuracy", "test_accuracy", "train_accuracy_running"
    return dict(zip(names, map(np.array, zip(*found))))


def experiment(args, data, folder, models, **run):
    """Train and save the seeds of some models: pairs (loss_fn, learning_rate)."""
    training.seed_everything(0)
    spreads = []
    for loss_fn, learning_rate in models:
        spreads.append(train_seeds(loss_fn, learning_rate, data, args))
        mean, number = spreads[-1]["test_accuracy"].mean(), f"{len(spreads)}/{len(models)}"
        print(f"  model {number}: test accuracy of {args.seeds} seeds {mean:.4%}", flush=True)
    arrays = dict(seeds=np.arange(args.seeds), epsilon=ATTACK_EPSILONS) | {
        key: np.stack([spread[key] for spread in spreads]) for key in spreads[0]
    }
    metrics = {
        key: {
            "mean": arrays[key].mean(axis=1).tolist(),
            "standard_deviation": arrays[key].std(axis=1, ddof=1).tolist(),
        }
        for key in ("test_accuracy", "train_accuracy_running")
    }
    runs.save(folder, args, data, metrics, arrays, shuffle=True, **run)
    print(folder)


def parse_args(argv=None):
    parser = cli.pair_parser(__doc__)
    parser.add_argument("--dtype", default="float32", **cli.DTYPE)
    parser.add_argument(
        "--seeds",
        type=cli.number(int, 2, 1000),
        default=20,
        metavar="N",
        help="train with the seeds 0 ... N-1 (default: %(default)s)",
    )
    parser.add_argument("--epochs", default=regular.EPOCHS, **cli.EPOCHS)
    return parser.parse_args(argv)


def main(argv=None):
    args = parse_args(argv)
    data = data_prep.load_pair(args.digits)
    results = cli.results_folder(args)
    hinge = lambda targets, logits, weights: regular.hinge_loss(targets, logits)
    models = [(hinge, regular.LEARNING_RATE)]
    experiment(args, data, results / "regular-seeds", models, loss=regular.hinge_loss)
    models = [
        (functools.partial(robust.robust_hinge_loss, epsilon=epsilon), robust.LEARNING_RATE)
        for epsilon in runs.EPSILONS
    ]
    run = dict(loss=robust.robust_hinge_loss, epsilons=list(runs.EPSILONS))
    experiment(args, data, results / "robust-seeds", models, **run)


if __name__ == "__main__":
    cli.run(main)
