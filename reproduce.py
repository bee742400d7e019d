"""Reproduce the post, in its order: data, four models, thirteen figures, table, report.

    python reproduce.py              # the post, into results/; about three imports of TensorFlow
    python reproduce.py --all        # and everything beyond it: minutes
    python reproduce.py --digits 3 8 # another pair, into results-3-8/ (build it with data_prep.py)
    python reproduce.py --epsilon 0.05 --epsilon 8/255 --results mine   # other robust models

Ends with the post's table beside ours. The report has a section for whatever runs are there.
"""

import contextlib
import importlib
import multiprocessing
import signal
import sys
import time
from concurrent import futures

from claims import __main__ as claims
from common import cli, files, runs
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
)
# In processes that give TensorFlow two threads: what takes longest, and what reads it.
CERTIFIED = ("train networks with a certificate", "beyond.networks.certified")
LANDSCAPES = ("look for turning points in networks", "beyond.networks.landscapes")
AFTER_CERTIFIED = (
    ("try other threats on these networks", "beyond.threats.threats"),
    ("look at what these networks look at", "beyond.networks.meaning"),
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


@contextlib.contextmanager
def processes(count):
    """An executor of processes beside this one, to which Ctrl-C, which reaches all, is left."""
    context, ignored = multiprocessing.get_context("spawn"), (signal.SIGINT, signal.SIG_IGN)
    with futures.ProcessPoolExecutor(count, context, signal.signal, ignored) as executor:
        try:
            yield executor
        except BaseException as error:
            for child in multiprocessing.active_children():
                child.terminate()  # or its step would be waited for
            if isinstance(error, futures.BrokenExecutor):
                raise OSError("a process has ended early, perhaps for want of memory") from None
            raise


def run_beyond(shared, start):
    """All that is linear in this process, and the networks beside it."""
    with processes(2) as executor:
        beside = lambda step: executor.submit(run_steps, [step], shared, start)
        certified = beside(CERTIFIED)
        run_steps(BEYOND, shared, start)
        rest = [beside(LANDSCAPES)]  # now that this process is done
        certified.result()
        rest += map(beside, AFTER_CERTIFIED)
        for each in rest:
            each.result()


def draw_figures(names, results):
    sys.path.insert(1, str(runs.ROOT / "plots"))  # before PYTHONPATH
    gallery = importlib.import_module("gallery")
    for error in gallery.draw_all(names, results).values():
        if not isinstance(error, FileNotFoundError):
            raise error


def main(argv=None):
    args = parse_args(argv)
    results, start = cli.results_folder(args), time.perf_counter()
    shared = ["--digits", *map(str, args.digits), f"--results={results}"]
    with contextlib.suppress(OSError, LookupError):
        cases = files.read_json(runs.RESULTS / "benchmarks" / "pipeline.json")["cases"]
        seconds = cases["reproduce.py --all" if args.all else "reproduce.py"]["median"]
        print(f"Expect about {seconds:.0f} s; that long it took on two cores.")
    results.mkdir(parents=True, exist_ok=True)  # now, and not after the first training
    radii = [word for epsilon in args.epsilons for word in ("--epsilon", str(epsilon))]
    run_steps([("verify the data", "data_prep")], shared[:3], start)
    run_steps(POST, shared, start, {"experiment_robust": radii})
    if args.all:
        run_beyond(shared, start)

    heading("draw the figures", start)
    draw_figures(figures.FIGURES if args.all else figures.POST_FIGURES, results)
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
