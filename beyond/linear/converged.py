"""Robust training until it converges: how long does it take to come within 2 % of the optimum?

    python -m beyond.linear.converged                   # ε = 0.1, 0.2, 0.3; a few seconds each

The experiment is that of experiment_robust.py; what differs is Adam, whose steps are large
enough for pixels that are rarely lit, a new order each epoch, and a learning rate that falls
exponentially, because subgradients do not vanish at the optimum, which `python -m
beyond.linear.exact` proves. Writes results/robust-0.1-converged/ and so on.
"""

import math

import data_prep
from common import cli, runs
from common.lazy import keras
from experiment_robust import BATCH_SIZE, experiment

RUN = "converged"  # robust-0.1-converged
EPOCHS = 100
LEARNING_RATE = 0.05
DECAY = 1e-3  # the learning rate at the end, relative to the beginning


def parse_args(argv=None):
    flags = dict(epochs=EPOCHS, batch_size=BATCH_SIZE, learning_rate=LEARNING_RATE, seed=0)
    return cli.pair_parser(__doc__, **flags, shuffle=True, epsilon=runs.EPSILONS).parse_args(argv)


def main(argv=None):
    args = parse_args(argv)
    data = data_prep.load_pair(args.digits)
    steps = args.epochs * math.ceil(len(data.y_train) / args.batch_size)

    def adam(rate):
        falling = keras.optimizers.schedules.ExponentialDecay(rate, steps, DECAY)
        return keras.optimizers.Adam(falling)

    for epsilon in args.epsilons:
        experiment(args, data, epsilon, adam, RUN)


if __name__ == "__main__":
    cli.run(main)
