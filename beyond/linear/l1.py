"""An L1 penalty beside robust training (the post: "in contrast to regularization"): hinge + λ‖w‖₁.

    python -m beyond.linear.l1                          # both λ for ε = 0.2
    python -m beyond.linear.l1 --epsilon 0.1

The penalty applies whatever the examples are; the robust loss ignores examples far enough from the
boundary. Two λ are trained:

    results/l1-0.2/             the λ with which ‖w‖₁ equals that of robust-0.2; the scale of w,
                                and so of its norm, means something else in the two losses
    results/l1-0.2-equivalent/  λ = ε times the least robust loss (exact-0.2): with it the two
                                problems have the same optimal classifiers, up to scale
                                (optimum.py has the proof)

The L1 problem is a linear program in whose objective alone λ appears, so its optimal classifier is
piecewise constant in λ, and the robust one in ε: in between only its scale moves. The theorem is
about ε above that of separation. At it, the L1 problem can have an optimum that is none of the
robust loss: x = 0, 0, 1, y = -1, -1, +1, ε = 0.5, w = 2, b = -1.

Reads results/robust-0.2/ and results/exact-0.2/; writes runs like experiment_robust.py.
"""

import functools

import numpy as np
from scipy.optimize import brentq

import data_prep
from common import cli, evaluation, runs, training
from common.lazy import callbacks, keras, tf
from common.many import compiled_epoch, shuffled, train_many
from experiment_robust import BATCH_SIZE, EPOCHS, LEARNING_RATE

RUN = "l1"
EPSILONS = (0.2,)  # of the robust runs to be matched
LOG_PENALTIES = (-6.0, 0.0)  # log10 of λ: where the search begins
SMALLEST_PENALTY = 1e-9  # below it, the least robust loss is zero but for rounding
NORM_TOLERANCE = 0.005  # relative, of the match of ‖w‖₁


def penalised_hinge_loss(targets, logits, weights, penalty):
    """max(0, 1 - y ŷ) + λ‖w‖₁: the hinge, and the same price for every example.

    Arguments and result as for experiment_robust.robust_hinge_loss, with penalty: λ >= 0.
    """
    training.check_same_shape(targets, logits)
    weight_l1_norm = tf.reduce_sum(tf.abs(weights), axis=0)
    return tf.maximum(1.0 - targets * logits, 0.0) + penalty * weight_l1_norm


def losses_and_logits(model, x, y, penalty, training=False):
    """What the model gives for a batch: its losses and its logits, (batch,) both."""
    logits = model(x, training=training)[:, 0]
    weights = model.layers[-1].kernel[:, 0]
    return penalised_hinge_loss(y, logits, weights, penalty), logits


def train_step(model, x, y, batch_size, penalty):
    """One step of SGD on one batch, as in experiment_robust.py."""
    with tf.GradientTape() as tape:
        losses, logits = losses_and_logits(model, x, y, penalty, training=True)
        loss = model.optimizer.scale_loss(tf.reduce_sum(losses) / batch_size)
    gradients = tape.gradient(loss, model.trainable_variables)
    model.optimizer.apply(gradients, model.trainable_variables)
    return losses, logits, gradients


def find_penalty(weight_l1_norm, data, args):
    """The λ whose model, trained by args, has the given ‖w‖₁. Raises ValueError if none has."""
    training.seed_everything(args.seed)
    penalty = tf.Variable(0.0)
    loss_fn = functools.partial(penalised_hinge_loss, penalty=penalty)
    epoch = compiled_epoch(loss_fn, args.batch_size, args.learning_rate)  # one for every λ
    orders = shuffled(len(data.y_train), args.epochs, args.seed) if args.shuffle else None

    @functools.cache
    def excess(log_penalty):
        penalty.assign(10**log_penalty)
        start = training.initial_weights(args.seed)
        weights, *_ = train_many(epoch, *start, data.x_train, data.y_train, args.epochs, orders)
        norm, wanted = np.abs(weights).sum(), weight_l1_norm
        print(f"  penalty {10**log_penalty:.6f}: ‖w‖₁ {norm:.3f}, wanted {wanted:.3f}", flush=True)
        ratio = norm / weight_l1_norm - 1
        return ratio if abs(ratio) > NORM_TOLERANCE else 0.0  # near enough: a root ends the search

    if excess(LOG_PENALTIES[0]) * excess(LOG_PENALTIES[1]) > 0:
        raise ValueError(
            f"no penalty from 1e{LOG_PENALTIES[0]:g} to 1e{LOG_PENALTIES[1]:g} gives "
            f"‖w‖₁ = {weight_l1_norm:.3f}; try more --epochs"
        )
    return 10 ** brentq(excess, *LOG_PENALTIES, maxiter=30, disp=False)


def experiment(args, data, epsilon, penalty, variant=None):
    """Train, measure and save the model of one λ."""
    training.seed_everything(args.seed)
    model = training.linear_model(args.seed)
    model.compile(optimizer=keras.optimizers.SGD(args.learning_rate))
    step = functools.partial(train_step, model, batch_size=args.batch_size, penalty=penalty)
    losses_of = functools.partial(losses_and_logits, model, penalty=penalty)

    record = callbacks.StepRecord(evaluation.RECORDED_STEPS)
    watchers = [callbacks.Evaluation(losses_of, data.x_test, data.y_test), record]
    train = data.x_train, data.y_train, args.epochs, args.batch_size
    history = training.train(step, model, *train, watchers, args.shuffle, args.seed)

    folder = cli.results_folder(args) / runs.name(RUN, epsilon, variant)
    metrics, arrays = evaluation.linear_run(model, data, losses_of, history, record)
    table = {"epoch": history.epoch, **history.history}
    run = dict(loss=penalised_hinge_loss, epsilon=epsilon, penalty=penalty)
    runs.save(folder, args, data, metrics, arrays, model, table, **run)
    accuracy, norm = metrics["test_accuracy"], metrics["weight_l1_norm"]
    print(f"{folder}: penalty {penalty:.6f}, test accuracy {accuracy:.2%}, ‖w‖₁ {norm:.2f}")


def main(argv=None):
    flags = dict(epochs=EPOCHS, batch_size=BATCH_SIZE, learning_rate=LEARNING_RATE, seed=0)
    parser = cli.pair_parser(__doc__, **flags, shuffle=False, epsilon=EPSILONS)
    args = parser.parse_args(argv)
    data, results = data_prep.load_pair(args.digits), cli.results_folder(args)
    for epsilon in args.epsilons:
        robust = runs.read(results / runs.name("robust", epsilon), ["weight_l1_norm"])
        exact = runs.read(results / runs.name("exact", epsilon), ["l1_penalty"])
        if exact.metrics["l1_penalty"] < SMALLEST_PENALTY:
            raise ValueError(
                f"epsilon {epsilon:g}: the robust loss can be zero, so no L1 penalty is "
                "equivalent; try a larger --epsilon"
            )
        penalty = find_penalty(robust.metrics["weight_l1_norm"], data, args)
        experiment(args, data, epsilon, penalty)
        experiment(args, data, epsilon, exact.metrics["l1_penalty"], "equivalent")


if __name__ == "__main__":
    cli.run(main)
