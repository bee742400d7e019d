"""Saved runs: what they are called, how they are written, saved and read.

results/<run>/ holds config.json (arguments, seed, versions, SHA-256 of the data, the command),
metrics.json (numbers), history.csv, arrays.npz (named arrays) and model.keras. No pickle is loaded,
and NaN is refused in both directions. Written beside its place and moved there when whole.
"""

import contextlib
import importlib.metadata
import inspect
import io
import json
import os
import platform
import re
import shlex
import shutil
import zipfile
import zlib
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from common import ROOT

RESULTS = ROOT / "results"
DIGITS = (0, 1)  # the post's pair: the first is labelled -1, the second +1
EPSILONS = (0.1, 0.2, 0.3)  # of the post's robust models, in pixel units
FILES = {"config.json", "metrics.json", "history.csv", "arrays.npz", "model.keras", ".DS_Store"}
# What json, zipfile and NumPy raise for a damaged file.
DAMAGE = (ValueError, LookupError, OSError, EOFError, RecursionError, zipfile.BadZipFile)
DAMAGE += (zlib.error, NotImplementedError, SyntaxError)
LOGIT_TOLERANCE = 1e-4  # of the largest logit: float32 is off by up to 5e-7, float16 by 3e-4


class Run(NamedTuple):
    """A saved run, read back: two dictionaries and the named arrays."""

    config: dict
    metrics: dict
    arrays: dict


def epsilon_name(epsilon):
    """ε as folder names have it: 0.1, or 8_255 for 8/255; other values of ε have other names."""
    short, ratio = f"{epsilon:.6f}".rstrip("0").rstrip("."), Fraction(epsilon)
    ratio = ratio.limit_denominator(1000)
    if float(short) == epsilon:
        return short
    if float(ratio) == epsilon:
        return f"{ratio.numerator}_{ratio.denominator}"
    return np.format_float_positional(epsilon, trim="-")


def name(kind, epsilon=None, variant=None):
    """The folder of a run: regular, robust-0.1, robust-0.1-converged."""
    return "-".join(filter(None, [kind, epsilon is not None and epsilon_name(epsilon), variant]))


POST_RUNS = ("regular", *(name("robust", epsilon) for epsilon in EPSILONS))  # its four models


def label(run):
    """A run in words: robust-8_255 is "robust ε = 8/255"."""
    named = re.fullmatch(r"(.+?)-(\d.*)", run)
    if not named:
        return run
    return f"{named[1]} ε = {named[2].replace('-', ', ').replace('_', '/')}"


def radius(run):
    """The ε in the name of a run as it is typed: 0.1 for robust-0.1, 8/255 for robust-8_255."""
    return run.split("-")[1].replace("_", "/")


def post_runs(results):
    """The post's four models; or, where a folder has robust ones of other ε, those that it has.

    In order of ε, the regular model first.
    """
    folders = (path.name for path in Path(results).glob("robust-*"))
    robust = [run for run in folders if re.fullmatch(r"robust-\d+([._]\d+)?", run)]
    if set(robust) <= set(POST_RUNS):
        return POST_RUNS
    return ("regular", *sorted(robust, key=lambda run: Fraction(radius(run))))


def command(run, **arguments):
    """The command that makes a run, by its name: the script with that name in its constant RUN.

    Arguments: those of the script, to be given as flags.
    """
    pattern = r"(.+?)(?:-(\d+(?:[._]\d+)?))?(?:-(converged|seeds|equivalent))?"
    if re.fullmatch(r"\d-\d", run):  # a pair, in results/pairs/
        return command("pairs", pairs=run, **arguments)
    kind, epsilon, variant = re.fullmatch(pattern, run).groups()
    scripts = {}
    for path in sorted([*ROOT.glob("*.py"), *ROOT.glob("beyond/*.py")]):
        for found in re.findall(r'^RUN = "(.*)"', path.read_text(encoding="utf-8"), re.M):
            scripts[found] = path.relative_to(ROOT)
    script = scripts.get(run) or scripts.get(variant) or scripts.get(kind)
    if script is None:
        return "the script that saves it"
    module = script.parent.name and f"{script.parent}.{script.stem}"
    words = ["python", "-m", module] if module else ["python", script.name]
    words += ["--epsilon", epsilon.replace("_", "/")] if epsilon else []
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


@contextlib.contextmanager
def write(folder):
    """Yield a folder to save a run into; it takes the place of `folder` if the block succeeds.

    Raises OSError if a file, or a folder that is not a saved run, is in the way.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        held = {path.name for path in folder.iterdir()} if folder.is_dir() else {"a file"}
        foreign = held - FILES
        if foreign:
            raise FileExistsError(
                f"{folder} is, or holds, {min(foreign)}, which is not of a saved run; "
                "move it away or choose another --results"
            )
    new, old = (folder.with_name(f".{folder.name}.{os.getpid()}.{end}") for end in ("new", "old"))
    shutil.rmtree(new, ignore_errors=True)  # of a killed process that had the same number
    new.mkdir()
    try:
        yield new
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    finally:
        if old.exists() and not folder.exists():
            old.rename(folder)
        for path in (new, old):
            shutil.rmtree(path, ignore_errors=True)


def versions():
    """Of Python and the packages that a run's numbers depend on, by name."""
    packages = "tensorflow", "keras", "numpy", "scipy"
    found = {package: importlib.metadata.version(package) for package in packages}
    return {"python": platform.python_version()} | found


def save(place, args, data, metrics, arrays, model=None, history=None, loss=None, **run):
    """Write a run's files into `place`, the folder that `write` gives.

    Arguments:
        args: the script's arguments; data: data_prep.Data.
        metrics: numbers; arrays: named arrays of finite numbers; model: a Keras model or None.
        history: the columns of history.csv, by name.
        loss: the function of the loss that was trained with, of which script and formula are kept.
        run: what else describes this run, such as epsilon.

    Raises ValueError if the model's logits are not test_logits, where the arrays have them.
    """
    if model is not None and "test_logits" in arrays:
        check_logits(model, data.x_test, arrays["test_logits"])
    # A run of one ε has that in its name; other scripts are told all of them by flags.
    hidden = ("debug", "results", *(["epsilons"] if "epsilon" in run else []))
    arguments = {key: value for key, value in vars(args).items() if key not in hidden}
    # The place .robust-0.1.123.new becomes the folder robust-0.1.
    config = {
        "command": command(place.name[1:].rsplit(".", 2)[0], **arguments),
        "run": run | ({"loss": formula(loss)} if loss else {}),
        "arguments": arguments,
        "versions": versions(),
        "data_sha256": data.digest,
    }
    write_json(place / "config.json", config)
    write_json(place / "metrics.json", metrics)
    write_arrays(place / "arrays.npz", arrays)
    if history:
        rows = [history, *zip(*history.values())]
        write_file(place / "history.csv", "".join(",".join(map(str, row)) + "\n" for row in rows))
    if model is not None:
        save_model(place / "model.keras", model)


def formula(function):
    """The last thing that a function returns, as its script has it; the name if there is none."""
    try:
        script, source = inspect.getsourcefile(function), inspect.getsource(function)
    except (OSError, TypeError):  # typed into an interpreter
        return function.__name__
    body = " ".join(source.rpartition("return ")[2].split())
    return f"{Path(script).name}: {function.__name__} = {body}"


def check_logits(model, x, logits):
    """Raise ValueError unless the model gives the logits, (batch,), that its run will hold."""
    batches = np.array_split(x, -(-len(x) // 500))
    found = np.concatenate([np.ravel(model(batch)).astype(float) for batch in batches])
    largest = np.abs(found - logits).max() / max(np.abs(logits).max(), 1e-30)
    if not largest <= LOGIT_TOLERANCE:
        raise ValueError(
            f"the model's logits differ by {largest:.1e} of the largest from those of its saved "
            f"weights, more than {LOGIT_TOLERANCE:g}, so the run is not saved; give every layer "
            'dtype="float32", Flatten data_format="channels_last"'
        )


def save_model(path, model):
    """Save a Keras model, with fixed dates: the same model gives the same bytes."""
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    metadata = json.loads(members["metadata.json"]) | {"date_saved": "1980-01-01@00:00:00"}
    members["metadata.json"] = json.dumps(metadata).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(zipfile.ZipInfo(member), content)


def read(folder, metrics=(), arrays=()):
    """Read a saved run that has the named metrics and arrays.

    Raises FileNotFoundError or ValueError; the message names the file and the command that makes
    it.
    """
    folder = Path(folder)
    results = folder.parent.parent if folder.parent.name == "pairs" else folder.parent
    cure = f"make it with: {command(folder.name)}{flags(results)}"
    if not folder.exists():
        raise FileNotFoundError(f"{folder} is missing; {cure}")
    try:
        config, numbers = read_json(folder / "config.json"), read_json(folder / "metrics.json")
        run = Run(config, numbers, read_arrays(folder / "arrays.npz"))
    except PermissionError:
        raise
    except DAMAGE as error:
        raise ValueError(f"{folder} is damaged ({error}); {cure}") from None
    for file, there, wanted in (
        ("metrics.json", run.metrics, metrics),
        ("arrays.npz", run.arrays, arrays),
    ):
        missing = [key for key in wanted if key not in there]
        if missing:
            raise ValueError(f"{folder / file} has no {', '.join(missing)}; {cure}")
    return run


def write_file(path, content):
    """Write bytes or text to `path` in one piece."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    new = Path(path).with_name(f".{Path(path).name}.{os.getpid()}.new")
    try:
        new.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def write_json(path, values):
    """Write a dictionary as JSON. Raises ValueError for NaN and infinity: JSON has neither."""
    write_file(path, json.dumps(values, indent=2, allow_nan=False) + "\n")


def read_json(path):
    """A dictionary from a JSON file. Raises ValueError for NaN and for anything else."""

    def refuse(word):
        raise ValueError(f"{word} is not a number")

    values = json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=refuse)
    if not isinstance(values, dict):
        raise ValueError(f"{Path(path).name} is not a JSON object")
    return values


def write_arrays(path, arrays):
    """Write named arrays of finite numbers as npz; the same arrays give the same bytes."""
    for key, array in arrays.items():
        check_finite(path, key, np.asarray(array))
    buffer, plain = io.BytesIO(), {key: np.asarray(arrays[key], order="C") for key in arrays}
    np.savez_compressed(buffer, **plain)
    write_file(path, buffer.getvalue())


def read_arrays(path):
    """All arrays of an npz file, which must be finite numbers. No pickle is loaded."""
    with open(path, "rb") as file:
        archive = np.load(file, allow_pickle=False)
        if not hasattr(archive, "files"):
            raise ValueError(f"{Path(path).name} is not an npz file")
        arrays = {key: archive[key] for key in archive.files}
    for key, array in arrays.items():
        check_finite(path, key, array)
    return arrays


def check_finite(path, key, array):
    if array.dtype.kind not in "fiub" or not np.all(np.isfinite(array)):
        raise ValueError(f"{Path(path).name}: {key} is not made of finite numbers")


# The networks that are trained with and without a certificate: an architecture and a training each.
NETWORKS = "small", "convolutional"
TRAININGS = "regular", "adversarial", "certified"
NETWORK_NAMES = [f"{network}-{training}" for network in NETWORKS for training in TRAININGS]
