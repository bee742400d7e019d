"""Ten epochs of the post's robust recipe: this project's loop compared with Keras fit, an eager loop, scikit-learn and NumPy.

    python benchmarks/training.py    # about two minutes; needs requirements-bench.txt

The cases of TensorFlow start from the same weights, NumPy's and scikit-learn's from zero, all in the post's order. scikit-learn's SGD
works on single examples with the plain hinge, for it has no robust loss. All cases are the
whole ten epochs, but the eager loop, which is timed for one.
"""
import functools
import tempfile
import time
from pathlib import Path

import bench  # first: installs the one-line Ctrl-C handler
import numpy as np

import data_prep
from experiment_robust import BATCH_SIZE, EPOCHS, LEARNING_RATE, robust_hinge_loss

EPSILON = 0.1  # pixel units


def numpy_epoch(x, y, weights, bias):
    """One epoch written out: the floor. Returns the new weights and bias."""
    for start in range(0, len(y), BATCH_SIZE):
        images, labels = x[start:start + BATCH_SIZE], y[start:start + BATCH_SIZE]
        active = 1 - labels * (images @ weights + bias) + EPSILON * np.abs(weights).sum() > 0
        pull = np.where(active, labels, 0)
        weights = weights + LEARNING_RATE / BATCH_SIZE * (pull @ images - EPSILON * active.sum() * np.sign(weights))
        bias = bias + LEARNING_RATE / BATCH_SIZE * pull.sum()
    return weights, bias


def main():
    args = bench.arguments(__doc__, repeat=5)
    import callbacks
    import training
    from sklearn.linear_model import SGDClassifier
    keras, tf = training.keras, training.tf
    data = data_prep.load_pair()
    size = 1000 if args.quick else len(data.y_train)
    x, y = data.x_train[:size], data.y_train[:size]
    flat = np.ascontiguousarray(x.reshape(size, -1))
    loss = functools.partial(robust_hinge_loss, epsilon=EPSILON)
    folder = Path(tempfile.mkdtemp())

    def fresh():
        keras.utils.set_random_seed(0)  # without op determinism, which costs nothing here, but keeps Keras from jit_compile
        model = training.linear_model(0)
        model.compile(optimizer=keras.optimizers.SGD(LEARNING_RATE))
        return model

    def here(with_callbacks):
        model = fresh()
        extra = [callbacks.Evaluation(lambda model: training.measure(model, loss, data.x_test, data.y_test)), callbacks.StepRecord(),
                 keras.callbacks.CSVLogger(folder / "history.csv")] if with_callbacks else []
        training.train(model, loss, training.resident(x, y), EPOCHS, BATCH_SIZE, extra, verbose=0)

    def fit(**compile_arguments):
        model = fresh()
        kernel = model.layers[-1].kernel

        def keras_loss(targets, logits):
            return loss(targets[:, 0], logits[:, 0], kernel[:, 0])
        model.compile(optimizer=keras.optimizers.SGD(LEARNING_RATE), loss=keras_loss, **compile_arguments)
        model.fit(x, y[:, np.newaxis], BATCH_SIZE, EPOCHS, shuffle=False, verbose=0,
                  validation_data=(data.x_test, data.y_test[:, np.newaxis]), validation_batch_size=len(data.y_test),
                  callbacks=[keras.callbacks.CSVLogger(folder / "fit.csv")])

    def eager(epochs):
        model = fresh()
        for _ in range(epochs):
            for start in range(0, size, BATCH_SIZE):
                training.train_step(model, model.optimizer, loss, tf.constant(x[start:start + BATCH_SIZE]),
                                    tf.constant(y[start:start + BATCH_SIZE]), BATCH_SIZE)

    def numpy_floor():
        weights, bias = np.zeros(784, np.float32), np.float32(0)
        for _ in range(EPOCHS):
            weights, bias = numpy_epoch(flat, y, weights, bias)

    def sklearn():
        SGDClassifier(loss="hinge", alpha=0, learning_rate="constant", eta0=LEARNING_RATE, max_iter=EPOCHS, tol=None,
                      shuffle=False).fit(flat, y)

    def tracing():
        steps = training.compile_steps(fresh(), loss, BATCH_SIZE)
        block = tf.constant(x), tf.constant(y)
        start = time.perf_counter()
        steps.get_concrete_function(*block)
        return bench.Seconds(time.perf_counter() - start)

    model = fresh()
    steps, block = training.compile_steps(model, loss, BATCH_SIZE), (tf.constant(x), tf.constant(y))
    seconds = bench.in_turn({
        "here, with callbacks": lambda: here(True),
        "here, without": lambda: here(False),
        "here, tracing alone": tracing,
        "here, steady, no tracing": lambda: [steps(*block)[0].numpy() for _ in range(EPOCHS)],
        "NumPy floor": numpy_floor,
        "scikit-learn SGDClassifier": sklearn,
        "Keras fit": fit,
        "Keras fit, steps_per_execution": lambda: fit(steps_per_execution=-(-size // BATCH_SIZE)),
        "Keras fit, jit_compile": lambda: fit(jit_compile=True),
        "eager GradientTape, one epoch": lambda: eager(1),
    }, args.repeat)
    bench.finish("training", args, seconds, "here, with callbacks", images=size, epochs=EPOCHS)


if __name__ == "__main__":
    bench.cli.run(main)
