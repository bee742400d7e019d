"""Ten epochs of the post's robust recipe: this project, Keras fit, PyTorch, JAX, NumPy and others.

    python benchmarks/training.py    # about three minutes; needs requirements-bench.txt

All cases but scikit-learn's start from the same weights and take the images in the post's order;
that they end with the same weights is checked first. scikit-learn's SGD works on single examples
with the plain hinge, for it has no robust loss. A case is the whole ten epochs, with whatever
compiling it needs, unless its name says otherwise.
"""

import functools
import time

import bench
import numpy as np

import data_prep
from common import training
from common.evaluation import RECORDED_STEPS
from common.lazy import callbacks, keras, tf
from common.many import compiled_epoch, train_many
from experiment_robust import (
    BATCH_SIZE,
    EPOCHS,
    LEARNING_RATE,
    losses_and_logits,
    robust_hinge_loss,
    train_step,
)

EPSILON = 0.1  # pixel units
TRAININGS = 20  # for which train_many is traced once, as for as many seeds
LARGEST_DIFFERENCE = 1e-3  # between the weights of two cases, of which the largest is about 1


def numpy_floor(x, y, weights, bias):
    """The recipe written out in NumPy. Returns the new weights; x: (n, 784), weights: (784,)."""
    for _ in range(EPOCHS):
        for start in range(0, len(y), BATCH_SIZE):
            images, labels = x[start : start + BATCH_SIZE], y[start : start + BATCH_SIZE]
            margins = labels * (images @ weights + bias) - EPSILON * np.abs(weights).sum()
            pull = np.where(margins < 1, labels, 0)
            descent = pull @ images - EPSILON * np.count_nonzero(pull) * np.sign(weights)
            weights = weights + LEARNING_RATE / BATCH_SIZE * descent
            bias = bias + LEARNING_RATE / BATCH_SIZE * pull.sum()
    return weights


def torch_loop(x, y, weights, bias):
    """PyTorch's plain loop; arguments and result as of numpy_floor."""
    import torch

    x, y = torch.from_numpy(x), torch.from_numpy(y)
    weights, bias = (torch.tensor(value, requires_grad=True) for value in (weights, bias))
    optimizer = torch.optim.SGD([weights, bias], LEARNING_RATE)
    for _ in range(EPOCHS):
        for start in range(0, len(y), BATCH_SIZE):
            images, labels = x[start : start + BATCH_SIZE], y[start : start + BATCH_SIZE]
            margins = labels * (images @ weights + bias) - EPSILON * weights.abs().sum()
            loss = torch.clamp(1 - margins, min=0).sum() / BATCH_SIZE
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return weights.detach().numpy()


def jax_scan(x, y, weights, bias):
    """Whole epochs as one compiled scan; arguments and result as of numpy_floor."""
    import jax
    import jax.numpy as jnp

    def mean_loss(state, x, y):
        weights, bias = state
        margins = y * (x @ weights + bias) - EPSILON * jnp.abs(weights).sum()
        # A label of 0 fills up the last batch.
        return jnp.sum(jnp.maximum(1 - margins, 0) * jnp.abs(y)) / BATCH_SIZE

    def step(state, batch):
        slopes = jax.grad(mean_loss)(state, *batch)
        return jax.tree.map(lambda value, slope: value - LEARNING_RATE * slope, state, slopes), None

    missing = -len(y) % BATCH_SIZE
    x = jnp.asarray(np.pad(x, ((0, missing), (0, 0)))).reshape(-1, BATCH_SIZE, x.shape[1])
    y = jnp.asarray(np.pad(y, (0, missing))).reshape(-1, BATCH_SIZE)
    epoch = jax.jit(lambda state, x, y: jax.lax.scan(step, state, (x, y))[0])
    state = jnp.asarray(weights), jnp.asarray(bias)
    for _ in range(EPOCHS):
        state = epoch(state, x, y)
    return np.array(state[0])


def keras_loss(model, targets, logits):
    """For fit, which takes the mean over a batch, be it short, and not over the nominal size."""
    losses = robust_hinge_loss(targets[:, 0], logits[:, 0], model.layers[-1].kernel[:, 0], EPSILON)
    return losses * tf.cast(tf.size(losses), losses.dtype) / BATCH_SIZE


def main():
    args = bench.arguments(__doc__, repeat=5)
    from sklearn.linear_model import SGDClassifier

    # Without op determinism, which costs nothing here, but keeps Keras from jit_compile.
    keras.utils.set_random_seed(0)
    data = data_prep.load_pair()
    size = 1000 if args.quick else len(data.y_train)
    x, y = data.x_train[:size], data.y_train[:size]
    flat = x.reshape(size, -1)
    weights, biases = training.initial_weights(0)
    loss_fn = functools.partial(robust_hinge_loss, epsilon=EPSILON)

    def fresh():
        model = training.linear_model(0)
        model.compile(optimizer=keras.optimizers.SGD(LEARNING_RATE))
        step = functools.partial(train_step, model, batch_size=BATCH_SIZE, epsilon=EPSILON)
        return model, step

    def watchers(model):
        measured = functools.partial(losses_and_logits, model, epsilon=EPSILON)
        return [
            callbacks.Evaluation(measured, data.x_test, data.y_test),
            callbacks.StepRecord(RECORDED_STEPS),
        ]

    def here(watched):
        model, step = fresh()
        watching = watchers(model) if watched else []
        training.train(step, model, x, y, EPOCHS, BATCH_SIZE, watching, verbose=0)
        return training.linear_weights(model)[0]

    def fit(watched, **compiled):
        model, _ = fresh()
        loss = functools.partial(keras_loss, model)
        model.compile(optimizer=keras.optimizers.SGD(LEARNING_RATE), loss=loss, **compiled)
        watching = watchers(model) if watched else []
        options = dict(shuffle=False, verbose=0, callbacks=watching)
        model.fit(x, y[:, np.newaxis], BATCH_SIZE, EPOCHS, **options)
        return training.linear_weights(model)[0]

    def eager(epochs):
        model, step = fresh()
        for _ in range(epochs):
            for start in range(0, size, BATCH_SIZE):
                rows = slice(start, start + BATCH_SIZE)
                step(tf.constant(x[rows]), tf.constant(y[rows]))
        return training.linear_weights(model)[0]

    def many(epoch=None):
        epoch = epoch or compiled_epoch(loss_fn, BATCH_SIZE, LEARNING_RATE)
        return train_many(epoch, weights, biases, x, y, EPOCHS)[0][:, 0]

    def one_of_many():
        start, epoch = time.perf_counter(), compiled_epoch(loss_fn, BATCH_SIZE, LEARNING_RATE)
        for _ in range(TRAININGS):
            many(epoch)
        return bench.Seconds((time.perf_counter() - start) / TRAININGS)

    def step_tracing():
        _, step = fresh()
        start = time.perf_counter()
        tf.function(step).get_concrete_function(x[:BATCH_SIZE], y[:BATCH_SIZE])
        return bench.Seconds(time.perf_counter() - start)

    def sklearn():
        SGDClassifier(
            loss="hinge",
            alpha=0,
            learning_rate="constant",
            eta0=LEARNING_RATE,
            max_iter=EPOCHS,
            tol=None,
            shuffle=False,
        ).fit(flat, y)

    start = flat, y, weights[:, 0], biases[0]
    traced = compiled_epoch(loss_fn, BATCH_SIZE, LEARNING_RATE)
    same = {
        "NumPy floor": lambda: numpy_floor(*start),
        "here, with callbacks": lambda: here(True),
        "here, without": lambda: here(False),
        "train_many, tracing paid": many,
        "train_many, traced before": lambda: many(traced),
        "Keras fit, the same callbacks": lambda: fit(True),
        "Keras fit, without": lambda: fit(False),
        "Keras fit, steps_per_execution": lambda: fit(
            False, steps_per_execution=-(-size // BATCH_SIZE)
        ),
        "Keras fit, jit_compile": lambda: fit(False, jit_compile=True),
        "PyTorch, plain loop": lambda: torch_loop(*start),
        "JAX, scan": lambda: jax_scan(*start),
    }
    expected = numpy_floor(*start)
    for name, case in same.items():
        np.testing.assert_allclose(case(), expected, atol=LARGEST_DIFFERENCE, err_msg=name)
    others = {
        f"train_many, one of {TRAININGS}, tracing paid": one_of_many,
        "here, tracing of the step alone": step_tracing,
        "scikit-learn SGDClassifier": sklearn,
        "the step run eagerly, one epoch": lambda: eager(1),
    }
    seconds = bench.in_turn(same | others, args.repeat)
    median = {case: float(np.median(values)) for case, values in seconds.items()}
    pairs = (
        ("Keras fit, the same callbacks", "here, with callbacks"),
        ("train_many, tracing paid", "NumPy floor"),
        ("train_many, tracing paid", "scikit-learn SGDClassifier"),
    )
    ratios = {f"{a} / {b}": round(median[a] / median[b], 3) for a, b in pairs}
    bench.finish(
        "training", args, seconds, "NumPy floor", images=size, epochs=EPOCHS, ratios=ratios
    )


if __name__ == "__main__":
    bench.cli.run(main)
