"""What the figures share: the runs they show, colours, axes, pictures, drawing and saving."""

import io
import itertools
import sys
import webbrowser
from fractions import Fraction
from pathlib import Path

# plots/x.py sees its own folder only; and before PYTHONPATH, where others may have a "common".
sys.path.insert(1, str(Path(__file__).resolve().parents[1]))

from common import cli, files, runs
from common.lazy import any_backend

with any_backend():
    import matplotlib.style
    import numpy as np
    from matplotlib.colors import LinearSegmentedColormap, to_hex
    from matplotlib.figure import Figure

# Models of your own that the figures show beside the regular and the robust ones of a folder:
# ("squared-hinge",).
RUNS = ()
ROOT = runs.ROOT
PLOTS = ROOT / "plots"
LOOK = ["default", PLOTS / "post.mplstyle"]  # Matplotlib's own defaults, whatever the user's are
WIDTH = 7.0  # inches, of a figure across the page: 1,400 pixels, twice what a README shows
GREEN = "#d9f2d9"  # the region that the text talks about
GREY = "#e8e8e8"  # the area above or below a curve
THIN = dict(color="0.55", linewidth=0.7)  # a curve that is there for comparison
REGULAR_COLOUR = "#8c8c8c"
ROBUST_COLOURS = ("#a3d9a5", "#57ab5a", "#22662b")  # darker for larger training epsilon
OWN_COLOURS = ("#2171b5", "#d08a2e", "#6a51a3")  # of runs with a loss of your own
# How a map shows accuracy in %: darker green is better, as for the models. Black is read on all.
GREENS = LinearSegmentedColormap.from_list("accuracy", ("white", *ROBUST_COLOURS[:2]))
ACCURACY = dict(cmap=GREENS, vmin=0, vmax=100)
# The optima are dashed; where those of two neighbours coincide, they fill each other's gaps.
DASHES = {runs.name("exact", it): (3 * place, (3, 3)) for place, it in enumerate(runs.EPSILONS)}
BOX = dict(boxstyle="square,pad=0.4", facecolor="white", edgecolor="black", linewidth=0.7)
ATTACK = r"attack $\epsilon$ (pixel units)"
TRAINING = r"training $\epsilon$ (pixel units)"


def label(run):
    """What a figure calls a run: runs.label, with the ε of mathtext."""
    return runs.label(run).replace("ε", r"$\epsilon$")


def colours(names):
    """A colour for each run: grey for regular, greens for robust, one of its own for any other."""
    robust = (name for name in names if name.startswith("robust-"))
    robust = sorted(robust, key=lambda name: Fraction(runs.parts(name)[1]))
    shades = np.linspace(0, 1, len(robust))
    greens = map(to_hex, LinearSegmentedColormap.from_list("robust", ROBUST_COLOURS)(shades))
    known = {"regular": REGULAR_COLOUR} | dict(zip(robust, greens))
    own = itertools.cycle(OWN_COLOURS)
    return [known.get(name) or next(own) for name in names]


def two_runs(results):
    """The regular run and a robust one, that of the middle ε: for figures of two panels."""
    regular, *robust = runs.post_runs(results)
    return regular, robust[(len(robust) - 1) // 2]


def read_runs(results, metrics=(), arrays=()):
    """The runs of a folder that figures show, by name; a line on stderr names a missing one.

    Arguments as for runs.read. Raises FileNotFoundError if there is none, ValueError for a damaged
    one; the message names the command that makes it.
    """
    found, missing = {}, []
    for run in (*runs.post_runs(results), *RUNS):
        try:
            found[run] = runs.read(results / run, metrics, arrays)
        except FileNotFoundError as error:
            missing.append(error)
    if not found:
        raise missing[0]
    for error in missing:
        print(f"left out: {error}", file=sys.stderr)
    return found


def subplots(width, height, rows=1, columns=1, **options):
    """As plt.subplots, on a figure as wide as `width` pages and `height` inches high.

    Not pyplot's: no display is needed, and the user's backend is left alone.
    """
    figure = Figure(figsize=(WIDTH * width, height))
    return figure, figure.subplots(rows, columns, **options)


def accuracy(run, pixels="unclipped"):
    """A run's curve: the attack's ε and the accuracy in % under it, both (epsilons,)."""
    curve = run.metrics["robust_accuracy"]
    return curve["epsilon"], 100 * np.array(curve[pixels])


def accuracy_axes(axes, **others):
    """Make axes those of accuracy against the attack's ε; the outer panels alone are labelled."""
    axes.set(xlim=(0, 0.5), xlabel=ATTACK)
    axes.set(ylim=(0, 102), ylabel="accuracy (%)", yticks=range(0, 101, 20))
    axes.set(**others)
    axes.label_outer()


def draw_sides(axes, epsilons, low, high, colour, **look):
    """A network between two sides, in %: dots where measured, and a band of what follows.

    Between two ε it keeps no less than `low` at the larger and no more than `high` at the smaller.
    """
    steps = np.repeat(low[1:], 2), np.repeat(high[:-1], 2)
    band = dict(facecolor=(colour, 0.3), edgecolor=colour)
    axes.fill_between(np.repeat(epsilons, 2)[1:-1], *steps, **band, **look)
    for side in (low, high):
        axes.plot(epsilons, side, "o", color=colour, markersize=3)


def legend_below(figure, axes, columns=4):
    """Name the curves of axes below all panels."""
    lines = axes.get_legend_handles_labels()
    figure.legend(*lines, loc="outside lower center", ncols=columns, fontsize=11)


def number_ticks(axis, values):
    """Ticks at values, written as plain numbers on logarithmic scales, too."""
    axis.set_ticks(values, [f"{value:g}".replace("-", "$-$") for value in values])


def sketch_axes(axes, x, y, xlabel, ylabel, xticks=(), yticks=()):
    """Turn axes into the post's sketches: two thin arrows and only the ticks that matter.

    Arguments:
        x, y: (low, high) of the axes, data units; the arrow heads are at the high ends.
        xlabel, ylabel: mathtext beside the arrow heads.
        xticks, yticks: pairs (value, text).
    """
    axes.set(xlim=x, ylim=y, xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    head = "-|>,head_width=0.18,head_length=0.45"
    arrow = dict(arrowstyle=head, color="black", linewidth=0.7, shrinkA=0, shrinkB=0)
    axes.annotate("", (x[1], 0), (x[0], 0), arrowprops=arrow, annotation_clip=False)
    axes.annotate("", (0, y[1]), (0, y[0]), arrowprops=arrow, annotation_clip=False)
    near = dict(textcoords="offset points", annotation_clip=False)
    axes.annotate(xlabel, (x[1], 0), (4, -4), ha="left", va="center", **near)
    axes.annotate(ylabel, (0, y[1]), (0, 4), ha="center", va="bottom", **near)
    tick = dict(color="black", linewidth=0.7, clip_on=False)
    length = 0.012 * (y[1] - y[0])
    for value, text in xticks:
        axes.plot([value, value], [-length, length], **tick)
        axes.annotate(text, (value, 0), (0, -6), ha="center", va="top", **near)
    length = 0.008 * (x[1] - x[0])
    for value, text in yticks:
        axes.plot([-length, length], [value, value], **tick)
        axes.annotate(text, (0, value), (-6, 0), ha="right", va="center", **near)


def show_picture(axes, values, low, high, linewidth=0.4, **labels):
    """Draw (784,) values, white for low, black for high, in a thin frame; returns the picture."""
    axes.set(xticks=[], yticks=[], **labels)
    axes.spines[:].set(visible=True, color="0.6", linewidth=linewidth)
    return axes.imshow(np.reshape(values, (28, 28)), vmin=low, vmax=high)


def show_weights(axes, weights, **labels):
    """Draw weights (784,) as a picture, dark for +1, scaled symmetrically; returns the picture."""
    largest = np.abs(weights).max() or 1
    return show_picture(axes, weights, -largest, largest, 0.5, **labels)


def frame_pixels(axes, pixels, size, colour, linewidth):
    """Frame pixels, places of 784, in a picture; `size` and `linewidth` in points."""
    look = dict(markersize=size, markerfacecolor="none", markeredgewidth=linewidth)
    axes.plot(pixels % 28, pixels // 28, "s", color=colour, **look)


def save(draw, name, results):
    """Draw a figure from a results folder and save it as figures/<name>.png there.

    Returns the path. The same runs give the same bytes.
    """
    path = Path(results) / "figures" / f"{name}.png"
    with matplotlib.style.context(LOOK):
        figure, picture = draw(Path(results)), io.BytesIO()
        figure.savefig(picture, format="png", metadata={"Software": None})
    files.write_file(path, picture.getvalue())
    return path


def main(doc, draw):
    """The command line of a plot script: draw the figure, save it, open it if asked to."""

    def script():
        parser = cli.parser(doc, results=None)
        parser.add_argument("--show", action="store_true", help="open the picture as well")
        args = parser.parse_args()
        path = save(draw, Path(sys.argv[0]).stem, cli.results_folder(args))
        print(path, flush=True)
        if args.show and not webbrowser.open(path.resolve().as_uri()):
            raise ValueError("--show: nothing here can open the picture; it is saved as above")

    cli.run(script)
