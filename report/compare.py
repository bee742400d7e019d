"""Compare two folders of results in numbers: a line a run, with its largest differences.

    python -m report.compare results results-elsewhere

For results from another machine, whose last digits may differ. Every run is compared, those in
results/pairs/ too, and claims.json. Names that the second folder lacks or adds are listed apart
from the numbers that differ. The last line counts the files, and the pictures among them, that do
not have the same bytes. The status is 1 if a name, a run or a picture is in one of the folders
only, or if something differs that cannot be subtracted (nan).
"""

import filecmp
import sys
from pathlib import Path

import numpy as np

from common import cli, files, runs

ABSENT = object()  # stands for a value that the other side does not have


def contents(folder):
    """What is compared of a folder of results: {"regular": {"metrics": ..., "arrays": ...}, ...}"""
    found = {}
    for path in sorted(Path(folder).rglob("metrics.json")):
        run = runs.read(path.parent)
        name = path.parent.relative_to(folder).as_posix()
        found[name] = {"metrics": run.metrics, "arrays": run.arrays}
    if (Path(folder) / "claims.json").exists():
        found["claims.json"] = files.read_json(Path(folder) / "claims.json")
    return found


def beside(first, second, path=""):
    """Yield each value of two nested dictionaries or lists with the other's: (path, value, value).

    A value that only one side has, whatever it contains, comes once, with ABSENT for the other.
    """
    if isinstance(first, list) and isinstance(second, list):
        first, second = dict(enumerate(first)), dict(enumerate(second))
    if isinstance(first, dict) and isinstance(second, dict):
        for key in {**first, **second}:
            values = first.get(key, ABSENT), second.get(key, ABSENT)
            yield from beside(*values, f"{path}.{key}" if path else str(key))
    else:
        yield path, first, second


def difference(first, second):
    """The largest |difference| of two values; NaN if shapes or texts differ: no subtraction."""
    a, b = np.asarray(first), np.asarray(second)
    if a.shape != b.shape:
        return np.nan
    if a.dtype.kind not in "fiub" or b.dtype.kind not in "fiub":
        return 0.0 if np.array_equal(a, b) else np.nan
    return float(np.abs(a.astype(float) - b.astype(float)).max(initial=0))


def compare(first, second):
    """The largest difference and its path, the paths that are gone and those that are new."""
    largest, gone, new = (0.0, ""), [], []
    for path, *values in beside(first, second):
        if values[1] is ABSENT:
            gone.append(path)
        elif values[0] is ABSENT:
            new.append(path)
        elif not np.isnan(largest[0]):
            found = difference(*values)
            largest = (found, path) if np.isnan(found) else max(largest, (found, path))
    return largest, gone, new


def other_bytes(first, second):
    """The files of two folders, by relative path, that differ, and those in one of them only."""
    paths = [(path, f) for f in (first, second) for path in f.rglob("*") if path.is_file()]
    names = {path.relative_to(folder).as_posix() for path, folder in paths}
    return filecmp.cmpfiles(first, second, names, shallow=False)[1:]


def main(argv=None):
    parser = cli.parser(__doc__)
    parser.add_argument("first", type=cli.path, metavar="RESULTS")
    parser.add_argument("second", type=cli.path, metavar="OTHER")
    args = parser.parse_args(argv)
    for folder in (args.first, args.second):
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder} is not a folder of results")
    one, other = contents(args.first), contents(args.second)
    different = False
    for name in sorted({*one, *other}):
        if name not in one or name not in other:
            print(f"{name:24} is in one of the folders only")
            different = True
            continue
        words, lines = [], []
        for part in {**one[name], **other[name]}:
            values = one[name].get(part, {}), other[name].get(part, {})
            (value, path), gone, new = compare(*values)
            words.append(f"{part} {value:.1e}" + (f" ({path})" if value else ""))
            for word, paths in (("gone", gone), ("new", new)):
                if paths:
                    lines.append(f"  {word} in {part}: {', '.join(paths)}")
            different |= bool(np.isnan(value) or gone or new)
        print("\n".join([f"{name:24} {', '.join(words)}", *lines]))
    others, missing = other_bytes(args.first, args.second)
    pictures = [sum(name.endswith(".png") for name in names) for names in (others, missing)]
    print(
        f"other bytes: {len(others)} files, {pictures[0]} of them pictures; in one folder only: "
        f"{len(missing)} files, {pictures[1]} of them pictures"
    )
    sys.exit(int(different or pictures[1] > 0))


if __name__ == "__main__":
    cli.run(main)
