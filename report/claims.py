"""What the post claims, measured: numbers and a verdict for each claim, into results/claims.json.

    python -m report.claims          # a second; reads what `python reproduce.py --all` makes

A function measures one claim; its docstring is the rule of the verdict. claims.toml has the words.
Every number comes from a saved run. The claims are about the post's digits; others are refused.
"""

import numpy as np
from scipy import ndimage

import attacks
import data_prep
from beyond.networks.certified import NAMES, NETWORKS, TRAININGS
from common import cli, files, runs

ROBUST = [runs.name("robust", epsilon) for epsilon in runs.EPSILONS]
EXACT = [runs.name("exact", epsilon) for epsilon in runs.EPSILONS]
HOLDS, CONDITION, FAILS = "holds", "holds with a condition", "does not hold"
VERDICTS = FAILS, CONDITION, HOLDS  # from the worst to the best
RIDGES = np.linspace(0.025, 0.5, 20)  # the attack radii of figure 13
MADE_WEIGHT = 0.01  # a weight above it was made by training: SGD's steps around zero are smaller
ROUNDING = 1e-9  # of sums over the training images
PIXEL_COUNTS = np.arange(1, 41)  # that an attacker may change, anywhere in [0, 1]
DOT = 10  # pixels, of the smallest patch of ink that counts as a dot
SHARES = np.arange(1, 21) / 20  # of the test images fooled
FEW = 0.01  # of the training images: what a rough approximation has seen
SOME = 0.005  # a difference of accuracy that counts: ten of the test images
LINEAR = (
    "train_loss",
    "train_accuracy",
    "test_accuracy",
    "weight_l1_norm",
    "misclassified_test",
    "robust_accuracy",
)
TRAINED = (
    (*LINEAR, "train_accuracy_running"),
    ("weights", "bias", "lit_pixels", "test_logits", "test_targets"),
)
PROVED = (
    (
        *LINEAR,
        "objective",
        "lower_bound",
        "gap",
        "l1_objective",
        "separation_epsilon",
        "separation_upper_bound",
    ),
    ("weights", "bias", "pixel_pull", "alpha", "test_logits", "test_targets"),
)
SEEDS = ("test_accuracy", "train_accuracy_running"), ("test_accuracy",)
LANDSCAPES = "test_accuracy", "turning_pixels", "turns", "images", "turning_images"
NEEDED = {  # the metrics and arrays of each run that claims and report read
    **dict.fromkeys([*runs.POST_RUNS, "l1-0.2", "l1-0.2-equivalent"], TRAINED),
    **dict.fromkeys(EXACT, PROVED),
    **dict.fromkeys(["regular-seeds", "robust-seeds"], SEEDS),
    "crossvalidation": ((), ("accuracy",)),
    "network": (("robust_accuracy",), ()),
    "landscapes": (LANDSCAPES, ()),
    "shifts": (("clean",), ()),
    "norms": (("models",), ()),
    "transfer": (("accuracy", "epsilon", "draws"), ()),
    "certified": (
        ("class_distance", *NAMES),
        ("small-regular-0", "small-adversarial-0", "small-certified-0"),
    ),
    "threats": (("transfer", "sure", "mistakes", "few_pixels", "clean", "shifts"), ()),
}


def verdict(holds, condition=False):
    return HOLDS if holds else CONDITION if condition else FAILS


def at(values, epsilons, epsilon):
    """The one of `values` whose ε is nearest to the given one."""
    return values[int(np.argmin(np.abs(np.subtract(epsilons, epsilon))))]


def accuracy_at(run, kind, epsilon):
    """A run's accuracy under attack, in 0..1, at the saved ε that is nearest to the given one."""
    curve = run.metrics["robust_accuracy"]
    return at(curve[kind], curve["epsilon"], epsilon)


def models(saved, metric=None):
    """The post's four runs, or one metric of each."""
    four = [saved[name] for name in runs.POST_RUNS]
    return [run.metrics[metric] for run in four] if metric else four


def margins_of(run):
    """y ŷ of every test image, (2115,)."""
    return run.arrays["test_targets"] * run.arrays["test_logits"]


def sizes_of(run):
    """|w_i| of every pixel, (784,)."""
    return np.abs(run.arrays["weights"])


def share(chosen, sizes):
    """Which part of ‖w‖₁ is on the chosen pixels; 0 if all weights are."""
    return float(sizes[chosen].sum() / (sizes.sum() or 1))


def part(found):
    """The share of what is True; 0 of nothing, as where no weight is kept."""
    return float(np.mean(found)) if len(found) else 0.0


def images(saved, split):
    """x and y of the runs' images: of the Data that `saved` has beside them, or the post's."""
    data = saved.get("data")
    if data is None:
        return data_prep.load(split)
    return getattr(data, f"x_{split}"), getattr(data, f"y_{split}")


def accuracy(saved):
    """Holds if the regular model's accuracy, in the mean over folds, is above 99 %, and each robust
    model loses more than two standard errors, fold by fold; with a condition if one of them does.
    """
    folds = saved["crossvalidation"].arrays["accuracy"]  # (models, folds)
    mean, loss = folds.mean(axis=1), folds[0] - folds[1:]
    error = loss.std(axis=1, ddof=1) / np.sqrt(loss.shape[1])
    less = loss.mean(axis=1) > 2 * error
    return verdict(mean[0] > 0.99 and less.all(), mean[0] > 0.99 and less.any()), dict(
        test_accuracy=models(saved, "test_accuracy"),
        folds=loss.shape[1],
        folds_mean=mean.tolist(),
        paired_loss=loss.mean(axis=1).tolist(),
        standard_error=error.tolist(),
        less_accurate=int(less.sum()),
    )


def overfitting(saved):
    """Holds if no model is half a point more accurate on the training images than on the test
    images, clean or at any ε; with a condition if only clean.
    """
    x, y = images(saved, "train")
    gaps = []  # train - test, (models, ε)
    for run in models(saved):
        curve = run.metrics["robust_accuracy"]
        model = run.arrays["weights"], run.arrays["bias"]
        train = attacks.robust_accuracy(*model, x, y, curve["epsilon"])
        gaps.append(train - curve["unclipped"])
    gaps = np.array(gaps)
    return verdict(gaps.max() < SOME, gaps[:, 0].max() < SOME), dict(
        gap=gaps[:, 0].tolist(),
        largest_gap_attacked=gaps.max(axis=1).tolist(),
        least_gap_attacked=gaps.min(axis=1).tolist(),
    )


def mistakes(saved):
    """Holds if every model misclassifies fewer than ten test images."""
    wrong = models(saved, "misclassified_test")
    return verdict(max(wrong) < 10), dict(
        misclassified_test=wrong, test_images=len(margins_of(saved["regular"]))
    )


def dots(saved):
    """Holds if, for every model, erasing all ink but the largest patch corrects most mistakes on
    images with a dot, a second patch of at least DOT pixels, and pasting the dots on the others
    raises the error by a point in the mean; with a condition if a model has the first.
    """
    x, y = images(saved, "test")
    x, dot = x[..., 0], np.zeros(len(x), bool)
    erased, pasted = x.copy(), []
    for number, image in enumerate(x):
        patches = ndimage.label(image > 0, np.ones((3, 3)))[0]
        sizes = np.bincount(patches.ravel())
        sizes[0] = 0  # the background
        largest = sizes.argmax()
        erased[number][patches != largest] = 0
        if np.sum(sizes >= DOT) > 1:
            dot[number], others = True, np.setdiff1d(np.flatnonzero(sizes >= DOT), largest)
            pasted.append(np.where(np.isin(patches, others), image, 0))
    wrong, corrected, raised = [], [], []
    for run in models(saved):
        model = run.arrays["weights"], run.arrays["bias"]
        wrong.append(attacks.signed_radius(*model, x, y) <= 0)
        right_after = attacks.signed_radius(*model, erased, y) > 0
        corrected.append(int(np.sum(wrong[-1] & dot & right_after)))
        change = [
            np.mean(attacks.signed_radius(*model, np.maximum(x[~dot], one), y[~dot]) <= 0)
            for one in pasted
        ]
        raised.append((np.array(change) - wrong[-1][~dot].mean()).tolist())
    wrong, means = np.array(wrong), list(map(part, raised))
    with_dot = wrong[:, dot].sum(axis=1)
    most = np.array(corrected) > with_dot / 2
    return verdict(most.all() and min(means) > 0.01, most.any()), dict(
        images_with_dot=int(dot.sum()),
        mistakes=wrong.sum(axis=1).tolist(),
        mistakes_with_dot=with_dot.tolist(),
        error_with_dot=[part(each[dot]) for each in wrong],
        error_without=[part(each[~dot]) for each in wrong],
        corrected_by_erasing=corrected,
        raised_by_pasting=means,
        largest_change_by_pasting=float(np.abs(raised).max(initial=0)),
    )


def brittleness(saved):
    """Holds if the regular model keeps under 1 % at ε = 0.2; with a condition if only unclipped."""
    kept = {kind: accuracy_at(saved["regular"], kind, 0.2) for kind in ("unclipped", "clipped")}
    found = verdict(max(kept.values()) < 0.01, kept["unclipped"] < 0.01)
    if "network" in saved:
        kept["network_pgd_clipped"] = accuracy_at(saved["network"], "pgd_clipped", 0.2)
    return found, kept


def robustness(saved):
    """Holds if each robust model falls below 90 % at more than twice the ε of the regular one."""

    def first_below(accuracy):
        return [
            next(
                (
                    epsilon
                    for epsilon, kept in zip(curve["epsilon"], curve["unclipped"])
                    if kept < accuracy
                ),
                0.5,
            )
            for curve in models(saved, "robust_accuracy")
        ]

    below_90 = first_below(0.9)
    return verdict(min(below_90[1:]) > 2 * below_90[0]), dict(
        below_90=below_90, below_50=first_below(0.5)
    )


def weak_features(saved):
    """Holds if robust models have more than ten times as many weights as the regular one within a
    step of SGD around zero, learning rate × ε, and over twice its share of ‖w‖₁ in the 50 largest.
    """
    sizes = list(map(sizes_of, models(saved)))
    top = [share(np.argsort(each)[-50:], each) for each in sizes]
    configs = [saved[name].config for name in ROBUST]
    steps = np.array(
        [[config["arguments"]["learning_rate"] * config["run"]["epsilon"]] for config in configs]
    )
    within, regular_within = np.mean(sizes[1:] <= steps, axis=1), np.mean(sizes[0] <= steps, axis=1)
    balls = saved["norms"].metrics["models"] if "norms" in saved else []
    return verdict(np.all(within > 10 * regular_within) and min(top[1:]) > 2 * top[0]), dict(
        below_a_thousandth_of_the_largest=[
            float(np.mean(each < 1e-3 * each.max())) for each in sizes
        ],
        norm_in_50_largest=top,
        norm_in_50_by_ball={model["norm"]: model["norm_in_largest"] for model in balls},
        ball_as_strong_as=balls[0]["as_epsilon"] if balls else None,
        regular_norm_on_blank_pixels=share(~saved["regular"].arrays["lit_pixels"], sizes[0]),
        within_one_step_of_zero=within.tolist(),
        regular_within_the_same=regular_within.tolist(),
    )


def aligned_features(saved):
    """Holds if each robust model has more than twice the regular one's share of ‖w‖₁ on the pixels
    whose class means no attack of its own ε can join; with a condition if one of them has.
    """
    x, y = images(saved, "train")
    difference = np.abs(x[y > 0].mean(axis=0) - x[y < 0].mean(axis=0)).ravel()
    regular, *robust = map(sizes_of, models(saved))
    strong = [difference > 2 * epsilon for epsilon in runs.EPSILONS]
    shares = list(map(share, strong, robust))
    regular_shares = [share(pixels, regular) for pixels in strong]
    more = np.array(shares) > 2 * np.array(regular_shares)
    return verdict(more.all(), more.any()), dict(
        strong_pixels=[int(pixels.sum()) for pixels in strong],
        norm_on_strong_pixels=shares,
        regular_norm_on_the_same=regular_shares,
        optimum_pixels=int(np.count_nonzero(saved["exact-0.3"].arrays["weights"])),
    )


def small_weights(saved):
    """Holds if fewer than half of the weights that a robust model keeps are smaller than its ε."""
    below, best_below, pulled_less = [], [], 0
    for epsilon, robust, exact in zip(runs.EPSILONS, ROBUST, EXACT):
        kept, best = sizes_of(saved[robust]), sizes_of(saved[exact])
        below.append(part(kept[kept > MADE_WEIGHT] < epsilon))
        best_below.append(part(best[best > 0] < epsilon))
        pull = np.abs(saved[exact].arrays["pixel_pull"])
        pulled_less += int(np.sum((pull < epsilon * (1 - 1e-6)) & (best > 0)))
    return verdict(max(below) < 0.5), dict(
        made_weight=MADE_WEIGHT,
        kept_below_epsilon=below,
        optimum_kept_below_epsilon=best_below,
        optimum_kept_though_pulled_less=pulled_less,
    )


def tolerance(saved):
    """Holds if each robust model misclassifies a test image that has no loss."""
    least, distance = [], []
    for run in models(saved):
        epsilon, norm = run.config["run"].get("epsilon", 0), run.metrics["weight_l1_norm"]
        margins = margins_of(run)
        losses = np.maximum(0, 1 - attacks.robust_margins(margins, run.arrays["weights"], epsilon))
        # The least that any mistake costs stands for those of a model that makes none.
        least.append(float(min(losses[margins <= 0], default=1 + epsilon * norm)))
        distance.append((1 + epsilon * norm) / norm)
    return verdict(max(least[1:]) == 0), dict(
        least_loss_of_a_mistake=least, distance_without_loss=distance
    )


def cosine(one, other):
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def l1_penalty(saved):
    """Holds if the robust model, ε = 0.2, leaves more test images without a loss of their own than
    both L1 models; with a condition if more than one of the two. `dual_feasible`: the α that proves
    the robust optimum meets every constraint of the L1 problem's dual, but for rounding.
    """
    names = "robust-0.2", "l1-0.2", "l1-0.2-equivalent"
    robust, same_norm, equivalent = three = [saved[name] for name in names]
    ignored = [margins_of(run) >= 1 for run in three]
    ignored[0] = attacks.robust_margins(margins_of(robust), robust.arrays["weights"], 0.2) >= 1
    idle = [float(each.mean()) for each in ignored]
    exact = saved["exact-0.2"]
    optimum, metrics, best = exact.arrays["weights"], exact.metrics, margins_of(exact)
    # The same classifier where the L1 problem has it: optimum.py.
    norm, penalty = np.abs(optimum).sum(), equivalent.config["run"]["penalty"]
    robust_ignores = attacks.robust_margins(best, optimum, 0.2) >= 1
    l1_ignores = best / (1 + 0.2 * norm) >= 1
    (x, y), alpha = images(saved, "train"), exact.arrays["alpha"]
    active = alpha > 0
    pulls = (alpha * y)[active] @ x[active].reshape(-1, optimum.size).astype(float) / len(y)
    excess, balance = float(np.abs(pulls).max() - penalty), float(abs(alpha @ y))
    bounded = bool(alpha.min() >= 0 and alpha.max() <= 1)
    more = [idle[0] > each for each in idle[1:]]
    return verdict(all(more), any(more)), dict(
        test_images_without_loss=idle,
        optimum_without_loss=float(robust_ignores.mean()),
        optimum_ignored_by_one_only=int(np.sum(robust_ignores != l1_ignores)),
        robust_accuracy=[accuracy_at(run, "unclipped", 0.2) for run in three],
        penalty=penalty,
        norm_ratio=same_norm.metrics["weight_l1_norm"] / robust.metrics["weight_l1_norm"],
        cosine_of_the_runs=cosine(robust.arrays["weights"], equivalent.arrays["weights"]),
        dual_excess=excess,
        dual_balance=balance,
        dual_feasible=bounded and excess <= ROUNDING and balance <= ROUNDING,
        optimum_gap=metrics["l1_objective"] - float(alpha.mean()),
    )


def confident(run):
    """Median |logit| of the misclassified test images: {"epsilon": at each of RIDGES, "share":
    where each of SHARES is fooled}; None where there is no mistake.
    """
    norm = attacks.dual_norm(run.arrays["weights"])
    radii = margins_of(run) / norm  # the ε at which the worst case fools the model
    medians = {}
    for kind, epsilons in (("epsilon", RIDGES), ("share", np.quantile(radii, SHARES))):
        distances = [epsilon - radii[radii <= epsilon] for epsilon in epsilons]  # |logit| / ‖w‖₁
        medians[kind] = [float(norm * np.median(each)) if len(each) else None for each in distances]
    return medians


def confidence(saved):
    """Holds if the mistakes of the regular model have, in the median, larger |logit| than those of
    each robust one at every ε of figure 13, and wherever the same share is fooled; with a condition
    if at most ε of that figure.
    """
    curves = {run: confident(saved[run]) for run in runs.POST_RUNS}
    more = {}  # for each robust model, where the regular one is more confident
    for kind in ("epsilon", "share"):
        medians = [np.array(curves[run][kind], float) for run in runs.POST_RUNS]
        # Where a model makes no mistake, NaN, the two cannot be compared, and it does not count.
        more[kind] = [~(medians[0] <= robust) for robust in medians[1:]]
    means = {kind: [float(each.mean()) for each in rows] for kind, rows in more.items()}
    every = means["epsilon"] + means["share"]
    return verdict(min(every) == 1, min(means["epsilon"]) > 0.5), dict(
        epsilon=RIDGES.tolist(),
        share=SHARES.tolist(),
        median_logit=curves,
        more_confident_at_epsilon=means["epsilon"],
        more_confident_at_share=means["share"],
        robust_up_to_share=[float(SHARES[~each].max(initial=0)) for each in more["share"]],
        robust_up_to_epsilon=[float(RIDGES[~each].max(initial=0)) for each in more["epsilon"]],
    )


def reliability(saved):
    """Holds if every robust model keeps, to within a point, the regular one's accuracy at every ε
    of an attack on all pixels, clipped, and for every number of pixels changed; with a condition if
    only at every ε.
    """
    x, y = images(saved, "test")
    every = np.array([curve["clipped"] for curve in models(saved, "robust_accuracy")])
    fewest = [
        attacks.fewest_pixels(run.arrays["weights"], run.arrays["bias"], x, y)
        for run in (*models(saved), *(saved[name] for name in EXACT))
    ]
    few = np.array([[np.mean(each > count) for count in PIXEL_COUNTS] for each in fewest])
    small = np.all(every[1:] >= every[0] - 0.01)
    brittle = np.any(few[1:4] < few[0] - 0.01, axis=0)
    return verdict(small and not brittle.any(), small), dict(
        median_pixels=[float(np.median(each)) for each in fewest],
        one_pixel=few[:, 0].tolist(),
        ten_pixels=few[:, 9].tolist(),
        all_pixels_kept=bool(small),
        robust_below_regular=int(brittle.sum()),
        counts=len(PIXEL_COUNTS),
    )


def transfer(saved):
    """Holds if the attacks of a kind of surrogate that has seen no more than FEW of the training
    images leave the regular model, in the mean, under 50 % at ε = 0.2; with a condition if those of
    one that has not seen all of them do. Numbers: mean, least, most of a kind.
    """
    run = saved["transfer"]
    sources, table = run.config["run"]["sources"], run.metrics["accuracy"]
    seen, everything = run.config["run"]["images"], max(run.config["run"]["images"])
    keys = "unclipped", "unclipped_least", "unclipped_most"
    kept = {  # by roughness: the fewer images, the rougher
        sources[row]: [table[key][row][0] for key in keys]
        for row in np.argsort(seen, kind="stable")
    }
    best = lambda limit: min(
        [kept[name][0] for name, images in zip(sources, seen) if images <= limit], default=1.0
    )
    few, some = best(FEW * everything), best(everything - 1)
    return verdict(few < 0.5, some < 0.5), dict(
        kept=kept,
        best_with_few=few,
        best_without_all=some,
        best_with_all=best(everything),
        white_box=table["unclipped"][sources.index("regular")][0],
        draws=run.metrics["draws"],
    )


def landscape(saved):
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


def margin(saved):
    """Holds if the training images cannot have the margin of the plain hinge, zero robust loss at
    ε = 0; with a condition if they can have that of the robust loss up to ε = 0.3.
    """
    metrics = saved["exact-0.3"].metrics
    epsilon, bound = metrics["separation_epsilon"], metrics["separation_upper_bound"]
    return verdict(epsilon == 0, bound > 0.3), dict(separation_epsilon=epsilon, upper_bound=bound)


def shifts(saved):
    """Holds if no robust model is SOME less accurate than the regular one under any shift; with a
    condition if each is SOME more accurate under one of them.
    """
    run, rows = saved["shifts"], {}
    for name in run.config["run"]["shifts"]:
        amounts, accuracy = run.metrics[name]["amounts"], run.metrics[name]["accuracy"]
        rows |= {f"{name} {amount:g}": row for amount, row in zip(amounts, accuracy)}
    change = np.array([np.subtract(row[1:], row[0]) for row in rows.values()])  # to the regular one
    better, worse = change > SOME, change < -SOME
    robust = slice(0, len(ROBUST))
    return verdict(
        not worse[:, robust].any() and better.any(), better[:, robust].any(axis=0).all()
    ), dict(
        models=run.config["run"]["models"],
        accuracy=rows,
        shifts=len(rows),
        better=better.sum(axis=0).tolist(),
        worse=worse.sum(axis=0).tolist(),
        least_change=change.min(axis=0).tolist(),
    )


def useless_networks(saved):
    """Holds if both certified networks are useless: a point less accurate, clean, than the regular
    network of their shape, or proved to keep less than the best linear classifier of ε = 0.3,
    clipped; with a condition if one of them is.
    """
    run, linear = saved["certified"].metrics, accuracy_at(saved["exact-0.3"], "clipped", 0.3)
    clean = {name: run[name]["attacked"][0] for name in NAMES}
    lost = [clean[f"{shape}-regular"] - clean[f"{shape}-certified"] for shape in NETWORKS]
    sides = ("certified", "attacked")
    kept = {
        name: [at(run[name][side], run[name]["epsilon"], 0.3) for side in sides] for name in NAMES
    }
    proved = [kept[f"{shape}-certified"][0] for shape in NETWORKS]
    useless = (np.array(lost) > 0.01) | (np.array(proved) < linear)
    return verdict(useless.all(), useless.any()), dict(
        clean=clean, lost=lost, kept=kept, linear=linear, useless=int(useless.sum())
    )


def weak_features_of_networks(saved):
    """Holds if the adversarial and the certified small network both have less than half of the
    regular one's share of the first layer's absolute weight on the pixels that are blank in every
    training image; with a condition if one of them has.
    """
    blank, shares, top = ~saved["regular"].arrays["lit_pixels"], [], []
    for training in TRAININGS:
        sizes = np.abs(saved["certified"].arrays[f"small-{training}-0"]).sum(axis=1)
        shares.append(share(blank, sizes))
        top.append(share(np.argsort(sizes)[-50:], sizes))
    less = np.array(shares[1:]) < shares[0] / 2
    return verdict(less.all(), less.any()), dict(
        on_blank_pixels=shares, in_50_largest=top, blank_pixels=int(blank.sum())
    )


def sure_networks(saved):
    """Holds if the mistakes of each certified network under attack are, in the median, less sure
    than those of the regular network of its shape, wherever both make one; with a condition for one
    shape. How sure: |logit| over the network's median |logit| of the clean test images.
    """
    run, less = saved["threats"], []
    sure = {name: run.metrics["sure"][name] for name in NAMES}
    for shape in NETWORKS:
        pairs = zip(sure[f"{shape}-regular"], sure[f"{shape}-certified"])
        both = [
            certified < regular for regular, certified in pairs if None not in (regular, certified)
        ]
        less.append(bool(both) and all(both))
    return verdict(all(less), any(less)), dict(
        epsilons=run.config["run"]["epsilons"], sure=sure, mistakes=run.metrics["mistakes"]
    )


def transfer_to_networks(saved):
    """Holds if attacks of ε = 0.2, clipped, that were made for the regular linear model leave both
    regular networks under 50 %, and those made for these networks the linear model; with a
    condition if some of them do.
    """
    run = saved["threats"]
    names, table = run.config["run"]["models"], np.array(run.metrics["transfer"])
    cell = lambda source, target: float(table[names.index(source), names.index(target)])
    to = {name: cell("regular", name) for name in NAMES}
    back = {name: cell(name, "regular") for name in NAMES}
    robust = {name: [cell("robust-0.2", name), cell(name, "robust-0.2")] for name in NAMES}
    own = {name: cell(name, name) for name in ("regular", "robust-0.2", *NAMES)}
    fooled = [each[f"{shape}-regular"] < 0.5 for each in (to, back) for shape in NETWORKS]
    return verdict(all(fooled), any(fooled)), dict(
        epsilon=run.config["run"]["transfer_epsilon"], to=to, back=back, robust=robust, own=own
    )


def reliable_network(saved):
    """Holds if the certified convolutional network keeps, to within a point, what the regular one
    of its shape does, for every number of pixels changed and under every shift; with a condition if
    for all of the one or all of the other.
    """
    run = saved["threats"]
    few, names = run.metrics["few_pixels"], run.config["run"]["networks"]
    rows = {
        f"{name} {amount:g}": row
        for name, table in run.metrics["shifts"].items()
        for amount, row in zip(saved["shifts"].metrics[name]["amounts"], table)
    }
    shifted = {name: np.array([row[names.index(name)] for row in rows.values()]) for name in names}
    regular, certified = "convolutional-regular", "convolutional-certified"
    fewer = np.array(few[certified]) < np.array(few[regular]) - 0.01
    change = shifted[certified] - shifted[regular]
    kept = saved["shifts"].config["run"]["models"]
    posts = [kept.index(name) for name in runs.POST_RUNS]
    linear = [
        np.array(row)[posts]
        for name in run.metrics["shifts"]
        for row in saved["shifts"].metrics[name]["accuracy"]
    ]
    above = shifted[certified] - np.max(linear, axis=1)
    pixels, moved = not fewer.any(), change.min() >= -0.01
    worst = list(rows)[int(np.argmin(change))]
    return verdict(pixels and moved, pixels or moved), dict(
        images=run.config["run"]["images"],
        counts=len(fewer) - 1,
        all_pixels={name: values[-1] for name, values in few.items()},
        fewer_at=int(fewer.sum()),
        shifts=len(rows),
        worse=int(np.sum(change < -0.01)),
        better=int(np.sum(change > 0.01)),
        worst=worst,
        worst_accuracy=[rows[worst][names.index(name)] for name in (regular, certified)],
        better_than_linear=int(np.sum(above > SOME)),
        worse_than_linear=int(np.sum(above < -SOME)),
    )


CLAIMS = (
    accuracy,
    overfitting,
    mistakes,
    dots,
    brittleness,
    robustness,
    weak_features,
    aligned_features,
    small_weights,
    tolerance,
    l1_penalty,
    confidence,
    reliability,
    transfer,
    landscape,
    margin,
    shifts,
    useless_networks,
    weak_features_of_networks,
    sure_networks,
    transfer_to_networks,
    reliable_network,
)


def read_runs(results, needed, required):
    """Saved runs by name: those of `needed` that are required or there.

    Raises FileNotFoundError or ValueError with the command that helps.
    """
    saved = {
        name: runs.read(results / name, *parts)
        for name, parts in needed.items()
        if name in required or (results / name).exists()
    }
    if len({run.config.get("data_sha256") for run in saved.values()}) > 1:
        raise ValueError(
            f"{results} mixes runs of different data; make them anew with: "
            f"{reproduce_command(results, saved)}"
        )
    return saved


def reproduce_command(results, saved):
    """The command that makes the saved runs anew, all of them."""
    radii, beyond = radius_flags(results), set(saved) - {*runs.post_runs(results)}
    everything = " --all" if beyond and not radii else ""
    return f"python reproduce.py{everything}{radii}{runs.flags(results)}"


def reported(results):
    """The models that a report is about: the post's, if the folder has them, or those it has."""
    models = runs.post_runs(results)
    return runs.POST_RUNS if set(models) >= set(runs.POST_RUNS) else models


def radius_flags(results):
    """The flags of the robust models that a report is about, if they are not the post's."""
    models = reported(results)
    if models == runs.POST_RUNS:
        return ""
    return "".join(f" --epsilon {runs.parts(run)[1]}" for run in models[1:])


def measure(results):
    """Verdict and numbers of each claim, by its function's name. Raises what `read_runs` does."""
    digits = runs.read(results / "regular").config["arguments"]["digits"]
    if tuple(digits) != runs.DIGITS:
        raise ValueError(
            "the claims are the post's, about the digits 0 and 1; the runs in "
            f"{results} are of {digits[0]} and {digits[1]}"
        )
    saved = read_runs(results, NEEDED, required=NEEDED)
    measured = {claim.__name__: claim(saved) for claim in CLAIMS}
    return {
        name: dict(verdict=verdict, numbers=numbers)
        for name, (verdict, numbers) in measured.items()
    }


def main(argv=None):
    parser = cli.parser(__doc__)
    cli.add_results(parser)
    results = cli.results_folder(parser.parse_args(argv))
    measured = measure(results)
    files.write_json(results / "claims.json", {"claims": measured})
    for name, claim in measured.items():
        print(f"  {name:16}  {claim['verdict']}")
    print(results / "claims.json")


if __name__ == "__main__":
    cli.run(main)
