"""Robust training until it converges: how long does it take to come within 2 % of the optimum?

    python -m beyond.linear.converged                   # ε = 0.1, 0.2, 0.3; a few seconds each

The model and the step are those of experiment_robust.py; what differs is Adam, whose steps are
large enough for pixels that are rarely lit, a new order each epoch, and a learning rate that falls
exponentially, because subgradients do not vanish at the optimum, which `python -m
beyond.linear.exact` proves. Half of the epochs leave up to 5 % above it. An epoch is one compiled
call, so no callback sees its batches. Writes results/robust-0.1-converged/ and so on.
"""

import functools
import math

import numpy as np

import data_prep
import experiment_robust as robust
from common import cli, evaluation, runs, training
from common.lazy import keras, tf
from common.many import shuffled

RUN = "converged"  # robust-0.1-converged
EPOCHS = 100
LEARNING_RATE = 0.05
DECAY = 1e-3  # the learning rate at the end, relative to the beginning


def parse_args(argv=None):
    flags = dict(epochs=EPOCHS, batch_size=robust.BATCH_SIZE, learning_rate=LEARNING_RATE, seed=0)
    return cli.pair_parser(__doc__, **flags, shuffle=True, epsilon=runs.EPSILONS).parse_args(argv)


def whole_epoch(step, x, y, batch_size):
    """An epoch as one compiled call of the order of the images: step(x, y) for each batch."""
    x, y = tf.constant(x), tf.constant(y)

    @tf.function(autograph=False)
    def epoch(order):
        def batch(start):
            rows = order[start : start + batch_size]
            step(tf.gather(x, rows), tf.gather(y, rows))
            return (start + batch_size,)

        tf.while_loop(lambda start: start < len(x), batch, [0], parallel_iterations=1)

    return epoch


def experiment(args, data, epsilon):
    """Train, measure and save the model."""
    training.seed_everything(args.seed)
    model, count = training.linear_model(args.seed), len(data.y_train)
    steps = args.epochs * math.ceil(count / args.batch_size)
    rate = keras.optimizers.schedules.ExponentialDecay(args.learning_rate, steps, DECAY)
    model.compile(optimizer=keras.optimizers.Adam(rate))
    step = functools.partial(robust.train_step, model, batch_size=args.batch_size, epsilon=epsilon)
    x, y = data.x_train, data.y_train
    epoch = whole_epoch(step, x, y, args.batch_size)
    orders = [np.arange(count)] * args.epochs
    for order in shuffled(count, args.epochs, args.seed) if args.shuffle else orders:
        epoch(tf.constant(order))

    folder = cli.results_folder(args) / runs.name(robust.RUN, epsilon, RUN)
    losses, _ = robust.losses_and_logits(model, x, y, epsilon)
    weights, bias = training.linear_weights(model)
    metrics = evaluation.evaluate(weights, bias, data) | {"train_loss": float(np.mean(losses))}
    arrays = evaluation.figure_arrays(weights, bias, data)
    run = dict(loss=robust.robust_hinge_loss, epsilon=epsilon)
    runs.save(folder, args, data, metrics, arrays, model, **run)
    accuracy, loss = metrics["test_accuracy"], metrics["train_loss"]
    print(f"{folder}: test accuracy {accuracy:.2%}, robust loss {loss:.6f}")


def main(argv=None):
    args = parse_args(argv)
    data = data_prep.load_pair(args.digits)
    for epsilon in args.epsilons:
        experiment(args, data, epsilon)


if __name__ == "__main__":
    cli.run(main)
