"""How time and memory grow: with the data, and with the number of models side by side.

    python benchmarks/scale.py       # about three minutes; not on Windows

A point is one epoch of robust training by train_many, traced before, and the curve of accuracy
against 101 ε on the same images. More data is MNIST repeated with small shifts. Every point is a
process of its own, because peak memory only ever rises. Writes scale.json and scale.png, a log-log
plot.
"""

import functools
import io
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import bench
import numpy as np
from matplotlib import style
from matplotlib.figure import Figure

import data_prep
from beyond.chance.sweep import accuracy_matrix
from common import files, runs, training
from common.evaluation import ATTACK_EPSILONS
from common.many import compiled_epoch, train_many
from experiment_robust import BATCH_SIZE, LEARNING_RATE, robust_hinge_loss

FACTORS = (1, 2, 5, 10)  # times the training data; ten times are 400 MB
MODELS = (1, 10, 101, 1010)  # columns of one product
EPSILON = 0.1  # pixel units
PARTS = ("training", "evaluation")


def shifted(x, factor):
    """The images (n, 28, 28, 1) `factor` times, each time shifted by up to two pixels."""
    shifts = [(number % 5 - 2, number // 5 % 5 - 2) for number in range(1, factor)]
    return np.concatenate([x, *(np.roll(x, shift, axis=(1, 2)) for shift in shifts)])


def measure(factor, models):
    """Seconds of training and of evaluation, and peak memory in MB."""
    import resource  # not on Windows

    x, y = data_prep.load("train")
    x, y = shifted(x, factor), np.tile(y, factor)
    weights, biases = (np.repeat(value, models, axis=-1) for value in training.initial_weights(0))
    loss_fn = functools.partial(robust_hinge_loss, epsilon=EPSILON)
    epoch = compiled_epoch(loss_fn, BATCH_SIZE, LEARNING_RATE)
    train_many(epoch, weights, biases, x, y, 1)  # traces
    start = time.perf_counter()
    weights, biases, *_ = train_many(epoch, weights, biases, x, y, 1)
    trained = time.perf_counter()
    accuracy_matrix(weights.T, biases, x, y, ATTACK_EPSILONS)
    evaluated = time.perf_counter()
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return trained - start, evaluated - trained, peak


def in_process(*arguments):
    """measure(...) in a fresh process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, *arguments).result()


def draw(curves):
    """The PNG of a log-log plot; curves: by panel and by line, (sizes, seconds)."""
    picture = io.BytesIO()
    with style.context(["default", runs.ROOT / "plots" / "post.mplstyle"]):
        figure = Figure(figsize=(7, 3.2))
        for axes, (xlabel, lines) in zip(figure.subplots(1, len(curves)), curves.items()):
            for name, line in lines.items():
                axes.loglog(*line, "o-", label=name)
            axes.set(xlabel=xlabel, ylabel="seconds")
            axes.legend(fontsize=10)
        figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()


def main():
    args = bench.arguments(__doc__, repeat=3)
    factors, models = (FACTORS[:2], MODELS[:2]) if args.quick else (FACTORS, MODELS)
    points = {f"data x {factor}": (factor, 1) for factor in factors}
    points |= {f"{count} models": (1, count) for count in models}
    measured = {point: [] for point in points}
    for _ in range(args.repeat):  # in turn
        for point, arguments in points.items():
            measured[point].append(in_process(*arguments))
    seconds = {
        f"{part}, {point}": [value[number] for value in values]
        for point, values in measured.items()
        for number, part in enumerate(PARTS)
    }

    def line(part, sizes, name):
        return sizes, [float(np.median(seconds[f"{part}, {name.format(size)}"])) for size in sizes]

    curves = {
        "times the training data": {part: line(part, factors, "data x {}") for part in PARTS},
        "models side by side": {part: line(part, models, "{} models") for part in PARTS},
    }
    peaks = {point: round(max(value[-1] for value in values)) for point, values in measured.items()}
    reference = f"training, data x {factors[0]}"
    bench.finish("scale", args, seconds, reference, peak_memory_mb=peaks)
    files.write_file(args.results / "benchmarks" / "scale.png", draw(curves))


if __name__ == "__main__":
    bench.cli.run(main)
