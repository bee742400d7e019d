"""What every command line shares: argument types, flags, errors in one line."""

import argparse
import math
import os
import signal
import sys
from pathlib import Path

import common
from common import runs

SMALLEST_EPSILON = 1e-9  # above 0: far less than float32 can add to a pixel
LARGEST_EPSILON = 1000  # pixel units; a ball of radius 1 around an image holds every other one


def number(kind, low, high, exclusive=False):
    """An argparse type: a finite int or float from low (or above low) to high."""

    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not (low < value <= high if exclusive else low <= value <= high):
            name = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(
                f"{text!r} is not {name} {'above' if exclusive else 'from'} {low} to {high}"
            )
        return value

    return parse


def ratio(text):
    """A float from 0.25 or 8/255. Raises ValueError."""
    above, slash, below = text.partition("/")
    if slash and not 0 < float(below) < math.inf:
        raise ValueError("the number below must be positive")
    return float(above) / float(below) if slash else float(above)


def epsilon(text):
    """An argparse type: an ℓ∞ radius in pixel units, a decimal or a fraction such as 8/255."""
    value = number(ratio, 0, LARGEST_EPSILON)(text) + 0.0  # turns -0.0 into 0.0
    if 0 < value < SMALLEST_EPSILON:
        raise argparse.ArgumentTypeError(f"{text!r} is below {SMALLEST_EPSILON:g}")
    return value


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


def add_digits(to):
    to.add_argument(
        "--digits",
        nargs=2,
        type=number(int, 0, 9),
        action=Distinct,
        default=list(runs.DIGITS),
        metavar=("A", "B"),
        help="the two digits; A is -1 and B is +1 (default: 0 1)",
    )


def add_results(to):
    to.add_argument(
        "--results",
        type=path,
        metavar="FOLDER",
        help="the folder of results (default: results, or results-A-B for other digits)",
    )


def pair_parser(doc):
    """A parser of scripts that measure one pair of digits: it has --digits and --results."""
    result = parser(doc)
    add_digits(result)
    add_results(result)
    return result


def add_epsilons(to, default):
    to.add_argument(
        "--epsilon",
        type=epsilon,
        action=Distinct,
        default=list(default),
        dest="epsilons",
        metavar="ε",
        help="the ℓ∞ radius in pixel units (0..1 is the range of a pixel), repeatable "
        f"(default: {' '.join(map(str, default))})",
    )


def add_training(to, epochs, batch_size, learning_rate, shuffle=False, validation=False):
    """The flags of every experiment that trains; the defaults are the experiment's own.

    validation: whether it has --validation as well.
    """
    add_digits(to)
    add_results(to)
    to.add_argument(
        "--epochs",
        type=number(int, 1, 10_000),
        default=epochs,
        help="passes over the training images (default: %(default)s)",
    )
    to.add_argument(
        "--batch-size",
        type=number(int, 1, 60_000),
        default=batch_size,
        help="images per step (default: %(default)s)",
    )
    to.add_argument(
        "--learning-rate",
        type=number(float, 0, 1e9, exclusive=True),
        default=learning_rate,
        help="for the losses summed over a batch and divided by the batch size "
        "(default: %(default)s)",
    )
    to.add_argument(
        "--seed",
        type=number(int, 0, 2**31 - 1),
        default=0,
        help="of the initial weights and, with --shuffle, of the order (default: %(default)s)",
    )
    to.add_argument(
        "--shuffle",
        action=argparse.BooleanOptionalAction,
        default=shuffle,
        help="a new order of the images each epoch; the post has one fixed order "
        "(default: %(default)s)",
    )
    if validation:
        to.add_argument(
            "--validation",
            type=number(float, 0, 0.9, exclusive=True),
            metavar="SHARE",
            help="hold out the last SHARE of the training images, as 0.1, and measure val_loss and "
            "val_accuracy on them (default: none, as in the post)",
        )


def add_dtype(to, default):
    to.add_argument(
        "--dtype",
        choices=["float32", "float64"],
        default=default,
        help="of the weights while they are trained (default: %(default)s)",
    )


def results_folder(args):
    """The folder that --results names, or results, or results-A-B for other digits."""
    if args.results:
        return args.results
    digits = tuple(getattr(args, "digits", runs.DIGITS))
    return runs.RESULTS if digits == runs.DIGITS else runs.ROOT / "results-{}-{}".format(*digits)


def run(main):
    """Run a script's main: what can be foreseen is told in one line, with a status.

    1: it failed; 2: bad arguments (argparse); 130 and 143: stopped by Ctrl-C or SIGTERM. Nothing in
    the process is changed once main has ended.
    """
    received = []

    def stop(number, frame):
        received.append(number)
        raise KeyboardInterrupt

    # Ctrl-C stays ignored where the shell ignores it, as for jobs in the background.
    signals = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in signals}
    streams = [stream for stream in (sys.stdout, sys.stderr) if hasattr(stream, "reconfigure")]
    status, errors = 0, {stream: stream.errors for stream in streams}
    for stream in errors:  # an ε must not stop a run that prints to an old code page
        stream.reconfigure(errors="backslashreplace")
    try:
        main()
        if received:  # TensorFlow may swallow it
            raise KeyboardInterrupt
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        foreseen = ValueError, OSError, ImportError, MemoryError, KeyboardInterrupt
        known = isinstance(error, foreseen)
        if not received and (not known or "--debug" in sys.argv):
            raise
        status = 128 + received[0] if received else 1
        if isinstance(error, BrokenPipeError):  # whoever read the output, as head, has had enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        else:
            print(f"{script_name()}: {message(error, received)}", file=sys.stderr)
    finally:
        for stream, value in errors.items():
            stream.reconfigure(errors=value)
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
        text += common.cure((error.name or "").partition(".")[0])
    elif type(error) in (PermissionError, OSError) and error.errno:
        text += "; free some space, or choose another folder"
    return text
