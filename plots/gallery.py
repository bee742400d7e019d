"""All the figures, by two processes."""

import contextlib
import importlib
import io
import multiprocessing
import signal
import sys

import style

from report import figures


def figure_names():
    """The figures that plots/ can draw, in the order of the report: the stems of its scripts."""
    return list(figures.FIGURES + figures.PAIR_FIGURES)


def draw_all(names, results):
    """Draw the named figures, with a line on stdout for each and on stderr for what is missing.

    Returns what could not be drawn, {name: error}: FileNotFoundError where there is no run. Raises
    OSError if the second process is killed.
    """
    names = list(names)
    context = multiprocessing.get_context("spawn")  # a fork would take TensorFlow's threads along
    receiver, sender = context.Pipe(duplex=False)
    beside = context.Process(target=draw_beside, args=(names[1::2], results, sender), daemon=True)
    if names[1::2]:
        # The second process inherits that Ctrl-C, which reaches both, is left to the first.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        beside.start()
        signal.signal(signal.SIGINT, before)
    sender.close()  # this process's own: the receiver sees when the other one has ended
    failed, told = draw_some(names[::2], results)
    if names[1::2]:
        try:
            parts = zip((failed, told), receiver.recv())
        except EOFError:
            raise OSError("a process that drew figures has ended early; run it again") from None
        failed, told = (ours | theirs for ours, theirs in parts)
    for line in [*told, *(f"{name} is not drawn: {error}" for name, error in failed.items())]:
        print(line, file=sys.stderr)
    return failed


def draw_some(names, results):
    """Draw figures one after the other; returns what failed, {name: error}, and lines to tell."""
    failed, told = {}, {}  # told: a dictionary, as several figures miss the same run
    for name in names:
        with contextlib.redirect_stderr(io.StringIO()) as stderr:
            try:
                path = style.save(importlib.import_module(name).draw, name, results)
                print(f"  {path}", flush=True)
            except (OSError, ValueError) as error:
                failed[name] = error
        told |= dict.fromkeys(stderr.getvalue().splitlines())
    return failed, told


def draw_beside(names, results, sender):
    """What the second process does."""
    with contextlib.suppress(BrokenPipeError):  # the first one was killed
        sender.send(draw_some(names, results))
