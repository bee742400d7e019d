"""The rules for what the post says, asked of networks."""

import numpy as np

from claims import rules
from claims.rules import accuracy_at, at, norm_share, shift_rows, verdict
from common import runs


def landscape(saved, data, turning_share=0.5):
    """Holds if in every network tried the loss turns along more pixels than the threshold; with a
    condition if in one of them.
    """
    run = saved["landscapes"]
    turning = np.array(run.metrics["turning_pixels"])  # (sizes, seeds)
    turns = np.array(run.metrics["turns"]).mean(axis=1)  # (sizes, directions)
    return verdict(turning.min() > turning_share, turning.max() > turning_share), dict(
        images=run.metrics["images"],
        turning_images=run.metrics["turning_images"],
        networks=turning.size,
        hidden=[f"{len(units)} × {units[0]}" for units in run.config["run"]["hidden"]],
        turning_pixels=turning.mean(axis=1).tolist(),
        least_turning_pixels=float(turning.min()),
        most_turning_pixels=float(turning.max()),
        turns=dict(zip(run.config["run"]["directions"], turns.T.tolist())),
    )


def useless_networks(saved, data, less=0.01):
    """Holds if both certified networks are useless: less accurate, clean, than the regular network
    of their shape by the threshold, or proved to keep less than the best linear classifier of
    ε = 0.3, clipped, by more than chance explains (95 % intervals apart); with a condition if one
    of them is.
    """
    run, linear = saved["certified"].metrics, accuracy_at(saved["exact-0.3"], "clipped", 0.3)
    clean = {name: run[name]["attacked"][0] for name in runs.NETWORK_NAMES}
    lost = [clean[f"{each}-regular"] - clean[f"{each}-certified"] for each in runs.NETWORKS]
    kept = {  # from the proved to the attacked side
        name: [at(run[name][side], run[name]["epsilon"], 0.3) for side in ("certified", "attacked")]
        for name in runs.NETWORK_NAMES
    }
    proved = [kept[f"{each}-certified"][0] for each in runs.NETWORKS]
    count = len(data.y_test)
    least = rules.interval(linear, count)[0]
    below = [rules.interval(each, count)[1] < least for each in proved]
    useless = (np.array(lost) > less) | below
    small = run["small-certified"]
    later = at(small["attacked"], small["epsilon"], 0.4)  # still below the ε of its training
    return verdict(useless.all(), useless.any()), dict(
        clean=clean,
        lost=lost,
        kept=kept,
        linear=linear,
        later=[later, accuracy_at(saved["exact-0.3"], "clipped", 0.4)],
        images=count,
        useless=int(useless.sum()),
    )


def weak_features_of_networks(saved, data, ratio=2):
    """Holds if the adversarial and the certified small network both have, in the 50 pixels of most
    weight, a share of the first layer's absolute weight of more than the threshold times the
    regular one's; with a condition if one of them has.
    """
    blank, kernels = ~saved["regular"].arrays["lit_pixels"], saved["certified"].arrays
    sizes = [np.abs(kernels[name]).sum(axis=1) for name in rules.SMALL_KERNELS]
    top = [norm_share(np.argsort(each)[-50:], each) for each in sizes]
    more = np.array(top[1:]) > ratio * top[0]
    return verdict(more.all(), more.any()), dict(
        in_50_largest=top,
        on_blank_pixels=[norm_share(blank, each) for each in sizes],
        blank_pixels=int(blank.sum()),
    )


def meaningful(saved, data, ratio=2):
    """Holds if the gradients of the adversarial and the certified network of each shape are aligned
    with the image by more than the threshold times the regular one's, in the median over test
    images, and have a larger share on or beside ink; with a condition if those of one training do.
    """
    run, better = saved["meaning"], []
    found = {name: run.metrics[name] for name in runs.NETWORK_NAMES}
    for training in runs.TRAININGS[1:]:
        pairs = [(found[f"{it}-{training}"], found[f"{it}-regular"]) for it in runs.NETWORKS]
        aligned = [one["alignment"][1] > ratio * other["alignment"][1] for one, other in pairs]
        on_ink = [one["share_on_ink"][1] > other["share_on_ink"][1] for one, other in pairs]
        better.append(all(aligned) and all(on_ink))
    about = run.config["run"]
    return verdict(all(better), any(better)), dict(
        networks=found,
        pixels_on_ink=run.metrics["share_of_pixels_on_ink"][1],
        images=about["images"],
        turned_images=about["turned_images"],
        neighbours=about["neighbours"],
    )


def sure_networks(saved, data, least=10):
    """Holds if the mistakes of the adversarial and the certified networks under attack are, in the
    median, less sure than those of the regular network of their shape, at every ε at which both
    make as many as the threshold; with a condition for one training. How sure: |logit| over the
    network's median |logit| of the clean test images that it takes for the same class.
    """
    run, less = saved["threats"], {}
    sure, mistakes = run.metrics["sure"], run.metrics["mistakes"]
    for training in runs.TRAININGS[1:]:
        less[training] = []  # wherever there are enough mistakes
        for names in ((f"{it}-regular", f"{it}-{training}") for it in runs.NETWORKS):
            enough = np.min([mistakes[name] for name in names], axis=0) >= least
            pairs = [pair for pair, use in zip(zip(*(sure[name] for name in names)), enough) if use]
            less[training] += [robust < regular for regular, robust in pairs]
    trainings = [bool(each) and all(each) for each in less.values()]
    return verdict(all(trainings), any(trainings)), dict(
        epsilons=run.config["run"]["epsilons"],
        sure=sure,
        mistakes=mistakes,
        compared={training: len(each) for training, each in less.items()},
        less_sure={training: int(sum(each)) for training, each in less.items()},
    )


def transfer_to_networks(saved, data, broken=0.5):
    """Holds if, at ε = 0.3, clipped, the attacks made for each of three regularly trained models
    (linear, small, convolutional) break in each other one a larger share than the threshold of the
    test images that its own attack breaks; with a condition if in one of them.
    """
    run = saved["threats"]
    models, epsilons = run.config["run"]["models"], run.config["run"]["epsilons"]
    regular = ["regular", *(f"{network}-regular" for network in runs.NETWORKS)]
    tables = np.array(run.metrics["transfer"])  # (ε, sources, targets)
    table = at(tables, epsilons, 0.3)
    rows = [models.index(name) for name in regular]
    kept = table[np.ix_(rows, rows)]
    clean = np.array([run.metrics["clean"][name] for name in regular])
    shares = (clean - kept) / (clean - kept.diagonal())  # of what the own attack breaks
    others = shares[~np.eye(len(rows), dtype=bool)]
    return verdict(np.all(others > broken), np.any(others > broken)), dict(
        epsilons=epsilons,
        regular=regular,
        kept=[it[np.ix_(rows, rows)].tolist() for it in tables],  # (ε, sources, targets)
        shares=shares.tolist(),
        least_share=float(others.min()),
        most_share=float(others.max()),
        above=int(np.sum(others > broken)),
    )


def reliable_network(saved, data, less=0.01):
    """Holds if the convolutional networks trained adversarially and with a certificate both keep,
    to within the threshold, what the regular one does, for every number of pixels changed and under
    every shift; with a condition if one of them does, or both for all of the one.
    """
    run = saved["threats"]
    few, names = run.metrics["few_pixels"], run.config["run"]["networks"]
    rows = shift_rows(saved["shifts"], run.metrics["shifts"])
    shifted = {name: np.array(accuracy) for name, accuracy in zip(names, zip(*rows.values()))}
    linear = np.array(list(shift_rows(saved["shifts"]).values()))  # (shifts, models)
    posts = list(map(saved["shifts"].config["run"]["models"].index, runs.POST_RUNS))
    best_linear = linear[:, posts].max(axis=1)
    found, keeps = {}, []
    for training in runs.TRAININGS[1:]:
        name, regular = f"convolutional-{training}", "convolutional-regular"
        fewer = np.array(few[name]) < np.array(few[regular]) - less
        change = shifted[name] - shifted[regular]
        worst = list(rows)[int(np.argmin(change))]
        keeps.append([not fewer.any(), bool(change.min() >= -less)])
        found[training] = dict(
            fewer_at=int(fewer.sum()),
            better=int(np.sum(change > less)),
            worse=int(np.sum(change < -less)),
            worst=worst,
            worst_accuracy=[rows[worst][names.index(it)] for it in (regular, name)],
            better_than_linear=int(np.sum(shifted[name] - best_linear > less)),
            worse_than_linear=int(np.sum(shifted[name] - best_linear < -less)),
        )
    keeps = np.array(keeps)  # (trainings, pixels and shifts)
    return verdict(keeps.all(), keeps.all(axis=1).any() or keeps.all(axis=0).any()), dict(
        images=run.config["run"]["images"],
        counts=len(few["regular"]) - 1,
        kept_by_digit={  # with that many pixels changed
            name: [values[-1] for values in each.values()]
            for name, each in run.metrics["few_pixels_by_digit"].items()
        },
        shifts=len(rows),
        trainings=found,
    )
