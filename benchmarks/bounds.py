"""Proved bounds of all test images: intervals and CROWN beside a forward pass of the same network.

    python benchmarks/bounds.py      # about a minute
    git worktree add ../before 4134aa3 && python benchmarks/bounds.py --against ../before
    python benchmarks/bounds.py --lirpa lirpa/bin/python         # that of lirpa.py

The reference is the forward pass of the convolutional network in float32, as Keras' predict has it.
Beside the cases, which are timed by the clock, CROWN is timed for an image of each of four networks
in milliseconds of processor time, with --against in turn with that of another checkout. With
--lirpa intervals and CROWN stand beside those of auto_LiRPA, in processor time as well: by how much
ours are below (they pay for rounding), and how many images each proves.
"""

import functools
import importlib
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bench
import numpy as np

import data_prep
from beyond.networks import bounds, certified
from beyond.threats import threats
from common import cli, runs
from common.lazy import keras

EPSILON = 0.2  # pixel units; the time of most cases does not depend on it
FEW = 5  # images of which the convolutional network is bounded by CROWN throughout
STEPS = 5  # of the slopes where they are optimised
EACH = {  # networks, with ε and how many images
    "convolutional-adversarial": (0.1, 5),
    "convolutional-regular": (0.05, 5),
    "small-regular": (0.1, 100),
    "stride 1": (0.02, 1),
}
LIRPA = {  # networks beside auto_LiRPA, with ε
    "convolutional-adversarial": 0.15,
    "convolutional-regular": 0.05,
    "small-adversarial": 0.15,
    "small-certified": 0.4,
}
LIRPA_IMAGES = 50  # the first ones of each digit


def stride_one():
    """An untrained network as users have it, whose first layer gives 10,816 units."""
    layers = keras.layers
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Conv2D(32, 3, 2, activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(1),
        ]
    )


def bounds_of(checkout):
    """The module beyond.networks.bounds of another checkout, with what it imports from there."""
    rooms = ("attacks", "beyond", "common")
    ours = {name: sys.modules.pop(name) for name in [*sys.modules] if name.split(".")[0] in rooms}
    sys.path.insert(0, str(checkout))
    try:
        beyond = (checkout / "beyond" / "networks").exists()  # where the bounds are since then
        return importlib.import_module("beyond.networks.bounds" if beyond else "beyond.bounds")
    finally:
        sys.path.remove(str(checkout))
        sys.modules.update(ours)


def processor_times(modules, models, x, y, repeat):
    """Processor milliseconds an image of crown, medians by network and module.

    With two modules also by how much the bounds of the first are above those of the other, at
    least, in units of the logit.
    """
    times, above = {}, {}
    for name, (epsilon, images) in EACH.items():
        taken, found = {key: [] for key in modules}, {}
        networks = {key: module.Network(models[name]) for key, module in modules.items()}
        for _ in range(1 + repeat):
            for key, module in modules.items():
                start = time.process_time()
                found[key] = module.crown(networks[key], x[:images], y[:images], epsilon)
                taken[key].append(1e3 * (time.process_time() - start) / images)
        times[name] = {key: statistics.median(values[1:]) for key, values in taken.items()}
        if len(found) == 2:
            first, other = found.values()
            above[name] = float(np.min(first - other))
    return {"processor_ms_an_image": times, "above_at_least": above}


def theirs(python, *task):
    """What lirpa.py gives for its task: bounds, (batch,), and processor milliseconds an image."""
    script = Path(__file__).with_name("lirpa.py")
    done = subprocess.run([python, script, *task], capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"{script}: {done.stderr.splitlines()[-1]}")
    found, taken = json.loads(done.stdout.splitlines()[-1])  # the lines before it are a greeting
    return np.array(found), taken


def beside_lirpa(python, saved, x, y, repeat):
    """By network and method: milliseconds an image, how far ours are below, images proved."""
    rows = np.concatenate([np.flatnonzero(y == sign)[:LIRPA_IMAGES] for sign in (-1, 1)])
    x, y, found = x[rows], y[rows], {}
    methods = {
        "IBP": bounds.interval,
        "CROWN-IBP": functools.partial(bounds.crown, refine=False, verbose=0),
        "CROWN": functools.partial(bounds.crown, verbose=0),
    }
    with tempfile.TemporaryDirectory() as folder:
        for (name, epsilon), (method, bound) in itertools.product(LIRPA.items(), methods.items()):
            model, path = threats.load(saved, name), Path(folder, f"{name}.npz")
            np.savez(path, *model.get_weights(), x=x, y=y)
            ours = functools.partial(bound, bounds.Network(model), x, y, epsilon)
            ours()
            times = {"ours": [], "float32": [], "float64": []}
            for _ in range(repeat):
                start = time.process_time()
                value = ours()
                times["ours"].append(1e3 * (time.process_time() - start) / len(x))
                for dtype in ("float32", "float64"):
                    other, taken = theirs(python, path, str(epsilon), method, dtype)
                    times[dtype].append(taken)
            below = np.quantile(other - value, [0, 0.5, 1])
            found[f"{name}, ε = {epsilon}, {method}"] = dict(
                processor_ms_an_image={k: statistics.median(v) for k, v in times.items()},
                below=dict(zip(("least", "median", "most"), below.tolist())),
                median_size=float(np.median(np.abs(other))),
                proved=[int(np.sum(each > 0)) for each in (value, other)],
            )
    return {"images": len(x), "found": found}


def main():
    args = bench.arguments(
        __doc__,
        repeat=3,
        against=dict(type=cli.path, metavar="CHECKOUT", help="another one, timed in turn"),
        lirpa=dict(metavar="PYTHON", help="one that has auto_LiRPA"),
    )
    x, y = data_prep.load("test")
    if args.quick:
        x, y = x[:100], y[:100]
    saved = runs.read(runs.RESULTS / certified.RUN)
    models = {kind: threats.load(saved, f"{kind}-certified") for kind in runs.NETWORKS}
    small, large = (bounds.Network(models[kind]) for kind in runs.NETWORKS)
    few = x[:FEW], y[:FEW], EPSILON
    cases = {
        "forward, convolutional": lambda: certified.logits_of(models["convolutional"], x),
        "intervals, convolutional": lambda: bounds.interval(large, x, y, EPSILON),
        "CROWN over intervals, convolutional": lambda: bounds.crown(
            large, x, y, EPSILON, refine=False
        ),
        f"CROWN, convolutional, {FEW} images": lambda: bounds.crown(large, *few),
        f"CROWN, optimised, convolutional, {FEW} images": lambda: bounds.crown(
            large, *few, slopes=STEPS
        ),
        "forward, small": lambda: certified.logits_of(models["small"], x),
        "intervals, small": lambda: bounds.interval(small, x, y, EPSILON),
        "CROWN, small": lambda: bounds.crown(small, x, y, EPSILON),
        "CROWN, optimised, small": lambda: bounds.crown(small, x, y, EPSILON, slopes=STEPS),
    }
    seconds = bench.in_turn(cases, args.repeat)
    modules = {"here": bounds}
    if args.against:
        modules["against"] = bounds_of(args.against)
    models = {name: threats.load(saved, name) for name in [*EACH][:-1]} | {"stride 1": stride_one()}
    times = processor_times(modules, models, x, y, args.repeat)
    if args.lirpa:
        times["auto_LiRPA"] = beside_lirpa(args.lirpa, saved, x, y, args.repeat)
    bench.finish("bounds", args, seconds, "forward, convolutional", images=len(y), **times)


if __name__ == "__main__":
    cli.run(main)
