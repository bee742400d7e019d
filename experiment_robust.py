"""Robust training (the post's "Towards Robust Binary Classification"): the hinge loss of the attacked input.

    python experiment_robust.py                  # the post's three models, about 8 s, most of it TensorFlow's import
    python experiment_robust.py --epsilon 0.25   # another ε
    python experiment_robust.py --recipe converged   # Adam until it is within 2 % of the optimum, 3 s a model
    python experiment_robust.py --seeds 20       # the spread over 20 seeds, in results/robust-seeds, about 12 s

Writes results/robust-0.1/ (or robust-0.1-converged/) and so on: config.json, metrics.json, history.csv, arrays.npz,
model.keras.
"""
import functools
import math

import cli
import data_prep
import storage

EPSILONS = (0.1, 0.2, 0.3)  # l-infinity radii, in pixel units
EPOCHS = 10
BATCH_SIZE = 100  # images
LEARNING_RATE = 0.01  # for the loss summed over a batch and divided by the batch size; the post's 0.0001 is for the sum

# --recipe converged: within 2 % of the optimum that experiment_exact.py proves. Adam gives rarely lit pixels large enough steps;
# its rate falls exponentially, by DECAY over the run, because subgradients do not vanish at the optimum.
CONVERGED = dict(epochs=100, learning_rate=0.05, shuffle=True)
DECAY = 1e-3


def robust_hinge_loss(targets, logits, weights, epsilon):
    """max over ‖δ‖∞ ≤ ε of L(y (w·(x + δ) + b)) = max(0, 1 - y ŷ + ε ‖w‖₁) (the post's inner maximum, solved).

    Arguments:
        targets: (batch,) in {-1, +1}; logits: (batch,); weights: (784,); epsilon: >= 0, in pixel units.

    Returns one loss per example, (batch,). Raises ValueError if targets and logits would broadcast.
    """
    from training import check_same_shape, tf  # imported here to keep --help fast
    check_same_shape(targets, logits)
    return tf.maximum(1.0 - targets * logits + epsilon * tf.reduce_sum(tf.abs(weights), axis=0), 0.0)


def parse_args(argv=None):
    parser = cli.parser(__doc__)
    cli.add_training(parser, EPOCHS, BATCH_SIZE, LEARNING_RATE, seeds=True)
    cli.add_dtype(parser, "float32")
    cli.add_epsilons(parser, EPSILONS)
    parser.add_argument("--recipe", choices=["post", "converged"], default="post", help="the post's SGD, or Adam with a falling "
                        f"rate: by default {CONVERGED['epochs']} epochs, learning rate {CONVERGED['learning_rate']}, shuffled "
                        "(default: %(default)s)")
    args = parser.parse_args(argv)
    if args.recipe == "converged":
        if args.seeds:
            parser.error("--seeds goes with the post's recipe")
        parser.set_defaults(**CONVERGED)
        args = parser.parse_args(argv)  # once more, so that what is given still wins
    return args


def falling_adam(args, examples):
    """Adam, its learning rate falling by DECAY over the whole run."""
    from training import keras
    steps = args.epochs * math.ceil(examples / args.batch_size)
    return keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(args.learning_rate, steps, DECAY))


def main(argv=None):
    args = parse_args(argv)
    data = data_prep.load_pair(args.digits)
    import runs
    if args.seeds:
        folder = cli.out_dir(args) / storage.run_name("robust", variant="seeds")
        losses = [functools.partial(robust_hinge_loss, epsilon=epsilon) for epsilon in args.epsilons]
        runs.train_seeds(folder, losses, data, args, epsilons=args.epsilons)
        return
    converged = args.recipe == "converged"
    for epsilon in args.epsilons:
        folder = cli.out_dir(args) / storage.run_name("robust", epsilon, "converged" if converged else None)
        loss = functools.partial(robust_hinge_loss, epsilon=epsilon)
        optimizer = falling_adam(args, len(data.y_train)) if converged else None
        metrics = runs.train_linear(folder, loss, data, args, optimizer, dtype=args.dtype, epsilon=epsilon)
        runs.compare_with_optimum(cli.out_dir(args), epsilon)
        print(f"{folder}: test accuracy {metrics['test_accuracy']:.2%}, ‖w‖₁ {metrics['weight_l1_norm']:.2f}")


if __name__ == "__main__":
    cli.run(main)
