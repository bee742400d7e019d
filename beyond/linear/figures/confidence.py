"""How confident wrong predictions are: at the same attack, and where the same share is fooled.

    python -m beyond.linear.figures.confidence  # reads the post's four runs

The median |logit| of the misclassified test images, on the left against ε, as figure 13 has it, and
on the right against the share of the images that are fooled. Unclipped.
"""

import matplotlib.pyplot as plt
import numpy as np

from claims import post
from plots import style

PANELS = {
    "epsilon": (post.RIDGES, r"attack $\epsilon$ (pixel units)"),
    "share": (100 * post.SHARES, "images fooled (%)"),
}


def draw(results):
    saved = style.read_runs(results, arrays=["weights", "test_logits", "test_targets"])
    figure, panels = plt.subplots(1, 2, figsize=(style.WIDTH * 1.1, 3.2), sharey=True)
    for axes, (same, (values, title)) in zip(panels, PANELS.items()):
        for name, colour in zip(saved, style.colours(saved)):
            medians = np.array(post.median_logits(saved[name])[same], float)
            axes.plot(values, medians, color=colour, linewidth=2, label=style.label(name))
        axes.set(xlabel=title, xlim=(0, values[-1]))
    panels[0].set(
        yscale="log",
        ylabel="median |logit|",
        yticks=[0.2, 0.5, 1, 2, 5, 10, 20],
        yticklabels=["0.2", "0.5", "1", "2", "5", "10", "20"],
    )
    panels[0].minorticks_off()
    panels[0].set_title("at the same attack", fontsize=12)
    panels[1].set_title("where the same share is fooled", fontsize=12)
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=11
    )
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
