"""Saved runs: what they are called, how they are saved and read.

results/<run>/ holds config.json (arguments, seed, versions, SHA-256 of the data, the command),
metrics.json (numbers), history.csv, arrays.npz (named arrays) and model.keras. No pickle is loaded,
and NaN is refused in both directions. A run is written beside its place and moved there when whole.
"""

import importlib.metadata
import inspect
import os
import platform
import re
import shlex
import shutil
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from common import ROOT, files

RESULTS = ROOT / "results"
DIGITS = (0, 1)  # the post's pair: the first is labelled -1, the second +1
EPSILONS = (0.1, 0.2, 0.3)  # of the post's robust models, in pixel units
FILES = {"config.json", "metrics.json", "history.csv", "arrays.npz", "model.keras", ".DS_Store"}
PACKAGES = "tensorflow", "keras", "numpy", "scipy", "highspy"  # that a run's numbers depend on
LOGIT_TOLERANCE = 1e-4  # of the largest logit: float32 is off by up to 5e-7, float16 by 3e-4
ROOMS = {  # of beyond/, with the scripts that make a run of their own name
    "linear": ("exact", "diagram", "l1", "stopped", "weak", "norms"),
    "chance": ("crossvalidation", "sweep"),
    "threats": ("few_pixels", "shifts", "transfer"),
    "networks": ("landscapes", "certified", "slopes", "meaning"),
}
MAKERS = {  # the names of runs, without their ε: what `python` makes them with
    "regular": "experiment_regular.py",
    "robust": "experiment_robust.py",
    "robust-converged": "-m beyond.linear.converged",
    "l1-equivalent": "-m beyond.linear.l1",
    "regular-seeds": "-m beyond.chance.seeds",
    "robust-seeds": "-m beyond.chance.seeds",
    "threats": "-m beyond.threats",
    "pairs": "-m beyond.pairs",
    "ten_linear": "-m beyond.ten.linear",
    "ten_network": "-m beyond.ten.network",
} | {name: f"-m beyond.{room}.{name}" for room, names in ROOMS.items() for name in names}


class Run(NamedTuple):
    """A saved run, read back: two dictionaries and the named arrays."""

    config: dict
    metrics: dict
    arrays: dict


def epsilon_name(epsilon):
    """ε as folder names have it: 0.1, or 8_255 for 8/255; other values of ε have other names."""
    text = np.format_float_positional(epsilon, trim="-")
    ratio = Fraction(epsilon).limit_denominator(1000)
    if len(text.partition(".")[2]) <= 6 or float(ratio) != epsilon:
        return text
    return f"{ratio.numerator}_{ratio.denominator}"


def name(kind, epsilon=None, variant=None):
    """The folder of a run: regular, robust-0.1, robust-0.1-converged."""
    return "-".join(filter(None, [kind, epsilon is not None and epsilon_name(epsilon), variant]))


POST_RUNS = ("regular", *(name("robust", epsilon) for epsilon in EPSILONS))  # its four models
# The networks that are trained with and without a certificate: an architecture and a training each.
NETWORKS = "small", "convolutional"
TRAININGS = "regular", "adversarial", "certified"
NETWORK_NAMES = [f"{network}-{training}" for network in NETWORKS for training in TRAININGS]
KERAS_NETWORKS = "convolutional-regular", "convolutional-certified"  # saved as models, too


def parts(run):
    """The name of a run without its ε, and that ε as it is typed: "robust", "8/255"; or None."""
    found = re.fullmatch(r"(.+?)-(\d+(?:[._]\d+)?)(-.+)?", run)
    return (found[1] + (found[3] or ""), found[2].replace("_", "/")) if found else (run, None)


def label(run):
    """A run in words: robust-8_255 is "robust ε = 8/255"."""
    (kind, *variant), epsilon = parts(run)[0].split("-"), parts(run)[1]
    return ", ".join([f"{kind} ε = {epsilon}", *variant]) if epsilon else run


def post_runs(results):
    """The post's four models; or, where a folder has robust ones of other ε, its own, by ε."""
    names = [path.name for path in Path(results).glob("robust-*")]
    radii = {run: Fraction(parts(run)[1]) for run in names if parts(run)[0] == "robust"}
    if set(radii) <= set(POST_RUNS):
        return POST_RUNS
    return ("regular", *sorted(radii, key=radii.get))


def command(run, script=None, **arguments):
    """The command that makes a run, by its name; `script` if it is none of the project's.

    arguments: those of the script, given as flags.
    """
    kind, epsilon = parts(run)
    if re.fullmatch(r"\d-\d", run):  # a pair of digits
        kind, epsilon, arguments = "pairs", None, {"pairs": run} | arguments
    script = MAKERS.get(kind, script)
    if script is None:
        return "the script that saves it"
    words = ["python", *script.split(), *(["--epsilon", epsilon] if epsilon else [])]
    for key, value in arguments.items():
        flag = key.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        elif key == "epsilons":
            for each in value:
                words += ["--epsilon", epsilon_name(each).replace("_", "/")]
        elif value is not None:
            words += [f"--{flag}", *map(str, value if isinstance(value, list) else [value])]
    return shlex.join(words)


def flags(results):
    """The flags that make a command use a folder of results: none, --digits, or --results."""
    place = Path(results).resolve()
    pair = re.fullmatch(r"results-(\d)-(\d)", place.name)
    if place == RESULTS:
        return ""
    if pair and place.parent == ROOT:
        return f" --digits {pair[1]} {pair[2]}"
    return f" --results {shlex.quote(str(results))}"


def versions():
    """Of Python and the packages that a run's numbers depend on, by name."""
    found = {package: importlib.metadata.version(package) for package in PACKAGES}
    return {"python": platform.python_version()} | found


def save(folder, args, data, metrics, arrays, model=None, history=None, loss=None, **run):
    """Save a run, whole or not at all: it takes the place of `folder` when all is written.

    Arguments:
        args: the script's arguments; data: data_prep.Data.
        metrics: numbers; arrays: named arrays of finite numbers.
        model: a Keras model, or several by the names of their files, or None.
        history: the columns of history.csv, by name.
        loss: the function of the loss that was trained with, of which script and formula are kept.
        run: what else describes this run, such as epsilon.

    Raises ValueError if the model's logits are not test_logits, where the arrays have them, and
    OSError if a file, or a folder that is not a saved run, is in the way.
    """
    folder = Path(folder)
    known = FILES | {f"{network}.keras" for network in KERAS_NETWORKS}
    if folder.exists() and {path.name for path in folder.iterdir()} - known:
        raise FileExistsError(f"{folder} is not a saved run; move it, or choose other --results")
    models = model if isinstance(model, dict) else {"model": model} if model is not None else {}
    if "model" in models and "test_logits" in arrays:
        check_logits(model, data.x_test, arrays["test_logits"])
    # A run of one ε has that in its name; other scripts are given all of them by flags.
    hidden = ("debug", "results", *(["epsilons"] if "epsilon" in run else []))
    arguments = {key: value for key, value in vars(args).items() if key not in hidden}
    script = loss and Path(inspect.getsourcefile(loss)).name
    if loss:  # its name, and the last thing that it returns, as its script has it
        formula = " ".join(inspect.getsource(loss).rpartition("return ")[2].split())
        run["loss"] = f"{script}: {loss.__name__} = {formula}"
    config = {
        "command": command(folder.name, script, **arguments),
        "run": run,
        "arguments": arguments,
        "versions": versions(),
        "data_sha256": data.digest,
    }
    new, old = (folder.with_name(f".{folder.name}.{os.getpid()}.{end}") for end in ("new", "old"))
    shutil.rmtree(new, ignore_errors=True)  # of a killed process that had the same number
    try:
        new.mkdir(parents=True)
        (new / "config.json").write_bytes(files.json_bytes(config))
        (new / "metrics.json").write_bytes(files.json_bytes(metrics))
        (new / "arrays.npz").write_bytes(files.npz_bytes(arrays))
        if history:
            rows = history, *zip(*history.values())
            table = "".join(",".join(map(str, row)) + "\n" for row in rows)
            (new / "history.csv").write_bytes(table.encode())
        for stem, each in models.items():
            files.save_model(new / f"{stem}.keras", each)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    finally:
        if old.exists() and not folder.exists():
            old.rename(folder)
        for path in (new, old):
            shutil.rmtree(path, ignore_errors=True)


def check_logits(model, x, logits):
    """Raise ValueError unless the model gives the logits, (batch,), that its run will hold."""
    found = np.ravel(model(x)).astype(float)
    largest = np.abs(found - logits).max() / max(np.abs(logits).max(), 1e-30)
    if not largest <= LOGIT_TOLERANCE:
        raise ValueError(
            f"the model's logits differ by {largest:.1e} of the largest from those of its weights, "
            'so the run is not saved; give every layer dtype="float32", and Flatten '
            'data_format="channels_last"'
        )


def read(folder, metrics=(), arrays=()):
    """Read a saved run that has the named metrics and arrays.

    Raises FileNotFoundError or ValueError; the message names the command that makes it.
    """
    folder = Path(folder)
    results = folder.parent.parent if folder.parent.name == "pairs" else folder.parent
    fix = f"make it with: {command(folder.name)}{flags(results)}"
    if not folder.exists():
        raise FileNotFoundError(f"{folder} is missing; {fix}")
    try:
        config, numbers = (files.read_json(folder / f"{n}.json") for n in ("config", "metrics"))
        run = Run(config, numbers, files.read_arrays(folder / "arrays.npz"))
    except files.DAMAGE as error:
        raise ValueError(f"{folder} is damaged ({error}); {fix}") from None
    missing = {*metrics} - {*run.metrics} | {*arrays} - {*run.arrays}
    if missing:
        raise ValueError(f"{folder} has no {', '.join(sorted(missing))}; {fix}")
    return run
