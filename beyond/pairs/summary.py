"""What results/pairs/ says over all pairs of digits: read by the report and by two figures."""

import numpy as np

from claims import rules
from common import runs

MOST = 0.9  # of the pairs with the verdict of 0 and 1: then it is about robust training
POST = "{}-{}".format(*runs.DIGITS)
NEEDED = ("claims", "optimum", "robust_accuracy", "test_accuracy", "separation_epsilon")


def read(results):
    """The saved pairs, {"3-8": Run}, in ascending order. Raises FileNotFoundError or ValueError."""
    folders = sorted((results / "pairs").glob("?-?"))
    if not folders:
        command = f"python -m beyond.pairs{runs.flags(results)}"
        raise FileNotFoundError(f"{results / 'pairs'} is missing; make it with: {command}")
    return {folder.name: runs.read(folder, NEEDED) for folder in folders}


def counts(saved):
    """Of each rule: for how many pairs each verdict is found, and the one of 0 and 1, or None.

    each: for how many pairs a robust model of each ε does what the rule asks, where it says so.
    """
    post = saved[POST].metrics["claims"] if POST in saved else {}
    counted = {}
    for name in next(iter(saved.values())).metrics["claims"]:
        found = [run.metrics["claims"][name] for run in saved.values()]
        verdicts = [it["verdict"] for it in found]
        counted[name] = {verdict: verdicts.count(verdict) for verdict in rules.VERDICTS} | dict(
            pairs=len(verdicts),
            post=post.get(name, {}).get("verdict"),
            each={
                key: np.sum([it["numbers"][key] for it in found], axis=0).tolist()
                for key in ("each", "twice", "clean_kept", "robust_reached")
                if key in found[0]["numbers"]
            },
        )
    return counted


def attacked(saved):
    """Accuracy at ε = 0.2 of SGD and of the optimum by pair: attacked and clean, in 0..1.

    Returns {"3-8": ((attacked, clean), (attacked, clean))}; SGD's are means over seeds.
    """
    at = runs.EPSILONS.index(0.2)
    found = {}
    for name, run in saved.items():
        metrics, best = run.metrics, run.metrics["optimum"]
        sgd = metrics["robust_accuracy"][at], metrics["test_accuracy"][1 + at]
        best = best["robust_accuracy"][at], best["test_accuracy"][at]
        found[name] = tuple(map(float, map(np.mean, sgd))), best
    return found


def summary(results):
    """The numbers of the report's section, or None where no pair is saved."""
    if not (results / "pairs").exists():
        return None
    saved = read(results)
    over, kept = counts(saved), attacked(saved)
    groups = {"general": [], "between": [], "special": []}
    for name, each in over.items():
        if each["post"]:
            same = each[each["post"]] / each["pairs"]
            group = "general" if same >= MOST else "special" if same < 0.5 else "between"
            groups[group].append(name)
    best = [run.metrics["optimum"] for run in saved.values()]
    by = lambda model: sorted(kept, key=lambda name: kept[name][model][0])
    return groups | dict(
        claims=over,
        pairs=len(saved),
        seeds=max(run.config["arguments"]["seeds"] for run in saved.values()),
        largest_gap=max(max(it["gap"]) for it in best),
        proofs=sum(len(it["gap"]) for it in best),
        constant=[
            (epsilon, [name for name, it in zip(saved, best) if it["constant"][column]])
            for column, epsilon in enumerate(runs.EPSILONS)
        ],
        below_half=[  # pairs of which SGD keeps fewer images than one answer to all would
            sum(np.mean(run.metrics["robust_accuracy"][column]) < 0.5 for run in saved.values())
            for column in range(len(runs.EPSILONS))
        ],
        separable=sum(run.metrics["separation_epsilon"] > 0 for run in saved.values()),
        kept=kept,
        order=[by(0), by(1)],  # from the pair that is kept worst to the best
    )
