"""All the figures: the post's in plots/, the others in beyond/*/figures/."""

import contextlib
import importlib
import io
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


def draw_all(names, results, executor=None):
    """Draw the named figures, with a line on stdout for each and on stderr for what is missing.

    executor: of a process that draws half of them, from common/beside.py. Returns what could not
    be drawn, {name: error}: FileNotFoundError where there is no run.
    """
    names = list(names)
    half = executor.submit(draw_some, names[1::2], results) if executor and names[1:] else None
    failed, lines = draw_some(names[::2] if half else names, results)
    if half:
        failed, lines = (ours | theirs for ours, theirs in zip((failed, lines), half.result()))
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
