"""The weights as pictures: dark pushes to +1, in the post the digit one, and light to −1.

    python plots/model_weights.py    # figure 10 of the post; reads regular and robust-*

Each picture has its own scale, symmetric about 0.
"""

import style
import numpy as np


def draw(results):
    saved = style.read_runs(results, arrays=["weights"])
    figure, panels = style.subplots(max(4, len(saved)) / 4, 2.6, 1, len(saved), squeeze=False)
    for (name, run), axes in zip(saved.items(), panels[0]):
        largest = np.abs(run.arrays["weights"]).max()
        picture = style.show_weights(axes, run.arrays["weights"], title=style.label(name))
        bar = figure.colorbar(picture, ax=axes, location="bottom", shrink=0.85, aspect=18)
        texts = [f"$-${largest:.2f}", "0", f"{largest:.2f}"]
        bar.set_ticks([-largest, 0, largest], labels=texts, fontsize=10)
        bar.outline.set_linewidth(0.5)
    low, high = run.config["arguments"]["digits"]
    figure.supxlabel(f"dark pushes to the digit {high}, light to {low}", fontsize=12)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
