"""Saved runs: their names, written completely or not at all, read and checked.

A saved run is a folder (config.json, metrics.json, history.csv, arrays.npz, model.keras). It is written in a hidden folder
beside its place and renamed into it, so that a reader sees the old run or the new one. files.py does the same for one file.
"""
import contextlib
import os
import re
import shlex
import shutil
import time
from pathlib import Path
from typing import NamedTuple

from files import (finite, hidden, locked, make_folder, numbers, read_arrays, read_json, write_arrays, write_file,  # noqa: F401
                   write_json)

ROOT = Path(__file__).resolve().parent
RESULTS = ROOT / "results"
POST_RUNS = ("regular", "robust-0.1", "robust-0.2", "robust-0.3")  # the post's four models, in its order
POST_EPSILONS = (0.1, 0.2, 0.3)  # of the robust ones, in pixel units
READ_ATTEMPTS, READ_PAUSE = 10, 0.005  # seconds; replacing a run takes less, so what fails ten times is damaged
FILES_OF_A_RUN = {"config.json", "metrics.json", "history.csv", "arrays.npz", "model.keras"}
FILES_OF_THE_SYSTEM = {".DS_Store"}  # what macOS puts everywhere


class Run(NamedTuple):
    """A saved run, read back: two dictionaries and the named arrays."""

    config: dict
    metrics: dict
    arrays: dict


class Unusable(ValueError):
    """A saved run is damaged, or not what is needed; the message names the file and the command that rebuilds it."""


def epsilon_name(epsilon):
    """ε as folder names have it: up to six digits after the point, no exponent."""
    return f"{epsilon:.6f}".rstrip("0").rstrip(".")


def run_name(kind, epsilon=None, variant=None):
    """The folder of a run: regular, robust-0.1, robust-0.1-converged."""
    parts = [kind, None if epsilon is None else epsilon_name(epsilon), variant]
    return "-".join(part for part in parts if part)


def rebuild_command(folder):
    """The command that recreates the run in `folder`."""
    kind, *rest = Path(folder).name.split("-")
    command = f"python experiment_{kind}.py"
    flags = {"converged": " --recipe converged", "seeds": " --seeds 20"}
    for part in rest:
        command += f" --epsilon {part}" if part[:1].isdigit() else flags.get(part, "")
    return command + place_flags(Path(folder).parent)


def place_flags(results):
    """The flags, to show in a command, that make it write to a results folder: none, --digits, or --out-dir, quoted if needed."""
    place = Path(results).resolve()
    pair = re.fullmatch(r"results-(\d)-(\d)", place.name)
    if place == RESULTS:
        return ""
    if pair and place.parent == ROOT:
        return f" --digits {pair[1]} {pair[2]}"
    return f" --out-dir {shlex.quote(str(results))}"


@contextlib.contextmanager
def write_run(folder):
    """Yield a folder to write a run into; move it to `folder` in one piece if the block succeeds.

    It lies in a hidden folder under a lock: what a killed run left there is found by the next one and cleared. Raises OSError
    if the place cannot be written, if it holds anything other than a run, or if another process is writing the same run.
    """
    folder = Path(folder)
    workshop = hidden(folder)
    new, old = workshop / "new", workshop / "old"
    make_folder(folder.parent)
    with _only_writer(folder):
        try:
            _restore(folder)
            _check_place(folder)
            shutil.rmtree(new, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)
            new.mkdir()
            yield new
            if folder.exists():
                os.replace(folder, old)
            os.replace(new, folder)
        finally:
            _restore(folder)
            shutil.rmtree(workshop, ignore_errors=True)  # last, because it removes the lock


def _check_place(folder):
    """Raise OSError if a run saved in `folder` would take the place of something else."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; move it away or choose another --out-dir")
    foreign = {path.name for path in folder.iterdir()} - FILES_OF_A_RUN - FILES_OF_THE_SYSTEM if folder.exists() else set()
    if foreign:
        raise FileExistsError(f"{folder} holds {min(foreign)}, which is not of a saved run; move it away or choose another --out-dir")


@contextlib.contextmanager
def _only_writer(folder):
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(hidden(folder), is_folder=True))
        except BlockingIOError:
            raise BlockingIOError(f"another process is writing {folder}; wait for it, or choose another --out-dir") from None
        yield


def _restore(folder):
    """Put the old run back, if its writer was stopped between the two renames."""
    old = hidden(folder) / "old"
    if old.exists() and not folder.exists():
        os.replace(old, folder)


def exists(folder):
    """Whether a saved run is there, also at the moment between the two renames that replace it, or after a kill in that moment."""
    return folder.exists() or (hidden(folder) / "old").exists()


def read_run(folder, metrics=(), arrays=(), scalars=()):
    """Read a saved run and check that it is whole: that what is asked for is there and made of finite numbers.

    Arguments:
        folder: results/<run>.
        metrics, arrays: the names that the caller is going to use; robust_accuracy.clipped is a name within another. arrays may
            be a dictionary from names to shapes.
        scalars: names of metrics that are single numbers.

    Raises FileNotFoundError or Unusable; the message names the file and the command that rebuilds it.
    """
    folder = Path(folder)
    cure = f"make it with: {rebuild_command(folder)}"
    try:
        run = _read_files(folder)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(f"{error.filename} is missing; {cure}") from None
    except PermissionError:
        raise
    except (ValueError, OSError) as error:
        raise Unusable(f"{folder} is damaged ({error}); {cure}") from None
    for name in (*metrics, *scalars):
        value = run.metrics
        for part in name.split("."):
            if not isinstance(value, dict) or part not in value:
                raise Unusable(f"{folder / 'metrics.json'} has no {name}; {cure}")
            value = value[part]
        if not numbers(value) or name in scalars and not isinstance(value, (int, float)):
            raise Unusable(f"{folder / 'metrics.json'}: {name} is not {'a number' if name in scalars else 'made of finite numbers'}; {cure}")
    missing = [name for name in arrays if name not in run.arrays]
    if missing:
        raise Unusable(f"{folder / 'arrays.npz'} has no {', '.join(missing)}; {cure}")
    for name, array in run.arrays.items():
        if not finite(array):
            raise Unusable(f"{folder / 'arrays.npz'}: {name} is not made of finite numbers; {cure}")
    for name, shape in (arrays.items() if isinstance(arrays, dict) else ()):
        if run.arrays[name].shape != shape:
            raise Unusable(f"{folder / 'arrays.npz'}: {name} has the shape {run.arrays[name].shape} and not {shape}; {cure}")
    return run


def _read_files(folder):
    """All files from one version of a run, read again if another process replaces it meanwhile."""
    old = hidden(folder) / "old"
    for _ in range(READ_ATTEMPTS):
        try:
            place = old if old.exists() and not folder.exists() else folder  # the moment between the two renames
            before = _state(place)
            run = Run(read_json(place / "config.json"), read_json(place / "metrics.json"), read_arrays(place / "arrays.npz"))
            if _state(place) == before:
                return run
            problem = OSError(f"{folder} was replaced while it was read")
        except (ValueError, OSError) as error:
            problem = error
        time.sleep(READ_PAUSE)
    raise problem


def _state(folder):
    """Identity of the folder and time of its last change (inode numbers are reused)."""
    status = folder.stat()
    return status.st_dev, status.st_ino, status.st_mtime_ns


@contextlib.contextmanager
def blaming(place, command=None):
    """Turn errors in computing with saved results into Unusable, which names their place and the command that makes them.

    Arguments:
        place: a results folder, or one file; command: of the file, where `python reproduce.py` does not make it.
    """
    try:
        yield
    except Unusable:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        command = command or f"python reproduce.py{place_flags(place)}"
        raise Unusable(f"{place} does not hold what it should ({type(error).__name__}: {error}); make it with: {command}") from error
