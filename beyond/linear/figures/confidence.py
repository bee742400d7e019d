"""How confident wrong predictions are: at the same attack, and where the same share is fooled.

    python -m beyond.linear.figures.confidence  # reads the post's four runs

The median |logit| of the misclassified test images, on the left against ε, as figure 13 has it, and
on the right against the share of the images that are fooled. Unclipped.
"""

import numpy as np

from claims import post
from plots import style

PANELS = {
    "epsilon": ("at the same attack", style.ATTACK, post.RIDGES),
    "share": ("where the same share is fooled", "images fooled (%)", 100 * post.SHARES),
}


def draw(results):
    saved = style.read_runs(results, arrays=["weights", "test_logits", "test_targets"])
    figure, panels = style.subplots(1.1, 3.2, 1, 2, sharey=True)
    for axes, (same, (title, xlabel, values)) in zip(panels, PANELS.items()):
        for name, colour in zip(saved, style.colours(saved)):
            medians = np.array(post.median_logits(saved[name])[same], float)
            axes.plot(values, medians, color=colour, linewidth=2, label=style.label(name))
        axes.set(xlabel=xlabel, xlim=(0, values[-1]), yscale="log")
        axes.set_title(title, fontsize=12)
    style.number_ticks(axes.yaxis, [0.2, 0.5, 1, 2, 5, 10, 20])
    axes.minorticks_off()
    panels[0].set_ylabel("median |logit|")
    style.legend_below(figure, axes)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
