"""Every rule of a verdict on numbers made up for it: where it holds, where not, and between."""

from types import SimpleNamespace

import numpy as np
import pytest

from claims import networks, post, rules, theorems
from claims.__main__ import judge
from common import runs

HOLDS, CONDITION, FAILS = rules.HOLDS, rules.CONDITION, rules.FAILS


def run(metrics=None, arrays=None, **config):
    """A made-up saved run."""
    return runs.Run({"run": config}, metrics or {}, arrays or {})


def linear(weights, bias=0.0, **more):
    return run(more, dict(weights=np.array(weights, float), bias=np.float64(bias)))


def post_runs(make):
    return {name: make(name) for name in runs.POST_RUNS}


def images(x, y):
    """The same images for training and test, as data_prep.Data has them."""
    return SimpleNamespace(x_train=x, y_train=y, x_test=x, y_test=y)


def test_every_claim_has_a_rule_that_says_when_it_holds():
    for name, words in rules.words().items():
        rooms = (theorems,) if "algebra" in words else (post, networks)
        (rule,) = [getattr(room, name) for room in rooms if hasattr(room, name)]
        assert rule.__doc__.startswith("Holds if") != ("algebra" in words), name


# --- rules of one line or two


def wrong(*counts):
    return {name: run({"misclassified_test": n}) for name, n in zip(runs.POST_RUNS, counts)}


def kept(unclipped, clipped):
    """The regular model under the attack of ε = 0.2."""
    curve = dict(epsilon=[0.2], unclipped=[unclipped], clipped=[clipped])
    return {"regular": run({"robust_accuracy": curve})}


def breaking(*ends):
    """Four models whose accuracy is 1 below an ε each and 0 from there."""
    epsilons = np.linspace(0, 0.5, 51)
    curve = lambda end: {"epsilon": epsilons, "unclipped": 1.0 * (epsilons < end - 1e-9)}
    return {name: run({"robust_accuracy": curve(end)}) for name, end in zip(runs.POST_RUNS, ends)}


def separable(epsilon, bound):
    return {"exact-0.3": run(dict(separation_epsilon=epsilon, separation_upper_bound=bound))}


@pytest.mark.parametrize(
    "rule, saved, verdict",
    [
        (post.mistakes, wrong(9, 0, 0, 0), HOLDS),
        (post.mistakes, wrong(0, 0, 0, 10), FAILS),
        (post.brittleness, kept(0, 0), HOLDS),
        (post.brittleness, kept(0, 0.1), CONDITION),
        (post.brittleness, kept(0.1, 0.1), FAILS),
        (post.robustness, breaking(0.1, 0.21, 0.21, 0.31), HOLDS),
        (post.robustness, breaking(0.1, 0.21, 0.2, 0.3), CONDITION),
        (post.robustness, breaking(0.1, 0.1, 0.2, 0.3), FAILS),
        (post.margin, separable(0, 0.1), HOLDS),
        (post.margin, separable(0.2, 0.2), FAILS),
    ],
)
def test_thresholds(rule, saved, verdict):
    found, numbers = rule(saved, images(None, np.ones(3)))
    assert found == verdict


def test_each_epsilon_is_counted_apart():
    numbers = post.robustness(breaking(0.1, 0.21, 0.19, 0.31), None)[1]
    assert numbers["each"] == [True, False, True] and numbers["twice"] == [True, False, True]
    assert numbers["below_90"] == pytest.approx([0.1, 0.21, 0.19, 0.31])
    assert post.margin(separable(0.2, 0.2), None)[1]["robust_reached"] == [True, True, False]


def test_half_and_double_of_a_threshold():
    saved, data = wrong(6, 0, 0, 0), images(None, np.ones(3))
    found = judge(post.mistakes, saved, data)
    assert found["threshold"] == {"most": 10}
    assert [found[it] for it in ("half", "verdict", "double")] == [FAILS, HOLDS, HOLDS]
    assert "half" not in judge(post.margin, separable(0, 0.1), data)  # it has none


# --- the post's linear models


@pytest.mark.parametrize(
    "lost, verdict",
    [
        ((0.4, 0.5, 0.6), HOLDS),
        ((0, 0.4, 1.2), CONDITION),  # chance; less; more than a point
        ((0.1, 0.1, 0.1), FAILS),  # more than two plain standard errors, but the folds overlap
        ((2, 2, 2), FAILS),
    ],
)
def test_accuracy_over_folds(lost, verdict):
    noise = np.array([0.0, 1e-3, -1e-3, 0])
    folds = np.array([np.full(4, 0.999)] + [0.999 - 0.01 * each + noise for each in lost])
    saved = post_runs(lambda name: run({"test_accuracy": 0.99}))
    saved["crossvalidation"] = run(arrays={"accuracy": folds})
    found, numbers = post.accuracy(saved, None)
    assert found == verdict
    assert numbers["paired_loss"] == pytest.approx([0.01 * each for each in lost])
    error = noise.std(ddof=1) * np.sqrt(1 / 4 + 1 / 3)
    assert numbers["standard_error"] == pytest.approx([error] * 3)
    assert 2 * noise.std(ddof=1) / 2 < 0.001 < 2 * error
    folds -= 0.5
    assert post.accuracy(saved, None)[0] == FAILS


@pytest.mark.parametrize(
    "test_curve, verdict",
    [((1.0, 0.4), HOLDS), ((1.0, 0.6), CONDITION), ((1.0, 0.3), CONDITION), ((0.9, 0.4), FAILS)],
)
def test_overfitting_clean_and_attacked(test_curve, verdict):
    data = images(np.tile(np.linspace(0.1, 1, 10)[:, None], 2), np.ones(10))
    # w = (1, 0): margins 0.1 ... 1, so that ε = 0.65 leaves the four largest.
    curve = {"epsilon": [0.0, 0.65], "unclipped": list(test_curve)}
    saved = post_runs(lambda name: linear([1, 0], robust_accuracy=curve))
    found, numbers = post.overfitting(saved, data)
    assert found == verdict
    gaps = 1 - test_curve[0], 0.4 - test_curve[1]
    assert numbers["gap"] == pytest.approx([gaps[0]] * 4)
    assert numbers["largest_gap_attacked"] == pytest.approx([max(gaps)] * 4)


def test_where_nothing_is_there_to_judge_a_share_is_zero():
    """A constant optimum keeps no weight, and digits of other people may have no dot."""
    saved = {name: linear(np.zeros(4)) for name in (*runs.POST_RUNS, *rules.EXACT)}
    for name in rules.EXACT:
        saved[name].arrays["pixel_pull"] = np.zeros(4)
    found, numbers = post.small_weights(saved, None)
    assert found == HOLDS and numbers["optimum_kept_below_epsilon"] == [0.0] * 3
    found, numbers = post.dots(saved, images(np.ones((3, 2, 2, 1)), np.ones(3)))
    assert found == FAILS and numbers["raised_by_pasting"] == [0.0] * 4


@pytest.mark.parametrize(
    "stroke, dot, bias, others, verdict",
    [
        (0, -1, 1, True, HOLDS),  # the dot decides: erased it is right, pasted all are wrong
        (0, -1, 1, False, CONDITION),  # so it does for the regular model
        # 45 · 2 + 12 > 95 > 45 · 2: only the dot beside a stroke decides
        (-2, -1, 95, True, FAILS),
        (-1, 0, 1, True, FAILS),  # the stroke decides, with the dot or without
    ],
)
def test_dots_are_erased_and_pasted(stroke, dot, bias, others, verdict):
    """Two strokes, one of them with a dot of 12 pixels in another corner, and 198 blank images."""
    x, weights = np.zeros((200, 28, 28, 1)), np.zeros((28, 28))
    x[:2, 5:20, 12:15] = 1
    x[0, 22:25, 22:26] = 1
    weights[5:20, 12:15], weights[22:25, 22:26] = stroke, dot
    so = lambda name: others or name == "regular"
    saved = post_runs(lambda name: linear(weights.ravel() * so(name), bias))
    found, numbers = post.dots(saved, images(x, np.ones(200)))
    assert found == verdict and numbers["images_with_dot"] == 1
    assert numbers["mistakes_with_dot"] == [int(so(name)) for name in runs.POST_RUNS]
    assert numbers["corrected_by_erasing"][0] == (dot != 0)


@pytest.mark.parametrize(
    "learned, pixels, random, verdict",
    [
        (0.9, 0.9, 0.3, HOLDS),
        (0.2, 0.9, 0.3, CONDITION),  # the pixels, but not what was learned on them
        (0.2, 0.5, 0.3, FAILS),
        (0.2, 0.9, 0.8, FAILS),  # any pixels will do
    ],
)
def test_weak_features_as_the_cause(learned, pixels, random, verdict):
    rows = dict(without_weak=[1, pixels], without_random=[1, random], without_start=[1, 0.2])
    rows |= dict(regular=[1, 0.2], weak_alone=[0.6, 0], without_learned=[1, learned])
    metrics = dict(unclipped={"0.2": rows}, differences=[0.2], weak_pixels=[5], blank_pixels=3)
    found, numbers = post.weak_cause({"weak": run(metrics | {"draws": 2}, chosen=0.2)}, None)
    assert found == verdict and numbers["weak_pixels"] == 5
    assert numbers["regained"]["weak"] == pytest.approx((pixels - 0.2) / 0.8)


@pytest.mark.parametrize("wiped, verdict", [(0.0009, HOLDS), (0.5, FAILS)])
def test_weak_features_are_within_a_step_of_zero(wiped, verdict):
    robust = np.r_[np.ones(50), np.full(734, wiped)]
    saved = post_runs(lambda name: linear(np.full(784, 0.5) if name == "regular" else robust))
    saved["regular"].arrays["lit_pixels"] = np.arange(784) < 392
    for name, epsilon in zip(rules.ROBUST, runs.EPSILONS):
        saved[name].config["arguments"] = {"learning_rate": 0.01}
        saved[name].config["run"]["epsilon"] = epsilon
    ball = {"norm": "inf", "norm_in_largest": 0.5, "as_epsilon": 0.1}
    saved["norms"] = run({"models": [ball]})
    found, numbers = post.weak_features(saved, None)
    assert found == verdict and numbers["regular_norm_on_blank_pixels"] == 0.5
    assert numbers["norm_in_50_largest"] == pytest.approx(
        [50 / 784, *[50 / (50 + 734 * wiped)] * 3]
    )
    tiny = 734 / 784 if wiped < 0.001 else 0
    assert numbers["below_a_thousandth_of_the_largest"] == pytest.approx([0, *[tiny] * 3])


@pytest.mark.parametrize(
    "inside, verdict", [((1, 1, 1), HOLDS), ((1, 0, 0), CONDITION), ((0, 0, 0), FAILS)]
)
def test_aligned_features_of_the_posts_models(inside, verdict):
    # Class means differ by 1 in the first pixel, and not in the other three.
    data = images(np.array([[0, 0.5, 0, 0], [1, 0.5, 0, 0]]), np.array([-1, 1]))
    saved = {"regular": linear([1, 1, 1, 1]), "exact-0.3": linear([1, 0, 0, 0])}
    for name, strong in zip(rules.ROBUST, inside):
        saved[name] = linear([3, 0, 0, 0] if strong else [1, 1, 1, 1])
    found, numbers = post.aligned_features(saved, data)
    assert found == verdict and numbers["strong_pixels"] == [1, 1, 1]
    assert numbers["optimum_pixels"] == 1
    assert numbers["norm_on_strong_pixels"] == [1.0 if strong else 0.25 for strong in inside]


@pytest.mark.parametrize("small, verdict", [(0, HOLDS), (2, FAILS)])
def test_small_weights_among_those_that_are_kept(small, verdict):
    weights = np.r_[np.zeros(5), np.full(small, 0.05), np.full(3, 0.5)]
    saved = {name: linear(weights) for name in (*rules.ROBUST, *rules.EXACT)}
    for name in rules.EXACT:
        saved[name].arrays["pixel_pull"] = np.where(weights > 0, 1.0, 0.0)
    found, numbers = post.small_weights(saved, None)
    assert found == verdict and numbers["optimum_kept_though_pulled_less"] == 0
    assert numbers["kept_below_epsilon"] == pytest.approx([small / (small + 3)] * 3)


@pytest.mark.parametrize("logits, least", [([2.0, -0.1], 1.2), ([2.0, 0.1], None)])
def test_a_mistake_costs_more_than_the_kink(logits, least):
    """ε‖w‖₁ = 0.1: a margin of -0.1 costs 1.2."""
    arrays = dict(weights=np.array([1.0]), test_targets=np.ones(2), test_logits=np.array(logits))
    saved = post_runs(lambda name: run({"weight_l1_norm": 1.0}, dict(arrays), epsilon=0.1))
    assert theorems.tolerance(saved, None)["least_loss_of_a_mistake"] == pytest.approx([least] * 4)


def penalised(scale, alpha):
    """The rule on x = ±1 in one pixel, of which an α of 1/2 is optimal: at ε = 0.2 its pull is
    balanced. The robust model's logits are 0.5 ... 3 times `scale`.
    """
    make = lambda weight, factor, **config: run(
        dict(
            robust_accuracy={"epsilon": [0.2], "unclipped": [0.5]},
            weight_l1_norm=1.0,
            l1_objective=0.25,
        ),
        dict(
            weights=np.array([weight]),
            alpha=np.array(alpha),
            test_targets=np.ones(4),
            test_logits=factor * np.array([0.5, 1.0, 2.0, 3.0]),
        ),
        **config,
    )
    saved = {
        "robust-0.2": make(0.01, scale),
        "l1-0.2": make(1.0, 1.0),
        "l1-0.2-equivalent": make(1.0, 0.4, penalty=0.15),
        "exact-0.2": make(1.0, 1.0),
    }
    return theorems.l1_penalty(saved, images(np.array([[1.0], [0.0]]), np.array([1.0, -1.0])))


def test_l1_penalty_beside_the_l1_models():
    numbers = penalised(5, [0.25, 0.25])
    assert numbers["test_images_without_loss"] == [1, 0.75, 0.25]
    assert numbers["dual_excess"] == pytest.approx(0.25 / 2 - 0.15)
    assert numbers["optimum_gap"] == pytest.approx(0) and numbers["dual_feasible"]


@pytest.mark.parametrize("alpha", [[0.4, 0.4], [0.25, 0.1], [1.5, 1.5], [-0.1, -0.1]])
def test_an_alpha_that_breaks_a_constraint_is_found(alpha):
    assert not penalised(1, alpha)["dual_feasible"]


@pytest.mark.parametrize(
    "norms, scales, verdict",
    [
        ((4, 1, 1, 1), (1, 1, 1, 1), CONDITION),
        ((4, 1, 1, 1), (4, 1, 1, 1), HOLDS),
        ((1, 4, 4, 4), (1, 4, 4, 4), FAILS),
    ],
)
def test_confidence_at_the_same_attack_and_the_same_share(norms, scales, verdict):
    margins, saved = np.linspace(-0.02, 0.5, 101), {}
    for name, norm, scale in zip(runs.POST_RUNS, norms, scales):
        arrays = dict(test_targets=np.ones(101), test_logits=scale * margins)
        saved[name] = run(arrays=arrays | {"weights": np.array([float(norm)])})
    found, numbers = post.confidence(saved, None)
    assert found == verdict
    # The median of the fooled half, image by image.
    expected = np.median(scales[0] * (np.median(margins) - margins[: 50 + 1]))
    half = int(np.argmin(np.abs(post.SHARES - 0.5)))
    assert numbers["median_logit"]["regular"]["share"][half] == pytest.approx(expected)


@pytest.mark.parametrize(
    "kept, robust, verdict",
    [
        (0.99, 30, HOLDS),  # as many pixels are needed as for the regular model
        (1.0, 2, CONDITION),  # two pixels are enough
        (0.0, 2, FAILS),  # and the attack of all pixels is worse as well
    ],
)
def test_reliability_under_many_pixels_and_under_few(kept, robust, verdict):
    saved = post_runs(lambda name: run({"robust_accuracy": {"clipped": [1.0, kept]}}))
    saved["regular"] = run({"robust_accuracy": {"clipped": [1.0, max(kept, 0.5)]}})
    fewest = np.full((7, 100), robust, np.int16)
    fewest[0] = 30
    saved["few_pixels"] = run(arrays={"fewest": fewest})
    found, numbers = post.reliability(saved, None)
    assert found == verdict
    assert numbers["median_pixels"] == [30, *[robust] * 6]
    assert numbers["ten_pixels"] == [1.0, *[float(robust > 10)] * 6]
    assert numbers["robust_below_regular"] == [28 if robust == 2 else 0] * 3
    assert numbers["each"] == [verdict == HOLDS] * 3


@pytest.mark.parametrize(
    "few, verdict", [((0.4, 0.3), HOLDS), ((0.6, 0.4), CONDITION), ((0.8, 0.6), FAILS)]
)
def test_transfer_by_roughness(few, verdict):
    config = dict(sources=["all", "a few", "some", "regular"], images=[10_000, 20, 500])
    rows = [[0.9, 0.2, 0.1], [0.9, *few], [0.9, 0.3, 0.2], [0.1, 0, 0]]  # at 0.1, 0.2, 0.3
    arrays = dict(accuracy=np.array(rows)[:, np.newaxis], epsilon=np.array([0.1, 0.2, 0.3]))
    found, numbers = post.transfer({"transfer": run(dict(draws=3), arrays, **config)}, None)
    assert found == verdict and numbers["white_box"] == [0.1, 0, 0]
    assert numbers["best_with_few"] == [0.9, *few]
    assert numbers["best_with_all"] == [0.9, 0.2, 0.1]


@pytest.mark.parametrize(
    "turned, moved, lit, verdict",
    [
        (0.1, 0, 0, HOLDS),
        (0.1, -0.1, 0.1, CONDITION),
        (0.1, -0.1, 0, FAILS),  # as often better as worse
        (0.004, 0, 0, FAILS),
    ],
)
def test_shifts_that_robust_models_bear_better_or_worse(turned, moved, lit, verdict):
    rows = {"turned": turned, "moved": moved, "lit": lit}
    metrics = {
        name: dict(amounts=[1], accuracy=[[0.8, *[0.8 + change] * 3, 0.1]])
        for name, change in rows.items()
    }
    config = dict(shifts=list(rows), models=[*runs.POST_RUNS, "exact-0.3"])
    found, numbers = post.shifts({"shifts": run(metrics, **config)}, None)
    assert found == verdict and numbers["worse"][-1] == 3
    assert numbers["least_change"] == pytest.approx([min(turned, moved, lit)] * 3 + [-0.7])


# --- networks


@pytest.mark.parametrize(
    "turning, verdict", [((0.9, 0.6), HOLDS), ((0.9, 0.1), CONDITION), ((0.2, 0.1), FAILS)]
)
def test_landscape_of_every_network(turning, verdict):
    turns = dict(turning_pixels=[[it, it] for it in turning], turns=[[[0, 3], [1, 5]]] * 2)
    config = dict(hidden=[[8, 8], [4]], directions=["pixel", "random"])
    saved = {"landscapes": run(turns | dict(images=1, turning_images=1), **config)}
    found, numbers = networks.landscape(saved, None)
    assert found == verdict and numbers["turns"] == {"pixel": [0.5] * 2, "random": [4, 4]}


def of_networks(values):
    """A value for each of the six networks: those of `values`, or of what they end with."""
    return {name: values.get(name, values.get(name.split("-")[1])) for name in runs.NETWORK_NAMES}


@pytest.mark.parametrize(
    "small, convolutional, verdict",
    [
        ((0.9, 0.9), (0.99, 0.5), HOLDS),  # one loses clean accuracy, one is below the linear one
        ((0.99, 0.98), (0.97, 0.96), CONDITION),
        ((0.99, 0.945), (0.995, 0.98), FAILS),  # half a point below it: chance explains that
    ],
)
def test_useless_networks_lose_a_point_or_fall_below_a_linear_one(small, convolutional, verdict):
    sides = dict(regular=(0.995, 0.0), adversarial=(0.99, 0.1))  # clean, and kept at ε = 0.3
    sides |= {"small-certified": small, "convolutional-certified": convolutional}
    curves = {
        name: dict(epsilon=[0.0, 0.3], certified=each, attacked=each)
        for name, each in of_networks(sides).items()
    }
    curve = {"robust_accuracy": {"epsilon": [0.3], "clipped": [0.95]}}
    saved = {"certified": run(curves), "exact-0.3": run(curve)}
    found, numbers = networks.useless_networks(saved, images(None, np.ones(2000)))
    assert found == verdict
    assert numbers["lost"] == pytest.approx([0.995 - small[0], 0.995 - convolutional[0]])


@pytest.mark.parametrize("robust, verdict", [((5, 5), HOLDS), ((2, 5), CONDITION), ((1, 1), FAILS)])
def test_weak_features_of_networks_in_the_50_largest(robust, verdict):
    """784 equal rows of a kernel, of which 50 are so many times as large."""
    lit, many = np.arange(784) < 392, np.arange(784) < 50
    kernels = {
        name: np.where(many, factor, 1.0)[:, np.newaxis] * [1.0, -1.0]
        for name, factor in zip(rules.SMALL_KERNELS, (1, *robust))
    }
    saved = {"regular": run(arrays={"lit_pixels": lit}), "certified": run(arrays=kernels)}
    found, numbers = networks.weak_features_of_networks(saved, None)
    assert found == verdict and numbers["blank_pixels"] == 392
    expected = [50 * it / (50 * it + 734) for it in (1, *robust)]
    assert numbers["in_50_largest"] == pytest.approx(expected)


@pytest.mark.parametrize(
    "adversarial, certified, verdict",
    [((5, 0.9), (5, 0.9), HOLDS), ((5, 0.9), (1, 0.9), CONDITION), ((5, 0.1), (1.5, 0.9), FAILS)],
)
def test_meaningful_networks_are_aligned_with_the_image_and_its_ink(
    adversarial, certified, verdict
):
    values = dict(regular=(1, 0.5), adversarial=adversarial, certified=certified)
    metrics = {
        name: dict(alignment=[0, aligned, 9], share_on_ink=[0, on_ink, 1])
        for name, (aligned, on_ink) in of_networks(values).items()
    }
    config = dict(images=9, turned_images=3, neighbours=5)
    saved = {"meaning": run(metrics | {"share_of_pixels_on_ink": [0.1, 0.2, 0.3]}, **config)}
    found, numbers = networks.meaningful(saved, None)
    assert found == verdict and numbers["pixels_on_ink"] == 0.2


@pytest.mark.parametrize(
    "adversarial, certified, many, verdict",
    [
        (0.1, 0.4, 20, HOLDS),
        (0.1, 0.6, 20, CONDITION),
        (0.6, 0.6, 20, FAILS),
        (0.1, 0.4, 5, FAILS),  # of so few mistakes nothing is known
    ],
)
def test_sure_networks_where_both_make_mistakes(adversarial, certified, many, verdict):
    values = dict(regular=[0.2, 0.5], adversarial=[None, adversarial], certified=[0.1, certified])
    mistakes = of_networks(dict(regular=[20, 20], adversarial=[0, many], certified=[0, many]))
    metrics = dict(sure=of_networks(values), mistakes=mistakes)
    found, numbers = networks.sure_networks({"threats": run(metrics, epsilons=[0.1, 0.2])}, None)
    assert found == verdict
    assert numbers["compared"] == dict(adversarial=2 * (many > 9), certified=2 * (many > 9))


@pytest.mark.parametrize(
    "to, back, verdict", [(0.4, 0.4, HOLDS), (0.4, 0.6, CONDITION), (0.6, 0.6, FAILS)]
)
def test_transfer_between_models(to, back, verdict):
    """The own attack breaks all images at ε = 0.3; those of the others leave `to` and `back`."""
    models = [*runs.POST_RUNS, *runs.NETWORK_NAMES]
    table = np.full((len(models), len(models)), to)
    table[4:, 0] = back
    np.fill_diagonal(table, 0)
    metrics = dict(transfer=[np.ones_like(table), table], clean=dict.fromkeys(models, 1.0))
    saved = {"threats": run(metrics, models=models, epsilons=[0.1, 0.3])}
    found, numbers = networks.transfer_to_networks(saved, None)
    assert found == verdict and numbers["least_share"] == pytest.approx(1 - max(to, back))
    assert numbers["kept"][1] == [[0, to, to], [back, 0, to], [back, to, 0]]


@pytest.mark.parametrize(
    "pixels, moved, verdict",
    [(0.9, 0.9, HOLDS), (0.5, 0.9, CONDITION), (0.9, 0.5, CONDITION), (0.5, 0.5, FAILS)],
)
def test_reliable_network_against_pixels_and_shifts(pixels, moved, verdict):
    few = of_networks(dict(regular=[0.9] * 12, adversarial=[pixels] * 12, certified=[pixels] * 12))
    row = list(of_networks(dict(regular=0.9, adversarial=moved, certified=moved)).values())
    metrics = dict(few_pixels=few | {"regular": [1] * 12}, shifts={"blur (pixels)": [row]})
    metrics["few_pixels_by_digit"] = {"regular": {"0": [1.0, 0.5], "1": [1.0, 0.25]}}
    blurred = {"blur (pixels)": dict(amounts=[1], accuracy=[[0.7, 0.7, 0.7, 0.7]])}
    saved = {
        "threats": run(metrics, networks=runs.NETWORK_NAMES, images=5),
        "shifts": run(blurred, models=list(runs.POST_RUNS), shifts=list(blurred)),
    }
    found, numbers = networks.reliable_network(saved, None)
    assert found == verdict and numbers["counts"] == 11
    assert numbers["kept_by_digit"] == {"regular": [0.5, 0.25]}
    assert numbers["trainings"]["certified"]["better_than_linear"] == (moved > 0.7)
