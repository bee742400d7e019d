"""Black-box attacks (the post's "a rough model approximation is enough to fool them").

    python experiment_transfer.py                # about 10 s, half of it TensorFlow's import

An attacker without access to the model trains a surrogate, on few images or with another loss, and uses its worst-case
perturbation. Each kind of surrogate is trained several times, from other images and initial weights. Reads the runs regular
and robust-0.1 ... 0.3, attacks each of them with every surrogate and with each other, and writes results/transfer/: config.json,
metrics.json, arrays.npz.
"""
import cli  # first: installs the one-line Ctrl-C handler
import numpy as np

import attacks
import data_prep
import storage
from experiment_regular import BATCH_SIZE, EPOCHS, LEARNING_RATE, hinge_loss

TARGETS = storage.POST_RUNS
DRAWS = 5  # surrogates of each kind
MATRIX_EPSILON = 0.2  # of the matrix source x target, in pixel units


def logistic_loss(targets, logits, weights):
    """log(1 + exp(-y ŷ)), one value per example: for an attacker who does not know that the target uses the hinge."""
    from training import check_same_shape, tf  # imported here to keep --help fast
    check_same_shape(targets, logits)
    return tf.nn.softplus(-targets * logits)


# name: (number of training images or None for all, loss, start at w = 0?). A few hundred steps leave most of a random start where
# it was, and the attack follows the sign of every weight, noise or not.
SURROGATES = {
    "20 images": (20, hinge_loss, False),
    "100 images": (100, hinge_loss, False),
    "500 images": (500, hinge_loss, False),
    "all images": (None, hinge_loss, False),
    "all images, logistic": (None, logistic_loss, False),
    "20 images, from zero": (20, hinge_loss, True),
    "all images, from zero": (None, hinge_loss, True),
}


def train_surrogates(data, count, loss_fn, from_zero, args):
    """The weights (DRAWS, 784) of linear models trained on `count` images each, drawn by seeds that are not the targets'.

    Few images are repeated to the length of the training set: every surrogate takes the same number of steps.
    """
    import training
    model, total = training.linear_model(0), len(data.y_train)
    model.compile(optimizer=training.keras.optimizers.SGD(args.learning_rate))
    steps, found = training.compile_steps(model, loss_fn, args.batch_size), []
    for seed in range(1, DRAWS + 1):
        training.seed_everything(seed)
        model.set_weights([(not from_zero) * array for array in training.initial_weights(seed)])
        chosen = np.resize(np.random.default_rng(seed).permutation(total)[:count], total)
        blocks = training.resident(data.x_train[chosen], data.y_train[chosen])
        training.train(model, loss_fn, blocks, args.epochs, args.batch_size, verbose=0, steps=steps)
        found.append(training.linear_weights(model)[0])
    return np.array(found)


def parse_args(argv=None):
    parser = cli.parser(__doc__)
    cli.add_digits(parser)
    cli.add_out_dir(parser)
    parser.set_defaults(epochs=EPOCHS, batch_size=BATCH_SIZE, learning_rate=LEARNING_RATE)
    return parser.parse_args(argv)


def main(argv=None):
    args = parse_args(argv)
    data = data_prep.load_pair(args.digits)
    targets = {run: storage.read_run(cli.out_dir(args) / run, arrays={"weights": (784,), "bias": ()}).arrays for run in TARGETS}
    import runs
    sources = {}
    for name, (count, loss_fn, from_zero) in SURROGATES.items():
        sources[name] = train_surrogates(data, count, loss_fn, from_zero, args)
        print(f"  surrogates: {DRAWS} x {name}", flush=True)
    sources |= {run: arrays["weights"][np.newaxis] for run, arrays in targets.items()}

    curves, clipped = [], []  # of every source: accuracy of each draw on each target, (draws, targets, ε) and (draws, targets)
    for draws in sources.values():
        curves.append([[attacks.transfer_accuracy(source, target["weights"], target["bias"], data.x_test, data.y_test,
                                                  runs.ATTACK_EPSILONS) for target in targets.values()] for source in draws])
        attacked = [attacks.attack_linear(source, data.x_test, data.y_test, MATRIX_EPSILON, clip=True) for source in draws]
        clipped.append([[np.mean(data.y_test * attacks.linear_logits(target["weights"], target["bias"], x) > 0)
                         for target in targets.values()] for x in attacked])
    curves = [np.array(curve) for curve in curves]
    at = np.argmin(np.abs(runs.ATTACK_EPSILONS - MATRIX_EPSILON))
    metrics = dict(epsilon=MATRIX_EPSILON, draws=DRAWS, accuracy={
        "unclipped": [curve[..., at].mean(axis=0).tolist() for curve in curves],
        "unclipped_least": [curve[..., at].min(axis=0).tolist() for curve in curves],
        "unclipped_most": [curve[..., at].max(axis=0).tolist() for curve in curves],
        "clipped": [np.mean(draws, axis=0).tolist() for draws in clipped]})
    arrays = dict(epsilon=runs.ATTACK_EPSILONS, accuracy=np.array([curve.mean(axis=0) for curve in curves]))
    folder = cli.out_dir(args) / storage.run_name("transfer")
    with storage.write_run(folder) as place:
        runs.save(place, args, data, metrics, arrays, model=None, sources=list(sources), targets=list(targets))
    print(f"{folder}: accuracy of the regular model at ε = {MATRIX_EPSILON:g} under the surrogates' attacks: "
          + ", ".join(f"{name} {row[0]:.1%}" for name, row in zip(SURROGATES, metrics["accuracy"]["unclipped"])))


if __name__ == "__main__":
    cli.run(main)
