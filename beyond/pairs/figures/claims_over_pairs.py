"""For how many pairs of digits each claim of the post holds, by the rule used for 0 and 1.

    python -m beyond.pairs.figures.claims_over_pairs  # reads the runs pairs/*

A triangle stands under the part with the verdict that 0 and 1 have, whichever that is. Claims that
need networks, folds, surrogates, shifts or L1 models are not measured over pairs.
"""

import textwrap

from beyond.pairs import summary as pairs_summary
from claims import rules
from plots import style

COLOURS = dict(zip(rules.VERDICTS, ("#d9d9d9", *style.ROBUST_COLOURS[::2])))
LINE = 52  # characters of a claim


def draw(results):
    found = pairs_summary.counts(pairs_summary.read(results))
    words = rules.words()
    verdicts = rules.VERDICTS[::-1]
    names = sorted(found, key=lambda name: [found[name][verdict] for verdict in verdicts])
    figure, axes = style.subplots(1.2, 0.55 * len(names) + 0.8)
    for height, name in enumerate(names):
        left = 0
        for verdict in verdicts:
            count, dark = found[name][verdict], verdict == rules.HOLDS
            label = verdict if height == 0 else None
            axes.barh(height, count, 0.72, left, color=COLOURS[verdict], label=label)
            if count:
                look = dict(ha="center", va="center", color="white" if dark else "black")
                axes.text(left + count / 2, height, count, fontsize=11, **look)
            if verdict == found[name]["post"]:
                axes.plot(left + count / 2, height - 0.44, "k^", markersize=5)
            left += count
    lines = [textwrap.fill(words[name]["claim"], LINE) for name in names]
    axes.set_yticks(range(len(names)), lines, fontsize=10)
    largest = max(each["pairs"] for each in found.values())
    axes.set(xlim=(0, largest), ylim=(-0.7, len(names) - 0.4))
    axes.set_xlabel("pairs of digits")
    axes.tick_params(axis="y", length=0)
    axes.plot([], [], "k^", markersize=5, label="the verdict of 0 and 1")
    axes.spines["left"].set_visible(False)
    figure.legend(loc="outside upper center", ncols=4, fontsize=11)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
