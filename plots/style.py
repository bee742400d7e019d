"""What the figures share: colours, axes with arrows, the runs they read, and saving."""
import io
import itertools
import sys
from pathlib import Path

PLOTS = Path(__file__).resolve().parent
sys.path.append(str(PLOTS.parent))  # `python plots/x.py` sees its own folder only

import cli  # noqa: E402, before Matplotlib: from here on Ctrl-C ends in one line
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from matplotlib.colors import LinearSegmentedColormap, to_hex  # noqa: E402

import storage  # noqa: E402
from storage import read_run  # noqa: E402, F401 (for the plot scripts)

RUNS = storage.POST_RUNS  # the models that the figures show; add your own here: (*storage.POST_RUNS, "robust-0.25")
EPSILONS = storage.POST_EPSILONS  # of the figures about the optimum and of the phase diagram's marks, in pixel units
WIDTH = 7.0  # inches, of a figure across the page: 1,400 pixels, twice what a README shows
GREEN = "#d9f2d9"  # the region that the text talks about
GREY = "#e8e8e8"  # the area above or below a curve
THIN = dict(color="0.55", linewidth=0.7)  # a curve that is there for comparison
REGULAR_COLOUR = "#8c8c8c"
ROBUST_COLOURS = ("#a3d9a5", "#57ab5a", "#22662b")  # darker for larger training epsilon
OWN_COLOURS = ("#2171b5", "#d08a2e", "#6a51a3")  # of runs with a loss of your own
BOX = dict(boxstyle="square,pad=0.4", facecolor="white", edgecolor="black", linewidth=0.7)  # round a formula


def label(run):
    """What a figure calls a run: robust-0.1 is "robust ε = 0.1"."""
    kind, _, epsilon = run.partition("-")
    return f"{kind} $\\epsilon$ = {epsilon.replace('-', ', ')}" if epsilon[:1].isdigit() else run


def colours(runs):
    """A colour for each run: regular grey, robust the darker green the larger their epsilon, others one of their own."""
    robust = sorted(run for run in runs if run.startswith("robust-"))
    greens = LinearSegmentedColormap.from_list("robust", ROBUST_COLOURS)(np.linspace(0, 1, len(robust)))
    own = itertools.cycle(OWN_COLOURS)
    return [REGULAR_COLOUR if run == "regular" else to_hex(greens[robust.index(run)]) if run in robust else next(own) for run in runs]


def sketch_axes(axes, x, y, xlabel, ylabel, xticks=(), yticks=()):
    """Turn axes into the post's sketches: two thin arrows through the origin and only the ticks that matter.

    Arguments:
        x, y: (low, high) of the axes, data units; the arrow heads are at the high ends.
        xlabel, ylabel: mathtext beside the arrow heads.
        xticks, yticks: pairs (place, text).
    """
    axes.set(xlim=x, ylim=y, xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    arrow = dict(arrowstyle="-|>,head_width=0.18,head_length=0.45", color="black", linewidth=0.7, shrinkA=0, shrinkB=0)
    axes.annotate("", (x[1], 0), (x[0], 0), arrowprops=arrow, annotation_clip=False)
    axes.annotate("", (0, y[1]), (0, y[0]), arrowprops=arrow, annotation_clip=False)
    axes.annotate(xlabel, (x[1], 0), (4, -4), textcoords="offset points", ha="left", va="center", annotation_clip=False)
    axes.annotate(ylabel, (0, y[1]), (0, 4), textcoords="offset points", ha="center", va="bottom", annotation_clip=False)
    for place, text in xticks:
        axes.plot([place, place], [-0.012 * (y[1] - y[0]), 0.012 * (y[1] - y[0])], color="black", linewidth=0.7, clip_on=False)
        axes.annotate(text, (place, 0), (0, -6), textcoords="offset points", ha="center", va="top")
    for place, text in yticks:
        axes.plot([-0.008 * (x[1] - x[0]), 0.008 * (x[1] - x[0])], [place, place], color="black", linewidth=0.7, clip_on=False)
        axes.annotate(text, (0, place), (-6, 0), textcoords="offset points", ha="right", va="center")


def show_digit(axes, image):
    """Draw one 28x28 image, black digit on white, or nothing if image is None; no ticks, a hair-line frame."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=image is not None, linewidth=0.4, color="0.6")
    if image is not None:
        axes.imshow(np.reshape(image, (28, 28)), vmin=0, vmax=1)


def show_weights(axes, weights):
    """Draw the weights of a model as a picture, dark for +1, on its own scale symmetric about 0; returns the picture."""
    largest = np.abs(weights).max() or 1
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color="0.6", linewidth=0.5)
    return axes.imshow(weights.reshape(28, 28), vmin=-largest, vmax=largest)


def save(draw, name, results):
    """Draw a figure from a results folder and save it as figures/<name>.png there, in one piece; returns the path."""
    with plt.style.context(PLOTS / "post.mplstyle"), storage.blaming(results):
        figure = draw(Path(results))
        picture = io.BytesIO()
        figure.savefig(picture, format="png")
        plt.close(figure)
    path = Path(results) / "figures" / f"{name}.png"
    storage.write_file(path, picture.getvalue())
    return path


def main(doc, draw):
    """The command line of a plot script: draw the figure and save it, or show it in a window."""
    def script():
        parser = cli.parser(doc)
        cli.add_results(parser)
        parser.add_argument("--show", action="store_true", help="show the figure in a window as well")
        args = parser.parse_args()
        if not args.show:
            plt.switch_backend("Agg")
        print(save(draw, Path(sys.argv[0]).stem, args.results))
        if args.show:
            with plt.style.context(PLOTS / "post.mplstyle"):
                draw(args.results)
                plt.show()
    cli.run(script)
