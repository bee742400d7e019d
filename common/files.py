"""Files written in one piece, and read without trust: JSON, npz, Keras models, with equal bytes."""

import io
import json
import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

# What json, zipfile and NumPy raise for a damaged file.
DAMAGE = (ValueError, LookupError, OSError, EOFError, RecursionError, zipfile.BadZipFile)
DAMAGE += (zlib.error, NotImplementedError, SyntaxError)


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
    write_file(path, json_bytes(values))


def write_arrays(path, arrays):
    write_file(path, npz_bytes(arrays))


def json_bytes(values):
    """A dictionary as JSON. Raises ValueError for NaN and infinity: JSON has neither."""
    return (json.dumps(values, indent=2, allow_nan=False) + "\n").encode()


def read_json(path):
    """A dictionary from a JSON file. Raises ValueError for NaN and for anything else."""

    def refuse(word):
        raise ValueError(f"{word} is not a number")

    values = json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=refuse)
    if not isinstance(values, dict):
        raise ValueError(f"{Path(path).name} is not a JSON object")
    return values


def npz_bytes(arrays):
    """Named arrays of finite numbers as npz; the same arrays give the same bytes."""
    plain = {key: np.asarray(array, order="C") for key, array in arrays.items()}
    check_finite(plain)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **plain)
    return buffer.getvalue()


def read_arrays(path):
    """All arrays of an npz file, which must be finite numbers. No pickle is loaded."""
    with open(path, "rb") as file:
        if file.read(2) != b"PK":  # of a zip; NumPy would advise to load a pickle
            raise ValueError(f"{Path(path).name} is not an npz file")
        file.seek(0)
        archive = np.load(file, allow_pickle=False)
        arrays = {key: archive[key] for key in archive.files}
    check_finite(arrays)
    return arrays


def check_finite(arrays):
    for key, array in arrays.items():
        if array.dtype.kind not in "fiub" or not np.all(np.isfinite(array)):
            raise ValueError(f"{key} is not made of finite numbers")


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
