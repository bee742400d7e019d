"""Regular training (the post's "Regular Binary Classification"): a linear classifier with the hinge loss.

    python experiment_regular.py                 # the post's recipe, about 7 s, most of it TensorFlow's import
    python experiment_regular.py --epochs 3 --out-dir quick
    python experiment_regular.py --seeds 20      # the spread over 20 seeds, in results/regular-seeds, about 10 s

Writes results/regular/: config.json, metrics.json, history.csv, arrays.npz, model.keras.
"""
import cli
import data_prep
import storage

RUN = "regular"  # the run's folder below results/; in a copy of this script, give it a name of your own
EPOCHS = 10
BATCH_SIZE = 100  # images
LEARNING_RATE = 0.1  # for the loss summed over a batch and divided by the batch size


def hinge_loss(targets, logits, weights):
    """L(y ŷ) = max(0, 1 - y ŷ): zero once the example is on the correct side with a margin of at least 1 (the post's hinge).

    Arguments:
        targets: (batch,) in {-1, +1}; logits: (batch,); weights: not used here, see experiment_robust.py.

    Returns one loss per example, (batch,). Raises ValueError if targets and logits would broadcast.
    """
    from training import check_same_shape, tf  # imported here to keep --help fast
    check_same_shape(targets, logits)
    return tf.maximum(1.0 - targets * logits, 0.0)


def parse_args(argv=None):
    parser = cli.parser(__doc__)
    cli.add_training(parser, EPOCHS, BATCH_SIZE, LEARNING_RATE, seeds=True)
    cli.add_dtype(parser, "float32")
    return parser.parse_args(argv)


def main(argv=None):
    args = parse_args(argv)
    data = data_prep.load_pair(args.digits)
    import runs
    if args.seeds:
        folder = cli.out_dir(args) / storage.run_name(RUN, variant="seeds")
        runs.train_seeds(folder, [hinge_loss], data, args)
        return
    folder = cli.out_dir(args) / storage.run_name(RUN)
    metrics = runs.train_linear(folder, hinge_loss, data, args, dtype=args.dtype)
    print(f"{folder}: test accuracy {metrics['test_accuracy']:.2%}, ‖w‖₁ {metrics['weight_l1_norm']:.2f}")


if __name__ == "__main__":
    cli.run(main)
