"""What every command line shares: argument types, flags, errors in one line."""

import argparse
import math
import os
import signal
import sys
import threading
from fractions import Fraction
from pathlib import Path

import common
from common import runs

LARGEST_EPSILON = 1000  # pixel units; a ball of radius 1 around an image holds every other one
DEFAULT = " (default: %(default)s)"


def number(kind, low, high, exclusive=False):
    """An argparse type: a finite int or float from low (or above low) to high."""

    def parse(text):
        try:
            value = kind(text)
        except (ValueError, ArithmeticError):
            value = math.nan
        if not (low < value <= high if exclusive else low <= value <= high):
            name = "a whole number" if kind is int else "a number"
            limits = f"{'above' if exclusive else 'from'} {low} to {high}"
            raise argparse.ArgumentTypeError(f"{text!r} is not {name} {limits}")
        return value

    return parse


def ratio(text):
    """A float from 0.25 or 8/255. Raises ValueError or ArithmeticError."""
    return float(Fraction(text))


# Argparse types.
epsilon = number(ratio, 0, LARGEST_EPSILON)  # in pixel units
digit = number(int, 0, 9)

# What add_argument takes for flags that several scripts have, beside their defaults.
EPOCHS = dict(type=number(int, 1, 10_000), help="passes over the training images" + DEFAULT)
BATCH_SIZE = dict(type=number(int, 1, 60_000), help="images per step" + DEFAULT)
LEARNING_RATE = dict(
    type=number(float, 0, 1e9, exclusive=True),
    help="for the losses summed over a batch and divided by the batch size" + DEFAULT,
)
SEED = dict(
    type=number(int, 0, 2**31 - 1),
    help="of the initial weights and, with --shuffle, of the order" + DEFAULT,
)
VALIDATION = dict(
    type=number(float, 0, 0.9, exclusive=True),
    metavar="SHARE",
    help="hold out the last SHARE of the training images, as 0.1, and measure val_loss and "
    "val_accuracy on them (default: none, as in the post)",
)
DTYPE = dict(choices=["float32", "float64"], help="of the weights while they are trained" + DEFAULT)


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


def script_name():
    """The script that was started, as its messages name it: claims for python -m claims."""
    started = Path(sys.argv[0])
    return started.parent.name if started.name == "__main__.py" else started.name


def parser(doc, results=False):
    """An ArgumentParser that shows the script's docstring and has --debug, as every script has.

    results: whether it has --results as well.
    """
    result = argparse.ArgumentParser(
        prog=script_name(),
        description=doc,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("--debug", action="store_true", help="show the traceback of an error")
    if results:
        help = "the folder of results (default: results, or results-A-B for other digits)"
        result.add_argument("--results", type=path, metavar="FOLDER", help=help)
    return result


def pair_parser(doc):
    """A parser of scripts that measure one pair of digits: it has --digits and --results."""
    result = parser(doc, results=True)
    result.add_argument(
        "--digits",
        nargs=2,
        type=digit,
        action=Distinct,
        default=list(runs.DIGITS),
        metavar=("A", "B"),
        help="the two digits; A is -1 and B is +1 (default: 0 1)",
    )
    return result


def add_epsilons(to, default):
    help = "the ℓ∞ radius in pixel units (a pixel goes from 0 to 1), as 0.25 or 8/255, repeatable "
    to.add_argument(
        "--epsilon",
        type=epsilon,
        action=Distinct,
        default=list(default),
        dest="epsilons",
        metavar="ε",
        help=help + f"(default: {' '.join(map(str, default))})",
    )


def training_parser(doc, epochs, batch_size, learning_rate, shuffle=False, validation=False):
    """A parser of experiments that train; the defaults are the experiment's own.

    validation: whether it has --validation as well.
    """
    result = pair_parser(doc)
    result.add_argument("--epochs", default=epochs, **EPOCHS)
    result.add_argument("--batch-size", default=batch_size, **BATCH_SIZE)
    result.add_argument("--learning-rate", default=learning_rate, **LEARNING_RATE)
    result.add_argument("--seed", default=0, **SEED)
    result.add_argument(
        "--shuffle",
        action=argparse.BooleanOptionalAction,
        default=shuffle,
        help="a new order of the images each epoch; the post has one fixed order" + DEFAULT,
    )
    if validation:
        result.add_argument("--validation", **VALIDATION)
    return result


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

    if threading.current_thread() is threading.main_thread():  # others cannot handle signals
        for number in (signal.SIGINT, signal.SIGTERM):
            # Ctrl-C stays ignored where the shell ignores it, as for jobs in the background.
            if signal.getsignal(number) != signal.SIG_IGN:
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
        sys.stdout.flush()
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
        text += "; free some space, or choose another folder with --results"
    return text
