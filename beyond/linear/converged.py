"""Robust training until it converges: how long does it take to come within 2 % of the optimum?

    python -m beyond.linear.converged                   # ε = 0.1, 0.2, 0.3; a few seconds each

The loss and the step are those of experiment_robust.py; what differs is Adam, whose steps are large
enough for pixels that are rarely lit, a new order each epoch, and a learning rate that falls
exponentially, because subgradients do not vanish at the optimum. `python -m beyond.linear.exact` proves
it. Writes results/robust-0.1-converged/ and so on, like experiment_robust.py.
"""

import functools
import math

import data_prep
from common import cli, evaluation, runs, training
from common.lazy import callbacks, keras
from experiment_robust import BATCH_SIZE, losses_and_logits, robust_hinge_loss, train_step

RUN = "converged"  # robust-0.1-converged
EPOCHS = 100
LEARNING_RATE = 0.05
DECAY = 1e-3  # the learning rate at the end, relative to the beginning


def parse_args(argv=None):
    parser = cli.parser(__doc__)
    cli.add_training(parser, EPOCHS, BATCH_SIZE, LEARNING_RATE, shuffle=True)
    cli.add_epsilons(parser, runs.EPSILONS)
    return parser.parse_args(argv)


def experiment(args, data, epsilon):
    """Train, measure and save the model of one ε."""
    training.seed_everything(args.seed)
    model = training.linear_model(args.seed)
    steps = args.epochs * math.ceil(len(data.y_train) / args.batch_size)
    rate = keras.optimizers.schedules.ExponentialDecay(args.learning_rate, steps, DECAY)
    model.compile(optimizer=keras.optimizers.Adam(rate))
    step = functools.partial(train_step, model, batch_size=args.batch_size, epsilon=epsilon)
    measured = functools.partial(losses_and_logits, model, epsilon=epsilon)

    folder = cli.results_folder(args) / runs.name("robust", epsilon, RUN)
    with runs.write(folder) as place:
        record = callbacks.StepRecord(evaluation.RECORDED_STEPS)
        watchers = [callbacks.Evaluation(measured, data.x_test, data.y_test), record]
        order = dict(shuffle=args.shuffle, seed=args.seed)
        history = training.train(
            step, model, data.x_train, data.y_train, args.epochs, args.batch_size, watchers, **order
        )
        metrics, arrays = evaluation.linear_run(model, data, measured, history, record)
        table = {"epoch": history.epoch, **history.history}
        run = dict(loss=robust_hinge_loss, epsilon=epsilon)
        runs.save(place, args, data, metrics, arrays, model, table, **run)
    loss, accuracy = metrics["train_loss"], metrics["test_accuracy"]
    print(f"{folder}: robust loss {loss:.6f}, test accuracy {accuracy:.2%}")


def main(argv=None):
    args = parse_args(argv)
    data = data_prep.load_pair(args.digits)
    for epsilon in args.epsilons:
        experiment(args, data, epsilon)


if __name__ == "__main__":
    cli.run(main)
