"""Reproduce the post from beginning to end: data, models, attacks, figures, report.

    python reproduce.py              # everything, into results/
    python reproduce.py --post       # what the post shows, and nothing beyond

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


def parse_args(argv=None):
    parser = cli.parser(__doc__)
    cli.add_out_dir(parser)
    parser.add_argument("--post", action="store_true", help="the post's part alone: its models, its figures")
    return parser.parse_args(argv)


def experiment(name, results, *flags):
    """A step that runs an experiment, imported when its turn comes: TensorFlow is the slowest thing here."""
    return lambda: importlib.import_module(name).main(["--out-dir", str(results), *flags])


def draw_figures(names, results):
    """Draw the named figures, on all cores."""
    sys.path.append(str(storage.ROOT / "plots"))
    import gallery
    failures = gallery.draw_all(names, results)
    if failures:
        raise ValueError(failures[0])


def main(argv=None):
    args = parse_args(argv)
    results = args.out_dir or storage.RESULTS
    steps = {
        "verify the data": lambda: data_prep.main([]),
        "train the regular model": experiment("experiment_regular", results),
        "train the robust models": experiment("experiment_robust", results),
    }
    figures = report.POST_FIGURES
    if not args.post:
        figures = report.FIGURES
        steps |= {
            "prove the optimum": experiment("experiment_exact", results),
            "train the robust models until they converge": experiment("experiment_robust", results, "--recipe", "converged"),
            "train over seeds": lambda: [experiment(name, results, "--seeds", "20")() for name in ("experiment_regular", "experiment_robust")],
            "train with an L1 penalty": experiment("experiment_l1", results),
            "attack through surrogates": experiment("experiment_transfer", results),
            "train and attack a network": experiment("experiment_network", results),
            "sweep training and attack": experiment("experiment_sweep", results),
            "measure the post's claims": lambda: claims.main(["--results", str(results)]),
        }
    steps |= {
        "draw the figures": lambda: draw_figures(list(figures), results),
        "write the report": lambda: report.main(["--results", str(results)]),
    }
    start = time.perf_counter()
    for number, (name, step) in enumerate(steps.items(), 1):
        print(f"[{number}/{len(steps)}] {name}", flush=True)
        step()
    print(f"\n{report.post_table(report.read_metrics(results))}\n\n"
          f"All of it took {time.perf_counter() - start:.0f} s. Look at {results / 'README.md'} and {results / 'figures'}.")


if __name__ == "__main__":
    cli.run(main)
