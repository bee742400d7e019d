"""What the benchmarks share: cases measured in turn, a table, and a JSON file.

Times on a busy machine are noise, ratios within one run are not: all cases of a benchmark are run
once, then all of them again, and each number is a median. Nothing here is a test.
"""

import importlib.metadata
import os
import platform
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))  # a script sees its own folder only

from common import cli, files, runs

PACKAGES = (
    "tensorflow keras numpy scipy highspy matplotlib scikit-learn adversarial-robustness-toolbox "
    "foolbox torch jax dask"
).split()


class Seconds(float):
    """A time that a case has measured itself."""


def arguments(doc, repeat, **own):
    """The command line of a benchmark: --repeat, --quick and --results, and its own flags.

    own: by the name of a flag, what argparse wants to know of it.
    """
    parser = cli.parser(doc)
    for name, options in own.items():
        parser.add_argument(f"--{name}", **options)
    parser.add_argument(
        "--repeat",
        type=cli.number(int, 1, 1000),
        default=repeat,
        help="repetitions (default: %(default)s)",
    )
    parser.add_argument("--quick", action="store_true", help="a small setting, to see that it runs")
    parser.add_argument(
        "--results",
        type=cli.path,
        default=runs.RESULTS,
        metavar="FOLDER",
        help="where benchmarks/<name>.json is written (default: results)",
    )
    return parser.parse_args()


def in_turn(cases, repeat, warm_up=True):
    """Run every case once unmeasured, then all of them `repeat` times, in turn.

    Arguments:
        cases: functions by name; the Seconds that one returns are taken instead of the time
            around it.

    Returns a list of seconds for each name.
    """
    seconds = {name: [] for name in cases}
    for repetition in range(-warm_up, repeat):
        for name, case in cases.items():
            start = time.perf_counter()
            own = case()
            elapsed = time.perf_counter() - start
            if repetition >= 0:
                seconds[name].append(own if isinstance(own, Seconds) else elapsed)
    return seconds


def machine():
    """What the numbers were measured on."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pass
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": versions,
    }


def finish(name, args, seconds, reference, **more):
    """Print the table and write benchmarks/<name>.json; ratios are over the case `reference`.

    Arguments:
        seconds: a list for each case; more: what else the file holds.
    """
    base = statistics.median(seconds[reference])
    cases = {
        case: {
            "median": statistics.median(values),
            "minimum": min(values),
            "maximum": max(values),
            "ratio": statistics.median(values) / base,
            "seconds": values,
        }
        for case, values in seconds.items()
    }
    width = max(map(len, cases))
    print(f"{'':{width}}  {'median':>12}  {'min – max':>25}  ratio to {reference}")
    for case, row in cases.items():
        median, low, high = (1e3 * row[key] for key in ("median", "minimum", "maximum"))
        print(f"{case:{width}}  {median:9.3f} ms  {low:9.3f} – {high:9.3f} ms  {row['ratio']:.3f}")
    for key, value in more.items():
        print(f"{key}: {value}")
    path = args.results / "benchmarks" / f"{name}.json"
    table = {"machine": machine(), "reference": reference, "repeat": args.repeat}
    files.write_json(path, table | {"quick": args.quick, "cases": cases} | more)
    print(path)
