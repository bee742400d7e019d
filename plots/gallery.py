"""All the figures, by two processes: the post's in plots/, the others in beyond/*/figures/."""

import contextlib
import importlib
import io
import multiprocessing
import signal
import sys

import style

NOT_FIGURES = ("__main__", "gallery", "style")


def modules():
    """The module of each figure by its name, found by its folder: the post's, then the others."""
    post = [path.stem for path in sorted(style.PLOTS.glob("*.py")) if path.stem not in NOT_FIGURES]
    others = sorted(style.ROOT.glob("beyond/*/figures/*.py"))
    return {name: name for name in post} | {
        path.stem: ".".join(path.relative_to(style.ROOT).with_suffix("").parts) for path in others
    }


def draw_all(names, results):
    """Draw the named figures, with a line on stdout for each and on stderr for what is missing.

    Returns what could not be drawn, {name: error}: FileNotFoundError where there is no run. Raises
    OSError if the second process is killed.
    """
    context = multiprocessing.get_context("spawn")  # a fork would take TensorFlow's threads along
    receiver, sender = context.Pipe(duplex=False)
    beside = context.Process(target=draw_beside, args=(names[1::2], results, sender), daemon=True)
    if names[1::2]:
        # The second process inherits that Ctrl-C, which reaches both, is left to the first.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        beside.start()
        signal.signal(signal.SIGINT, before)
    sender.close()  # this process's own: the receiver sees when the other one has ended
    failed, lines = draw_some(names[::2], results)
    if names[1::2]:
        try:
            parts = zip((failed, lines), receiver.recv())
        except EOFError:
            raise OSError("a process that drew figures has ended early; run it again") from None
        failed, lines = (ours | theirs for ours, theirs in parts)
    for line in [*lines, *(f"{name} is not drawn: {error}" for name, error in failed.items())]:
        print(line, file=sys.stderr)
    return failed


def draw_some(names, results):
    """Draw figures one after the other; returns what failed, {name: error}, and lines to print."""
    failed, lines, module = {}, {}, modules()  # a dictionary, as several figures miss the same run
    for name in names:
        with contextlib.redirect_stderr(io.StringIO()) as stderr:
            try:
                draw = importlib.import_module(module[name]).draw
                print(f"  {style.save(draw, name, results)}", flush=True)
            except (OSError, ValueError) as error:
                failed[name] = error
        lines |= dict.fromkeys(stderr.getvalue().splitlines())
    return failed, lines


def draw_beside(names, results, sender):
    """What the second process does."""
    with contextlib.suppress(BrokenPipeError):  # the first one was killed
        sender.send(draw_some(names, results))
