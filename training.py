"""The linear model, one training step, and the loop around it that every experiment uses.

The loop is our own, so that every variable and gradient is in reach; what is around it is Keras: the optimiser, the
callbacks (any of keras.callbacks may be passed) and the progress bar.

A loss is a function of (targets, logits, weights) that gives one value per example; the mean over the batch is taken
in train_step and nowhere else. Shapes: targets (batch,) in {-1, +1}, logits (batch,), weights (784,). K models that
train side by side, as columns of one Dense(K), have logits (batch, K) and weights (784, K) instead.
"""
import os
import sys

import numpy as np

import cli
from callbacks import EpochLine, StepRecord

# A step is a chain of tiny operations: handing them from thread to thread costs more than it saves, here a third of
# the epoch. Inside one operation, as a matrix product, TensorFlow still uses all cores.
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
with cli.without_chatter():
    import keras
    import tensorflow as tf

DIVERGED = 1e3  # times the loss of the first step: no training comes back from there


def seed_everything(seed):
    """Make a run depend on its seed alone: not on the runs before it, nor on the order in which threads finish."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def linear_model(*seeds, dtype="float32"):
    """The post's model on (28, 28, 1) images, ŷ = w·x + b, with Keras' default initialisation from the given seed.

    K seeds make K such models side by side, columns of one Dense(K), each as it would begin alone.
    """
    model = keras.Sequential([keras.Input((28, 28, 1), dtype=dtype), keras.layers.Flatten(dtype=dtype),
                              keras.layers.Dense(len(seeds), dtype=dtype)])
    kernels = [keras.initializers.GlorotUniform(seed)((784, 1)) for seed in seeds]
    model.set_weights([np.concatenate(kernels, axis=1), np.zeros(len(seeds))])
    return model


def linear_weights(model):
    """w (784,) and b () of a linear model, as NumPy arrays."""
    kernel, bias = model.get_weights()
    return kernel[:, 0], bias[0]


def check_same_shape(targets, logits):
    """Raise ValueError for a (batch,) against a (batch, 1), which would silently become (batch, batch)."""
    if targets.shape != logits.shape:
        raise ValueError(f"targets and logits must have one shape, (batch,); they have {targets.shape} and {logits.shape}")


def losses_and_logits(model, loss_fn, x, y):
    """The loss and the logit of each example, (batch,) both, or (batch, K) for a model of K > 1 columns.

    The weights that the loss sees are the kernel of the model's last layer, (784,) or (784, K).
    """
    logits, weights = model(x, training=True), model.layers[-1].kernel
    if logits.shape[-1] == 1:
        logits, weights = logits[:, 0], weights[:, 0]
    else:  # every column has the same target
        y = tf.repeat(y[:, tf.newaxis], logits.shape[-1], axis=1)
    losses = loss_fn(y, logits, weights)
    check_same_shape(losses, logits)
    return losses, logits


def accuracy_of(targets, logits):
    """The share of logits on their target's side of zero, zero itself being wrong; one number, or one per column."""
    if logits.shape.rank > 1:
        targets = targets[:, tf.newaxis]
    return tf.reduce_mean(tf.cast(targets * logits > 0, logits.dtype), axis=0)


def measure(model, loss_fn, x, y):
    """The mean loss and the accuracy of a model on (x, y), as two floats."""
    losses, logits = losses_and_logits(model, loss_fn, x, y)
    return float(tf.reduce_mean(losses)), float(accuracy_of(y, logits))


def train_step(model, optimizer, loss_fn, x, y):
    """One step on one batch: the mean of the losses, its gradient, the update.

    Arguments:
        x: (batch, 28, 28, 1) float32 in [0, 1]; y: (batch,) float32 in {-1, +1}.

    Returns loss and accuracy before the update, and the gradients in the order of model.trainable_variables.
    """
    with tf.GradientTape() as tape:
        losses, logits = losses_and_logits(model, loss_fn, x, y)
        loss = tf.reduce_mean(losses, axis=0)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply(gradients, model.trainable_variables)
    return loss, accuracy_of(y, logits), gradients


def compile_steps(model, loss_fn, batch_size, record=False):
    """One compiled function for all the steps on a block of examples: TensorFlow is called once, not once a step.

    It returns loss and accuracy of each step, (steps,), and if `record` the kernel's gradient before each update and
    its value after it, (steps, 784).
    """
    kernel = model.trainable_variables[0]

    def step(x, y):
        loss, accuracy, gradients = train_step(model, model.optimizer, loss_fn, x, y)
        return (loss, accuracy, gradients[0][:, 0], kernel[:, 0]) if record else (loss, accuracy)

    @tf.function(autograph=False, reduce_retracing=True)
    def steps(x, y):
        starts = tf.range(0, tf.shape(x)[0], batch_size)
        return tf.map_fn(lambda start: step(x[start:start + batch_size], y[start:start + batch_size]), starts,
                         fn_output_signature=(kernel.dtype,) * (4 if record else 2), parallel_iterations=1)

    return steps


def resident(x, y, shuffle=False, seed=0):
    """Data that fits into memory, as `train` reads it: a function from the epoch to its blocks, here a single one."""
    x, y = tf.constant(x), tf.constant(y)
    generator = np.random.default_rng(seed)

    def blocks(epoch):
        if not shuffle:
            return [(x, y)]
        order = generator.permutation(len(y))
        return [(tf.gather(x, order), tf.gather(y, order))]

    return blocks


def train(model, loss_fn, blocks, epochs, batch_size, callbacks=(), verbose=None, steps=None):
    """Train a compiled model: the loop of every experiment.

    Arguments:
        model: a Keras model with an optimizer (model.compile(optimizer=...)).
        loss_fn: (targets, logits, weights) to one loss per example.
        blocks: a function from the epoch (0, 1, ...) to an iterable of (x, y); `resident` makes one from arrays. All
            blocks but the last hold a multiple of batch_size examples.
        callbacks: Keras callbacks. As with Keras' steps_per_execution, the batch callbacks are called once for each
            compiled call, which is a block; a StepRecord gets every step.
        verbose: 1 for Keras' progress bar, 0 for silence, None for the bar in a terminal and a line an epoch elsewhere.
        steps: from compile_steps with the same model, loss and batch size, to train again without compiling again.

    Returns the keras.callbacks.History. Raises ValueError, which names the epoch, if the loss diverges.
    """
    callbacks = list(callbacks)
    if verbose is None:
        verbose = int(sys.stdout.isatty())
        callbacks += [] if verbose else [EpochLine()]
    record = next((callback for callback in callbacks if isinstance(callback, StepRecord)), None)
    steps = steps or compile_steps(model, loss_fn, batch_size, record is not None)
    model.stop_training, first_loss = False, None
    callbacks = keras.callbacks.CallbackList(callbacks, add_history=True, add_progbar=verbose > 0, model=model,
                                             epochs=epochs, steps=None, verbose=verbose)
    callbacks.on_train_begin()
    try:
        for epoch in range(epochs):
            callbacks.on_epoch_begin(epoch)
            done = examples = totals = 0
            for x, y in blocks(epoch):
                callbacks.on_train_batch_begin(done)
                loss, accuracy, *arrays = (result.numpy() for result in steps(x, y))
                sizes = np.minimum(batch_size, len(y) - batch_size * np.arange(len(loss)))  # the last batch may be short
                done, examples = done + len(loss), examples + len(y)
                totals = totals + np.stack([sizes @ loss, sizes @ accuracy])
                logs = dict(zip(("loss", "accuracy"), totals / examples))
                first_loss = np.max(loss[0]) if first_loss is None else first_loss
                if record is not None:
                    record.add(*arrays)
                callbacks.on_train_batch_end(done - 1, logs)
            if not np.all(logs["loss"] <= DIVERGED * max(first_loss, 1)):  # NaN is not below it either
                raise ValueError(f"training diverged in epoch {epoch + 1} of {epochs}: the mean loss is "
                                 f"{np.max(logs['loss']):.3g}; try a smaller --learning-rate")
            callbacks.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
    finally:  # also when it diverges or is interrupted: CSVLogger closes its file here
        callbacks.on_train_end()
    return model.history
