"""The linear model, one training step, and the loop around it that every experiment uses.

The loop is our own, so that every variable and gradient is accessible; everything around it is Keras: the optimizer, the
callbacks (any of keras.callbacks may be passed) and the progress bar.

A loss is a function of (targets, logits, weights) that gives one value per example; they are reduced to one number in
train_step and nowhere else. Shapes: targets (batch,) in {-1, +1}, logits (batch,), weights (784,). K models that train side by
side, as columns of one Dense(K), have logits (batch, K) and weights (784, K) instead.
"""
import os
import sys

import numpy as np

import cli
from callbacks import EpochLine, StepRecord

# A step is a chain of tiny operations: passing them between threads costs more than it saves. Within one operation, such as a
# matrix product, TensorFlow still uses all cores.
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
with cli.without_chatter():
    import keras
    import tensorflow as tf

DIVERGED = 1e3  # times the first step's loss: beyond this, training does not recover


def seed_everything(seed):
    """Make a run depend only on its seed, not on earlier runs or on the order in which threads finish."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def initial_weights(*seeds):
    """Keras' default initialisation for a seed: kernel (784, 1) and bias (1,); K seeds give K columns."""
    kernels = [keras.initializers.GlorotUniform(seed)((784, 1)) for seed in seeds]
    return [np.concatenate(kernels, axis=1), np.zeros(len(seeds))]


def linear_model(*seeds, dtype="float32"):
    """The post's model on (28, 28, 1) images, ŷ = w·x + b, with the initial weights of a seed.

    K seeds make K such models side by side, columns of one Dense(K), each with the weights it would have on its own. Images
    are float32 whatever the dtype of the weights.
    """
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(len(seeds), dtype=dtype)])
    model.set_weights(initial_weights(*seeds))
    return model


def linear_weights(model):
    """w (784,) and b () of a linear model, as NumPy arrays."""
    kernel, bias = model.get_weights()
    return kernel[:, 0], bias[0]


def check_same_shape(targets, logits):
    """Raise ValueError for (batch,) against (batch, 1), which would silently broadcast to (batch, batch)."""
    if targets.shape != logits.shape:
        raise ValueError(f"targets and logits must have one shape, (batch,); they have {targets.shape} and {logits.shape}")


def losses_and_logits(model, loss_fn, x, y):
    """The loss and the logit of each example, (batch,) both, or (batch, K) for a model of K > 1 columns.

    The weights that the loss sees are the kernel of the model's last layer, (784,) or (784, K).
    """
    logits, weights = model(x, training=True), model.layers[-1].kernel
    y = tf.cast(y, logits.dtype)
    if logits.shape[-1] == 1:
        logits, weights = logits[:, 0], weights[:, 0]
    else:  # every column has the same target
        y = tf.repeat(y[:, tf.newaxis], logits.shape[-1], axis=1)
    losses = tf.convert_to_tensor(loss_fn(y, logits, weights))
    if losses.shape.rank != logits.shape.rank:
        raise ValueError(f"the loss must return one value per example, in the shape of the logits, {logits.shape}; it has {losses.shape}")
    check_same_shape(losses, logits)
    return losses, logits


def accuracy_of(targets, logits):
    """The share of logits with their target's sign (zero counts as wrong): one number, or one per column."""
    targets = tf.cast(targets, logits.dtype)
    if logits.shape.rank > 1:
        targets = targets[:, tf.newaxis]
    return tf.reduce_mean(tf.cast(targets * logits > 0, logits.dtype), axis=0)


def measure(model, loss_fn, x, y):
    """The mean loss and the accuracy of a model on (x, y), as two floats."""
    losses, logits = losses_and_logits(model, loss_fn, x, y)
    return float(tf.reduce_mean(losses)), float(accuracy_of(y, logits))


def train_step(model, optimizer, loss_fn, x, y, batch_size):
    """One step on one batch: the losses, the gradient of their sum over the batch size, the update.

    Arguments:
        x: (batch, 28, 28, 1) float32 in [0, 1]; y: (batch,) float32 in {-1, +1}.
        batch_size: what the sum is divided by. For a whole batch that gives the mean; in the short last batch of an epoch every
            image still weighs the same, as in the post, which sums the loss.

    Returns mean loss and accuracy before the update, and the gradients in the order of model.trainable_variables.
    """
    with tf.GradientTape() as tape:
        losses, logits = losses_and_logits(model, loss_fn, x, y)
        loss = tf.reduce_sum(losses, axis=0) / batch_size
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply(gradients, model.trainable_variables)
    return tf.reduce_mean(losses, axis=0), accuracy_of(y, logits), gradients


def compile_steps(model, loss_fn, batch_size, record=False):
    """One compiled function for all the steps of a block of examples: TensorFlow is called once per block, not once per step.

    It returns loss and accuracy of each step, (steps,), and if `record` the kernel's gradient before each update and
    its value after it, (steps, 784).
    """
    kernel = model.trainable_variables[0]

    def step(x, y):
        loss, accuracy, gradients = train_step(model, model.optimizer, loss_fn, x, y, batch_size)
        return (loss, accuracy, gradients[0][:, 0], kernel[:, 0]) if record else (loss, accuracy)

    @tf.function(autograph=False, reduce_retracing=True)
    def steps(x, y):
        starts = tf.range(0, tf.shape(x)[0], batch_size)
        return tf.map_fn(lambda start: step(x[start:start + batch_size], y[start:start + batch_size]), starts,
                         fn_output_signature=(kernel.dtype,) * (4 if record else 2), parallel_iterations=1)

    return steps


def resident(x, y, shuffle=False, seed=0):
    """In-memory data in the form that `train` expects: a function from the epoch to its blocks, here a single one."""
    x, y = tf.convert_to_tensor(x), tf.convert_to_tensor(y)
    generator = np.random.default_rng(seed)

    def blocks(epoch):
        if not shuffle:
            return [(x, y)]
        order = generator.permutation(len(y))
        return [(tf.gather(x, order), tf.gather(y, order))]

    return blocks


def check_converging(loss, first_loss, when):
    """Raise ValueError if a loss, or one of several, is far above the first one, or NaN."""
    if not np.all(loss <= DIVERGED * max(first_loss, 1)):  # written so that NaN counts as diverged
        raise ValueError(f"training diverged {when}: the mean loss is {np.max(loss):.3g}; try a smaller --learning-rate")


def train(model, loss_fn, blocks, epochs, batch_size, callbacks=(), verbose=None, steps=None):
    """Train a compiled model: the loop of every experiment.

    Arguments:
        model: a Keras model with an optimizer (model.compile(optimizer=...)).
        loss_fn: (targets, logits, weights) to one loss per example.
        blocks: a function from the epoch (0, 1, ...) to an iterable of (x, y); `resident` makes one from arrays. All
            blocks but the last hold a multiple of batch_size examples.
        callbacks: Keras callbacks. As with Keras' steps_per_execution, the batch callbacks are called once for each
            compiled call, which is a block; a StepRecord gets every step.
        verbose: 1 for Keras' progress bar, 0 for silence, None for the bar in a terminal and one line per epoch elsewhere.
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
                with cli.interrupts_wait():
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
            check_converging(logs["loss"], first_loss, f"in epoch {epoch + 1} of {epochs}")
            with cli.interrupts_wait():
                callbacks.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
    finally:  # also when it diverges or is interrupted: CSVLogger closes its file here
        callbacks.on_train_end()
    return model.history
