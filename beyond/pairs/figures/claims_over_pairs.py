"""For how many pairs of digits each claim of the post holds, by the rule used for 0 and 1.

    python -m beyond.pairs.figures.claims_over_pairs  # reads the runs pairs/*

The ring is in the part with the verdict of 0 and 1. Claims that need networks, folds, surrogates,
shifts or L1 models are not measured over pairs.
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
            ring = dict(boxstyle="circle,pad=0.25", facecolor="none", edgecolor="none", linewidth=1)
            if verdict == found[name]["post"]:
                narrow = count < 0.05 * found[name]["pairs"]  # the ring is wider
                ring["edgecolor"] = "white" if dark and not narrow else "black"
            if count:
                look = dict(ha="center", va="center", color="white" if dark else "black", bbox=ring)
                axes.text(left + count / 2, height, count, fontsize=11, **look)
            left += count
    lines = [textwrap.fill(words[name]["claim"], LINE) for name in names]
    axes.set_yticks(range(len(names)), lines, fontsize=10)
    largest = max(each["pairs"] for each in found.values())
    axes.set(xlim=(0, largest), ylim=(-0.6, len(names) - 0.4))
    axes.set_xlabel("pairs of digits; in a ring: the verdict of 0 and 1")
    axes.tick_params(axis="y", length=0, pad=12)  # the ring of a narrow part is wider
    axes.spines["left"].set_visible(False)
    figure.legend(loc="outside upper center", ncols=3, fontsize=11)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
