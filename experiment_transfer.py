"""Black-box attacks (the post's "a rough model approximation is enough to fool them").

    python experiment_transfer.py                # about 9 s, half of it TensorFlow's import

An attacker who does not have the model trains one of their own, on few images or with another loss, and uses its worst
case. Reads the runs regular and robust-0.1 ... 0.3, trains the surrogates, attacks every run with each of them and with
each other, and writes results/transfer/: config.json, metrics.json, arrays.npz.
"""
import cli  # before NumPy: from here on Ctrl-C ends in one line
import numpy as np

import attacks
import data_prep
import storage
from experiment_regular import BATCH_SIZE, LEARNING_RATE, hinge_loss

TARGETS = ("regular", "robust-0.1", "robust-0.2", "robust-0.3")
STEPS = 1270  # of SGD for every surrogate: those of ten epochs on all images
MATRIX_EPSILON = 0.2  # of the matrix source x target, in pixel units


def logistic_loss(targets, logits, weights):
    """log(1 + exp(-y ŷ)), one value per example: what an attacker might use who does not know of the hinge."""
    from training import check_same_shape, tf  # here, so that --help does not wait for TensorFlow
    check_same_shape(targets, logits)
    return tf.nn.softplus(-targets * logits)


# name: (training images or None for all, loss, whether it begins at w = 0 instead of Keras' random weights). A few hundred
# steps leave most of a random start where it was, and the attack follows the sign of every weight, noise or not.
SURROGATES = {
    "20 images": (20, hinge_loss, False),
    "100 images": (100, hinge_loss, False),
    "500 images": (500, hinge_loss, False),
    "all images": (None, hinge_loss, False),
    "all, logistic": (None, logistic_loss, False),
    "20 images, from zero": (20, hinge_loss, True),
    "all images, from zero": (None, hinge_loss, True),
}


def train_surrogate(data, count, loss_fn, from_zero, seed, args):
    """The weights (784,) of a linear model trained on `count` images, drawn by the seed, which is not the targets'."""
    import training
    training.seed_everything(seed)
    chosen = np.random.default_rng(seed).permutation(len(data.y_train))[:count]
    model = training.linear_model(seed)
    if from_zero:
        model.set_weights([0 * array for array in model.get_weights()])
    model.compile(optimizer=training.keras.optimizers.SGD(args.learning_rate))
    epochs = round(STEPS / np.ceil(len(chosen) / args.batch_size))
    training.train(model, loss_fn, training.resident(data.x_train[chosen], data.y_train[chosen]), epochs,
                   args.batch_size, verbose=0)
    return training.linear_weights(model)[0]


def parse_args(argv=None):
    parser = cli.parser(__doc__)
    cli.add_digits(parser)
    cli.add_out_dir(parser)
    parser.set_defaults(batch_size=BATCH_SIZE, learning_rate=LEARNING_RATE)
    return parser.parse_args(argv)


def main(argv=None):
    args = parse_args(argv)
    data = data_prep.load_pair(args.digits)
    targets = {run: storage.read_run(cli.out_dir(args) / run, arrays=["weights", "bias"]).arrays for run in TARGETS}
    import runs
    sources = {}
    for seed, (name, (count, loss_fn, from_zero)) in enumerate(SURROGATES.items(), 1):
        sources[name] = train_surrogate(data, count, loss_fn, from_zero, seed, args)
        print(f"  surrogate: {name}", flush=True)
    sources |= {run: arrays["weights"] for run, arrays in targets.items()}

    def accuracy(epsilons, clip):
        """(sources, targets, epsilons)"""
        return np.array([[attacks.transfer_accuracy(source, target["weights"], target["bias"], data.x_test, data.y_test,
                                                    epsilons, clip) for target in targets.values()]
                         for source in sources.values()])

    curves = accuracy(runs.ATTACK_EPSILONS, clip=False)
    matrix = {kind: accuracy([MATRIX_EPSILON], kind == "clipped")[..., 0] for kind in ("unclipped", "clipped")}
    metrics = dict(epsilon=MATRIX_EPSILON, accuracy={kind: values.tolist() for kind, values in matrix.items()})
    folder = cli.out_dir(args) / storage.run_name("transfer")
    with storage.write_run(folder) as place:
        runs.save(place, args, data, metrics, dict(epsilon=runs.ATTACK_EPSILONS, accuracy=curves), model=None,
                  sources=list(sources), targets=list(targets))
    print(f"{folder}: regular model at ε = {MATRIX_EPSILON:g} under the surrogates' attacks: "
          + ", ".join(f"{name} {row[0]:.1%}" for name, row in zip(SURROGATES, matrix["unclipped"])))


if __name__ == "__main__":
    cli.run(main)
