"""Plain SGD on many linear models, without callbacks.

For seeds, surrogates, searches and sweeps:

    epoch = compiled_epoch(loss_fn, batch_size, learning_rate)      # traced once
    weights, biases, loss, accuracy = train_many(epoch, weights, biases, x, y, epochs)
"""

import numpy as np

from common.lazy import tf


def compiled_epoch(loss_fn, batch_size, learning_rate):
    """An epoch of SGD as one compiled call, in which a step is a function from weights to weights.

    Arguments:
        loss_fn: (targets, logits, weights) to one loss per example, as in the experiments:
            (batch,), (batch,) and (pixels,) for one model; (batch, K), (batch, K), (pixels, K) for
            K of them.
        learning_rate: for the losses summed over a batch and divided by the nominal batch_size.

    Returns a function for `train_many`.
    """

    def step(weights, biases, x, y):
        x, y = tf.cast(x, weights.dtype), tf.cast(y, weights.dtype)
        with tf.GradientTape() as tape:
            tape.watch((weights, biases))
            logits, columns = tf.matmul(x, weights), weights
            if weights.shape[1] == 1:
                logits, columns = (logits + biases)[:, 0], weights[:, 0]
            else:  # every column has the same target; bias_add as in Dense(K), for the same bytes
                logits = tf.nn.bias_add(logits, biases)
                y = tf.repeat(y[:, tf.newaxis], weights.shape[1], axis=1)
            losses = loss_fn(y, logits, columns)
            loss = tf.reduce_sum(losses, axis=0) / batch_size
        slopes = tape.gradient(loss, (weights, biases))
        rate = tf.cast(np.float32(learning_rate), weights.dtype)  # as Keras' optimizers hold it
        summed = lambda each: tf.reduce_sum(tf.cast(each, tf.float64), axis=0)
        weights, biases = weights - rate * slopes[0], biases - rate * slopes[1]
        return weights, biases, summed(losses), summed(y * logits > 0)

    @tf.function(autograph=False)
    def epoch(weights, biases, x, y, order=None):
        count = tf.shape(y if order is None else order)[0]

        def body(start, weights, biases, losses, right):
            rows = slice(start, start + batch_size)
            if order is None:
                batch = x[rows], y[rows]
            else:
                batch = tf.gather(x, order[rows]), tf.gather(y, order[rows])
            weights, biases, of_batch, right_now = step(weights, biases, *batch)
            return start + batch_size, weights, biases, losses + of_batch, right + right_now

        none = tf.zeros([] if weights.shape[1] == 1 else biases.shape, tf.float64)
        loop_vars = 0, weights, biases, none, none
        _, *state, losses, right = tf.while_loop(
            lambda start, *_: start < count, body, loop_vars, parallel_iterations=1
        )
        count = tf.cast(count, tf.float64)
        return *state, losses / count, right / count

    return epoch


def shuffled(count, epochs, seed):
    """The order of the images in each epoch, as `training.train` draws it with --shuffle."""
    generator = np.random.default_rng(seed)
    return [generator.permutation(count) for _ in range(epochs)]


def train_many(epoch, weights, biases, x, y, epochs, orders=None):
    """Train K linear models side by side, columns of one matrix product, on the same batches.

    Arguments:
        epoch: from compiled_epoch.
        weights: (pixels, K) and biases: (K,), from which training starts, in the dtype of training.
        x: (n, 28, 28, 1) or (n, pixels) in [0, 1]; y: (n,) in {-1, +1}.
        orders: for each epoch the indices of the images that it goes through; None for all in
            order.

    Returns weights (pixels, K), biases (K,), and the running loss and accuracy of every epoch,
    (epochs, K) or (epochs,), taken while the weights move. One model is, to the bit, the one that
    `training.train` makes with SGD.
    """
    state = tf.constant(weights), tf.constant(biases)
    x, y = tf.reshape(x, (len(x), -1)), tf.constant(y)
    history = []
    for number in range(epochs):
        order = None if orders is None else tf.constant(orders[number], tf.int32)
        *state, loss, accuracy = epoch(*state, x, y, order)
        history.append([loss.numpy(), accuracy.numpy()])
    return *(value.numpy() for value in state), *np.moveaxis(np.array(history), 1, 0)
