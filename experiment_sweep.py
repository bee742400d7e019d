"""A whole phase diagram of robust training: a model for each of 101 training ε, trained at once and attacked at each ε.

    python experiment_sweep.py                   # 101 models, about 7 s, most of it TensorFlow's import
    python experiment_sweep.py --seeds 10 --dtype float32   # their mean over 10 seeds: 1,010 models, about 13 s
    python experiment_sweep.py --models 26       # fewer training ε between the same limits
    python plots/phase_diagram.py                # the figure

Every model is one column of a Dense layer, with its own ε, and equals the one that `experiment_robust.py --dtype float64` trains
alone. In float32 it would not: another order of summation moves weights near zero, and examples near the margin, the other way.
Writes results/sweep/: config.json, metrics.json, arrays.npz.
"""
import functools
import time

import cli  # first: installs the one-line Ctrl-C handler
import numpy as np

import data_prep
import storage
from experiment_robust import BATCH_SIZE, EPOCHS, LEARNING_RATE, robust_hinge_loss

MODELS = 101  # training ε: 0, 0.005 ... 0.5
MOST_MODELS = 100_000  # with all seeds: their accuracy curves take 40 MB
LARGEST_EPSILON = 0.5  # pixel units; there every pixel can be made mid-grey, so no model can win


def train_columns(data, epsilons, seeds, args):
    """Train a robust model for each ε, side by side, and all of them again for each seed.

    Arguments:
        data: data_prep.Data; epsilons: (K,), in pixel units; seeds: of initial weights and order, N of them.
        args: with epochs, batch_size, learning_rate and shuffle.

    Returns weights (N, K, 784), biases (N, K), and loss and accuracy of every epoch, (N, epochs, K), while the weights
    move.
    """
    import training  # imported here to keep --help fast
    model = training.linear_model(*[seeds[0]] * len(epsilons), dtype=args.dtype)  # a Dense(K)
    model.compile(optimizer=training.keras.optimizers.SGD(args.learning_rate))
    loss_fn = functools.partial(robust_hinge_loss, epsilon=np.asarray(epsilons, args.dtype))
    batch_size = min(args.batch_size, len(data.y_train))
    steps = training.compile_steps(model, loss_fn, batch_size)
    found, x, y = [], training.tf.constant(data.x_train), training.tf.constant(data.y_train)
    for seed in seeds:
        training.seed_everything(seed)
        model.set_weights([np.repeat(array, len(epsilons), axis=-1) for array in training.initial_weights(seed)])
        blocks = training.resident(x, y, args.shuffle, seed)
        history = training.train(model, loss_fn, blocks, args.epochs, batch_size, steps=steps).history
        kernel, biases = model.get_weights()
        found.append((kernel.T, biases, history["loss"], history["accuracy"]))
    return tuple(map(np.array, zip(*found)))


def accuracy_matrix(weights, biases, x, y, epsilons):
    """attacks.robust_accuracy, not clipped, of many models in one matrix product: (models, attack ε), weights (models, 784)."""
    margins = y[:, np.newaxis] * (x.reshape(len(x), -1) @ weights.T.astype(x.dtype) + biases)
    norms = np.abs(weights).sum(axis=1)  # what an attack of size ε takes from a margin is ε‖w‖₁
    return np.stack([np.mean(margins > epsilon * norms, axis=0) for epsilon in epsilons], axis=1)


def parse_args(argv=None):
    parser = cli.parser(__doc__)
    cli.add_training(parser, EPOCHS, BATCH_SIZE, LEARNING_RATE, seeds=True)
    parser.add_argument("--models", type=cli.number(int, 2, 2000), default=MODELS, metavar="K",
                        help="how many training ε, evenly from 0 to the largest (default: %(default)s)")
    parser.add_argument("--largest-epsilon", type=cli.number(float, 0, 1, exclusive=True), default=LARGEST_EPSILON,
                        metavar="ε", help="of training and attack, in pixel units (default: %(default)s)")
    cli.add_dtype(parser, "float64")
    args = parser.parse_args(argv)
    if args.models * (args.seeds or 1) > MOST_MODELS:
        parser.error(f"--models times --seeds is limited to {MOST_MODELS:,}")
    return args


def main(argv=None):
    args = parse_args(argv)
    data = data_prep.load_pair(args.digits)
    import runs
    args.shuffle = args.shuffle or bool(args.seeds)  # as the other experiments' --seeds
    seeds = range(args.seeds) if args.seeds else [args.seed]
    epsilons = np.linspace(0, args.largest_epsilon, args.models)
    attack_epsilons = np.linspace(0, args.largest_epsilon, MODELS)
    folder = cli.out_dir(args) / storage.run_name("sweep")
    start = time.perf_counter()
    with storage.write_run(folder) as place:
        weights, biases, loss, accuracy = train_columns(data, epsilons, seeds, args)
        robust = np.array([accuracy_matrix(*columns, data.x_test, data.y_test, attack_epsilons)
                           for columns in zip(weights, biases)])
        mean = robust.mean(axis=0)
        metrics = {
            "epsilon": epsilons.tolist(), "test_accuracy": mean[:, 0].tolist(),
            "train_accuracy_running": accuracy[:, -1].mean(axis=0).tolist(), "train_loss_running": loss[:, -1].mean(axis=0).tolist(),
            "weight_l1_norm": np.abs(weights).sum(axis=2).mean(axis=0).tolist(),
            "best_accuracy": {"attack_epsilon": attack_epsilons.tolist(), "accuracy": mean.max(axis=0).tolist(),
                              "epsilon": epsilons[mean.argmax(axis=0)].tolist()},
        }
        # Only the last seed's weights are kept; those of ten would be 3 MB, and each can be trained again.
        arrays = dict(seeds=np.array(seeds), train_epsilons=epsilons, attack_epsilons=attack_epsilons, accuracy=mean,
                      accuracy_by_seed=robust.astype(np.float32), weights=weights[-1].astype(np.float32), bias=biases[-1])
        runs.save(place, args, data, metrics, arrays, model=None)
    print(f"{folder}: {robust.shape[0] * robust.shape[1]:,} models in {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    cli.run(main)
