"""Draw every figure, or those that are named.

    python plots                     # all of them, into results/figures/; about 7 s
    python plots robust_accuracy model_weights --results results-3-8

A run that is missing is left out, and so is a figure that has none; a line names the command that
makes it. The exit status is 1 if a figure that was named is not drawn, or if a run is damaged.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # python -m plots sees its parent only

import style
import gallery

from common import beside


def main():
    names = list(gallery.modules())
    parser = style.cli.parser(__doc__, results=None)
    known = ", ".join(names)
    which = f"figures to draw: {known} (default: all)"
    parser.add_argument("names", nargs="*", metavar="NAME", help=which)
    args = parser.parse_args()
    unknown = set(args.names) - set(names)
    if unknown:
        wrong = min(unknown)
        parser.error(f"argument NAME: there is no figure {wrong!r}; choose from {known}")
    with beside.processes(1) as executor:
        results = style.cli.results_folder(args)
        failed = gallery.draw_all(args.names or names, results, executor)
    missing = {name for name, error in failed.items() if isinstance(error, FileNotFoundError)}
    sys.exit(bool(failed.keys() - (missing - set(args.names))))


if __name__ == "__main__":
    style.cli.run(main)
