"""The regular model with and without its weak pixels, on which the means of the two classes differ
by at most 0.2.

    python -m beyond.linear.figures.weak  # reads the runs weak, regular and robust-0.1

The accuracy on the test images under the exact worst case, unclipped. Grey band: the regular model
without as many pixels drawn at random, from the least to the most of the draws. The picture shows
which pixels are weak; those that are blank in every training image are, too.
"""

import numpy as np

from beyond.linear.weak import CHOSEN
from common import runs
from plots import style

WITHOUT, ALONE = style.OWN_COLOURS[:2]
WIDE = {"regular": style.REGULAR_COLOUR, "robust-0.1": style.ROBUST_COLOURS[1]}
CURVES = {  # name: (words, colour, line)
    "without_weak": ("regular without its weak pixels", WITHOUT, "-"),
    "without_start": ("without their random start alone", WITHOUT, "--"),
    "without_learned": ("without what was learned there", WITHOUT, ":"),
    "weak_alone": ("regular, weak pixels alone", ALONE, "-"),
    "trained_on_weak": ("trained on the weak pixels alone", ALONE, "--"),
}


def draw(results):
    run = runs.read(results / "weak", arrays=[*CURVES, "without_random", "class_difference"]).arrays
    figure, (axes, picture) = style.subplots(1.2, 3.6, 1, 2, width_ratios=[2.6, 1])
    for name, colour in WIDE.items():
        saved = runs.read(results / name, ["robust_accuracy"], ["lit_pixels"])
        epsilon, kept = style.accuracy(saved)
        axes.plot(epsilon, kept, color=colour, linewidth=2.4, label=style.label(name))
    curve = lambda radii: 100 * np.mean(radii[..., np.newaxis] > epsilon, axis=-2)
    for name, (words, colour, line) in CURVES.items():
        axes.plot(epsilon, curve(run[name]), line, color=colour, label=words)
    draws = curve(run["without_random"])
    look = dict(color=style.REGULAR_COLOUR, alpha=0.3, linewidth=0, zorder=0)
    text = "regular without as many at random"
    axes.fill_between(epsilon, draws.min(axis=0), draws.max(axis=0), label=text, **look)
    style.accuracy_axes(axes)
    axes.legend(fontsize=10, loc="upper right", borderaxespad=0, handlelength=1.6, labelspacing=0.2)
    lit, strong = saved.arrays["lit_pixels"], run["class_difference"] > CHOSEN
    style.show_picture(picture, np.where(strong, 3, lit), 0, 4)
    weak, blank = np.sum(lit & ~strong), np.sum(~lit)
    text = f"dark: {np.sum(strong)} pixels, not weak\ngrey: {weak}, weak\nwhite: {blank}, weak too"
    picture.set_xlabel(text, fontsize=11)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
