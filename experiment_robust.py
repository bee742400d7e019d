"""Robust training (the post's "Towards Robust Binary Classification"): the hinge under attack.

    python experiment_robust.py                  # the post's three models; 3 s more than regular
    python experiment_robust.py --epsilon 0.25   # another ε

Writes results/robust-0.1/, ...: config.json, metrics.json, history.csv, arrays.npz, model.keras.
"""

import functools

import data_prep
from common import cli, evaluation, runs, training
from common.lazy import callbacks, keras, tf

RUN = "robust"  # the run's folder in results/; give a copy of this script a name of its own
EPOCHS = 10
BATCH_SIZE = 100  # images
LEARNING_RATE = 0.01  # for the losses summed over a batch and divided by BATCH_SIZE


def parse_args(argv=None):
    flags = dict(epochs=EPOCHS, batch_size=BATCH_SIZE, learning_rate=LEARNING_RATE, seed=0)
    parser = cli.pair_parser(__doc__, **flags, shuffle=False, validation=None)
    cli.add(parser, epsilon=runs.EPSILONS)
    return parser.parse_args(argv)


def robust_hinge_loss(targets, logits, weights, epsilon):
    """max over ‖δ‖∞ ≤ ε of L(y (w·(x + δ) + b)), solved: max(0, 1 - y ŷ + ε‖w‖₁) (the post).

    Arguments:
        targets: (batch,) in {-1, +1}; logits: (batch,).
        weights: (784,); epsilon: the radius of the attack, >= 0, in pixel units.

    Returns one loss per example, (batch,). Raises ValueError if targets and logits would broadcast.
    """
    training.check_same_shape(targets, logits)
    weight_l1_norm = tf.reduce_sum(tf.abs(weights), axis=0)
    return tf.maximum(1.0 - targets * logits + epsilon * weight_l1_norm, 0.0)


def losses_and_logits(model, x, y, epsilon, training=False):
    """What the model gives for a batch: its losses and its logits, (batch,) both."""
    logits = model(x, training=training)[:, 0]
    weights = model.layers[-1].kernel[:, 0]
    return robust_hinge_loss(y, logits, weights, epsilon), logits


def train_step(model, x, y, batch_size, epsilon):
    """One step of SGD on one batch; x: (batch, 28, 28, 1), y: (batch,).

    The sum is divided by the nominal batch size, so that in the short last batch of an epoch every
    image weighs as much as in the others.
    """
    with tf.GradientTape() as tape:
        losses, logits = losses_and_logits(model, x, y, epsilon, training=True)
        loss = model.optimizer.scale_loss(tf.reduce_sum(losses) / batch_size)
    gradients = tape.gradient(loss, model.trainable_variables)
    model.optimizer.apply(gradients, model.trainable_variables)
    return losses, logits, gradients


def experiment(args, data, epsilon):
    """Train, measure and save the model."""
    training.seed_everything(args.seed)
    layers = [
        keras.Input((28, 28, 1), dtype="float32"),
        keras.layers.Flatten(data_format="channels_last", dtype="float32", name="flatten"),
        keras.layers.Dense(1, dtype="float32", name="linear"),
    ]
    model = keras.Sequential(layers, name="linear_model")
    model.set_weights(training.initial_weights(args.seed))
    model.compile(optimizer=keras.optimizers.SGD(args.learning_rate))
    step = functools.partial(train_step, model, batch_size=args.batch_size, epsilon=epsilon)
    losses_of = functools.partial(losses_and_logits, model, epsilon=epsilon)

    record = callbacks.StepRecord(evaluation.RECORDED_STEPS)
    watchers = [
        callbacks.Evaluation(losses_of, data.x_test, data.y_test, "test"),
        callbacks.Evaluation(losses_of, data.x_val, data.y_val, "val"),
        record,
    ]
    train = data.x_train, data.y_train, args.epochs, args.batch_size
    history = training.train(step, model, *train, watchers, args.shuffle, args.seed)

    folder = cli.results_folder(args) / runs.name(RUN, epsilon)
    metrics, arrays = evaluation.linear_run(model, data, losses_of, history, record)
    table = {"epoch": history.epoch, **history.history}
    runs.save(folder, args, data, metrics, arrays, model, table, robust_hinge_loss, epsilon=epsilon)
    accuracy, weight_l1_norm = metrics["test_accuracy"], metrics["weight_l1_norm"]
    print(f"{folder}: test accuracy {accuracy:.2%}, ‖w‖₁ {weight_l1_norm:.2f}")


def main(argv=None):
    args = parse_args(argv)
    data = data_prep.load_pair(args.digits, args.validation)
    for epsilon in args.epsilons:
        experiment(args, data, epsilon)


if __name__ == "__main__":
    cli.run(main)
