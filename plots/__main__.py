"""Draw every figure, or those that are named, on all cores.

    python plots                     # all of them, into results/figures/
    python plots robust_accuracy model_weights --results results-3-8

A figure whose run is missing is skipped; a line names the command that creates the run, and the exit status is 1.
"""
import sys

import gallery
import style


def main():
    parser = style.cli.parser(__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="figures to draw: "
                        + ", ".join(gallery.figure_names()) + " (default: all)")
    style.cli.add_results(parser)
    args = parser.parse_args()
    unknown = set(args.names) - set(gallery.figure_names())
    if unknown:
        parser.error(f"argument NAME: there is no figure {min(unknown)!r}; choose from {', '.join(gallery.figure_names())}")
    failures = gallery.draw_all(args.names or gallery.figure_names(), args.results)
    for failure in failures:
        print(failure, file=sys.stderr)
    sys.exit(bool(failures))


if __name__ == "__main__":
    style.cli.run(main)
