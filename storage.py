"""Files of this project: written whole or not at all, read without trust.

A saved run is a folder (config.json, metrics.json, history.csv, arrays.npz, model.keras). It is written
in a hidden folder beside its place and renamed into it, so that a reader sees the old run or the new one.
No pickle is ever loaded, and nothing is allocated on the word of a file's header.
"""
import contextlib
import io
import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

try:
    import fcntl
except ImportError:  # Windows: two writers of the same run are not kept apart there
    fcntl = None

ROOT = Path(__file__).resolve().parent
RESULTS = ROOT / "results"
READ_LIMIT = 64 * 2**20  # bytes of one unpacked array file; all of MNIST is 55 MB


class Run(NamedTuple):
    """A saved run, read back: two dictionaries and the named arrays."""

    config: dict
    metrics: dict
    arrays: dict


def run_name(kind, epsilon=None, variant=None):
    """The folder of a run: regular, robust-0.1, robust-0.1-converged."""
    parts = [kind, None if epsilon is None else f"{epsilon:g}", variant]
    return "-".join(part for part in parts if part)


def rebuild_command(folder):
    """The command that makes the run which belongs in `folder`."""
    kind, *rest = Path(folder).name.split("-")
    command = f"python experiment_{kind}.py"
    for part in rest:
        command += {"converged": " --recipe converged", "seeds": " --seeds 20"}.get(part, f" --epsilon {part}")
    return command if Path(folder).resolve().parent == RESULTS else f"{command} --out-dir {Path(folder).parent}"


@contextlib.contextmanager
def write_run(folder):
    """Give a hidden folder to write a run in; move it to `folder` in one piece when the block ends well.

    The hidden folder is its own lock, which the system lets go when the process dies: what a killed run
    left behind is found unlocked by the next one and cleared. Raises OSError if the place cannot be
    written or if another process is writing the same run.
    """
    folder = Path(folder)
    new, old = (folder.with_name(f".{folder.name}.{suffix}") for suffix in ("new", "old"))
    make_folder(folder.parent)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; move it away or choose another --out-dir")
    with _locked(new):
        if old.exists():  # a run was stopped between the two renames below, or while it removed the old folder
            shutil.rmtree(old) if folder.exists() else os.replace(old, folder)
        _empty(new)
        try:
            yield new
            if folder.exists():
                os.replace(folder, old)
            os.replace(new, folder)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder):
    """Create `folder` and hold its lock."""
    while True:
        folder.mkdir(exist_ok=True)
        if fcntl is None:
            yield
            return
        handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Another process may have renamed the folder away before the lock was ours: then try again.
            if folder.exists() and os.path.samestat(os.fstat(handle), os.stat(folder)):
                yield
                return
        except BlockingIOError:
            raise BlockingIOError(f"another process is writing {folder.parent / folder.name[1:-4]}; "
                                  "wait for it, or choose another --out-dir") from None
        finally:
            os.close(handle)


def _empty(folder):
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def make_folder(folder):
    """Create a folder for results, with a message that names what stands in the way."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise NotADirectoryError(f"{folder} is, or is below, a file; choose another --out-dir") from None


def write_file(path, content):
    """Write bytes or text to `path` in one piece; the hidden file beside it has the writer's place, not a new name."""
    path = Path(path)
    make_folder(path.parent)
    hidden = path.with_name(f".{path.name}.new")
    try:
        hidden.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(hidden, path)
    except BaseException:
        hidden.unlink(missing_ok=True)
        raise


def write_json(path, values):
    """Write a dictionary as JSON. Raises ValueError for NaN and infinity, which JSON does not have."""
    write_file(path, json.dumps(values, indent=2, allow_nan=False) + "\n")


def write_arrays(path, **arrays):
    """Write named arrays as a compressed npz; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_file(path, buffer.getvalue())


def read_arrays(path):
    """All arrays of an npz file. Raises ValueError if it is damaged, holds objects, or unpacks to over 64 MiB each."""
    arrays = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.file_size > READ_LIMIT:
                    raise ValueError(f"{member.filename} would unpack to {member.file_size:,} bytes")
                arrays[member.filename.removesuffix(".npy")] = _read_array(archive.read(member))
    except (ValueError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zipfile.zlib.error) as error:
        raise ValueError(f"{path} is not a sound npz file: {error}") from None
    return arrays


def _read_array(content):
    """One npy file from its bytes, whose length must be what its header says."""
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if header is None:
        raise ValueError(f"npy version {version} is not known")
    shape, fortran_order, dtype = header(stream)
    if dtype.hasobject or fortran_order:
        raise ValueError("an array holds Python objects or is not in C order")
    body = content[stream.tell():]
    if len(body) != dtype.itemsize * int(np.prod(shape, dtype=object)):
        raise ValueError(f"{len(body):,} bytes cannot be {shape} {dtype}")
    return np.frombuffer(body, dtype).reshape(shape)


def read_run(folder, metrics=(), arrays=()):
    """Read a saved run and check that it is whole.

    Arguments:
        folder: results/<run>.
        metrics, arrays: the names that the caller is going to use.

    Raises FileNotFoundError or ValueError; the message names the file and the command that rebuilds it.
    """
    folder = Path(folder)
    old = folder.with_name(f".{folder.name}.old")
    place = old if old.exists() and not folder.exists() else folder  # the moment between the two renames
    cure = f"make it with: {rebuild_command(folder)}"
    try:
        run = Run(json.loads((place / "config.json").read_text()), json.loads((place / "metrics.json").read_text()),
                  read_arrays(place / "arrays.npz"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(f"{error.filename} is missing; {cure}") from None
    except (ValueError, OSError) as error:
        raise ValueError(f"{folder} is damaged ({error}); {cure}") from None
    for file, kind, names in (("metrics.json", run.metrics, metrics), ("arrays.npz", run.arrays, arrays)):
        missing = [name for name in names if not isinstance(kind, dict) or name not in kind]
        if missing:
            raise ValueError(f"{folder / file} has no {', '.join(missing)}; {cure}")
    for name, array in run.arrays.items():
        if array.dtype.kind not in "fiub" or not np.all(np.isfinite(array)):
            raise ValueError(f"{folder / 'arrays.npz'}: {name} is not made of finite numbers; {cure}")
    return run
