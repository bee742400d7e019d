"""Robust training (the post's "Towards Robust Binary Classification"): the hinge loss of the attacked input.

    python experiment_robust.py                  # the post's three models, about 8 s, most of it TensorFlow's import
    python experiment_robust.py --epsilon 0.25   # one of your own

Writes results/robust-0.1/ and so on: config.json, metrics.json, history.csv, arrays.npz, model.keras.
"""
import functools

import cli
import data_prep
import storage

EPSILONS = (0.1, 0.2, 0.3)  # l-infinity radii, in pixel units
EPOCHS = 10
BATCH_SIZE = 100  # images
LEARNING_RATE = 0.01  # for the mean of the loss over a batch; the post sums it, with 0.0001


def robust_hinge_loss(targets, logits, weights, epsilon):
    """max over ‖δ‖∞ ≤ ε of L(y (w·(x + δ) + b)) = max(0, 1 - y ŷ + ε ‖w‖₁) (the post's inner maximum, solved).

    Arguments:
        targets: (batch,) in {-1, +1}; logits: (batch,); weights: (784,); epsilon: >= 0, in pixel units.

    Returns one loss per example, (batch,). Raises ValueError if targets and logits would broadcast.
    """
    from training import check_same_shape, tf  # here, so that --help does not wait for TensorFlow
    check_same_shape(targets, logits)
    return tf.maximum(0.0, 1.0 - targets * logits + epsilon * tf.reduce_sum(tf.abs(weights), axis=0))


def parse_args(argv=None):
    parser = cli.parser(__doc__)
    cli.add_training(parser, EPOCHS, BATCH_SIZE, LEARNING_RATE)
    cli.add_epsilons(parser, EPSILONS)
    return parser.parse_args(argv)


def main(argv=None):
    args = parse_args(argv)
    data = data_prep.load_pair(args.digits)
    import runs
    for epsilon in args.epsilons:
        folder = cli.out_dir(args) / storage.run_name("robust", epsilon)
        loss = functools.partial(robust_hinge_loss, epsilon=epsilon)
        metrics = runs.train_linear(folder, loss, data, args, epsilon=epsilon)
        print(f"{folder}: test accuracy {metrics['test_accuracy']:.2%}, ‖w‖₁ {metrics['weight_l1_norm']:.2f}")


if __name__ == "__main__":
    cli.run(main)
