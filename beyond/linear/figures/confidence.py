"""How confident wrong predictions are: at the same attack, and where the same share is fooled.

    python -m beyond.linear.figures.confidence  # reads the post's four runs

Left: how many of the test images a model misclassifies under the attack, unclipped. Middle: the
median |logit| of these, as in figure 13; it says little where they are few. Right: the same median
where the attack is as strong as it takes to fool a share of the images.
"""

import numpy as np

from claims import post
from plots import style

PANELS = {
    "epsilon": ("median |logit| at the same attack", style.ATTACK, post.RIDGES),
    "share": ("median |logit| at the same share", "images fooled (%)", 100 * post.SHARES),
}


def draw(results):
    arrays = ["weights", "test_logits", "test_targets"]
    saved = style.read_runs(results, ["robust_accuracy"], arrays)
    figure, (counts, *panels) = style.subplots(1.3, 3.2, 1, 3)
    for run, colour in zip(saved.values(), style.colours(saved)):
        epsilon, accuracy = style.accuracy(run)
        mistakes = (1 - accuracy / 100) * len(run.arrays["test_targets"])
        counts.plot(epsilon, mistakes, color=colour, linewidth=2)
    counts.set(xlabel=style.ATTACK, xlim=(0, 0.5), yscale="symlog", ylim=(0, None))
    counts.set_title("mistakes at the same attack", fontsize=12)
    style.number_ticks(counts.yaxis, [0, 1, 10, 100, 1000])
    for axes, (same, (title, xlabel, values)) in zip(panels, PANELS.items()):
        for name, colour in zip(saved, style.colours(saved)):
            medians = np.array(post.median_logits(saved[name])[same], float)
            axes.plot(values, medians, color=colour, linewidth=2, label=style.label(name))
        axes.set(xlabel=xlabel, xlim=(0, values[-1]), yscale="log")
        axes.set_title(title, fontsize=12)
        style.number_ticks(axes.yaxis, [0.2, 0.5, 1, 2, 5, 10, 20])
        axes.minorticks_off()
    panels[1].sharey(panels[0])
    style.legend_below(figure, axes)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
