"""What every command line shares: argument types, flags, errors in one line."""

import argparse
import math
import os
import signal
import sys
import threading
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
        except (ValueError, ZeroDivisionError):
            value = math.nan
        if not (low < value <= high if exclusive else low <= value <= high):
            name = "a whole number" if kind is int else "a number"
            limits = f"{'above' if exclusive else 'from'} {low} to {high}"
            raise argparse.ArgumentTypeError(f"{text!r} is not {name} {limits}")
        return value

    return parse


def ratio(text):
    """A float from 0.25 or 8/255. Raises ValueError or ZeroDivisionError."""
    above, _, below = text.partition("/")
    return float(above) / float(below or 1) + 0.0  # turns -0.0 into 0.0


epsilon = number(ratio, 0, LARGEST_EPSILON)  # an argparse type, in pixel units


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
    path = Path(sys.argv[0])
    return path.parent.name if path.name == "__main__.py" else path.name


def parser(doc):
    """An ArgumentParser that shows the script's docstring and has --debug, as every script has."""
    result = argparse.ArgumentParser(
        prog=script_name(),
        description=doc,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return result


def add_results(to):
    help = "the folder of results (default: results, or results-A-B for other digits)"
    to.add_argument("--results", type=Path, metavar="FOLDER", help=help)


def pair_parser(doc):
    """A parser of scripts that measure one pair of digits: it has --digits and --results."""
    result = parser(doc)
    result.add_argument(
        "--digits",
        nargs=2,
        type=number(int, 0, 9),
        action=Distinct,
        default=list(runs.DIGITS),
        metavar=("A", "B"),
        help="the two digits; A is -1 and B is +1 (default: 0 1)",
    )
    add_results(result)
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
    result.add_argument(
        "--epochs",
        type=number(int, 1, 10_000),
        default=epochs,
        help="passes over the training images" + DEFAULT,
    )
    result.add_argument(
        "--batch-size",
        type=number(int, 1, 60_000),
        default=batch_size,
        help="images per step" + DEFAULT,
    )
    result.add_argument(
        "--learning-rate",
        type=number(float, 0, 1e9, exclusive=True),
        default=learning_rate,
        help="for the losses summed over a batch and divided by the batch size" + DEFAULT,
    )
    result.add_argument(
        "--seed",
        type=number(int, 0, 2**31 - 1),
        default=0,
        help="of the initial weights and, with --shuffle, of the order" + DEFAULT,
    )
    result.add_argument(
        "--shuffle",
        action=argparse.BooleanOptionalAction,
        default=shuffle,
        help="a new order of the images each epoch; the post has one fixed order" + DEFAULT,
    )
    if validation:
        result.add_argument(
            "--validation",
            type=number(float, 0, 0.9, exclusive=True),
            metavar="SHARE",
            help="hold out the last SHARE of the training images, as 0.1, and measure val_loss and "
            "val_accuracy on them (default: none, as in the post)",
        )
    return result


def add_dtype(to, default):
    help = "of the weights while they are trained" + DEFAULT
    to.add_argument("--dtype", choices=["float32", "float64"], default=default, help=help)


def results_folder(args):
    """The folder that --results names, or results, or results-A-B for other digits."""
    digits = tuple(getattr(args, "digits", runs.DIGITS))
    usual = runs.RESULTS if digits == runs.DIGITS else runs.ROOT / "results-{}-{}".format(*digits)
    return args.results or usual


def run(main):
    """Run a script's main: what can be foreseen is reported in one line, with a status.

    1: it failed; 2: bad arguments (argparse); 130 and 143: stopped by Ctrl-C or SIGTERM. The
    handlers of signals are put back when main has ended; in a thread they cannot be changed.
    """
    received = []

    def stop(number, frame):
        received.append(number)
        raise KeyboardInterrupt

    # Ctrl-C stays ignored where the shell ignores it, as for jobs in the background.
    own = threading.current_thread() is threading.main_thread()
    signals = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in signals if own}
    for name in ("stdout", "stderr"):  # closed by 2>&-, or never there, as in pythonw and services
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))
        elif hasattr(getattr(sys, name), "reconfigure"):  # an old code page has no ε
            getattr(sys, name).reconfigure(errors="backslashreplace")
    status = 0
    try:
        main()
        if received:  # TensorFlow may swallow it
            raise KeyboardInterrupt
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        foreseen = ValueError, OSError, ImportError, MemoryError, KeyboardInterrupt
        if not received and (not isinstance(error, foreseen) or "--debug" in sys.argv):
            raise
        status = 128 + received[0] if received else 1
        if isinstance(error, BrokenPipeError):  # whoever read the output, as head, has had enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        else:
            print(f"{script_name()}: {message(error, received)}", file=sys.stderr)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if status:
        sys.exit(status)


def message(error, received=()):
    """One line that says what is wrong and what can be done."""
    if received:
        return "interrupted; what was saved before is whole"
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, ModuleNotFoundError):
        text += common.remedy((error.name or "").partition(".")[0])
    elif type(error) in (PermissionError, OSError) and error.errno:
        text += "; free some space, or choose another folder with --results"
    return text
