"""Saved runs: their names, written whole or not at all, read and checked.

A saved run is a folder (config.json, metrics.json, history.csv, arrays.npz, model.keras). It is written in a hidden folder
beside its place and renamed into it, so that a reader sees the old run or the new one. files.py does the same for one file.
"""
import contextlib
import os
import re
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
SIGNS_OF_A_RUN = {"config.json", "metrics.json", "history.csv", "arrays.npz", "model.keras"}


class Run(NamedTuple):
    """A saved run, read back: two dictionaries and the named arrays."""

    config: dict
    metrics: dict
    arrays: dict


class Damaged(ValueError):
    """A saved run is not what it should be; the message names the file and the command that rebuilds it."""


def epsilon_name(epsilon):
    """ε as folder names have it: up to six digits after the point, no exponent."""
    return f"{epsilon:.6f}".rstrip("0").rstrip(".")


def run_name(kind, epsilon=None, variant=None):
    """The folder of a run: regular, robust-0.1, robust-0.1-converged."""
    parts = [kind, None if epsilon is None else epsilon_name(epsilon), variant]
    return "-".join(part for part in parts if part)


def rebuild_command(folder):
    """The command that makes the run which belongs in `folder`."""
    kind, *rest = Path(folder).name.split("-")
    command = f"python experiment_{kind}.py"
    for part in rest:
        command += {"converged": " --recipe converged", "seeds": " --seeds 20", "equivalent": ""}.get(part, f" --epsilon {part}")
    place = Path(folder).resolve().parent
    pair = re.fullmatch(r"results-(\d)-(\d)", place.name)
    if pair and place.parent == ROOT:
        return f"{command} --digits {pair[1]} {pair[2]}"
    return command if place == RESULTS else command + out_dir_flag(Path(folder).parent)


def out_dir_flag(folder):
    """The --out-dir of a command to copy, quoted if it must be."""
    return f' --out-dir "{folder}"' if " " in str(folder) else f" --out-dir {folder}"


@contextlib.contextmanager
def write_run(folder):
    """Give a folder to write a run in; move it to `folder` in one piece when the block ends well.

    It is in a hidden folder under a lock: what a killed run left there is found by the next one and cleared. Raises OSError
    if the place cannot be written, if something else than a run is in it, or if another process is writing the same run.
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
            shutil.rmtree(workshop, ignore_errors=True)  # last, for it takes the lock's name away


def _check_place(folder):
    """Raise OSError if a run saved in `folder` would take the place of something else."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; move it away or choose another --out-dir")
    found = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if found and not found & SIGNS_OF_A_RUN:
        raise FileExistsError(f"{folder} holds {min(found)} and no saved run; move it away or choose another --out-dir")


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


def read_run(folder, metrics=(), arrays=()):
    """Read a saved run and check that it is whole: that what is asked for is there and made of finite numbers.

    Arguments:
        folder: results/<run>.
        metrics, arrays: the names that the caller is going to use; robust_accuracy.clipped is a name within another.

    Raises FileNotFoundError or Damaged; the message names the file and the command that rebuilds it.
    """
    folder = Path(folder)
    cure = f"make it with: {rebuild_command(folder)}"
    try:
        run = _read_files(folder)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(f"{error.filename} is missing; {cure}") from None
    except (ValueError, OSError) as error:
        raise Damaged(f"{folder} is damaged ({error}); {cure}") from None
    for name in metrics:
        value = run.metrics
        for part in name.split("."):
            if not isinstance(value, dict) or part not in value:
                raise Damaged(f"{folder / 'metrics.json'} has no {name}; {cure}")
            value = value[part]
        if not numbers(value):
            raise Damaged(f"{folder / 'metrics.json'}: {name} is not made of finite numbers; {cure}")
    missing = [name for name in arrays if name not in run.arrays]
    if missing:
        raise Damaged(f"{folder / 'arrays.npz'} has no {', '.join(missing)}; {cure}")
    for name, array in run.arrays.items():
        if not finite(array):
            raise Damaged(f"{folder / 'arrays.npz'}: {name} is not made of finite numbers; {cure}")
    return run


def _read_files(folder):
    """The files of one and the same saved run, also while another process replaces it: then once more."""
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
    """Which folder it is, and when a file was last put into it: the next one may have the same number."""
    status = folder.stat()
    return status.st_dev, status.st_ino, status.st_mtime_ns


@contextlib.contextmanager
def blaming(results):
    """Inside, what goes wrong in computing with saved runs is told with their folder and the command that makes them."""
    try:
        yield
    except Damaged:
        raise
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise Damaged(f"the runs in {results} are not what they should be ({type(error).__name__}: {error}); make them with: "
                      f"python reproduce.py{out_dir_flag(results)}") from error
