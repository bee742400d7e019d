"""How time and memory grow: with the data, 1, 10 and 100 times as much, and with the number of models side by side.

    python benchmarks/scale.py       # about three minutes

More data is MNIST repeated with small shifts (of which there are 25), made block by block as it is read, so that it is never in memory as a whole. Every
point is a process of its own, because peak memory only ever rises. Writes scale.json and scale.png, a log-log plot.
"""
import functools
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import bench  # first: installs the one-line Ctrl-C handler
import numpy as np

import attacks
import data_prep
from experiment_robust import BATCH_SIZE, LEARNING_RATE, robust_hinge_loss

FACTORS = (1, 10, 100)  # times the training data
MODELS = (1, 10, 101, 1010)  # columns of one Dense
BLOCK = 12_600  # images at once: a multiple of the batch size, and nearly the whole of the training data
EPSILON = 0.1  # pixel units


def shifted_blocks(pair, factor):
    """`factor` blocks of the training images, shifted by up to two pixels each way; pair: uint8, as read."""
    x, y = pair["x_train"][:BLOCK], 2 * pair["y_train"][:BLOCK].astype(np.float32) - 1
    for repetition in range(factor):
        shift = np.array([repetition % 5, repetition // 5 % 5]) - 2 * (repetition > 0)
        yield np.roll(x, shift, axis=(1, 2))[..., np.newaxis].astype(np.float32) / 255, y


def measure(factor, models):
    """Seconds of one epoch of training and of the evaluation of the accuracy curve, and peak memory in MB."""
    import resource  # not on Windows

    import training
    pair, _ = data_prep.read_pair()
    model = training.linear_model(*[0] * models)
    model.compile(optimizer=training.keras.optimizers.SGD(LEARNING_RATE))
    loss = functools.partial(robust_hinge_loss, epsilon=EPSILON)
    steps = training.compile_steps(model, loss, BATCH_SIZE)
    steps(*next(shifted_blocks(pair, 1)))  # compiles
    start = time.perf_counter()
    training.train(model, loss, lambda epoch: shifted_blocks(pair, factor), 1, BATCH_SIZE, verbose=0, steps=steps)
    trained = time.perf_counter()
    kernel, bias = model.get_weights()
    radii = [attacks.signed_radius(*model, x, y) for x, y in shifted_blocks(pair, factor) for model in zip(kernel.T, bias)]
    np.searchsorted(np.sort(np.concatenate(radii)), np.linspace(0, 0.5, 101))
    evaluated = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return trained - start, evaluated - trained, peak


def in_process(*arguments):
    """measure(...) in a fresh process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, *arguments).result()


def exponent(sizes, seconds):
    """The slope of log(seconds) over log(size): 1 is linear growth."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def draw(path, curves):
    """A log-log plot of (sizes, seconds) by name, with the exponents in the legend."""
    import io

    import matplotlib.pyplot as plt
    plt.switch_backend("Agg")
    with plt.style.context(bench.ROOT / "plots" / "post.mplstyle"):
        figure, panels = plt.subplots(1, len(curves), figsize=(7, 3.2))
        for axes, (xlabel, lines) in zip(panels, curves.items()):
            for name, (sizes, seconds) in lines.items():
                axes.loglog(sizes, seconds, "o-", label=f"{name}, exponent {exponent(sizes, seconds):.2f}")
            axes.set(xlabel=xlabel, ylabel="seconds")
            axes.legend(fontsize=10)
        picture = io.BytesIO()
        figure.savefig(picture, format="png")
    bench.storage.write_file(path, picture.getvalue())


def main():
    args = bench.arguments(__doc__, repeat=3)
    factors, models = (FACTORS[:2], MODELS[:2]) if args.quick else (FACTORS, MODELS)
    data, columns = {factor: [] for factor in factors}, {count: [] for count in models}
    for _ in range(args.repeat):  # in turn
        for factor in factors:
            data[factor].append(in_process(factor, 1))
        for count in models:
            columns[count].append(in_process(1, count))
    seconds = {f"{part}, data x {factor}": [value[column] for value in values] for factor, values in data.items()
               for column, part in enumerate(("training", "evaluation"))}
    seconds |= {f"{part}, {count} models": [value[column] for value in values] for count, values in columns.items()
                for column, part in enumerate(("training", "evaluation"))}
    medians = {name: float(np.median(values)) for name, values in seconds.items()}
    growth = {part: (factors, [medians[f"{part}, data x {factor}"] for factor in factors]) for part in ("training", "evaluation")}
    width = {part: (models, [medians[f"{part}, {count} models"] for count in models]) for part in ("training", "evaluation")}
    more = dict(
        exponent={f"{part}, data": round(exponent(*line), 3) for part, line in growth.items()}
        | {f"{part}, models": round(exponent(*line), 3) for part, line in width.items()},
        peak_memory_mb={f"data x {factor}": round(max(value[2] for value in values)) for factor, values in data.items()}
        | {f"{count} models": round(max(value[2] for value in values)) for count, values in columns.items()})
    bench.finish("scale", args, seconds, f"training, data x {factors[0]}", **more)
    draw(args.out_dir / "scale.png", {"times the training data": growth, "models side by side": width})


if __name__ == "__main__":
    bench.cli.run(main)
