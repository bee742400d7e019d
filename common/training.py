"""What the experiments share: the seed, the post's model, and the loop around a train step."""

import sys
from dataclasses import dataclass

import numpy as np

import attacks
from common.lazy import keras, tf

DIVERGED = 1e3  # times the first batch's loss: beyond this, training does not recover


@dataclass(frozen=True)
class Batch:
    """What a train step gives: losses and logits (batch,), a gradient for each trainable variable.

    In a callback it is `self.model.last_batch`: of the batch that has just been trained.
    """

    losses: object
    logits: object
    gradients: list


def seed_everything(seed):
    """Make a run depend on its seed alone.

    Not on earlier runs, on which thread ends first, or on the user's keras.json.
    """
    keras.utils.clear_session()  # so that the names of layers and optimizers are always the same
    keras.config.set_floatx("float32")  # to which Keras rounds pixels and learning rates
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def initial_weights(seed, dtype="float32"):
    """Keras' default initialisation of a seed: kernel (784, 1) and bias (1,)."""
    kernel = keras.initializers.GlorotUniform(seed)((784, 1), dtype="float32")
    return np.array(kernel, dtype), np.zeros(1, dtype)


def linear_model(seed, dtype="float32"):
    """The post's model on (28, 28, 1) images, ŷ = w·x + b, with the initial weights of a seed."""
    layers = [
        keras.Input((28, 28, 1), dtype="float32"),
        keras.layers.Flatten(data_format="channels_last", dtype=dtype, name="flatten"),
        keras.layers.Dense(1, dtype=dtype, name="linear"),
    ]
    model = keras.Sequential(layers, name="linear_model")
    model.set_weights(initial_weights(seed, dtype))
    return model


def model_of(weights, bias):
    """The Keras model ŷ = w·x + b with the given weights (784,) and bias ()."""
    model = linear_model(0)
    model.set_weights([np.reshape(weights, (-1, 1)), np.reshape(bias, 1)])
    return model


def linear_weights(model):
    """w (784,) and b () of a linear model, as NumPy arrays."""
    kernel, bias = model.get_weights()
    return kernel[:, 0], bias[0]


def check_same_shape(targets, logits):
    """Raise ValueError for (batch,) against (batch, 1), which would give (batch, batch) losses."""
    if targets.shape != logits.shape:
        raise ValueError(
            "targets and logits must have one shape, (batch,); they have "
            f"{targets.shape} and {logits.shape}"
        )


def train(
    train_step, model, x, y, epochs, batch_size, callbacks=(), shuffle=False, seed=0, verbose=None
):
    """Train batch by batch, in a fixed or a new order: the loop of every experiment.

    Arguments:
        train_step: a function of one batch, (x, y), that updates the model and returns its losses
            and logits, (batch,) both, and the gradients. It is compiled with tf.function.
        model: the Keras model that the step trains; callbacks find it as self.model.
        x: (n, 28, 28, 1) in [0, 1]; y: (n,) in {-1, +1}. The last batch may be short.
        callbacks: any of Keras'; self.model.last_batch, a Batch, is what the step gave.
        shuffle: a new order of the images each epoch, drawn with `seed`.
        verbose: 1 for a bar of all steps, 2 for a line at the end, 0 for silence; None for the bar
            in a terminal, the line elsewhere, and silence where there is no stream.

    Returns the keras.callbacks.History. Raises ValueError for labels other than -1 and +1, and,
    with the epoch, if the loss diverges.
    """
    attacks.checked(x, y)
    if verbose is None:
        verbose = 0 if sys.stdout is None else 1 if sys.stdout.isatty() else 2
    n, generator = len(y), np.random.default_rng(seed)
    x, labels = tf.constant(x), np.asarray(y)
    starts = [tf.constant(start) for start in range(0, n, batch_size)]
    # To step through it in a debugger, take tf.function and get_concrete_function away.
    step = tf.function(
        lambda x, y, start: train_step(x[start : start + batch_size], y[start : start + batch_size])
    ).get_concrete_function(x, tf.constant(labels), starts[0])
    model.stop_training, first_loss, steps, logs = False, None, 0, {}
    callbacks = keras.callbacks.CallbackList(
        callbacks, add_history=True, model=model, verbose=0, epochs=epochs, steps=len(starts)
    )
    bar = keras.utils.Progbar(
        epochs * len(starts), verbose=verbose, stateful_metrics=("loss", "accuracy")
    )
    callbacks.on_train_begin()
    first_epoch = model._initial_epoch or 0  # where BackupAndRestore resumes, as in fit
    for epoch in range(epochs):
        order = generator.permutation(n) if shuffle else None
        if epoch < first_epoch:
            continue
        callbacks.on_epoch_begin(epoch)
        xs = x if order is None else tf.gather(x, order)
        targets = labels if order is None else labels[order]
        ys = tf.constant(targets)
        loss = correct = done = 0
        for batch, start in enumerate(starts):
            callbacks.on_train_batch_begin(batch)
            model.last_batch = Batch(*step(xs, ys, start))
            losses, logits = model.last_batch.losses.numpy(), model.last_batch.logits.numpy()
            loss += losses.sum()
            correct += np.sum(targets[done : done + batch_size] * logits > 0)
            done += len(losses)
            logs = {"loss": float(loss / done), "accuracy": float(correct / done)}
            first_loss = first_loss or logs["loss"]
            callbacks.on_train_batch_end(batch, logs)
            steps = epoch * len(starts) + batch + 1
            bar.update(steps, logs.items(), finalize=False)
            if model.stop_training:
                break
        if not logs["loss"] <= DIVERGED * max(first_loss, 1):  # NaN counts as diverged
            raise ValueError(
                f"training diverged in epoch {epoch + 1} of {epochs}: the mean loss "
                f"is {logs['loss']:.3g}; try a smaller --learning-rate"
            )
        callbacks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    bar.update(steps, logs.items(), finalize=True)
    model.last_batch = None  # fit would not renew it
    callbacks.on_train_end()
    return model.history
