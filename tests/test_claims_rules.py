"""Every rule of a verdict on numbers made up for it: where it holds, where not, and between."""

from types import SimpleNamespace

import numpy as np
import pytest

from claims import networks, post, rules, theorems
from claims.__main__ import judge
from common import runs

HOLDS, CONDITION, FAILS = rules.HOLDS, rules.CONDITION, rules.FAILS
CASES = []


def cases(rule, *cases):
    """Above a maker of saved runs and data: its arguments, and the rule's verdict on what it makes.

    The numbers beside the verdict: test_claims.py and test_plots.py.
    """

    def register(maker):
        CASES.extend((rule, maker, *case) for case in cases)
        return maker

    return register


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
        assert "algebra" in words or {FAILS, HOLDS} <= {it[-1] for it in CASES if it[0] is rule}


def test_half_and_double_of_a_threshold():
    saved, data = wrong(6, 0, 0, 0)
    found = judge(post.mistakes, saved, data)
    assert found["threshold"] == {"most": 10}
    assert [found[it] for it in ("half", "verdict", "double")] == [FAILS, HOLDS, HOLDS]
    assert "half" not in judge(post.margin, *separable(0, 0.1))  # it has none


# --- the post's linear models


@cases(post.mistakes, (9, 0, 0, 0, HOLDS), (0, 0, 0, 10, FAILS))
def wrong(*counts):
    """Mistakes of each model."""
    saved = {name: run({"misclassified_test": n}) for name, n in zip(runs.POST_RUNS, counts)}
    return saved, images(None, np.ones(3))


@cases(post.brittleness, (0, 0, HOLDS), (0, 0.1, CONDITION), (0.1, 0.1, FAILS))
def kept(unclipped, clipped):
    """The regular model under the attack of ε = 0.2."""
    curve = dict(epsilon=[0.2], unclipped=[unclipped], clipped=[clipped])
    return {"regular": run({"robust_accuracy": curve})}, None


@cases(
    post.robustness,
    (0.1, 0.21, 0.21, 0.31, HOLDS),
    (0.1, 0.21, 0.19, 0.31, CONDITION),
    (0.1, 0.1, 0.2, 0.3, FAILS),
)
def breaking(*ends):
    """Four models whose accuracy is 1 below an ε each and 0 from there."""
    epsilons = np.linspace(0, 0.5, 51)
    curve = lambda end: {"epsilon": epsilons, "unclipped": 1.0 * (epsilons < end - 1e-9)}
    saved = {name: run({"robust_accuracy": curve(end)}) for name, end in zip(runs.POST_RUNS, ends)}
    return saved, None


@cases(post.margin, (0, 0.1, HOLDS), (0.2, 0.2, FAILS))
def separable(epsilon, bound):
    saved = {"exact-0.3": run(dict(separation_epsilon=epsilon, separation_upper_bound=bound))}
    return saved, None


@cases(
    post.accuracy,
    ((0.4, 0.5, 0.6), 0.999, HOLDS),
    ((0, 0.4, 1.2), 0.999, CONDITION),  # chance; less; more than a point
    ((0.1, 0.1, 0.1), 0.999, FAILS),  # more than two plain standard errors, but the folds overlap
    ((2, 2, 2), 0.999, FAILS),
    ((0.4, 0.5, 0.6), 0.5, FAILS),
)
def folds(lost, regular):
    noise = np.array([0.0, 1e-3, -1e-3, 0])
    accuracy = np.array([np.full(4, regular)] + [regular - 0.01 * each + noise for each in lost])
    saved = post_runs(lambda name: run({"test_accuracy": 0.99}))
    saved["crossvalidation"] = run(arrays={"accuracy": accuracy})
    assert noise.std(ddof=1) < 0.001 < 2 * noise.std(ddof=1) * np.sqrt(1 / 4 + 1 / 3)
    return saved, None


@cases(
    post.overfitting,
    (1.0, 0.4, HOLDS),
    (1.0, 0.6, CONDITION),
    (1.0, 0.3, CONDITION),
    (0.9, 0.4, FAILS),
)
def other_images(clean, attacked):
    """w = (1, 0): margins 0.1 ... 1, of which ε = 0.65 leaves the four largest."""
    data = images(np.tile(np.linspace(0.1, 1, 10)[:, None], 2), np.ones(10))
    curve = {"epsilon": [0.0, 0.65], "unclipped": [clean, attacked]}
    return post_runs(lambda name: linear([1, 0], robust_accuracy=curve)), data


@cases(
    post.dots,
    (0, -1, 1, True, HOLDS),  # the dot decides: erased it is right, pasted all are wrong
    (0, -1, 1, False, CONDITION),  # so it does for the regular model
    (-2, -1, 95, True, FAILS),  # 45 · 2 + 12 > 95 > 45 · 2: only the dot beside a stroke decides
    (-1, 0, 1, True, FAILS),  # the stroke decides, with the dot or without
)
def dotted(stroke, dot, bias, others):
    """Two strokes, one of them with a dot of 12 pixels in another corner, and 198 blank images."""
    x, weights = np.zeros((200, 28, 28, 1)), np.zeros((28, 28))
    x[:2, 5:20, 12:15] = 1
    x[0, 22:25, 22:26] = 1
    weights[5:20, 12:15], weights[22:25, 22:26] = stroke, dot
    so = lambda name: others or name == "regular"
    saved = post_runs(lambda name: linear(weights.ravel() * so(name), bias))
    return saved, images(x, np.ones(200))


@cases(
    post.weak_cause,
    (0.9, 0.9, 0.3, HOLDS),
    (0.2, 0.9, 0.3, CONDITION),  # the pixels, but not what was learned on them
    (0.2, 0.5, 0.3, FAILS),
    (0.2, 0.9, 0.8, FAILS),  # any pixels will do
)
def without(learned, pixels, random):
    rows = dict(without_weak=[1, pixels], without_random=[1, random], without_start=[1, 0.2])
    rows |= dict(regular=[1, 0.2], weak_alone=[0.6, 0], without_learned=[1, learned])
    metrics = dict(unclipped={"0.2": rows}, differences=[0.2], weak_pixels=[5], blank_pixels=3)
    return {"weak": run(metrics | {"draws": 2}, chosen=0.2)}, None


@cases(post.weak_features, (0.0009, HOLDS), (0.5, FAILS))
def wiped(weight):
    """Robust models of 50 large weights, with this one everywhere else."""
    robust = np.r_[np.ones(50), np.full(734, weight)]
    saved = post_runs(lambda name: linear(np.full(784, 0.5) if name == "regular" else robust))
    saved["regular"].arrays["lit_pixels"] = np.arange(784) < 392
    for name, epsilon in zip(rules.ROBUST, runs.EPSILONS):
        saved[name].config["arguments"] = {"learning_rate": 0.01}
        saved[name].config["run"]["epsilon"] = epsilon
    saved["norms"] = run({"models": [dict(norm="inf", norm_in_largest=0.5, as_epsilon=0.1)]})
    return saved, None


@cases(post.aligned_features, (1, 1, 1, HOLDS), (1, 0, 0, CONDITION), (0, 0, 0, FAILS))
def inside(*strong):
    """Class means differ by 1 in the first pixel, and not in the other three."""
    data = images(np.array([[0, 0.5, 0, 0], [1, 0.5, 0, 0]]), np.array([-1, 1]))
    saved = {"regular": linear([1, 1, 1, 1]), "exact-0.3": linear([1, 0, 0, 0])}
    for name, own in zip(rules.ROBUST, strong):
        saved[name] = linear([3, 0, 0, 0] if own else [1, 1, 1, 1])
    return saved, data


@cases(post.small_weights, (0, HOLDS), (2, FAILS))
def small_ones(count):
    weights = np.r_[np.zeros(5), np.full(count, 0.05), np.full(3, 0.5)]
    saved = {name: linear(weights) for name in (*rules.ROBUST, *rules.EXACT)}
    for name in rules.EXACT:
        saved[name].arrays["pixel_pull"] = np.where(weights > 0, 1.0, 0.0)
    return saved, None


@cases(
    post.confidence,
    ((4, 1, 1, 1), (1, 1, 1, 1), CONDITION),
    ((4, 1, 1, 1), (4, 1, 1, 1), HOLDS),
    ((1, 4, 4, 4), (1, 4, 4, 4), FAILS),
)
def sure(norms, scales):
    """Of each model the weight's norm, and how large its margins are."""
    margins, saved = np.linspace(-0.02, 0.5, 101), {}
    for name, norm, scale in zip(runs.POST_RUNS, norms, scales):
        arrays = dict(test_targets=np.ones(101), test_logits=scale * margins)
        saved[name] = run(arrays=arrays | {"weights": np.array([float(norm)])})
    return saved, None


@cases(
    post.reliability,
    (0.99, 30, HOLDS),  # as many pixels are needed as for the regular model
    (1.0, 2, CONDITION),  # two pixels are enough
    (0.0, 2, FAILS),  # and the attack of all pixels is worse as well
)
def fooled(kept, robust):
    """What robust models keep of an attack on all pixels, and how many pixels fool them."""
    saved = post_runs(lambda name: run({"robust_accuracy": {"clipped": [1.0, kept]}}))
    saved["regular"] = run({"robust_accuracy": {"clipped": [1.0, max(kept, 0.5)]}})
    fewest = np.full((7, 100), robust, np.int16)
    fewest[0] = 30
    saved["few_pixels"] = run(arrays={"fewest": fewest})
    return saved, None


@cases(post.transfer, (0.4, 0.3, HOLDS), (0.6, 0.4, CONDITION), (0.8, 0.6, FAILS))
def surrogates(*few):
    config = dict(sources=["all", "a few", "some", "regular"], images=[10_000, 20, 500])
    rows = [[0.9, 0.2, 0.1], [0.9, *few], [0.9, 0.3, 0.2], [0.1, 0, 0]]  # at 0.1, 0.2, 0.3
    arrays = dict(accuracy=np.array(rows)[:, np.newaxis], epsilon=np.array([0.1, 0.2, 0.3]))
    return {"transfer": run(dict(draws=3), arrays, **config)}, None


@cases(
    post.shifts,
    (0.1, 0, 0, HOLDS),
    (0.1, -0.1, 0.1, CONDITION),
    (0.1, -0.1, 0, FAILS),  # as often better as worse
    (0.004, 0, 0, FAILS),
)
def shifted(*changes):
    """What robust models gain under three shifts, beside an optimum that is always worse."""
    names = ["turned", "moved", "lit"]
    metrics = {
        name: dict(amounts=[1], accuracy=[[0.8, *[0.8 + change] * 3, 0.1]])
        for name, change in zip(names, changes)
    }
    config = dict(shifts=names, models=[*runs.POST_RUNS, "exact-0.3"])
    return {"shifts": run(metrics, **config)}, None


# --- networks


@cases(networks.landscape, (0.9, 0.6, HOLDS), (0.9, 0.1, CONDITION), (0.2, 0.1, FAILS))
def turning(*shares):
    turns = dict(turning_pixels=[[it, it] for it in shares], turns=[[[0, 3], [1, 5]]] * 2)
    config = dict(hidden=[[8, 8], [4]], directions=["pixel", "random"])
    saved = {"landscapes": run(turns | dict(images=1, turning_images=1), **config)}
    return saved, None


def of_networks(**values):
    """A value for each of the six networks: by name with _ for -, or by what they end with."""
    named = {name.replace("_", "-"): value for name, value in values.items()}
    return {name: named.get(name, named.get(name.split("-")[1])) for name in runs.NETWORK_NAMES}


@cases(
    networks.useless_networks,
    ((0.9, 0.9), (0.99, 0.5), HOLDS),  # one loses clean accuracy, one is below the linear one
    ((0.99, 0.98), (0.97, 0.96), CONDITION),
    ((0.99, 0.945), (0.995, 0.98), FAILS),  # half a point below it: chance explains that
)
def certified(small, convolutional):
    """Clean, and proved to be kept at ε = 0.3."""
    sides = dict(small_certified=small, convolutional_certified=convolutional)
    sides = of_networks(regular=(0.995, 0.0), adversarial=(0.99, 0.1), **sides)
    curves = {
        name: dict(epsilon=[0.0, 0.3], certified=each, attacked=each)
        for name, each in sides.items()
    }
    curve = {"robust_accuracy": {"epsilon": [0.3], "clipped": [0.95]}}
    saved = {"certified": run(curves), "exact-0.3": run(curve)}
    return saved, images(None, np.ones(2000))


@cases(networks.weak_features_of_networks, (5, 5, HOLDS), (2, 5, CONDITION), (1, 1, FAILS))
def first_layers(*robust):
    """784 equal rows of a kernel, of which 50 are so many times as large."""
    lit, many = np.arange(784) < 392, np.arange(784) < 50
    kernels = {
        name: np.where(many, factor, 1.0)[:, np.newaxis] * [1.0, -1.0]
        for name, factor in zip(rules.SMALL_KERNELS, (1, *robust))
    }
    return {"regular": run(arrays={"lit_pixels": lit}), "certified": run(arrays=kernels)}, None


@cases(
    networks.meaningful,
    ((5, 0.9), (5, 0.9), HOLDS),
    ((5, 0.9), (1, 0.9), CONDITION),
    ((5, 0.1), (1.5, 0.9), FAILS),
)
def gradients(adversarial, certified):
    """How aligned they are with the image, and their share on ink."""
    found = of_networks(regular=(1, 0.5), adversarial=adversarial, certified=certified)
    metrics = {
        name: dict(alignment=[0, aligned, 9], share_on_ink=[0, on_ink, 1])
        for name, (aligned, on_ink) in found.items()
    }
    config = dict(images=9, turned_images=3, neighbours=5)
    metrics["share_of_pixels_on_ink"] = [0.1, 0.2, 0.3]
    return {"meaning": run(metrics, **config)}, None


@cases(
    networks.sure_networks,
    (0.1, 0.4, 20, HOLDS),
    (0.1, 0.6, 20, CONDITION),
    (0.6, 0.6, 20, FAILS),
    (0.1, 0.4, 5, FAILS),  # of so few mistakes nothing is known
)
def sure_mistakes(adversarial, certified, many):
    metrics = dict(
        sure=of_networks(
            regular=[0.2, 0.5], adversarial=[None, adversarial], certified=[0.1, certified]
        ),
        mistakes=of_networks(regular=[20, 20], adversarial=[0, many], certified=[0, many]),
    )
    return {"threats": run(metrics, epsilons=[0.1, 0.2])}, None


@cases(networks.transfer_to_networks, (0.52, 0.52, HOLDS), (0.4, 0.6, CONDITION), (0.6, 0.6, FAILS))
def others(to, back):
    """The own attack leaves 0.1 of the images at ε = 0.3; the others' leave `to` and `back`."""
    models = [*runs.POST_RUNS, *runs.NETWORK_NAMES]
    table = np.full((len(models), len(models)), to)
    table[4:, 0] = back
    np.fill_diagonal(table, 0.1)
    metrics = dict(transfer=[np.ones_like(table), table], clean=dict.fromkeys(models, 1.0))
    return {"threats": run(metrics, models=models, epsilons=[0.1, 0.3])}, None


@cases(
    networks.reliable_network,
    (0.9, 0.9, HOLDS),
    (0.5, 0.9, CONDITION),
    (0.9, 0.5, CONDITION),
    (0.5, 0.5, FAILS),
)
def changed(pixels, moved):
    """What the robust networks keep when pixels are changed, and when the image is blurred."""
    few = of_networks(regular=[0.9] * 12, adversarial=[pixels] * 12, certified=[pixels] * 12)
    row = [*of_networks(regular=0.9, adversarial=moved, certified=moved).values()]
    metrics = dict(few_pixels=few | {"regular": [1] * 12}, shifts={"blur (pixels)": [row]})
    metrics["few_pixels_by_digit"] = {"regular": {"0": [1.0, 0.5], "1": [1.0, 0.25]}}
    blurred = {"blur (pixels)": dict(amounts=[1], accuracy=[[0.7, 0.7, 0.7, 0.7]])}
    saved = {
        "threats": run(metrics, networks=runs.NETWORK_NAMES, images=5),
        "shifts": run(blurred, models=list(runs.POST_RUNS), shifts=list(blurred)),
    }
    return saved, None


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0].__name__}-{case[-1]}")
def test_verdict(case):
    rule, maker, *arguments, verdict = case
    assert rule(*maker(*arguments))[0] == verdict


# --- what has no verdict


def test_where_nothing_is_there_to_judge_a_share_is_zero():
    """A constant optimum keeps no weight, and digits of other people may have no dot."""
    saved = {name: linear(np.zeros(4)) for name in (*runs.POST_RUNS, *rules.EXACT)}
    for name in rules.EXACT:
        saved[name].arrays["pixel_pull"] = np.zeros(4)
    found, numbers = post.small_weights(saved, None)
    assert found == HOLDS and numbers["optimum_kept_below_epsilon"] == [0.0] * 3
    found, numbers = post.dots(saved, images(np.ones((3, 2, 2, 1)), np.ones(3)))
    assert found == FAILS and numbers["raised_by_pasting"] == [0.0] * 4


def test_an_alpha_that_breaks_a_constraint_is_found(data):
    names = "robust-0.2", "l1-0.2", "l1-0.2-equivalent", "exact-0.2"
    saved = {name: runs.read(runs.RESULTS / name) for name in names}
    numbers = theorems.l1_penalty(saved, data)
    assert numbers["dual_feasible"] and numbers["optimum_gap"] == pytest.approx(0, abs=1e-7)
    alpha, penalty = saved["exact-0.2"].arrays["alpha"], numbers["penalty"]
    for change in (-alpha, 0.5 * alpha * (data.y_train > 0)):  # below zero; not balanced
        saved["exact-0.2"].arrays["alpha"] = change
        assert not theorems.l1_penalty(saved, data)["dual_feasible"]
    saved["exact-0.2"].arrays["alpha"] = alpha
    saved["l1-0.2-equivalent"].config["run"]["penalty"] = 0.99 * penalty
    assert not theorems.l1_penalty(saved, data)["dual_feasible"]
