"""Reproduce the post from beginning to end: data, models, attacks, figures, report.

    python reproduce.py              # everything, into results/
    python reproduce.py --post       # what the post shows, and nothing beyond
    python reproduce.py --digits 3 8 # another pair, into results-3-8/ (downloads MNIST, if data_prep.py has not built the pair)

Ends with the post's table beside ours and with where to look.
"""
import importlib
import sys
import time

import claims
import cli
import data_prep
import report
import storage
from figures import FIGURES, POST_FIGURES

# (title, experiment, flags); a later one may read the runs of earlier ones.
POST = [
    ("train the regular model", "experiment_regular", []),
    ("train the robust models", "experiment_robust", []),
]
BEYOND = [
    ("prove the optimum", "experiment_exact", []),
    ("train the robust models until they converge", "experiment_robust", ["--recipe", "converged"]),
    ("train the regular model over seeds", "experiment_regular", ["--seeds", "20"]),
    ("train the robust models over seeds", "experiment_robust", ["--seeds", "20"]),
    ("train with an L1 penalty", "experiment_l1", []),
    ("attack through surrogates", "experiment_transfer", []),
    ("train and attack a network", "experiment_network", []),
    ("sweep training and attack", "experiment_sweep", []),
]


def parse_args(argv=None):
    parser = cli.parser(__doc__)
    cli.add_digits(parser)
    cli.add_out_dir(parser)
    parser.add_argument("--post", action="store_true", help="the post's part alone: its models, its figures")
    return parser.parse_args(argv)


def draw_figures(names, results):
    """Draw the named figures, on all cores."""
    sys.path.append(str(storage.ROOT / "plots"))
    import gallery
    failures = gallery.draw_all(names, results)
    if failures:
        raise ValueError(failures[0])


def main(argv=None):
    args = parse_args(argv)
    results = cli.out_dir(args)
    digits = ["--digits", *map(str, args.digits)]
    shared = digits + ([f"--out-dir={args.out_dir}"] if args.out_dir else [])
    experiments, figures = (POST, POST_FIGURES) if args.post else (POST + BEYOND, FIGURES)
    start = time.perf_counter()
    last = len(experiments) + 3

    def announce(number, title):
        print(f"[{number}/{last}] {title}", flush=True)

    announce(1, "verify the data")
    data_prep.main(digits)
    for number, (title, module, flags) in enumerate(experiments, 2):
        announce(number, title)
        # Imported late: TensorFlow is slow to load, and bad data should be reported first.
        importlib.import_module(module).main([*flags, *shared])
    announce(last - 1, "draw the figures")
    draw_figures(list(figures), results)
    announce(last, "write the report")
    if not args.post and tuple(args.digits) == cli.DIGITS:  # the claims are about the post's digits
        claims.main([f"--results={results}"])
    report.main([f"--results={results}"])
    print(f"\n{report.post_table(report.read_metrics(results), tuple(args.digits) == cli.DIGITS)}\n\n"
          f"All of it took {time.perf_counter() - start:.0f} s. Look at {results / 'README.md'} and {results / 'figures'}.")


if __name__ == "__main__":
    cli.run(main)
