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


def main():
    names = list(gallery.modules())
    parser = style.cli.parser(__doc__, results=True)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"figures to draw: {', '.join(names)} (default: all)",
    )
    args = parser.parse_args()
    unknown = set(args.names) - set(names)
    if unknown:
        parser.error(
            f"argument NAME: there is no figure {min(unknown)!r}; choose from " + ", ".join(names)
        )
    failed = gallery.draw_all(args.names or names, style.cli.results_folder(args))
    sys.exit(
        any(
            name in args.names or not isinstance(error, FileNotFoundError)
            for name, error in failed.items()
        )
    )


if __name__ == "__main__":
    style.cli.run(main)
