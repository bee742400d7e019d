"""The rules for what the post says of linear models, in its order."""

import functools

import numpy as np
from scipy import ndimage

import attacks
from claims import rules
from claims.rules import EXACT, ROBUST, accuracy_at, margins_of, models, share, sizes_of, verdict
from common import runs

RIDGES = np.linspace(0.025, 0.5, 20)  # the attack radii of figure 13
MADE_WEIGHT = 0.01  # a weight above it was made by training: SGD's steps around zero are smaller
ROUNDING = 1e-9  # of sums over the training images
PIXEL_COUNTS = np.arange(1, 41)  # that an attacker may change, anywhere in [0, 1]
DOT = 10  # pixels, of the smallest patch of ink that counts as a dot
SHARES = np.arange(1, 21) / 20  # of the test images fooled
FEW = 0.01  # of the training images: what a rough approximation has seen


def accuracy(saved, data):
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


def overfitting(saved, data):
    """Holds if no model is half a point more accurate on the training images than on the test
    images, clean or at any ε; with a condition if only clean.
    """
    gaps = []  # train - test, (models, ε)
    for run in models(saved):
        curve = run.metrics["robust_accuracy"]
        train = attacks.robust_accuracy(
            *rules.linear(run), data.x_train, data.y_train, curve["epsilon"]
        )
        gaps.append(train - curve["unclipped"])
    gaps = np.array(gaps)
    return verdict(gaps.max() < rules.HALF_POINT, gaps[:, 0].max() < rules.HALF_POINT), dict(
        gap=gaps[:, 0].tolist(),
        largest_gap_attacked=gaps.max(axis=1).tolist(),
        least_gap_attacked=gaps.min(axis=1).tolist(),
    )


def mistakes(saved, data):
    """Holds if every model misclassifies fewer than ten test images."""
    wrong = models(saved, "misclassified_test")
    return verdict(max(wrong) < 10), dict(misclassified_test=wrong, test_images=len(data.y_test))


def dots(saved, data):
    """Holds if, for every model, erasing all ink but the largest patch corrects most mistakes on
    images with a dot, a second patch of at least DOT pixels, and pasting the dots on the others
    raises the error by a point in the mean; with a condition if a model has the first.
    """
    x, y = data.x_test[..., 0], data.y_test
    dot = np.zeros(len(x), bool)
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
        radii = functools.partial(attacks.signed_radius, *rules.linear(run))
        wrong.append(radii(x, y) <= 0)
        corrected.append(int(np.sum(wrong[-1] & dot & (radii(erased, y) > 0))))
        change = [np.mean(radii(np.maximum(x[~dot], one), y[~dot]) <= 0) for one in pasted]
        raised.append((np.array(change) - wrong[-1][~dot].mean()).tolist())
    wrong, means = np.array(wrong), list(map(share, raised))
    with_dot = wrong[:, dot].sum(axis=1)
    most = np.array(corrected) > with_dot / 2
    return verdict(most.all() and min(means) > rules.POINT, most.any()), dict(
        images_with_dot=int(dot.sum()),
        mistakes=wrong.sum(axis=1).tolist(),
        mistakes_with_dot=with_dot.tolist(),
        error_with_dot=[share(each[dot]) for each in wrong],
        error_without=[share(each[~dot]) for each in wrong],
        corrected_by_erasing=corrected,
        raised_by_pasting=means,
        largest_change_by_pasting=float(np.abs(raised).max(initial=0)),
    )


def brittleness(saved, data):
    """Holds if the regular model keeps under 1 % at ε = 0.2; with a condition if only unclipped."""
    kept = {each: accuracy_at(saved["regular"], each, 0.2) for each in ("unclipped", "clipped")}
    found = verdict(max(kept.values()) < rules.POINT, kept["unclipped"] < rules.POINT)
    if "network" in saved:
        kept["network_pgd_clipped"] = accuracy_at(saved["network"], "pgd_clipped", 0.2)
    return found, kept


def robustness(saved, data):
    """Holds if each robust model falls below 90 % at more than twice the ε of the regular one."""
    below = {0.9: [], 0.5: []}  # the ε of each model
    for curve in models(saved, "robust_accuracy"):
        for accuracy, epsilons in below.items():
            broken = np.array(curve["unclipped"]) < accuracy
            epsilons.append(float(min(np.array(curve["epsilon"])[broken], default=0.5)))
    regular, *robust = below[0.9]
    return verdict(min(robust) > 2 * regular), dict(below_90=below[0.9], below_50=below[0.5])


def weak_features(saved, data):
    """Holds if robust models have more than ten times as many weights as the regular one within a
    step of SGD around zero, learning rate × ε, and over twice its share of ‖w‖₁ in the 50 largest.
    """
    sizes = list(map(sizes_of, models(saved)))
    top = [rules.norm_share(np.argsort(each)[-50:], each) for each in sizes]
    configs = [run.config for run in models(saved)[1:]]
    steps = np.array([[it["arguments"]["learning_rate"] * it["run"]["epsilon"]] for it in configs])
    within, regular_within = np.mean(sizes[1:] <= steps, axis=1), np.mean(sizes[0] <= steps, axis=1)
    balls = saved["norms"].metrics["models"] if "norms" in saved else []
    return verdict(np.all(within > 10 * regular_within) and min(top[1:]) > 2 * top[0]), dict(
        below_a_thousandth_of_the_largest=[share(each < 1e-3 * each.max()) for each in sizes],
        norm_in_50_largest=top,
        norm_in_50_by_ball={model["norm"]: model["norm_in_largest"] for model in balls},
        ball_as_strong_as=balls[0]["as_epsilon"] if balls else None,
        regular_norm_on_blank_pixels=rules.norm_share(
            ~saved["regular"].arrays["lit_pixels"], sizes[0]
        ),
        within_one_step_of_zero=within.tolist(),
        regular_within_the_same=regular_within.tolist(),
    )


def aligned_features(saved, data):
    """Holds if each robust model has more than twice the regular one's share of ‖w‖₁ on the pixels
    whose class means no attack of its own ε can join; with a condition if one of them has.
    """
    x, y = data.x_train, data.y_train
    difference = np.abs(x[y > 0].mean(axis=0) - x[y < 0].mean(axis=0)).ravel()
    regular, *robust = map(sizes_of, models(saved))
    strong = [difference > 2 * epsilon for epsilon in runs.EPSILONS]
    shares = list(map(rules.norm_share, strong, robust))
    regular_shares = [rules.norm_share(pixels, regular) for pixels in strong]
    more = np.array(shares) > 2 * np.array(regular_shares)
    return verdict(more.all(), more.any()), dict(
        strong_pixels=[int(pixels.sum()) for pixels in strong],
        norm_on_strong_pixels=shares,
        regular_norm_on_the_same=regular_shares,
        optimum_pixels=int(np.count_nonzero(saved["exact-0.3"].arrays["weights"])),
    )


def small_weights(saved, data):
    """Holds if fewer than half of the weights that a robust model keeps are smaller than its ε."""
    below, best_below, pulled_less = [], [], 0
    for epsilon, robust, exact in zip(runs.EPSILONS, ROBUST, EXACT):
        kept, best = sizes_of(saved[robust]), sizes_of(saved[exact])
        below.append(share(kept[kept > MADE_WEIGHT] < epsilon))
        best_below.append(share(best[best > 0] < epsilon))
        pull = np.abs(saved[exact].arrays["pixel_pull"])
        pulled_less += int(np.sum((pull < epsilon * (1 - 1e-6)) & (best > 0)))
    return verdict(max(below) < 0.5), dict(
        made_weight=MADE_WEIGHT,
        kept_below_epsilon=below,
        optimum_kept_below_epsilon=best_below,
        optimum_kept_though_pulled_less=pulled_less,
    )


def tolerance(saved, data):
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


def l1_penalty(saved, data):
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
    y, alpha = data.y_train, exact.arrays["alpha"]
    active = alpha > 0
    x = data.x_train[active].reshape(-1, optimum.size).astype(float)
    pulls = (alpha * y)[active] @ x / len(y)
    excess, balance = float(np.abs(pulls).max() - penalty), float(abs(alpha @ y))
    bounded = bool(alpha.min() >= 0 and alpha.max() <= 1)
    one, other = robust.arrays["weights"], equivalent.arrays["weights"]
    cosine = float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))
    more = [idle[0] > each for each in idle[1:]]
    return verdict(all(more), any(more)), dict(
        test_images_without_loss=idle,
        optimum_without_loss=float(robust_ignores.mean()),
        optimum_ignored_by_one_only=int(np.sum(robust_ignores != l1_ignores)),
        robust_accuracy=[accuracy_at(run, "unclipped", 0.2) for run in three],
        penalty=penalty,
        norm_ratio=same_norm.metrics["weight_l1_norm"] / robust.metrics["weight_l1_norm"],
        cosine_of_the_runs=cosine,
        dual_excess=excess,
        dual_balance=balance,
        dual_feasible=bounded and excess <= ROUNDING and balance <= ROUNDING,
        optimum_gap=metrics["l1_objective"] - float(alpha.mean()),
    )


def median_logits(run):
    """Median |logit| of the misclassified test images: {"epsilon": at each of RIDGES, "share":
    where each of SHARES is fooled}; None where there is no mistake.
    """
    norm = sizes_of(run).sum()
    radii = margins_of(run) / norm  # the ε at which the worst case fools the model
    medians = {}
    for same, epsilons in (("epsilon", RIDGES), ("share", np.quantile(radii, SHARES))):
        distances = [epsilon - radii[radii <= epsilon] for epsilon in epsilons]  # |logit| / ‖w‖₁
        medians[same] = [float(norm * np.median(each)) if len(each) else None for each in distances]
    return medians


def confidence(saved, data):
    """Holds if the mistakes of the regular model have, in the median, larger |logit| than those of
    each robust one at every ε of figure 13, and wherever the same share is fooled; with a condition
    if at most ε of that figure.
    """
    curves = {name: median_logits(saved[name]) for name in runs.POST_RUNS}
    more = {}  # for each robust model, where the regular one is more confident
    for same in ("epsilon", "share"):
        regular, *robust = (np.array(each[same], float) for each in curves.values())
        # Where a model makes no mistake, NaN, the two cannot be compared, and it does not count.
        more[same] = [~(regular <= each) for each in robust]
    means = {same: [float(each.mean()) for each in rows] for same, rows in more.items()}
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


def reliability(saved, data):
    """Holds if every robust model keeps, to within a point, the regular one's accuracy at every ε
    of an attack on all pixels, clipped, and for every number of pixels changed; with a condition if
    only at every ε.
    """
    every = np.array([curve["clipped"] for curve in models(saved, "robust_accuracy")])
    fewest = saved["few_pixels"].arrays["fewest"]  # (the post's four models and the optima, images)
    few = np.mean(fewest[:, np.newaxis] > PIXEL_COUNTS[:, np.newaxis], axis=2)
    small = np.all(every[1:] >= every[0] - rules.POINT)
    brittle = np.any(few[1:4] < few[0] - rules.POINT, axis=0)
    return verdict(small and not brittle.any(), small), dict(
        median_pixels=np.median(fewest, axis=1).tolist(),
        one_pixel=few[:, 0].tolist(),
        ten_pixels=few[:, 9].tolist(),
        all_pixels_kept=bool(small),
        robust_below_regular=int(brittle.sum()),
        counts=len(PIXEL_COUNTS),
    )


def transfer(saved, data):
    """Holds if the attacks of a kind of surrogate that has seen no more than FEW of the training
    images leave the regular model, in the mean, under 50 % at ε = 0.2; with a condition if those of
    one that has not seen all of them do. Numbers: mean, least, most of a kind.
    """
    run = saved["transfer"]
    sources, seen = run.config["run"]["sources"], np.array(run.config["run"]["images"])
    curves = [run.metrics["accuracy"][f"unclipped{end}"] for end in ("", "_least", "_most")]
    rough_first = np.argsort(seen, kind="stable")  # the fewer images, the rougher
    kept = {sources[row]: [curve[row][0] for curve in curves] for row in rough_first}
    means = np.array([kept[name][0] for name in sources[: len(seen)]])
    best = lambda most: float(means[seen <= most].min(initial=1))
    few, some = best(FEW * max(seen)), best(max(seen) - 1)
    return verdict(few < 0.5, some < 0.5), dict(
        kept=kept,
        best_with_few=few,
        best_without_all=some,
        best_with_all=best(max(seen)),
        white_box=curves[0][sources.index("regular")][0],
        draws=run.metrics["draws"],
    )


def margin(saved, data):
    """Holds if the training images cannot have the margin of the plain hinge, zero robust loss at
    ε = 0; with a condition if they can have that of the robust loss up to ε = 0.3.
    """
    metrics = saved["exact-0.3"].metrics
    epsilon, bound = metrics["separation_epsilon"], metrics["separation_upper_bound"]
    return verdict(epsilon == 0, bound > 0.3), dict(separation_epsilon=epsilon, upper_bound=bound)


def shifts(saved, data):
    """Holds if no robust model is half a point less accurate than the regular one under any shift,
    and one is as much more accurate; with a condition if each is that under one of them.
    """
    run, rows = saved["shifts"], rules.shift_rows(saved["shifts"])
    change = np.array([np.subtract(row[1:], row[0]) for row in rows.values()])  # to the regular one
    better, worse = change > rules.HALF_POINT, change < -rules.HALF_POINT
    robust = slice(len(ROBUST))  # beside the optima
    holds = not worse[:, robust].any() and better.any()
    return verdict(holds, better[:, robust].any(axis=0).all()), dict(
        models=run.config["run"]["models"],
        accuracy=rows,
        shifts=len(rows),
        better=better.sum(axis=0).tolist(),
        worse=worse.sum(axis=0).tolist(),
        least_change=change.min(axis=0).tolist(),
    )
