"""What the benchmarks share: cases measured alternately, a table, and a JSON file with every repetition.

Times on a busy machine are noise, ratios within one run are not: all cases of a benchmark are run once, then all of them
again, and each figure is a median. Nothing here is a test.
"""
import importlib.metadata
import os
import platform
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # first: benchmarks/training.py is not the training that it imports

import cli  # noqa: E402
import storage  # noqa: E402

PACKAGES = ("tensorflow", "keras", "numpy", "scipy", "matplotlib", "scikit-learn", "adversarial-robustness-toolbox", "foolbox")


class Seconds(float):
    """A time that a case has measured itself."""


def arguments(doc, repeat):
    """The command line of a benchmark: --repeat, --out-dir and --quick."""
    parser = cli.parser(doc)
    parser.add_argument("--repeat", type=cli.number(int, 1, 1000), default=repeat, help="repetitions (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="a small setting, to see that it runs")
    parser.add_argument("--out-dir", type=cli.path, default=storage.RESULTS / "benchmarks", help="where the JSON file goes (default: results/benchmarks)")
    return parser.parse_args()


def in_turn(cases, repeat, warm_up=True):
    """Run every case once unmeasured, then all of them `repeat` times, alternately.

    Arguments:
        cases: functions by name; the Seconds that one returns are taken instead of the time around it.

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
    return dict(system=platform.system(), machine=platform.machine(), cores=os.cpu_count(), python=platform.python_version(),
                versions=versions)


def finish(name, args, seconds, reference, **more):
    """Print the table of a benchmark and write results/benchmarks/<name>.json; ratios are over the case `reference`."""
    base = statistics.median(seconds[reference])
    rows = {case: dict(median=statistics.median(values), minimum=min(values), maximum=max(values),
                       ratio=statistics.median(values) / base, seconds=values) for case, values in seconds.items()}
    width = max(map(len, rows))
    print(f"{'':{width}}  {'median':>12}  {'min – max':>25}  ratio to {reference}")
    for case, row in rows.items():
        print(f"{case:{width}}  {1e3 * row['median']:9.3f} ms  {1e3 * row['minimum']:9.3f} – {1e3 * row['maximum']:9.3f} ms  "
              f"{row['ratio']:.3f}")
    for key, value in more.items():
        print(f"{key}: {value}")
    path = args.out_dir / f"{name}.json"
    storage.write_json(path, dict(machine=machine(), reference=reference, repeat=args.repeat, quick=args.quick, cases=rows, **more))
    print(path)
