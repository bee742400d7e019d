"""What every command line shares: argument types, flags, errors in one line."""

import argparse
import contextlib
import errno
import functools
import math
import os
import signal
import sys
from fractions import Fraction
from pathlib import Path

import common
from common import runs


def number(kind, low, high):
    """An argparse type: a finite int or float from low to high."""

    def parse(text):
        try:
            value = kind(text)
        except (ValueError, ArithmeticError):
            value = math.nan
        if not low <= value <= high:
            name = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(f"{text!r} is not {name} from {low} to {high}")
        return value

    return parse


def ratio(text):
    """A float from 0.25 or 8/255. Raises ValueError or ArithmeticError."""
    return float(Fraction(text))


def path(text):
    """An argparse type: a path, existing or not, but not empty (usually an unset variable)."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the path is empty; this folder is .")
    return Path(text)


class Distinct(argparse.Action):
    """Collects the values of a repeated flag, or of a pair, and refuses duplicates."""

    def __call__(self, parser, namespace, values, option_string=None):
        earlier = getattr(namespace, self.dest)
        if not isinstance(values, list):
            values = [values] if earlier is self.default else [*earlier, values]
        if len(set(values)) < len(values):
            parser.error(f"argument {option_string}: {values[-1]} is given twice")
        setattr(namespace, self.dest, values)


epsilon, digit = number(ratio, 0, 1000), number(int, 0, 9)  # a ball of radius 1 holds all images
FLAGS = {  # that several scripts have: what add_argument takes for them, beside the default
    "results": dict(type=path, help="the folder of results (default: results, or results-A-B)"),
    "digits": dict(
        type=digit, nargs=2, action=Distinct, metavar=("A", "B"), help="A is -1 and B is +1"
    ),
    "epochs": dict(type=number(int, 1, 10_000), help="passes over the training images"),
    "batch_size": dict(type=number(int, 1, 60_000), help="images per step"),
    "learning_rate": dict(type=number(float, 0, 1e9), help="for the mean loss of a full batch"),
    "seed": dict(type=number(int, 0, 2**31 - 1), help="of initial weights and shuffled order"),
    "seeds": dict(type=number(int, 1, 1000), metavar="N", help="train with the seeds 0 ... N-1"),
    "shuffle": dict(action=argparse.BooleanOptionalAction, help="a new order each epoch"),
    "validation": dict(
        type=number(float, 0, 0.9),
        help="hold out this share of the training images, the last, for val_loss and val_accuracy",
    ),
    "dtype": dict(choices=["float32", "float64"], help="of the weights while they are trained"),
    "epsilon": dict(
        type=epsilon,
        action=Distinct,
        dest="epsilons",
        metavar="ε",
        help="the ℓ∞ radius in pixel units (a pixel goes from 0 to 1), as 0.25 or 8/255; "
        "repeatable",
    ),
}


def add(to, **defaults):
    """Add some of FLAGS to a parser, by name, with their defaults; returns the parser."""
    for name, default in defaults.items():
        default = list(default) if isinstance(default, tuple) else default  # as flags give it
        flag = to.add_argument(f"--{name.replace('_', '-')}", default=default, **FLAGS[name])
        if default is not None:
            flag.help += " (default: %(default)s)"
    return to


def script_name():
    """The script that was started, as its messages name it: claims for python -m claims."""
    started = Path(sys.argv[0])
    return started.parent.name if started.name == "__main__.py" else started.name


def parser(doc, **flags):
    """An ArgumentParser with the script's docstring, --debug, and flags, some of FLAGS (`add`)."""
    result = argparse.ArgumentParser(
        prog=script_name(),
        description=doc,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return add(result, **flags)


# Of scripts that measure one pair of digits: with --results, --digits, and flags.
pair_parser = functools.partial(parser, results=None, digits=runs.DIGITS)


def results_folder(args):
    """The folder that --results names, or results, or results-A-B for other digits."""
    digits = tuple(getattr(args, "digits", runs.DIGITS))
    usual = runs.RESULTS if digits == runs.DIGITS else runs.ROOT / "results-{}-{}".format(*digits)
    return args.results or usual


def run(main):
    """Run a script's main: what can be foreseen is reported in one line, with a status.

    1: it failed; 2: bad arguments (argparse); 130 and 143: stopped by Ctrl-C or SIGTERM.
    """
    received, before = [], {}

    def stop(number, frame):
        received.append(number)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        # Ctrl-C stays ignored where the shell ignores it, as for jobs in the background.
        if signal.getsignal(number) != signal.SIG_IGN:
            with contextlib.suppress(ValueError):  # in a thread, which cannot handle signals
                before[number] = signal.signal(number, stop)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name) or open(os.devnull, "w")  # none in pythonw, or after 2>&-
        setattr(sys, name, stream)
        if hasattr(stream, "reconfigure"):  # an old code page has no ε
            stream.reconfigure(errors="backslashreplace")
    try:
        main()
        if received:  # TensorFlow may swallow it
            raise KeyboardInterrupt
        print(end="", flush=True)
    except (Exception, KeyboardInterrupt) as error:
        foreseen = ValueError, OSError, ImportError, MemoryError
        if not received and (not isinstance(error, foreseen) or "--debug" in sys.argv):
            raise
        if isinstance(error, BrokenPipeError):  # whoever read the output, as head, has had enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        else:
            text = "interrupted; what was saved before is whole" if received else message(error)
            print(f"{script_name()}: {text}", file=sys.stderr)
        sys.exit(128 + received[0] if received else 1)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def message(error):
    """One line that says what is wrong and what can be done."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, ModuleNotFoundError):
        text += common.remedy((error.name or "").partition(".")[0])
    elif type(error) in (PermissionError, OSError) and error.errno:
        refused, fix = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS), "free some space"
        if refused and error.filename:
            fix = f"make {Path(error.filename).parent} a folder that you may write"
        text += f"; {fix}, or choose another folder with --results"
    return text
