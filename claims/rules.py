"""What the rules have in common: the words of a verdict, the runs they read, small measures.

A rule is a function of the saved runs, {"regular": Run, ...}, of their data, data_prep.Data, and of
a threshold that has a default. Its docstring says when the verdict is which; it returns the verdict
and a dictionary of numbers.
"""

import tomllib
from pathlib import Path

import numpy as np
from scipy import stats

from common import runs

HOLDS, CONDITION, FAILS = "holds", "holds with a condition", "does not hold"
VERDICTS = FAILS, CONDITION, HOLDS  # from the worst to the best
ROBUST = [runs.name("robust", epsilon) for epsilon in runs.EPSILONS]
EXACT = [runs.name("exact", epsilon) for epsilon in runs.EPSILONS]

SMALL_KERNELS = [f"small-{training}-0" for training in runs.TRAININGS]  # of their first layers
NEEDED = [*runs.POST_RUNS, "l1-0.2", "l1-0.2-equivalent", *EXACT]  # the runs that the rules read
NEEDED += ["few_pixels", "weak", "crossvalidation", "landscapes", "shifts", "norms", "transfer"]
NEEDED += ["certified", "meaning", "threats"]


def words():
    """The claims in words, by the names of their rules: words.toml."""
    return tomllib.loads((Path(__file__).parent / "words.toml").read_text(encoding="utf-8"))


def read_runs(results, needed, required):
    """Saved runs by name: those of `needed` that are required or there.

    needed: by the name of each run the metrics and arrays that it must have, or ().

    Raises FileNotFoundError or ValueError with the command that helps.
    """
    saved = {
        name: runs.read(results / name, *parts)
        for name, parts in needed.items()
        if name in required or (results / name).exists()
    }
    if len({run.config.get("data_sha256") for run in saved.values()}) > 1:
        beyond = " --all" if set(saved) - {*runs.post_runs(results)} else ""
        raise ValueError(
            f"{results} mixes runs of different data; make them again with: "
            f"python reproduce.py{beyond}{runs.flags(results)}"
        )
    return saved


def verdict(holds, condition=False):
    return HOLDS if holds else CONDITION if condition else FAILS


def at(values, epsilons, epsilon):
    """The one of `values` whose ε is nearest to the given one."""
    return values[int(np.argmin(np.abs(np.subtract(epsilons, epsilon))))]


def accuracy_at(run, attack, epsilon):
    """A run's accuracy under an attack, in 0..1, at the saved ε that is nearest to the given one.

    attack: "unclipped" or "clipped", or what else the run's robust_accuracy has.
    """
    curve = run.metrics["robust_accuracy"]
    return at(curve[attack], curve["epsilon"], epsilon)


def interval(share, count):
    """The 95 % interval of a share of `count` images (Wilson, 1927): (low, high), in 0..1."""
    return tuple(stats.binomtest(round(share * count), count).proportion_ci(method="wilson"))


def models(saved, metric=None):
    """The post's four runs, or one metric of each."""
    four = [saved[name] for name in runs.POST_RUNS]
    return [run.metrics[metric] for run in four] if metric else four


def linear(run):
    """A run's weights, (784,), and bias, ()."""
    return run.arrays["weights"], run.arrays["bias"]


def margins_of(run):
    """y ŷ of every test image, (2115,)."""
    return run.arrays["test_targets"] * run.arrays["test_logits"]


def sizes_of(run):
    """|w_i| of every pixel, (784,)."""
    return np.abs(run.arrays["weights"])


def share(found):
    """The share of what is True; 0 of nothing, as where no weight is kept."""
    return float(np.mean(found)) if len(found) else 0.0


def norm_share(chosen, sizes):
    """The share of ‖w‖₁ that is on the chosen pixels; 0 if all weights are."""
    return float(sizes[chosen].sum() / (sizes.sum() or 1))


def shift_rows(shifts, accuracy=None):
    """The accuracy of each model under every amount of every shift: {"blur (pixels) 2": [...]}.

    accuracy: {"blur (pixels)": a row an amount} of other models; None: those of the run of shifts.
    """
    rows = accuracy or {
        name: shifts.metrics[name]["accuracy"] for name in shifts.config["run"]["shifts"]
    }
    return {
        f"{name} {amount:g}": row
        for name, each in rows.items()
        for amount, row in zip(shifts.metrics[name]["amounts"], each)
    }
