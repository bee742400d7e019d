"""Compare two folders of results in numbers: a line a run, with its largest differences.

    python -m report.compare results results-elsewhere

For results from another machine, whose last digits may differ. The last line counts the files, and
the pictures among them, that do not have the same bytes. The status is 1 if a run or a picture is
in one of the folders only, or if something differs that cannot be subtracted (nan).
"""

import filecmp
import sys
from pathlib import Path

import numpy as np

from common import cli, runs


def flat(value, key=""):
    """Every number, or other value, of a dictionary or list, by the path that leads to it."""
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for part, each in items:
            yield from flat(each, f"{key}.{part}" if key else str(part))
    else:
        yield key, value


def largest_difference(first, second):
    """The largest |difference| of two dictionaries of numbers or arrays, and where it is.

    NaN stands for what cannot be subtracted: a missing name, another shape, or another text.
    """
    found = (0.0, "")
    for key in {**first, **second}:
        if key not in first or key not in second or np.shape(first[key]) != np.shape(second[key]):
            return np.nan, key
        a, b = (np.asarray(each[key]) for each in (first, second))
        if a.dtype.kind not in "fiub" or b.dtype.kind not in "fiub":
            difference = 0.0 if np.array_equal(a, b) else np.nan
        else:
            difference = float(np.abs(a.astype(float) - b.astype(float)).max(initial=0))
        if np.isnan(difference):
            return difference, key
        found = max(found, (difference, key))
    return found


def compare(first, second):
    """The name, the difference of metrics.json and that of arrays.npz of each run, or None."""
    folders = Path(first), Path(second)
    names = {path.parent.name for folder in folders for path in folder.glob("*/metrics.json")}
    for name in sorted(names):
        if not all((folder / name).exists() for folder in folders):
            yield name, None, None
            continue
        a, b = (runs.read(folder / name) for folder in folders)
        metrics = largest_difference(dict(flat(a.metrics)), dict(flat(b.metrics)))
        yield name, metrics, largest_difference(a.arrays, b.arrays)


def other_bytes(first, second):
    """The files of two folders, by relative path, that differ or are in one of them only."""
    names = {
        path.relative_to(f) for f in (first, second) for path in f.rglob("*") if path.is_file()
    }
    same = lambda name: filecmp.cmp(first / name, second / name, shallow=False)
    missing = {name for name in names if not all((f / name).exists() for f in (first, second))}
    return {name for name in names - missing if not same(name)}, missing


def main(argv=None):
    parser = cli.parser(__doc__)
    parser.add_argument("first", type=cli.path, metavar="RESULTS")
    parser.add_argument("second", type=cli.path, metavar="OTHER")
    args = parser.parse_args(argv)
    for folder in (args.first, args.second):
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder} is not a folder of results")
    different = False
    for name, *differences in compare(args.first, args.second):
        if differences[0] is None:
            print(f"{name:24} is in one of the folders only")
            different = True
            continue
        words = [
            f"{file} {value:.1e}" + (f" ({key})" if value else "")
            for file, (value, key) in zip(("metrics", "arrays"), differences)
        ]
        print(f"{name:24} {', '.join(words)}")
        different |= any(np.isnan(value) for value, _ in differences)
    others, missing = other_bytes(args.first, args.second)
    pictures = [sum(name.suffix == ".png" for name in names) for names in (others, missing)]
    print(
        f"other bytes: {len(others)} files, {pictures[0]} of them pictures; in one folder only: "
        f"{len(missing)} files, {pictures[1]} of them pictures"
    )
    sys.exit(int(different or pictures[1] > 0))


if __name__ == "__main__":
    cli.run(main)
