"""The rules for what the post says, asked of networks."""

import numpy as np

from claims import rules
from claims.rules import accuracy_at, at, norm_share, shift_rows, verdict
from common import runs


def landscape(saved, data):
    """Holds if in every network tried the loss turns along most pixels; with a condition if in one
    of them.
    """
    run = saved["landscapes"]
    turning = np.array(run.metrics["turning_pixels"])  # (sizes, seeds)
    turns = np.array(run.metrics["turns"]).mean(axis=1)  # (sizes, directions)
    return verdict(turning.min() > 0.5, turning.max() > 0.5), dict(
        images=run.metrics["images"],
        turning_images=run.metrics["turning_images"],
        networks=turning.size,
        hidden=[f"{len(units)} × {units[0]}" for units in run.config["run"]["hidden"]],
        turning_pixels=turning.mean(axis=1).tolist(),
        least_turning_pixels=float(turning.min()),
        most_turning_pixels=float(turning.max()),
        turns=dict(zip(run.config["run"]["directions"], turns.T.tolist())),
    )


def useless_networks(saved, data):
    """Holds if both certified networks are useless: a point less accurate, clean, than the regular
    network of their shape, or proved to keep less than the best linear classifier of ε = 0.3,
    clipped; with a condition if one of them is.
    """
    run, linear = saved["certified"].metrics, accuracy_at(saved["exact-0.3"], "clipped", 0.3)
    clean = {name: run[name]["attacked"][0] for name in runs.NETWORK_NAMES}
    lost = [clean[f"{each}-regular"] - clean[f"{each}-certified"] for each in runs.NETWORKS]
    kept = {  # from the proved to the attacked side
        name: [at(run[name][side], run[name]["epsilon"], 0.3) for side in ("certified", "attacked")]
        for name in runs.NETWORK_NAMES
    }
    proved = [kept[f"{each}-certified"][0] for each in runs.NETWORKS]
    useless = (np.array(lost) > rules.POINT) | (np.array(proved) < linear)
    return verdict(useless.all(), useless.any()), dict(
        clean=clean, lost=lost, kept=kept, linear=linear, useless=int(useless.sum())
    )


def weak_features_of_networks(saved, data):
    """Holds if the adversarial and the certified small network both have less than half of the
    regular one's share of the first layer's absolute weight on the pixels that are blank in every
    training image; with a condition if one of them has.
    """
    blank, kernels = ~saved["regular"].arrays["lit_pixels"], saved["certified"].arrays
    sizes = [np.abs(kernels[name]).sum(axis=1) for name in rules.SMALL_KERNELS]
    shares = [norm_share(blank, each) for each in sizes]
    top = [norm_share(np.argsort(each)[-50:], each) for each in sizes]
    less = np.array(shares[1:]) < shares[0] / 2
    return verdict(less.all(), less.any()), dict(
        on_blank_pixels=shares, in_50_largest=top, blank_pixels=int(blank.sum())
    )


def sure_networks(saved, data):
    """Holds if the mistakes of each certified network under attack are, in the median, less sure
    than those of the regular network of its shape, wherever both make one; with a condition for one
    shape. How sure: |logit| over the network's median |logit| of the clean test images.
    """
    run, less = saved["threats"], []
    sure = {name: run.metrics["sure"][name] for name in runs.NETWORK_NAMES}
    for network in runs.NETWORKS:
        pairs = zip(sure[f"{network}-regular"], sure[f"{network}-certified"])
        both = [pair for pair in pairs if None not in pair]
        less.append(bool(both) and all(certified < regular for regular, certified in both))
    return verdict(all(less), any(less)), dict(
        epsilons=run.config["run"]["epsilons"], sure=sure, mistakes=run.metrics["mistakes"]
    )


def transfer_to_networks(saved, data):
    """Holds if attacks of ε = 0.2, clipped, that were made for the regular linear model leave both
    regular networks under 50 %, and those made for these networks the linear model; with a
    condition if some of them do.
    """
    run = saved["threats"]
    names, table = run.config["run"]["models"], np.array(run.metrics["transfer"])
    cell = lambda source, target: float(table[names.index(source), names.index(target)])
    networks = runs.NETWORK_NAMES
    to = {name: cell("regular", name) for name in networks}
    back = {name: cell(name, "regular") for name in networks}
    robust = {name: [cell("robust-0.2", name), cell(name, "robust-0.2")] for name in networks}
    own = {name: cell(name, name) for name in ("regular", "robust-0.2", *networks)}
    fooled = [each[f"{it}-regular"] < 0.5 for each in (to, back) for it in runs.NETWORKS]
    return verdict(all(fooled), any(fooled)), dict(
        epsilon=run.config["run"]["transfer_epsilon"], to=to, back=back, robust=robust, own=own
    )


def reliable_network(saved, data):
    """Holds if the certified convolutional network keeps, to within a point, what the regular one
    of its shape does, for every number of pixels changed and under every shift; with a condition if
    for all of the one or all of the other.
    """
    run = saved["threats"]
    few, names = run.metrics["few_pixels"], run.config["run"]["networks"]
    rows = shift_rows(saved["shifts"], run.metrics["shifts"])
    regular, certified = "convolutional-regular", "convolutional-certified"
    fewer = np.array(few[certified]) < np.array(few[regular]) - rules.POINT
    shifted = {name: np.array(accuracy) for name, accuracy in zip(names, zip(*rows.values()))}
    change = shifted[certified] - shifted[regular]
    linear = np.array(list(shift_rows(saved["shifts"]).values()))  # (shifts, models)
    posts = list(map(saved["shifts"].config["run"]["models"].index, runs.POST_RUNS))
    above = shifted[certified] - linear[:, posts].max(axis=1)
    pixels, moved = not fewer.any(), change.min() >= -rules.POINT
    worst = list(rows)[int(np.argmin(change))]
    return verdict(pixels and moved, pixels or moved), dict(
        images=run.config["run"]["images"],
        counts=len(fewer) - 1,
        all_pixels={name: values[-1] for name, values in few.items()},
        fewer_at=int(fewer.sum()),
        shifts=len(rows),
        worse=int(np.sum(change < -rules.POINT)),
        better=int(np.sum(change > rules.POINT)),
        worst=worst,
        worst_accuracy=[rows[worst][names.index(name)] for name in (regular, certified)],
        better_than_linear=int(np.sum(above > rules.HALF_POINT)),
        worse_than_linear=int(np.sum(above < -rules.HALF_POINT)),
    )
