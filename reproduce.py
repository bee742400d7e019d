"""Reproduce the post, in its order: data, four models, thirteen figures, table, report.

    python reproduce.py              # the post, into results/; about three imports of TensorFlow
    python reproduce.py --all        # and everything beyond it: minutes
    python reproduce.py --digits 3 8 # another pair, into results-3-8/ (build it with data_prep.py)
    python reproduce.py --epsilon 0.05 --epsilon 8/255 --results mine   # other robust models

Ends with the post's table beside ours. The report has a section for whatever runs are there.
"""

import contextlib
import importlib
import sys
import time

from claims import __main__ as claims
from common import beside, cli, files, runs
from report import figures, page, report

# (title, script); a later one may read the runs of earlier ones.
POST = (
    ("train the regular model", "experiment_regular"),
    ("train the robust models", "experiment_robust"),
)
BEYOND = (
    ("prove the optimum", "beyond.linear.exact"),
    ("count the fewest pixels that fool a model", "beyond.threats.few_pixels"),
    ("prove the exact phase diagram", "beyond.linear.diagram"),
    ("train with an L1 penalty", "beyond.linear.l1"),
    ("train the robust models until they converge", "beyond.linear.converged"),
    ("sweep training and attack", "beyond.chance.sweep"),
    ("stop SGD later", "beyond.linear.stopped"),
    ("take the weak pixels away", "beyond.linear.weak"),
    ("validate on every image", "beyond.chance.crossvalidation"),
    ("shift the test images", "beyond.threats.shifts"),
    ("train for other balls", "beyond.linear.norms"),
    ("attack through surrogates", "beyond.threats.transfer"),
    ("train over seeds", "beyond.chance.seeds"),
    ("look for turning points in networks", "beyond.networks.landscapes"),
)


def parse_args(argv=None):
    parser = cli.pair_parser(__doc__, epsilon=runs.EPSILONS)
    parser.add_argument("--all", action="store_true", help="everything beyond the post as well")
    args = parser.parse_args(argv)
    if args.all and tuple(args.epsilons) != runs.EPSILONS:
        parser.error("argument --epsilon: not with --all, which measures the post's claims")
    return args


def heading(text, start):
    """A line that stands out, with the seconds since `start`."""
    print(f"\n== {time.perf_counter() - start:3.0f} s: {text}", flush=True)


def run_steps(steps, shared, start, own=None):
    """Run some scripts, each under its title; imported late, as TensorFlow is slow to load.

    shared: the flags of all of them; own: those of a single one, by its module.
    """
    for number, (title, module) in enumerate(steps, 1):
        heading(f"{number}/{len(steps)} {title} (python {module})", start)
        importlib.import_module(module).main([*(own or {}).get(module, []), *shared])


def run_all(shared, start):
    """The post and all that is linear in this process, and what is measured of networks beside."""
    names = "networks.certified", "networks.meaning", "threats.threats"
    certified, meaning, threats = (importlib.import_module(f"beyond.{name}") for name in names)
    with beside.networks() as executor:
        args = certified.parse_args(shared)
        tasks = certified.submitted(executor, args)
        run_steps((*POST, *BEYOND), shared, start)
        heading("train networks with a certificate (python -m beyond.networks.certified)", start)
        certified.save(args, tasks)
        heading("try other threats on them, and look at what they look at", start)
        args, looks = threats.parse_args(shared), executor.submit(meaning.main, shared)
        threats.save(args, threats.submitted(executor, args))
        looks.result()


def gallery():
    sys.path.insert(1, str(runs.ROOT / "plots"))  # before PYTHONPATH
    return importlib.import_module("gallery")


def main(argv=None):
    args = parse_args(argv)
    results, start = cli.results_folder(args), time.perf_counter()
    shared = ["--digits", *map(str, args.digits), f"--results={results}"]
    with contextlib.suppress(OSError, LookupError):
        cases = files.read_json(runs.RESULTS / "benchmarks" / "pipeline.json")["cases"]
        seconds = cases["reproduce.py --all" if args.all else "reproduce.py"]["median"]
        print(f"Expect about {seconds:.0f} s; that long it took on two cores.")
    radii = [word for epsilon in args.epsilons for word in ("--epsilon", str(epsilon))]
    pictures = gallery()
    with beside.processes(1) as artist:
        if artist:
            artist.submit(pictures.draw_some, [], results)  # imports Matplotlib meanwhile
        run_steps([("verify the data", "data_prep")], shared[:3], start)
        results.mkdir(parents=True, exist_ok=True)  # now, and not after the first training
        if args.all:
            run_all(shared, start)
        else:
            run_steps(POST, shared, start, {"experiment_robust": radii})
        heading("draw the figures", start)
        names = figures.FIGURES if args.all else figures.POST_FIGURES
        for error in pictures.draw_all(names, results, artist).values():
            if not isinstance(error, FileNotFoundError):
                raise error
    heading("write the report", start)
    of_the_post = tuple(args.digits) == runs.DIGITS
    if args.all and of_the_post:  # the claims are about the post's digits
        claims.main([f"--results={results}"])
    report.main([f"--results={results}"])
    if args.all:
        page.main([f"--results={results}"])
    print(
        f"\n{report.post_table(results)}\n\nIt took {time.perf_counter() - start:.0f} s. Look at "
        f"{results / 'README.md'} and {results / 'figures'}."
    )


if __name__ == "__main__":
    cli.run(main)
