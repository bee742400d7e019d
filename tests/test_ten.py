"""Ten digits at once: the exact worst case, the optimum's proof, the saved numbers."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import linprog

import attacks
import data_prep
import experiment_robust
from beyond.networks import bounds, certified
from beyond.ten import linear, optimum
from beyond.threats import few_pixels
from common import runs
from common.lazy import tf

EPSILON = 0.05


def model_of(classes, pixels=784, seed=0):
    generator = np.random.default_rng(seed)
    return generator.normal(0, 0.05, (pixels, classes)), generator.normal(0, 0.3, classes)


def small_set(seed, classes=4, pixels=6, count=40):
    """Overlapping classes: x as bytes and y, every class with examples."""
    generator = np.random.default_rng(seed)
    y = generator.permutation(np.arange(count) % classes)
    x = 100 * (generator.random((classes, pixels)) > 0.5)[y] + 70
    return np.clip(x + generator.integers(-90, 90, x.shape), 0, 255).astype(np.uint8), y


def test_two_digits_are_a_special_case(linear_model_of_two):
    weights, bias, x, y = linear_model_of_two
    kernel, biases = np.stack([0 * weights, weights], axis=1) / 1, np.array([0, bias])
    halves = np.stack([-weights / 2, weights / 2], axis=1), np.array([-bias / 2, bias / 2])
    classes = (y > 0).astype(int)
    binary = experiment_robust.robust_hinge_loss(y, x @ weights + bias, weights, EPSILON)
    for each, offsets in ((kernel, biases), halves):
        losses = linear.robust_hinge_loss(classes, tf.constant(x @ each + offsets), each, EPSILON)
        np.testing.assert_allclose(losses, binary, rtol=1e-12, atol=1e-12)
        for clip in (False, True):
            radii = linear.over_rivals(attacks.signed_radius, each, offsets, x, classes, clip)
            wanted = attacks.signed_radius(weights, bias, x, y, clip)
            np.testing.assert_allclose(radii, wanted, rtol=1e-9)
        fewest = linear.over_rivals(few_pixels.fewest_pixels, each, offsets, x, classes)
        assert np.array_equal(fewest, few_pixels.fewest_pixels(weights, bias, x, y))


@pytest.fixture
def linear_model_of_two(linear):
    return linear.weights, linear.bias, linear.x.reshape(len(linear.x), -1), linear.y


@pytest.mark.parametrize("clip", [False, True])
def test_the_loss_is_that_of_the_worst_image_and_no_smaller_attack_succeeds(data, clip):
    """For each rival the attacked image is built, pixel by pixel, and given to the model."""
    kernel, bias = model_of(10)
    x, y = data.x_test[:50].reshape(50, -1).astype(float), np.arange(50) % 10
    radii = linear.over_rivals(attacks.signed_radius, kernel, bias, x, y, clip)
    for image, own, radius in zip(x, y, radii):
        for epsilon, succeeds in ((abs(radius) * 0.999, radius < 0), (abs(radius) * 1.001, True)):
            gaps = []
            for rival in {*range(10)} - {own}:
                step = epsilon * np.sign(kernel[:, rival] - kernel[:, own])
                attacked = np.clip(image + step, 0, 1) if clip else image + step
                logits = attacked @ kernel + bias
                gaps.append(logits[rival] - logits[own])
            assert (max(gaps) > 0) == succeeds or radius < 0
            if not clip:
                logits = tf.constant([image @ kernel + bias])
                loss = linear.robust_hinge_loss([own], logits, kernel, epsilon)
                assert float(loss[0]) == pytest.approx(max(0, 1 + max(gaps)), rel=1e-9)


def test_the_hinge_and_the_sigmoid_rise_with_the_worst_rival():
    logits, kernel = np.array([[3.0, 1.0, 0.5], [0.0, 2.0, 1.9]]), np.zeros((4, 3))
    margins = attacks.margin_loss([0, 1], tf.constant(logits))
    np.testing.assert_allclose(linear.worst_rival([0, 1], tf.constant(logits), kernel, 9), margins)
    losses = linear.sigmoid_loss([0, 1], tf.constant(logits), kernel, 9)
    np.testing.assert_allclose(losses, 1 / (1 + np.exp(-np.array(margins))))


def program(x, y, epsilon):
    """The whole linear program by SciPy: least mean robust hinge, and the α of its proof (n, K).

    Variables: w (pixels, K), b (K,), the losses (n,), and t_kmj >= |w_kj - w_mj|, k < m.
    """
    (n, pixels), classes = x.shape, y.max() + 1
    starts = np.cumsum([0, pixels * classes, classes, n, classes**2 * pixels])
    place = lambda k, j: j * classes + k
    apart = lambda k, other: starts[3] + (k * classes + other) * pixels + np.arange(pixels)
    rows, limits, owners = [], [], []
    for i, k in np.ndindex(n, classes):
        if k != y[i]:  # 1 + z_k - z_y + ε Σ t - loss <= 0
            row = np.zeros(starts[-1])
            row[place(k, np.arange(pixels))], row[place(y[i], np.arange(pixels))] = x[i], -x[i]
            row[starts[1] + k], row[starts[1] + y[i]], row[starts[2] + i] = 1, -1, -1
            row[apart(*sorted((k, y[i])))] = epsilon
            rows, limits, owners = [*rows, row], [*limits, -1], [*owners, (i, k)]
    for k, m, j in np.ndindex(classes, classes, pixels):
        for sign in (-1, 1) if k < m else ():
            row = np.zeros(starts[-1])
            row[place(k, j)], row[place(m, j)], row[apart(k, m)[j]] = sign, -sign, -1
            rows, limits = [*rows, row], [*limits, 0]
    costs = np.zeros(starts[-1])
    costs[starts[2] : starts[3]] = 1 / n
    bounds = [(None, None)] * starts[2] + [(0, None)] * (starts[-1] - starts[2])
    solved = linprog(costs, np.array(rows), limits, bounds=bounds, method="highs")
    alpha = np.zeros((n, classes))
    alpha[tuple(np.transpose(owners))] = -n * solved.ineqlin.marginals[: len(owners)]
    return solved.fun, alpha


@pytest.mark.parametrize("seed", range(3))
def test_the_sides_enclose_the_optimum_and_its_own_multipliers_are_a_proof(seed):
    x, y = small_set(seed)
    least, alpha = program(x / 255, y, EPSILON)
    assert 0.4 < least < 0.8 and alpha.sum() / len(y) == pytest.approx(least, abs=1e-9)
    balance, pulls, masses = optimum.cuts(alpha, x, y)  # as strict as the program, and no stricter
    np.testing.assert_allclose(balance, 0, atol=1e-9)
    assert np.max(pulls / 255 - EPSILON * masses) == pytest.approx(0, abs=1e-9)
    found = optimum.solve(x, y, EPSILON)
    proved = Fraction(int(np.ceil(1000 * max(found.proved_from, EPSILON))), 1000)
    bound = float(optimum.check(found.alpha, x, y, proved))
    assert bound == found.lower_bound > least - 0.03
    assert bound <= program(x / 255, y, float(proved))[0]
    assert least <= found.objective < least + 0.01


def test_from_some_epsilon_on_zero_is_optimal():
    x, y = small_set(0)
    found = optimum.solve(x, y, 0.3, optimum.FULL_STAGES, full=True)
    epsilon = Fraction(int(np.ceil(found.proved_from * 1000)), 1000)
    assert found.proved_from < 0.4 and optimum.check(found.alpha, x, y, epsilon) == 1
    assert program(x / 255, y, float(epsilon))[0] == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("fault", ["own", "above", "balance", "epsilon"])
def test_what_proves_nothing_is_refused(fault):
    x, y = small_set(1)
    alpha, epsilon = optimum.solve(x, y, 0.05).alpha, Fraction("0.06")
    assert 0 < optimum.check(alpha, x, y, epsilon) < 1
    row = np.flatnonzero(alpha.sum(axis=1) > 2)[0]
    if fault == "own":
        alpha[row, y[row]] = 1
    elif fault == "above":
        alpha *= 1 + optimum.SCALE // alpha.sum(axis=1).max()
    elif fault == "balance":
        alpha[row, alpha[row].argmax()] -= 1
    else:
        epsilon *= Fraction("0.8")
    with pytest.raises(ValueError, match="α proves nothing"):
        optimum.check(alpha, x, y, epsilon)


def test_the_saved_proofs_hold(capsys):
    if not data_prep.pair_path(data_prep.ALL).is_file():
        pytest.skip("needs all ten digits: python data_prep.py --digits all")
    linear.main(["--check"])
    assert capsys.readouterr().out.count("the least objective is from") == 4


def test_the_saved_numbers_are_small_files_and_one_story():
    run = runs.read(runs.RESULTS / "ten_linear", ["optimum", "objective", "unclipped"], ["kernels"])
    sides = run.metrics["optimum"]
    for epsilon, largest in (("0.05", 0.005), ("0.1", 0.003)):
        assert 1 <= sides[epsilon]["objective"] / sides[epsilon]["lower_bound"] < 1 + largest
    assert sides["0.12"]["objective"] < 1 == sides[max(sides)]["lower_bound"]
    assert run.metrics["objective"]["robust-0.2"] > 1  # worse than w = 0
    at = {name: kept[2] for name, kept in run.metrics["unclipped"].items()}  # ε = 0.1
    assert at["found-0.1"] > at["optimum-0.1"] > at["robust-0.1"] > at["regular"]
    assert (runs.RESULTS / "ten_linear" / "arrays.npz").stat().st_size < 2e6


def test_without_the_ten_digits_one_line_says_what_to_do(script, tmp_path):
    if data_prep.pair_path(data_prep.ALL).is_file():
        pytest.skip("all ten digits are here")
    done = script("beyond.ten.linear", "--results", tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and not any(tmp_path.iterdir())
    assert "build it with: python data_prep.py --digits all" in done.stderr


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
