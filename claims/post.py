"""The rules for what the post says of linear models, in its order.

A rule's last argument is its threshold: the verdict is shown for half and twice of it, too.
"""

import numpy as np
from scipy import ndimage

import attacks
from claims import rules
from claims.rules import EXACT, ROBUST, accuracy_at, margins_of, models, share, sizes_of, verdict
from common import runs

RIDGES = np.linspace(0.025, 0.5, 20)  # the attack radii of figure 13
MADE_WEIGHT = 0.01  # a weight above it was made by training: SGD's steps around zero are smaller
PIXEL_COUNTS = np.arange(1, 41)  # that an attacker may change, anywhere in [0, 1]
DOT = 10  # pixels, of the smallest patch of ink that counts as a dot
SHARES = np.arange(1, 21) / 20  # of the test images fooled
FEW = 0.01  # of the training images: what a rough approximation has seen


def accuracy(saved, data, error=0.01):
    """Holds if the regular model's error, in the mean over folds, is below the threshold, and each
    robust model loses more than chance explains, and less than the threshold; with a condition if
    one of them does. Chance: two standard errors of the paired losses, with the overlap of the
    folds' training images (Nadeau and Bengio, 2003).
    """
    folds = saved["crossvalidation"].arrays["accuracy"]  # (models, folds)
    mean, loss = folds.mean(axis=1), folds[0] - folds[1:]
    count = loss.shape[1]
    deviation = loss.std(axis=1, ddof=1) * np.sqrt(1 / count + 1 / (count - 1))
    lost = loss.mean(axis=1)
    less = (lost > 2 * deviation) & (lost < error)
    good = mean[0] > 1 - error
    return verdict(good and less.all(), good and less.any()), dict(
        test_accuracy=models(saved, "test_accuracy"),
        folds=count,
        folds_mean=mean.tolist(),
        paired_loss=lost.tolist(),
        standard_error=deviation.tolist(),
        less_accurate=int(less.sum()),
    )


def overfitting(saved, data, gap=0.005):
    """Holds if the accuracy of every model on the training and on the test images differs by less
    than the threshold, clean and at every ε; with a condition if only clean.
    """
    gaps = []  # train - test, (models, ε)
    for run in models(saved):
        curve = run.metrics["robust_accuracy"]
        train = data.x_train, data.y_train, curve["epsilon"]
        gaps.append(attacks.robust_accuracy(*rules.linear(run), *train) - curve["unclipped"])
    gaps = np.array(gaps)
    sizes = np.abs(gaps)
    return verdict(sizes.max() < gap, sizes[:, 0].max() < gap), dict(
        gap=gaps[:, 0].tolist(),
        largest_gap_attacked=gaps.max(axis=1).tolist(),
        least_gap_attacked=gaps.min(axis=1).tolist(),
    )


def mistakes(saved, data, most=10):
    """Holds if every model misclassifies fewer test images than the threshold."""
    wrong = models(saved, "misclassified_test")
    return verdict(max(wrong) < most), dict(misclassified_test=wrong, test_images=len(data.y_test))


def dots(saved, data, raised_by=0.01):
    """Holds if, for every model, erasing all ink but the largest patch corrects most mistakes on
    images with a dot, a second patch of at least DOT pixels, and pasting the dots on the others
    raises the error by the threshold in the mean; with a condition if both is so for one model.
    """
    x, y = data.x_test[..., 0], data.y_test[:, np.newaxis]
    dot, erased, pasted = np.zeros(len(x), bool), x.copy(), []
    for number, image in enumerate(x):
        patches = ndimage.label(image > 0, np.ones((3, 3)))[0]
        sizes = np.bincount(patches.ravel())
        sizes[0] = 0  # the background
        largest = sizes.argmax()
        erased[number][patches != largest] = 0
        if np.sum(sizes >= DOT) > 1:
            dot[number], others = True, np.setdiff1d(np.flatnonzero(sizes >= DOT), largest)
            pasted.append(np.where(np.isin(patches, others), image, 0).ravel())
    weights, biases = (np.array(each) for each in zip(*map(rules.linear, models(saved))))
    margins, after = (y * (it.reshape(len(x), -1) @ weights.T + biases) for it in (x, erased))
    wrong, others, raised = margins <= 0, x.reshape(len(x), -1)[~dot], []  # wrong: (images, models)
    for one in pasted:
        ink = one > 0  # only there do the margins change
        added = (np.maximum(others[:, ink], one[ink]) - others[:, ink]) @ weights[:, ink].T
        error = np.mean(margins[~dot] + y[~dot] * added <= 0, axis=0)
        raised.append(error - wrong[~dot].mean(axis=0))
    corrected = np.sum(wrong & (after > 0) & dot[:, np.newaxis], axis=0)
    means = list(map(share, np.reshape(raised, (-1, len(weights))).T))
    with_dot = wrong[dot].sum(axis=0)
    both = (corrected > with_dot / 2) & (np.array(means) > raised_by)
    return verdict(both.all(), both.any()), dict(
        images_with_dot=int(dot.sum()),
        mistakes=wrong.sum(axis=0).tolist(),
        mistakes_with_dot=with_dot.tolist(),
        error_without=list(map(share, wrong[~dot].T)),
        corrected_by_erasing=corrected.tolist(),
        raised_by_pasting=means,
        largest_change_by_pasting=float(np.abs(raised).max(initial=0)),
    )


def brittleness(saved, data, kept_at_most=0.01):
    """Holds if the regular model keeps less than the threshold at ε = 0.2; with a condition if only
    unclipped.
    """
    kept = {each: accuracy_at(saved["regular"], each, 0.2) for each in ("unclipped", "clipped")}
    return verdict(max(kept.values()) < kept_at_most, kept["unclipped"] < kept_at_most), kept


def weak_cause(saved, data, regained=0.5):
    """Holds if, at ε = 0.1, the regular model without what it has learned on weak pixels keeps more
    than the threshold of the test images that the attack takes from it; with a condition if it does
    without these pixels altogether, random start included, and not without as many random pixels.
    """
    run = saved["weak"]
    chosen = run.config["run"]["chosen"]
    kept = run.metrics["unclipped"][f"{chosen:g}"]  # at ε = 0, 0.1, 0.2, 0.3
    clean, attacked = kept["regular"][:2]
    share = lambda name: (kept[name][1] - attacked) / (clean - attacked or 1)
    pixels = share("without_weak") > regained > share("without_random")
    return verdict(share("without_learned") > regained, pixels), dict(
        difference=chosen,
        weak_pixels=run.metrics["weak_pixels"][run.metrics["differences"].index(chosen)],
        clean={name: values[0] for name, values in kept.items()},
        kept={name: values[1:] for name, values in kept.items()},
        regained={it: share(f"without_{it}") for it in ("learned", "start", "weak", "random")},
        draws=run.metrics["draws"],
        blank_pixels=run.metrics["blank_pixels"],
        largest_differences=run.metrics["differences"],
        without_by_difference=[it["without_weak"][1] for it in run.metrics["unclipped"].values()],
    )


def robustness(saved, data, more=0.05):
    """Holds if each robust model, under the attack of its own ε, keeps more than the regular one by
    the threshold; with a condition if one does. `twice`: whether it stays above 90 % up to more
    than twice the ε at which the regular one does not.
    """
    gain = [
        accuracy_at(saved[name], "unclipped", epsilon)
        - accuracy_at(saved["regular"], "unclipped", epsilon)
        for name, epsilon in zip(ROBUST, runs.EPSILONS)
    ]
    below = {0.9: [], 0.5: []}  # the ε of each model
    for curve in models(saved, "robust_accuracy"):
        for accuracy, epsilons in below.items():
            broken = np.array(curve["unclipped"]) < accuracy
            epsilons.append(float(min(np.array(curve["epsilon"])[broken], default=0.5)))
    each = [change > more for change in gain]
    return verdict(all(each), any(each)), dict(
        gain=gain,
        each=each,
        twice=[epsilon > 2 * below[0.9][0] for epsilon in below[0.9][1:]],
        below_90=below[0.9],
        below_50=below[0.5],
    )


def weak_features(saved, data, ratio=2):
    """Holds if each robust model has, in its 50 largest weights, a share of ‖w‖₁ of more than the
    threshold times the regular one's, and more weights within a step of SGD around zero (learning
    rate × ε), by the same factor; with a condition if one of them has.
    """
    sizes = list(map(sizes_of, models(saved)))
    blank = ~saved["regular"].arrays["lit_pixels"]
    top = np.array([rules.norm_share(np.argsort(each)[-50:], each) for each in sizes])
    configs = [run.config for run in models(saved)[1:]]
    steps = np.array([[it["arguments"]["learning_rate"] * it["run"]["epsilon"]] for it in configs])
    within, regular_within = np.mean(sizes[1:] <= steps, axis=1), np.mean(sizes[0] <= steps, axis=1)
    more = (top[1:] > ratio * top[0]) & (within > ratio * regular_within)
    balls = saved["norms"].metrics["models"] if "norms" in saved else []
    return verdict(more.all(), more.any()), dict(
        below_a_thousandth_of_the_largest=[share(each < 1e-3 * each.max()) for each in sizes],
        norm_in_50_largest=top.tolist(),
        norm_in_50_by_ball={model["norm"]: model["norm_in_largest"] for model in balls},
        ball_as_strong_as=balls[0]["as_epsilon"] if balls else None,
        regular_norm_on_blank_pixels=rules.norm_share(blank, sizes[0]),
        within_one_step_of_zero=within.tolist(),
        regular_within_the_same=regular_within.tolist(),
    )


def aligned_features(saved, data, ratio=2):
    """Holds if each robust model has more than the threshold times the regular one's share of
    ‖w‖₁ on the pixels whose class means no attack of its own ε can join; with a condition if one of
    them has.
    """
    x, y = data.x_train, data.y_train
    difference = np.abs(x[y > 0].mean(axis=0) - x[y < 0].mean(axis=0)).ravel()
    regular, *robust = map(sizes_of, models(saved))
    strong = [difference > 2 * epsilon for epsilon in runs.EPSILONS]
    shares = list(map(rules.norm_share, strong, robust))
    regular_shares = [rules.norm_share(pixels, regular) for pixels in strong]
    more = np.array(shares) > ratio * np.array(regular_shares)
    return verdict(more.all(), more.any()), dict(
        strong_pixels=[int(pixels.sum()) for pixels in strong],
        norm_on_strong_pixels=shares,
        regular_norm_on_the_same=regular_shares,
        optimum_pixels=int(np.count_nonzero(saved["exact-0.3"].arrays["weights"])),
    )


def small_weights(saved, data, small=0.25):
    """Holds if, of the weights that each robust model keeps, a smaller share than the threshold is
    smaller than its ε; with a condition if of one of them.
    """
    below, best_below, pulled_less = [], [], 0
    for epsilon, robust, exact in zip(runs.EPSILONS, ROBUST, EXACT):
        kept, best = sizes_of(saved[robust]), sizes_of(saved[exact])
        below.append(share(kept[kept > MADE_WEIGHT] < epsilon))
        best_below.append(share(best[best > 0] < epsilon))
        pull = np.abs(saved[exact].arrays["pixel_pull"])
        pulled_less += int(np.sum((pull < epsilon * (1 - 1e-6)) & (best > 0)))
    return verdict(max(below) < small, min(below) < small), dict(
        made_weight=MADE_WEIGHT,
        kept_below_epsilon=below,
        optimum_kept_below_epsilon=best_below,
        optimum_kept_though_pulled_less=pulled_less,
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


def confidence(saved, data, factor=1):
    """Holds if the mistakes of the regular model have, in the median, a |logit| of more than the
    threshold times that of each robust one at every ε of figure 13, and wherever the same share is
    fooled; with a condition if at most ε of that figure.
    """
    curves = {name: median_logits(saved[name]) for name in runs.POST_RUNS}
    more = {}  # for each robust model, where the regular one is more confident
    for same in ("epsilon", "share"):
        regular, *robust = (np.array(each[same], float) for each in curves.values())
        # Where a model makes no mistake, NaN, the two cannot be compared, and it does not count.
        more[same] = [~(regular <= factor * each) for each in robust]
    means = {same: [float(each.mean()) for each in rows] for same, rows in more.items()}
    every = means["epsilon"] + means["share"]
    clean = [np.median(np.abs(margins_of(run))) for run in models(saved)]  # each model's own scale
    regular, *robust = (
        np.array(each["share"], float) / one for each, one in zip(curves.values(), clean)
    )
    return verdict(min(every) == 1, min(means["epsilon"]) > 0.5), dict(
        epsilon=RIDGES.tolist(),
        share=SHARES.tolist(),
        median_logit=curves,
        more_confident_at_epsilon=means["epsilon"],
        more_confident_at_share=means["share"],
        more_confident_by_own_scale=[float(np.mean(regular > factor * each)) for each in robust],
        robust_up_to_share=[float(SHARES[~each].max(initial=0)) for each in more["share"]],
        robust_up_to_epsilon=[float(RIDGES[~each].max(initial=0)) for each in more["epsilon"]],
    )


def reliability(saved, data, less=0.01):
    """Holds if every robust model keeps, to within the threshold, the regular one's accuracy at
    every ε of an attack on all pixels, clipped, and for every number of pixels changed; with a
    condition if only at every ε. `each`: of each robust model, both.
    """
    every = np.array([curve["clipped"] for curve in models(saved, "robust_accuracy")])
    fewest = saved["few_pixels"].arrays["fewest"]  # (the post's four models and the optima, images)
    few = np.mean(fewest[:, np.newaxis] > PIXEL_COUNTS[:, np.newaxis], axis=2)
    small = np.all(every[1:] >= every[0] - less, axis=1)  # of each robust model
    brittle = few[1:4] < few[0] - less
    each = small & ~brittle.any(axis=1)
    return verdict(each.all(), small.all()), dict(
        median_pixels=np.median(fewest, axis=1).tolist(),
        one_pixel=few[:, 0].tolist(),
        ten_pixels=few[:, 9].tolist(),
        each=each.tolist(),
        all_pixels_kept=small.tolist(),
        clean_kept=(every[1:, 0] >= every[0, 0] - less).tolist(),
        robust_below_regular=brittle.sum(axis=1).tolist(),
        counts=len(PIXEL_COUNTS),
    )


def transfer(saved, data, kept=0.5):
    """Holds if the attacks of a kind of surrogate that has seen no more than FEW of the training
    images leave the regular model, in the mean over draws, less than the threshold at ε = 0.2; with
    a condition if they do at ε = 0.3.
    """
    run = saved["transfer"]
    seen, curves = np.array(run.config["run"]["images"]), run.arrays["accuracy"][:, 0]
    left = {  # of each kind of surrogate, the regular model's accuracy at each of EPSILONS
        name: [float(rules.at(curve, run.arrays["epsilon"], epsilon)) for epsilon in runs.EPSILONS]
        for name, curve in zip(run.config["run"]["sources"], curves)
    }
    kinds = np.array(list(left.values()))[: len(seen)]
    few, some, every = (
        kinds[seen <= most].min(axis=0, initial=1).tolist()
        for most in (FEW * max(seen), max(seen) - 1, max(seen))
    )
    return verdict(few[1] < kept, few[2] < kept), dict(
        left=left,
        best_with_few=few,
        best_without_all=some,
        best_with_all=every,
        white_box=left["regular"],
        draws=run.metrics["draws"],
    )


def margin(saved, data):
    """Holds if no linear model gives all training images the margin of the plain hinge, that is, if
    zero loss is impossible at ε = 0. `robust_reached`: whether zero robust loss, the margin
    1 + ε‖w‖₁, is possible at each ε of the post.
    """
    metrics = saved["exact-0.3"].metrics
    epsilon, bound = metrics["separation_epsilon"], metrics["separation_upper_bound"]
    return verdict(epsilon == 0), dict(
        separation_epsilon=epsilon,
        upper_bound=bound,
        robust_reached=[it <= epsilon for it in runs.EPSILONS],
    )


def shifts(saved, data, change=0.005):
    """Holds if no robust model is less accurate than the regular one under any shift, and one is
    more accurate, by the threshold; with a condition if a model is and under more shifts than it is
    less accurate.
    """
    run, rows = saved["shifts"], rules.shift_rows(saved["shifts"])
    changes = np.array([np.subtract(row[1:], row[0]) for row in rows.values()])  # to the regular
    better, worse = changes > change, changes < -change
    robust = slice(len(ROBUST))  # beside the optima
    more, less = better[:, robust].sum(axis=0), worse[:, robust].sum(axis=0)
    return verdict(more.any() and not less.any(), np.any(more > less)), dict(
        models=run.config["run"]["models"],
        accuracy=rows,
        shifts=len(rows),
        better=better.sum(axis=0).tolist(),
        worse=worse.sum(axis=0).tolist(),
        least_change=changes.min(axis=0).tolist(),
    )
