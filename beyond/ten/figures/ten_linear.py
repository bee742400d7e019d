"""Ten digits under attack: what linear models of the robust hinge keep, and what others keep.

    python -m beyond.ten.figures.ten_linear  # reads the run ten_linear

The accuracy on the test images under the exact worst case, unclipped. SGD is the post's recipe; the
optimum of each training ε is proved to a fraction of a percent of its objective; found models are
those that ascend a smooth count of the images that stay right. Trained for the ε of the dotted line
or more, no linear model has a lower robust hinge than the one that gives every image zero logits.
"""

from common import runs
from plots import style

LINES = {"optimum": "--", "found": "-"}


def draw(results):
    run = runs.read(results / "ten_linear", ["models", "optimum"], ["unclipped"])
    models = run.metrics["models"]
    robust = [name for name in models if name.startswith("robust")]
    look = dict(zip(("regular", *robust), style.colours(["regular", *robust])))
    figure, axes = style.subplots(1, 4.2)
    epsilon, curves = run.arrays["attack_epsilons"], run.arrays["unclipped"]
    for name, curve in zip(models, curves):
        kind, radius = runs.parts(name)
        colour = look.get(name) or look.get(f"robust-{radius}")
        if colour:
            label = style.label(name).replace("robust", "SGD")
            colour = style.OWN_COLOURS[int(radius == "0.2")] if kind == "found" else colour
            axes.plot(epsilon, 100 * curve, LINES.get(kind, "-"), color=colour, label=label)
    collapse = float(max(run.metrics["optimum"], key=float))
    axes.axvline(collapse, linestyle=":", **style.THIN)
    text = rf" training $\epsilon$ = {collapse:g}:" + "\n from here on $w = 0$ is optimal"
    axes.text(collapse, 101, text, fontsize=11, va="top")
    style.accuracy_axes(axes, xlim=(0, 0.35))
    axes.legend(fontsize=11, loc="upper right")
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
