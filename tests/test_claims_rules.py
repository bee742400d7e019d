"""Every rule of a verdict on numbers made up for it: where it holds, where not, and between."""

import tomllib

import numpy as np
import pytest

from common import runs
from report import claims, report

HOLDS, CONDITION, FAILS = claims.HOLDS, claims.CONDITION, claims.FAILS


def run(metrics=None, arrays=None, **config):
    """A made-up saved run."""
    return runs.Run({"run": config}, metrics or {}, arrays or {})


def linear(weights, bias=0.0, **more):
    return run(more, dict(weights=np.array(weights, float), bias=np.float64(bias)))


def post_runs(make):
    return {name: make(name) for name in runs.POST_RUNS}


@pytest.mark.parametrize(
    "lost, verdict", [((1, 2, 3), HOLDS), ((0, 0, 3), CONDITION), ((0, 0, 0), FAILS)]
)
def test_accuracy_over_folds(lost, verdict):
    noise = np.array([0.0, 1e-3, -1e-3, 0])
    folds = np.array([np.full(4, 0.999)] + [0.999 - 0.01 * each + noise for each in lost])
    saved = post_runs(lambda name: run({"test_accuracy": 0.99}))
    saved["crossvalidation"] = run(arrays={"accuracy": folds})
    found, numbers = claims.accuracy(saved)
    assert found == verdict
    assert numbers["paired_loss"] == pytest.approx([0.01 * each for each in lost])
    assert numbers["standard_error"] == pytest.approx([noise.std(ddof=1) / 2] * 3)
    saved["crossvalidation"].arrays["accuracy"] -= 0.5
    assert claims.accuracy(saved)[0] == FAILS


@pytest.mark.parametrize(
    "test_curve, verdict",
    [((1.0, 0.4), HOLDS), ((1.0, 0.6), HOLDS), ((1.0, 0.3), CONDITION), ((0.9, 0.4), FAILS)],
)
def test_overfitting_clean_and_attacked(monkeypatch, test_curve, verdict):
    x, y = np.tile(np.linspace(0.1, 1, 10)[:, None], 2), np.ones(10)
    monkeypatch.setattr(claims.data_prep, "load", lambda split: (x, y))
    # w = (1, 0): margins 0.1 ... 1, so that ε = 0.65 leaves the four largest.
    curve = {"epsilon": [0.0, 0.65], "unclipped": list(test_curve)}
    saved = post_runs(lambda name: linear([1, 0], robust_accuracy=curve))
    found, numbers = claims.overfitting(saved)
    assert found == verdict
    assert numbers["gap"] == pytest.approx([1 - test_curve[0]] * 4)
    assert numbers["largest_gap_attacked"] == pytest.approx(
        [max(1 - test_curve[0], 0.4 - test_curve[1])] * 4
    )


def test_rules_take_the_images_that_come_with_the_runs(monkeypatch):
    monkeypatch.setattr(claims.data_prep, "load", lambda split: pytest.fail("of another pair"))
    x, y = np.tile(np.linspace(0.1, 1, 10)[:, None], 2), np.ones(10)
    curve = {"epsilon": [0.0, 0.65], "unclipped": [1.0, 0.4]}
    saved = post_runs(lambda name: linear([1, 0], robust_accuracy=curve))
    saved["data"] = claims.data_prep.Data(x, y, x[:3], y[:3], "")
    assert claims.overfitting(saved)[0] == HOLDS
    assert len(claims.images(saved, "test")[0]) == 3


def test_where_nothing_is_there_to_judge_a_share_is_zero(monkeypatch):
    """A constant optimum keeps no weight, and digits of other people may have no dot."""
    monkeypatch.setattr(claims.data_prep, "load", lambda split: (np.ones((3, 2, 2, 1)), np.ones(3)))
    saved = {name: linear(np.zeros(4)) for name in (*runs.POST_RUNS, *claims.EXACT)}
    for name in claims.EXACT:
        saved[name].arrays["pixel_pull"] = np.zeros(4)
    found, numbers = claims.small_weights(saved)
    assert found == HOLDS and numbers["optimum_kept_below_epsilon"] == [0.0] * 3
    found, numbers = claims.dots(saved)
    assert found == FAILS and numbers["raised_by_pasting"] == [0.0] * 4


def dotted():
    """Two strokes, one of them with a dot of 12 pixels in another corner, and 198 blank images."""
    x = np.zeros((200, 28, 28, 1))
    x[:2, 5:20, 12:15] = 1
    x[0, 22:25, 22:26] = 1
    return x, np.ones(200)


@pytest.mark.parametrize(
    "stroke, dot, bias, verdict",
    [
        (0, -1, 1, HOLDS),  # the dot decides: erased it is right, pasted all are wrong
        (-2, -1, 95, CONDITION),  # 45 · 2 + 12 > 95 > 45 · 2: only the dot beside a stroke decides
        (-1, 0, 1, FAILS),  # the stroke decides, with the dot or without
    ],
)
def test_dots_are_erased_and_pasted(monkeypatch, stroke, dot, bias, verdict):
    monkeypatch.setattr(claims.data_prep, "load", lambda split: dotted())
    weights = np.zeros((28, 28))
    weights[5:20, 12:15], weights[22:25, 22:26] = stroke, dot
    saved = post_runs(lambda name: linear(weights.ravel(), bias))
    found, numbers = claims.dots(saved)
    assert found == verdict and numbers["images_with_dot"] == 1
    assert numbers["mistakes_with_dot"] == [1] * 4
    assert numbers["corrected_by_erasing"] == [int(verdict != FAILS)] * 4


@pytest.mark.parametrize(
    "inside, verdict", [((1, 1, 1), HOLDS), ((1, 0, 0), CONDITION), ((0, 0, 0), FAILS)]
)
def test_aligned_features_of_the_posts_models(monkeypatch, inside, verdict):
    # Class means differ by 1 in the first pixel, and not in the other three.
    x = np.array([[0, 0.5, 0, 0], [1, 0.5, 0, 0]])
    monkeypatch.setattr(claims.data_prep, "load", lambda split: (x, np.array([-1, 1])))
    saved = {"regular": linear([1, 1, 1, 1]), "exact-0.3": linear([1, 0, 0, 0])}
    for name, strong in zip(claims.ROBUST, inside):
        saved[name] = linear([3, 0, 0, 0] if strong else [1, 1, 1, 1])
    found, numbers = claims.aligned_features(saved)
    assert found == verdict and numbers["strong_pixels"] == [1, 1, 1]
    assert numbers["norm_on_strong_pixels"] == [1.0 if strong else 0.25 for strong in inside]


def penalised(robust_scale, alpha, monkeypatch):
    """x = ±1 in one pixel, of which an α of 1/2 is optimal: at ε = 0.2 its pull is balanced."""
    x, y = np.array([[1.0], [0.0]]), np.array([1.0, -1.0])
    monkeypatch.setattr(claims.data_prep, "load", lambda split: (x, y))
    tested = dict(test_targets=np.ones(4), test_logits=np.array([0.5, 1.0, 2.0, 3.0]))
    curve = {"epsilon": [0.2], "unclipped": [0.5]}
    make = lambda weight, scale, **config: run(
        dict(robust_accuracy=curve, weight_l1_norm=1.0, l1_objective=0.25),
        dict(
            weights=np.array([weight]),
            alpha=np.array(alpha),
            test_targets=tested["test_targets"],
            test_logits=scale * tested["test_logits"],
        ),
        **config,
    )
    return {
        "robust-0.2": make(0.01, robust_scale),
        "l1-0.2": make(1.0, 1.0),
        "l1-0.2-equivalent": make(1.0, 0.4, penalty=0.15),
        "exact-0.2": make(1.0, 1.0),
    }


@pytest.mark.parametrize("scale, verdict", [(5, HOLDS), (0.6, CONDITION), (0.1, FAILS)])
def test_l1_penalty_beside_the_l1_models(monkeypatch, scale, verdict):
    saved = penalised(scale, [0.25, 0.25], monkeypatch)
    found, numbers = claims.l1_penalty(saved)
    assert found == verdict and numbers["test_images_without_loss"][1:] == [0.75, 0.25]
    assert numbers["dual_excess"] == pytest.approx(0.25 / 2 - 0.15)
    assert numbers["optimum_gap"] == pytest.approx(0) and numbers["dual_feasible"]


@pytest.mark.parametrize("alpha", [[0.4, 0.4], [0.25, 0.1], [1.5, 1.5], [-0.1, -0.1]])
def test_an_alpha_that_breaks_a_constraint_is_told(monkeypatch, alpha):
    saved = penalised(1, alpha, monkeypatch)
    assert not claims.l1_penalty(saved)[1]["dual_feasible"]


@pytest.mark.parametrize(
    "norms, scales, verdict",
    [
        ((4, 1, 1, 1), (1, 1, 1, 1), CONDITION),
        ((4, 1, 1, 1), (4, 1, 1, 1), HOLDS),
        ((1, 4, 4, 4), (1, 4, 4, 4), FAILS),
    ],
)
def test_confidence_at_the_same_attack_and_the_same_share(norms, scales, verdict):
    margins = np.linspace(-0.02, 0.5, 101)
    saved = {
        name: run(
            arrays=dict(
                weights=np.array([float(norm)]),
                test_targets=np.ones(101),
                test_logits=scale * margins,
            )
        )
        for name, norm, scale in zip(runs.POST_RUNS, norms, scales)
    }
    found, numbers = claims.confidence(saved)
    assert found == verdict
    # The median of the fooled half, image by image.
    logits = norms[0] * (np.median(margins * scales[0]) / norms[0]) - scales[0] * margins
    expected = np.median(np.abs(logits[: 50 + 1]))
    half = int(np.argmin(np.abs(claims.SHARES - 0.5)))
    assert numbers["median_logit"]["regular"]["share"][half] == pytest.approx(expected)


@pytest.mark.parametrize(
    "weak, large, verdict",
    [
        (0.03, 0, HOLDS),  # the pixels of robust models count no more than those of the regular one
        (0.0, 1, CONDITION),  # one pixel takes half of the margin, and two all of it
        (1.0, 1, FAILS),  # and the attack of all pixels is worse as well
    ],
)
def test_reliability_under_many_pixels_and_under_few(monkeypatch, weak, large, verdict):
    """100 images of 0.5 whose margin is 1. Regular: 60 weights of 1/15, so 30 pixels are needed."""
    x, y = np.full((100, 60), 0.5), np.ones(100)
    monkeypatch.setattr(claims.data_prep, "load", lambda split: (x, y))
    spread = np.full(60, 1 / 15)
    brittle = np.r_[1.0, 1.0, np.zeros(58)] if large else spread
    curve = lambda kept: {"robust_accuracy": {"clipped": [1.0, kept]}}
    make = lambda weights, kept: linear(weights, 1 - weights.sum() / 2, **curve(kept))
    saved = {name: make(brittle, 1 - weak) for name in (*claims.ROBUST, *claims.EXACT)}
    saved["regular"] = make(spread, 0.5)
    found, numbers = claims.reliability(saved)
    assert found == verdict
    assert numbers["median_pixels"] == [30, *[2 if large else 30] * 6]
    assert numbers["robust_below_regular"] == (28 if large else 0)


@pytest.mark.parametrize(
    "few, some, every, verdict",
    [(0.4, 0.3, 0.2, HOLDS), (0.6, 0.4, 0.2, CONDITION), (0.8, 0.6, 0.2, FAILS)],
)
def test_transfer_by_roughness(few, some, every, verdict):
    sources, images = ["all", "a few", "some"], [10_000, 20, 500]
    table = [[every], [few], [some], [0.0]]
    accuracy = dict.fromkeys(("unclipped", "unclipped_least", "unclipped_most"), table)
    config = dict(sources=[*sources, "regular"], images=images)
    saved = {"transfer": run(dict(accuracy=accuracy, draws=3), **config)}
    found, numbers = claims.transfer(saved)
    assert found == verdict and list(numbers["kept"]) == ["a few", "some", "all"]
    assert (numbers["best_with_few"], numbers["best_with_all"]) == (few, every)


@pytest.mark.parametrize(
    "turning, verdict", [((0.9, 0.6), HOLDS), ((0.9, 0.1), CONDITION), ((0.2, 0.1), FAILS)]
)
def test_landscape_of_every_network(turning, verdict):
    metrics = dict(
        turning_pixels=[[each, each] for each in turning],
        turns=[[[0, 3], [1, 5]]] * 2,
        images=1,
        turning_images=1,
    )
    config = dict(hidden=[[8, 8], [4]], directions=["pixel", "random"])
    found, numbers = claims.landscape({"landscapes": run(metrics, **config)})
    assert found == verdict and numbers["turns"] == {"pixel": [0.5] * 2, "random": [4, 4]}


@pytest.mark.parametrize(
    "turned, moved, verdict",
    [(0.1, 0, HOLDS), (0.1, -0.1, CONDITION), (0, -0.1, FAILS), (0.004, 0, FAILS)],
)
def test_shifts_that_robust_models_bear_better_or_worse(turned, moved, verdict):
    rows = {"turned": turned, "moved": moved}
    metrics = {
        name: dict(amounts=[1], accuracy=[[0.8, *[0.8 + change] * 3, 0.1]])
        for name, change in rows.items()
    }
    config = dict(shifts=list(rows), models=[*runs.POST_RUNS, "exact-0.3"])
    found, numbers = claims.shifts({"shifts": run(metrics, **config)})
    assert found == verdict and numbers["worse"][-1] == 2
    assert numbers["least_change"] == pytest.approx([min(turned, moved)] * 3 + [-0.7])


@pytest.mark.parametrize("wrong, verdict", [((9, 0, 0, 0), HOLDS), ((0, 0, 0, 10), FAILS)])
def test_single_mistakes(wrong, verdict):
    saved = {
        name: run(
            {"misclassified_test": count}, dict(test_targets=np.ones(3), test_logits=np.ones(3))
        )
        for name, count in zip(runs.POST_RUNS, wrong)
    }
    assert claims.mistakes(saved)[0] == verdict


@pytest.mark.parametrize(
    "kept, verdict", [((0, 0), HOLDS), ((0, 0.1), CONDITION), ((0.1, 0.1), FAILS)]
)
def test_brittleness(kept, verdict):
    curve = dict(zip(("unclipped", "clipped"), ([each] for each in kept)), epsilon=[0.2])
    network = {"robust_accuracy": {"epsilon": [0.2], "pgd_clipped": [0]}}
    saved = {"regular": run({"robust_accuracy": curve}), "network": run(network)}
    assert claims.brittleness(saved)[0] == verdict


@pytest.mark.parametrize("robust, verdict", [(0.21, HOLDS), (0.19, FAILS)])
def test_robust_models_break_at_more_than_twice_the_epsilon(robust, verdict):
    epsilons = np.linspace(0, 0.5, 51)
    curve = lambda breaks: run(
        {"robust_accuracy": {"epsilon": epsilons, "unclipped": 1.0 * (epsilons < breaks - 1e-9)}}
    )
    saved = post_runs(lambda name: curve(0.1 if name == "regular" else robust))
    found, numbers = claims.robustness(saved)
    assert found == verdict and numbers["below_90"] == pytest.approx([0.1, *[robust] * 3])


@pytest.mark.parametrize("wiped, verdict", [(0.001, HOLDS), (0.5, FAILS)])
def test_weak_features_are_within_a_step_of_zero(wiped, verdict):
    robust = np.r_[np.ones(50), np.full(734, wiped)]
    saved = post_runs(lambda name: linear(np.full(784, 0.5) if name == "regular" else robust))
    saved["regular"].arrays["lit_pixels"] = np.arange(784) < 392
    for name, epsilon in zip(claims.ROBUST, runs.EPSILONS):
        saved[name].config["arguments"] = {"learning_rate": 0.01}
        saved[name].config["run"]["epsilon"] = epsilon
    ball = {"norm": "inf", "norm_in_largest": 0.5, "as_epsilon": 0.1}
    saved["norms"] = runs.Run({}, {"models": [ball]}, {})
    found, numbers = claims.weak_features(saved)
    assert found == verdict and numbers["regular_norm_on_blank_pixels"] == 0.5
    assert numbers["norm_in_50_largest"][1] == pytest.approx(50 / (50 + 734 * wiped))


@pytest.mark.parametrize("small, verdict", [(2, HOLDS), (3, FAILS)])
def test_small_weights_among_those_that_are_kept(small, verdict):
    weights = np.r_[np.zeros(5), np.full(small, 0.05), np.full(3, 0.5)]
    saved = {name: linear(weights) for name in (*claims.ROBUST, *claims.EXACT)}
    for name in claims.EXACT:
        saved[name].arrays["pixel_pull"] = np.where(weights > 0, 1.0, 0.0)
    found, numbers = claims.small_weights(saved)
    assert found == verdict and numbers["optimum_kept_though_pulled_less"] == 0
    assert numbers["kept_below_epsilon"] == pytest.approx([small / (small + 3)] * 3)


@pytest.mark.parametrize("logits, least", [([2.0, -0.1], 1.2), ([2.0, 0.1], 1.1)])
def test_a_mistake_costs_more_than_the_kink(logits, least):
    """ε‖w‖₁ = 0.1: a margin of -0.1 costs 1.2; without a mistake, the least that one would cost."""
    arrays = dict(weights=np.array([1.0]), test_targets=np.ones(2), test_logits=np.array(logits))
    saved = post_runs(lambda name: run({"weight_l1_norm": 1.0}, dict(arrays), epsilon=0.1))
    found, numbers = claims.tolerance(saved)
    assert found == FAILS and numbers["least_loss_of_a_mistake"] == pytest.approx([least] * 4)
    # What no hinge does, and what would make it hold: a mistake without loss.
    for one in saved.values():
        one.config["run"]["epsilon"] = -20.0
    assert claims.tolerance(saved)[0] == (HOLDS if least == 1.2 else FAILS)


@pytest.mark.parametrize(
    "epsilon, bound, verdict", [(0, 0.1, HOLDS), (0.2, 0.4, CONDITION), (0.2, 0.2, FAILS)]
)
def test_margin(epsilon, bound, verdict):
    metrics = dict(separation_epsilon=epsilon, separation_upper_bound=bound)
    assert claims.margin({"exact-0.3": run(metrics)})[0] == verdict


def networks(values):
    """A value for each of the six networks: those of `values`, or of what they end with."""
    found = {}
    for name in claims.NAMES:
        found[name] = values.get(name, values.get(name.split("-")[1]))
    return found


def sides(clean, kept):
    return dict(epsilon=[0.0, 0.3], certified=[clean, kept], attacked=[clean, kept])


@pytest.mark.parametrize(
    "small, convolutional, verdict",
    [
        ((0.9, 0.9), (0.99, 0.5), HOLDS),  # one loses clean accuracy, one is below the linear one
        ((0.99, 0.98), (0.97, 0.96), CONDITION),
        ((0.99, 0.98), (0.995, 0.98), FAILS),
    ],
)
def test_useless_networks_lose_a_point_or_fall_below_a_linear_one(small, convolutional, verdict):
    regular, adversarial = sides(0.995, 0.0), sides(0.99, 0.1)
    certified = {"small-certified": sides(*small), "convolutional-certified": sides(*convolutional)}
    metrics = networks(dict(regular=regular, adversarial=adversarial) | certified)
    curve = {"robust_accuracy": {"epsilon": [0.3], "clipped": [0.95]}}
    found, numbers = claims.useless_networks({"certified": run(metrics), "exact-0.3": run(curve)})
    assert found == verdict
    assert numbers["lost"] == pytest.approx([0.995 - small[0], 0.995 - convolutional[0]])


@pytest.mark.parametrize(
    "robust, verdict", [((0.1, 0.1), HOLDS), ((0.9, 0.1), CONDITION), ((0.9, 0.9), FAILS)]
)
def test_weak_features_of_networks_on_blank_pixels(robust, verdict):
    lit = np.arange(784) < 392
    kernels = {
        f"small-{training}-0": np.where(lit, 1.0, blank)[:, np.newaxis] * [1.0, -1.0]
        for training, blank in zip(claims.TRAININGS, (1.0, *robust))
    }
    saved = {"regular": run(arrays={"lit_pixels": lit}), "certified": run(arrays=kernels)}
    found, numbers = claims.weak_features_of_networks(saved)
    assert found == verdict and numbers["blank_pixels"] == 392
    expected = [blank / (1 + blank) for blank in (1.0, *robust)]
    assert numbers["on_blank_pixels"] == pytest.approx(expected)


@pytest.mark.parametrize(
    "small, convolutional, verdict",
    [
        ([None, 0.1], [0.1, 0.4], HOLDS),
        ([None, 0.6], [0.1, 0.4], CONDITION),
        ([None, None], [0.1, 0.6], FAILS),  # of what makes no mistake nothing is known
    ],
)
def test_sure_networks_where_both_make_mistakes(small, convolutional, verdict):
    certified = {"small-certified": small, "convolutional-certified": convolutional}
    sure = networks(dict(regular=[0.2, 0.5], adversarial=[0.1, 0.1]) | certified)
    saved = {"threats": run(dict(sure=sure, mistakes={}), epsilons=[0.1, 0.2])}
    assert claims.sure_networks(saved)[0] == verdict


@pytest.mark.parametrize(
    "to, back, verdict", [(0.4, 0.4, HOLDS), (0.4, 0.6, CONDITION), (0.6, 0.6, FAILS)]
)
def test_transfer_to_networks_and_back(to, back, verdict):
    models = [*runs.POST_RUNS, *claims.NAMES]
    table = np.ones((len(models), len(models)))
    table[0, 4:], table[4:, 0] = to, back
    saved = {"threats": run(dict(transfer=table), models=models, transfer_epsilon=0.2)}
    found, numbers = claims.transfer_to_networks(saved)
    assert found == verdict and set(numbers["to"].values()) == {to}
    assert set(numbers["back"].values()) == {back}


@pytest.mark.parametrize(
    "pixels, moved, verdict",
    [(0.9, 0.9, HOLDS), (0.5, 0.9, CONDITION), (0.9, 0.5, CONDITION), (0.5, 0.5, FAILS)],
)
def test_reliable_network_against_pixels_and_shifts(pixels, moved, verdict):
    few = networks(dict(regular=[0.9] * 12, adversarial=[0.9] * 12, certified=[pixels] * 12))
    few |= dict.fromkeys(runs.POST_RUNS, [0.3] * 12)
    row = list(networks(dict(regular=0.9, adversarial=0.9, certified=moved)).values())
    threats = run(
        dict(few_pixels=few, shifts={"blur (pixels)": [row]}), networks=claims.NAMES, images=5
    )
    linear = {"blur (pixels)": dict(amounts=[1], accuracy=[[0.7, 0.7, 0.7, 0.7]])}
    shifts = run(linear, models=list(runs.POST_RUNS))
    found, numbers = claims.reliable_network({"threats": threats, "shifts": shifts})
    assert found == verdict and numbers["counts"] == 11
    assert numbers["better_than_linear"] == (moved > 0.7)


def test_every_claim_has_a_rule_and_words():
    texts = tomllib.loads((report.FOLDER / "claims.toml").read_text(encoding="utf-8"))
    assert set(texts) == {claim.__name__ for claim in claims.CLAIMS}
    assert all(claim.__doc__.startswith("Holds if") for claim in claims.CLAIMS)
