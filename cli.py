"""Shared by all command lines: argument types, training flags, one-line errors."""
import os
import signal
import sys


def say(message):
    """One line on stderr, under the script's name."""
    print(f"{os.path.basename(sys.argv[0])}: {' '.join(message.splitlines())}", file=sys.stderr)


def press(number, frame):
    """The handler of Ctrl-C during imports: Python's own, but remembered."""
    pressed.append(number)
    raise KeyboardInterrupt


def interrupted_import(kind, error, traceback):
    """sys.excepthook: report Ctrl-C during imports, and a package that is not installed, in one line, too."""
    if kind is KeyboardInterrupt or pressed:  # NumPy, as it is imported, makes an ImportError of it
        say("interrupted before it began")
        if kind is not KeyboardInterrupt:
            os._exit(128 + signal.SIGINT)
    elif kind is ModuleNotFoundError and "--debug" not in sys.argv:
        say(f"{error}{hint(error)}")
    else:
        sys.__excepthook__(kind, error, traceback)


if os.path.abspath(sys.argv[0]).startswith(os.path.dirname(os.path.abspath(__file__))):  # a script of ours, not somebody's notebook
    pressed = []
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, press)
    sys.excepthook = interrupted_import  # here, not in `run`, and first of all, because the imports below take a while

import argparse  # noqa: E402
import contextlib  # noqa: E402
import errno  # noqa: E402
import io  # noqa: E402
import math  # noqa: E402
import threading  # noqa: E402
from pathlib import Path  # noqa: E402

import storage  # noqa: E402

DIGITS = (0, 1)  # the post's pair: the first is labelled -1, the second +1
INTERRUPTS = [signal.SIGINT, signal.SIGTERM] + ([signal.SIGALRM] if hasattr(signal, "SIGALRM") else [])  # the last not on Windows
SWALLOWED = 1  # seconds after which an interrupt that has not ended the script is raised again
MOST_EXAMPLES = 60_000  # MNIST's training images, all ten digits
LARGEST_LEARNING_RATE = 1e9  # far beyond what any training survives
LARGEST_EPSILON = 1000  # pixel units; a ball of radius 1 around an image already holds every other one


def number(kind, low, high, exclusive=False):
    """An argparse type: a finite int or float from low to high (above low, if `exclusive` is True)."""
    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not (low < value <= high if exclusive else low <= value <= high):
            name = "a whole number" if kind is int else "a number"
            bound = f"above {low}" if exclusive else f"from {low}"
            raise argparse.ArgumentTypeError(f"{text!r} is not {name} {bound} to {high}")
        return value
    return parse


def epsilon(text):
    """An argparse type: an l-infinity radius in pixel units, with at most six decimals so that folder names stay distinct."""
    value = number(float, 0, LARGEST_EPSILON)(text) + 0.0  # turns -0.0 into 0.0
    if float(storage.epsilon_name(value)) != value:
        raise argparse.ArgumentTypeError(f"{text!r} has more than six digits after the point, which the run's folder "
                                         "name would lose")
    return value


def path(text):
    """An argparse type: a path, existing or not. An empty one is refused: usually an unset shell variable."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the path is empty; this folder is .")
    try:
        os.lstat(text)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise argparse.ArgumentTypeError(f"'{text[:30]}...' is too long for a path") from None
    return Path(text)


class Different(argparse.Action):
    """Collect the values of a repeated flag, or of a pair, and refuse duplicates."""

    def __call__(self, parser, namespace, values, option_string=None):
        if isinstance(values, list):
            collected = values
        else:
            earlier = getattr(namespace, self.dest)
            collected = [values] if earlier is self.default else [*earlier, values]
        if len(set(collected)) < len(collected):
            parser.error(f"argument {option_string}: {collected[-1]} is given twice")
        setattr(namespace, self.dest, collected)


def parser(doc):
    """An ArgumentParser that shows the script's docstring and has --debug, as every script does."""
    result = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     allow_abbrev=False)
    result.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return result


def add_digits(to):
    to.add_argument("--digits", nargs=2, type=number(int, 0, 9), action=Different, default=list(DIGITS),
                    metavar=("A", "B"), help="the two digits; A is -1 and B is +1 (default: 0 1)")


def add_out_dir(to):
    to.add_argument("--out-dir", type=path, help="where the run's folder goes (default: results, "
                    "or results-A-B for other digits)")


def folder(text):
    """An argparse type: a folder that exists."""
    if not path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is not a folder; --results takes one with saved runs")
    return Path(text)


def add_results(to):
    to.add_argument("--results", type=folder, default=storage.RESULTS, help="the folder with the saved runs (default: results)")


def add_epsilons(to, default):
    to.add_argument("--epsilon", type=epsilon, action=Different, default=list(default), dest="epsilons", metavar="ε",
                    help="the l-infinity radius, in pixel units (0..1 is the range of a pixel), repeatable "
                    f"(default: {' '.join(map(str, default))})")


def add_training(to, epochs, batch_size, learning_rate, seeds=False):
    """The flags of every experiment that trains with SGD; the defaults are the experiment's own."""
    add_digits(to)
    add_out_dir(to)
    to.add_argument("--epochs", type=number(int, 1, 10_000), default=epochs, help="passes over the training images "
                    "(default: %(default)s)")
    to.add_argument("--batch-size", type=number(int, 1, MOST_EXAMPLES), default=batch_size, help="images per step "
                    "(default: %(default)s)")
    to.add_argument("--learning-rate", type=number(float, 0, LARGEST_LEARNING_RATE, exclusive=True), default=learning_rate,
                    help="of SGD, for the loss summed over a batch and divided by the batch size (default: %(default)s)")
    one_or_many = to.add_mutually_exclusive_group()
    one_or_many.add_argument("--seed", type=number(int, 0, 2**31 - 1), default=0, help="of the initial weights and, with --shuffle, of "
                             "the order of the images (default: %(default)s)")
    to.add_argument("--shuffle", action="store_true", help="a new order of the images each epoch (default: the "
                    "post's, which is one fixed order)")
    if seeds:
        one_or_many.add_argument("--seeds", type=number(int, 2, 1000), metavar="N", help="instead of one run, the spread over N "
                                 "of them: seeds 0 ... N-1, each with --shuffle")


def add_dtype(to, default):
    to.add_argument("--dtype", choices=["float32", "float64"], default=default, help="of the weights while they are trained; "
                    "float64 is slower, and hardly depends on the order of sums (default: %(default)s)")


def out_dir(args):
    """The results folder that the arguments ask for: the post's digits go to results/, others to results-A-B/."""
    if args.out_dir is not None:
        return args.out_dir
    return storage.RESULTS if tuple(args.digits) == DIGITS else storage.ROOT / "results-{}-{}".format(*args.digits)


@contextlib.contextmanager
def without_chatter():
    """Silence what TensorFlow's C++ prints while it is imported, before its log level takes effect."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever the user's own choice is: the training loop is TensorFlow's
    sys.stderr.flush()
    stderr = os.dup(2)
    try:
        with open(os.devnull, "w") as silence:
            os.dup2(silence.fileno(), 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


def hint(error):
    """A hint at what can be done about an error that does not say so itself."""
    if isinstance(error, ImportError):
        return "; install what is needed with: pip install -r requirements.txt -c constraints.txt (benchmarks: requirements-bench.txt)"
    return {errno.ENOSPC: "; free some space, or choose another place",
            errno.EACCES: "; change its permissions, or choose another place",
            errno.EROFS: "; choose another place"}.get(getattr(error, "errno", None), "")


def run(main):
    """Run a script's main; turn foreseeable errors into one line and an exit status.

    1: it failed; 2: bad arguments (argparse); 130 and 143: interrupted by SIGINT or SIGTERM.
    """
    received = []

    def interrupt(number, frame):
        # TensorFlow's C++ may print this exception, as a traceback, or swallow it: nothing of it is shown, and it is raised again.
        received.append(number)
        if "--debug" not in sys.argv:
            sys.stderr = io.StringIO()
        _alarm(SWALLOWED)
        raise KeyboardInterrupt

    # Ctrl-C stays ignored where the shell ignores it, as for jobs in the background.
    signals = [number for number in INTERRUPTS if signal.getsignal(number) != signal.SIG_IGN]
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w"))
        getattr(sys, name).reconfigure(errors="backslashreplace")  # an ε must not stop a run that prints to an old code page
    stderr = sys.stderr
    try:
        for number in signals:
            signal.signal(number, interrupt)
        main()
        sys.stdout.flush()  # so that a full disk or a closed pipe is told here, not by the interpreter at its end
    except SystemExit:
        raise
    except BaseException as error:
        _alarm(0)
        sys.stderr = stderr
        known = isinstance(error, (ValueError, OSError, ImportError, MemoryError))
        if received or isinstance(error, KeyboardInterrupt):  # an interrupted import may end in any exception
            say("interrupted; what was saved before is whole")
            status = 128 + (received or [signal.SIGINT])[0]
        elif not known or "--debug" in sys.argv:
            raise
        else:
            if not isinstance(error, BrokenPipeError):  # the reader of the pipe, as head, closed it on purpose
                say(f"{str(error) or type(error).__name__}{hint(error)}")
            status = 1
        _abandon_output()
        sys.exit(status)
    finally:
        _alarm(0)
        for number in signals:  # the work is finished or abandoned: another Ctrl-C would only garble the last message
            signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def interrupts_wait():
    """Inside, an interrupt waits for the end of the block: raised in the middle of TensorFlow, it may be lost or crash it."""
    waiting, handlers = [], {}
    if threading.current_thread() is threading.main_thread():  # only there does Python handle signals
        for number in INTERRUPTS:
            if callable(signal.getsignal(number)):
                handlers[number] = signal.signal(number, lambda *arguments: waiting.append(arguments))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if waiting:
        handlers[waiting[0][0]](*waiting[0])


def _alarm(seconds):
    """Send SIGALRM after some seconds, or never if they are 0."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _abandon_output():
    """Let the interpreter end quietly if what is left to print cannot be printed."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
