"""Ten digits at once: the exact worst case, the optimum's proof, the saved numbers."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import linprog

import attacks
import data_prep
import experiment_robust
from beyond.networks import bounds, certified
from beyond.ten import linear as ten
from beyond.ten import optimum
from beyond.threats import few_pixels
from common import runs
from common.lazy import tf

EPSILON = 0.05


def small_set(seed, classes=4, pixels=6, count=40):
    """Overlapping classes: x as bytes and y, every class with examples."""
    generator = np.random.default_rng(seed)
    y = generator.permutation(np.arange(count) % classes)
    x = 100 * (generator.random((classes, pixels)) > 0.5)[y] + 70
    return np.clip(x + generator.integers(-90, 90, x.shape), 0, 255).astype(np.uint8), y


@pytest.mark.parametrize("halves", [False, True])
def test_two_digits_are_a_special_case(linear, halves):
    """z = (0, ŷ) or (-ŷ/2, ŷ/2)."""
    model, x, y = (linear.weights, linear.bias), linear.x.reshape(200, -1), linear.y
    kernel, bias = (np.outer(part, [-0.5, 0.5] if halves else [0, 1]) for part in model)
    two, bias = (y > 0).astype(int), bias[0]
    losses = ten.robust_hinge_loss(two, tf.constant(x @ kernel + bias), kernel, EPSILON)
    binary = experiment_robust.robust_hinge_loss(y, x @ model[0] + model[1], model[0], EPSILON)
    np.testing.assert_allclose(losses, binary, rtol=1e-12, atol=1e-12)
    for clip in (False, True):
        radii = ten.over_rivals(attacks.signed_radius, kernel, bias, x, two, clip)
        np.testing.assert_allclose(radii, attacks.signed_radius(*model, x, y, clip), rtol=1e-9)
        kept = attacks.robust_accuracy(*model, x, y, [0, EPSILON], clip)
        np.testing.assert_array_equal(ten.share(radii, [0, EPSILON]), kept)
    fewest = ten.over_rivals(few_pixels.fewest_pixels, kernel, bias, x, two)
    np.testing.assert_array_equal(fewest, few_pixels.fewest_pixels(*model, x, y))


@pytest.mark.parametrize("clip", [False, True])
def test_loss_and_radius_are_those_of_the_worst_image(data, clip):
    """For each rival the attacked image is built, and given to the model."""
    generator, y = np.random.default_rng(0), np.arange(50) % 10
    kernel, bias = generator.normal(0, 0.05, (784, 10)), generator.normal(0, 0.3, 10)
    x = data.x_test[:50].reshape(50, -1).astype(float)
    radii = ten.over_rivals(attacks.signed_radius, kernel, bias, x, y, clip)
    assert 3 <= np.sum(radii > 0) <= 47
    for image, own, radius in zip(x, y, radii):
        worst = []
        for epsilon in (0.999 * abs(radius), 1.001 * abs(radius)):
            attacked = image + epsilon * np.sign(kernel - kernel[:, [own]]).T  # one for each rival
            logits = (np.clip(attacked, 0, 1) if clip else attacked) @ kernel + bias
            worst.append(np.max(np.delete(np.diag(logits) - logits[:, own], own)))
        assert worst[0] < 0 < worst[1] if radius > 0 else worst[0] > 0
        if not clip:
            loss = ten.robust_hinge_loss([own], image[None] @ kernel + bias, kernel, epsilon)
            assert float(loss[0]) == pytest.approx(max(0, 1 + worst[1]), rel=1e-9)
    margins = attacks.margin_loss(y, tf.constant(x @ kernel + bias))
    sigmoids = ten.sigmoid_loss(y, tf.constant(x @ kernel + bias), kernel, 0)
    np.testing.assert_allclose(sigmoids, 1 / (1 + np.exp(-np.array(margins))))


def program(x, y, epsilon):
    """The whole linear program by SciPy: least mean robust hinge, and the α of its proof (n, K).

    Variables: w (K, pixels), b (K,), the losses (n,), and t_kmj >= |w_kj - w_mj| for k < m.
    """
    (n, pixels), classes = x.shape, y.max() + 1
    ends = np.cumsum([classes * pixels, classes, n, classes**2 * pixels])
    w, b, losses, t = np.split(np.arange(ends[-1]), ends[:3])
    w, t, rows = w.reshape(classes, pixels), t.reshape(classes, classes, pixels), []
    add = lambda limit, *parts: rows.append((limit, parts))
    owners = [(i, k) for i, k in np.ndindex(n, classes) if k != y[i]]
    for i, k in owners:  # 1 + z_k - z_y + ε Σ t - loss <= 0
        apart = t[min(k, y[i]), max(k, y[i])], epsilon
        add(-1, (w[k], x[i]), (w[y[i]], -x[i]), (b[k], 1), (b[y[i]], -1), (losses[i], -1), apart)
    for k, m in zip(*np.triu_indices(classes, 1)):
        for j, sign in np.ndindex(pixels, 2):
            add(0, (w[k, j], 2 * sign - 1), (w[m, j], 1 - 2 * sign), (t[k, m, j], -1))
    matrix = np.zeros((len(rows), ends[-1]))
    for row, (_, parts) in zip(matrix, rows):
        for places, values in parts:
            row[places] = values
    costs = np.isin(np.arange(ends[-1]), losses) / n
    bounds = [(None, None)] * ends[1] + [(0, None)] * (ends[-1] - ends[1])
    solved = linprog(costs, matrix, [limit for limit, _ in rows], bounds=bounds, method="highs")
    alpha = np.zeros((n, classes))
    alpha[tuple(np.transpose(owners))] = -n * solved.ineqlin.marginals[: len(owners)]
    return solved.fun, alpha


@pytest.fixture(scope="module", params=[0, pytest.param(1, marks=pytest.mark.slow)])
def solved(request):
    """x and y of a small set, and the sides of its optimum."""
    x, y = small_set(request.param)
    return x, y, optimum.solve(x, y, EPSILON)


def test_the_sides_enclose_the_optimum_and_its_own_multipliers_are_a_proof(solved):
    x, y, found = solved
    least, alpha = program(x / 255, y, EPSILON)
    assert 0.4 < least < 0.8 and alpha.sum() / len(y) == pytest.approx(least, abs=1e-9)
    balance, pulls, masses = optimum.cuts(alpha, x, y)  # as strict as the program, and no stricter
    np.testing.assert_allclose(balance, 0, atol=1e-9)
    assert np.max(pulls / 255 - EPSILON * masses) == pytest.approx(0, abs=1e-9)
    proved = Fraction(int(np.ceil(1000 * max(found.proved_from, EPSILON))), 1000)
    bound = float(optimum.check(found.alpha, x, y, proved))
    assert least - 0.03 < bound == found.lower_bound <= program(x / 255, y, float(proved))[0]
    assert least <= found.objective < least + 0.01


def test_from_some_epsilon_on_zero_is_optimal():
    x, y = small_set(0)
    found = optimum.solve(x, y, 0.3, optimum.FULL_STAGES, full=True)
    epsilon = Fraction(int(np.ceil(found.proved_from * 1000)), 1000)
    assert found.proved_from < 0.4 and optimum.check(found.alpha, x, y, epsilon) == 1
    assert program(x / 255, y, float(epsilon))[0] == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("fault", ["own", "above", "balance", "epsilon"])
def test_what_proves_nothing_is_refused(fault, solved):
    (x, y, found), epsilon = solved, Fraction("0.06")
    alpha = found.alpha.copy()
    assert 0 < optimum.check(alpha, x, y, epsilon) < 1
    row = alpha.sum(axis=1).argmax()
    if fault == "own":
        alpha[row, y[row]] = 1
    elif fault == "above":
        alpha *= 1 + optimum.SCALE // alpha[row].sum()
    elif fault == "balance":
        alpha[row, alpha[row].argmax()] -= 1
    else:
        epsilon *= Fraction("0.8")
    with pytest.raises(ValueError, match="α proves nothing"):
        optimum.check(alpha, x, y, epsilon)


@pytest.mark.slow
def test_the_saved_proofs_hold(capsys):
    if not data_prep.pair_path(data_prep.ALL).is_file():
        pytest.skip("needs all ten digits: python data_prep.py --digits all")
    ten.main(["--check"])
    assert capsys.readouterr().out.count("the least objective is from") == 4


def test_the_committed_images_are_proved_again_from_the_committed_weights():
    saved = runs.read(runs.RESULTS / "ten_network")
    model = certified.network("convolutional", logits=10)
    model.set_weights([saved.arrays[f"weights-{n}"] for n in range(len(model.weights))])
    x, y = saved.arrays["images"] / np.float32(255), saved.arrays["labels"]
    proved_by = bounds.Network(model)
    proved = [bounds.interval(proved_by, x, y, epsilon) > 0 for epsilon in (0.1, 0.3)]
    assert proved[0].sum() >= proved[1].sum() >= 15 and len(y) == 20
    attacked = attacks.pgd(model, x, y, 0.3, 0.05, 10)
    assert np.all(model(attacked).numpy().argmax(axis=1)[proved[1]] == y[proved[1]])
