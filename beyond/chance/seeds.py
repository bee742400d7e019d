"""The spread over seeds, which differ in initial weights and in the order of the images.

    python -m beyond.chance.seeds                       # 20 seeds of the post's four models
    python -m beyond.chance.seeds --seeds 100

Seed s is, to the bit, what experiment_regular.py and experiment_robust.py train with
`--seed s --shuffle`. Seeds are not columns of one product, since each has its own order of the
images. Writes results/regular-seeds/ and results/robust-seeds/.
"""

import functools

import numpy as np

import attacks
import data_prep
import experiment_regular as regular
import experiment_robust as robust
from common import cli, runs, training
from common.evaluation import ATTACK_EPSILONS
from common.lazy import tf
from common.many import compiled_epoch, shuffled, train_many

RUN = "seeds"  # regular-seeds, robust-seeds


def train_seeds(recipe, epsilon, data, args):
    """Train one model for each of args.seeds seeds; at ε = 0 the robust hinge is the hinge.

    Returns by name: weights (seeds, 784), robust_accuracy (seeds, 101), unclipped, test_accuracy
    and train_accuracy_running (seeds,).
    """
    loss_fn = functools.partial(robust.robust_hinge_loss, epsilon=epsilon)
    epoch, found = compiled_epoch(loss_fn, recipe.BATCH_SIZE, recipe.LEARNING_RATE), []
    x = tf.constant(data.x_train)  # once, and not for every seed
    for seed in range(args.seeds):
        start = training.initial_weights(seed, args.dtype)
        orders = shuffled(len(data.y_train), args.epochs, seed)
        train = x, data.y_train, args.epochs, orders
        weights, bias, _, accuracy = train_many(epoch, *start, *train)
        model = weights[:, 0], bias[0]
        curve = attacks.robust_accuracy(*model, data.x_test, data.y_test, ATTACK_EPSILONS)
        found.append((model[0], curve, curve[0], accuracy[-1]))
    names = "weights", "robust_accuracy", "test_accuracy", "train_accuracy_running"
    return dict(zip(names, map(np.array, zip(*found))))


def experiment(args, data, recipe, radii, **run):
    """Train and save the seeds of one experiment at some ε."""
    training.seed_everything(0)
    spreads = []
    for epsilon in radii:
        spreads.append(train_seeds(recipe, epsilon, data, args))
        mean = spreads[-1]["test_accuracy"].mean()
        print(f"  ε = {epsilon}: test accuracy of {args.seeds} seeds {mean:.4%}", flush=True)
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
    folder = cli.results_folder(args) / runs.name(recipe.RUN, variant=RUN)
    runs.save(folder, args, data, metrics, arrays, shuffle=True, **run)
    print(folder)


def main(argv=None):
    parser = cli.pair_parser(__doc__, dtype="float32", seeds=20, epochs=regular.EPOCHS)
    args = parser.parse_args(argv)
    data, epsilons = data_prep.load_pair(args.digits), list(runs.EPSILONS)
    experiment(args, data, regular, [0], loss=regular.hinge_loss)
    experiment(args, data, robust, epsilons, loss=robust.robust_hinge_loss, epsilons=epsilons)


if __name__ == "__main__":
    cli.run(main)
