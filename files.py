"""Single files: written completely or not at all, and read without trusting them.

No pickle is loaded, nothing is allocated because a header says so, and NaN is refused in both directions.
"""
import contextlib
import io
import json
import os
import sys
import zipfile
from pathlib import Path

import numpy as np

try:
    import fcntl
except ImportError:  # Windows: no locking between processes
    fcntl = None

READ_LIMIT = 64 * 2**20  # bytes of a file, and of all that it unpacks to; MNIST's arrays are 55 MB together


def hidden(path):
    """The hidden path of a file or a folder while it is written: beside its place, always the same name."""
    return path.with_name(f".{path.name}.new")


@contextlib.contextmanager
def locked(path, is_folder=False):
    """Create a hidden file or folder and hold its lock; the holder finally renames or removes it.

    The system releases the lock when the process dies, so a killed process locks nobody out. Writing a file is quick, so its lock
    is waited for; for folders (runs) BlockingIOError is raised instead.
    """
    if fcntl is None:
        if is_folder:
            path.mkdir(exist_ok=True)
        yield
        return
    while True:
        handle = _open(path, is_folder)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (fcntl.LOCK_NB if is_folder else 0))
            if _is_at(handle, path):  # otherwise its holder removed it before we got the lock: try again
                yield
                return
        finally:
            os.close(handle)


def _open(path, is_folder):
    if not is_folder:
        return os.open(path, os.O_RDONLY | os.O_CREAT, 0o666)
    while True:
        with contextlib.suppress(FileExistsError):
            path.mkdir()
        with contextlib.suppress(FileNotFoundError):  # removed in between
            return os.open(path, os.O_RDONLY)


def _is_at(handle, path):
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def make_folder(folder):
    """Create a folder for results, with a message that names what stands in the way."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise NotADirectoryError(f"{folder} is, or is below, a file; choose another --out-dir") from None


def write_file(path, content):
    """Write bytes or text to `path` in one piece; of several processes that do so at once, the last one wins."""
    path = Path(path)
    make_folder(path.parent)
    new = hidden(path)
    with locked(new):
        try:
            new.write_bytes(content.encode() if isinstance(content, str) else content)
            os.replace(new, path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise


def write_json(path, values):
    """Write a dictionary as JSON. Raises ValueError for NaN and infinity, which JSON does not have."""
    write_file(path, json.dumps(values, indent=2, allow_nan=False) + "\n")


def write_arrays(path, **arrays):
    """Write named arrays as a compressed npz; the same arrays give the same bytes.

    Raises ValueError for what `read_run` would refuse: anything but finite numbers, or too many of them.
    """
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    if sum(array.nbytes for array in arrays.values()) > READ_LIMIT:
        raise ValueError(f"{path} would hold more than {READ_LIMIT:,} bytes, and is not saved")
    for name, array in arrays.items():
        if not finite(array):
            raise ValueError(f"{path}: {name} is not made of finite numbers, and is not saved")
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_file(path, buffer.getvalue())


def finite(array):
    """Whether an array is made of finite numbers."""
    return array.dtype.kind in "fiub" and bool(np.all(np.isfinite(array)))


def _read(path):
    with open(path, "rb") as file:
        content = file.read(min(os.fstat(file.fileno()).st_size, READ_LIMIT) + 1)
    if len(content) > READ_LIMIT:
        raise ValueError(f"{path} has more than {READ_LIMIT:,} bytes")
    return content


def read_json(path):
    def refuse(word):
        raise ValueError(f"{word} is not a number")
    try:
        values = json.loads(_read(path), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name}: {error}") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path.name} is not a JSON object")
    return values


def read_arrays(path):
    """All arrays of an npz file. Raises ValueError if it is damaged, holds objects, or unpacks to over 64 MiB."""
    content, arrays = _read(path), {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(member.file_size for member in archive.infolist())
            if size > READ_LIMIT:
                raise ValueError(f"it would unpack to {size:,} bytes")
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                if name in arrays or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise ValueError(f"{name} is there twice, or packed in a way that NumPy does not use")
                with archive.open(member) as stream:  # the stated size may be false: read at most one byte more
                    arrays[name] = _read_array(stream.read(member.file_size + 1))
    except Exception as error:  # zipfile and NumPy raise a dozen kinds of them for a damaged file
        raise ValueError(f"{path} is not a sound npz file: {(str(error) or type(error).__name__).splitlines()[0]}") from None
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
    if min(shape, default=0) < 0 or len(body) != dtype.itemsize * int(np.prod(shape, dtype=object)):
        raise ValueError(f"{len(body):,} bytes cannot be {shape} {dtype}")
    return np.frombuffer(body, dtype).reshape(shape)


def numbers(value):
    """Whether a value from JSON is a finite number, or a non-empty list or dictionary of them."""
    try:
        if isinstance(value, (list, dict)):
            return len(value) > 0 and all(map(numbers, value.values() if isinstance(value, dict) else value))
        return isinstance(value, (int, float)) and abs(value) <= sys.float_info.max
    except RecursionError:
        return False
