"""The attacks within [0, 1], and those that change few pixels, against solvers and brute force."""

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

import attacks

NORMS = (np.inf, 2, 1)


@pytest.fixture
def box():
    """A random model on 30 images of 6 pixels, some at or near the ends of their range."""
    generator = np.random.default_rng(5)
    x = generator.random((30, 6))
    x[:, :3] = generator.choice([0.0, 0.03, 0.6, 1.0], (30, 3))
    weights = generator.normal(size=6)
    weights[4] = 0  # a pixel that no attack needs
    return weights, 0.1, x, generator.choice([-1.0, 1.0], 30)


@pytest.mark.parametrize("epsilon", [0.0, 0.02, 0.4, 1.3, 10.0])
def test_l1_attack_in_the_box_is_the_linear_program(box, epsilon):
    """Minimise y w·(x + u - v) with u, v >= 0, Σ (u + v) <= ε and x + u - v in [0, 1]."""
    weights, bias, x, y = box
    logits = attacks.attacked_logits(weights, bias, x, y, epsilon, 1, clip=True)
    attacked = attacks.attack_linear(weights, x, y, epsilon, 1, clip=True)
    assert attacked.min() >= 0 and attacked.max() <= 1
    assert np.abs(attacked - x).sum(axis=1).max() <= epsilon + 1e-12
    np.testing.assert_allclose(attacked @ weights + bias, logits, atol=1e-12)
    for image, label, logit in list(zip(x, y, logits))[:12]:
        bounds = [*((0, 1 - pixel) for pixel in image), *((0, pixel) for pixel in image)]
        program = linprog(
            label * np.r_[weights, -weights], np.ones((1, 12)), [epsilon], bounds=bounds
        )
        assert label * (logit - image @ weights - bias) == pytest.approx(program.fun, abs=1e-12)


@pytest.mark.parametrize("epsilon", [0.02, 0.4, 1.0])
def test_l2_attack_in_the_box_is_that_of_a_general_solver(box, epsilon):
    weights, bias, x, y = box
    attacked = attacks.attack_linear(weights, x, y, epsilon, 2, clip=True)
    logits = attacks.attacked_logits(weights, bias, x, y, epsilon, 2, clip=True)
    assert attacked.min() >= 0 and attacked.max() <= 1
    assert np.linalg.norm(attacked - x, axis=1).max() <= epsilon + 1e-12
    np.testing.assert_allclose(attacked @ weights + bias, logits, atol=1e-12)
    for image, label, logit in list(zip(x, y, logits))[:8]:
        harm = label * weights
        found = minimize(
            harm.dot,
            np.zeros(6),
            jac=lambda change, harm=harm: harm,
            bounds=[(-pixel, 1 - pixel) for pixel in image],
            constraints=dict(type="ineq", fun=lambda change: epsilon**2 - change @ change),
            options=dict(ftol=1e-12, maxiter=500),
            method="SLSQP",
        )
        assert label * (logit - image @ weights - bias) == pytest.approx(found.fun, abs=1e-6)


def test_no_point_of_the_ball_and_the_box_does_more_harm(box):
    weights, bias, x, y = box
    draws = np.random.default_rng(0).normal(size=(20_000, 6))
    for norm in NORMS:
        ball = 0.5 * draws / np.linalg.norm(draws, norm, axis=1)[:, np.newaxis]
        logits = attacks.attacked_logits(weights, bias, x, y, 0.5, norm, clip=True)
        for image, label, logit in list(zip(x, y, logits))[:10]:
            inside = image + ball
            inside = inside[((inside >= 0) & (inside <= 1)).all(axis=1)]
            assert np.all(label * (inside @ weights + bias - logit) >= -1e-12)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_radius_in_the_box_is_where_the_attacked_logit_is_zero(linear, norm, dtype):
    """A just smaller attack leaves the prediction, and the attack of exactly this size ends it."""
    model = linear.weights.astype(dtype), dtype(linear.bias), linear.x.astype(dtype)
    model = *model, linear.y.astype(dtype)
    radii, close = attacks.signed_radius(*model, norm, clip=True), 1e4 * np.finfo(dtype).eps
    assert radii.dtype == dtype and np.all(np.isfinite(radii))
    margins = attacks.linear_logits(*model[:3]) * linear.y
    np.testing.assert_array_equal(np.sign(radii), np.sign(margins))
    towards = linear.y * np.sign(margins)  # of a wrong image, the way back
    size = np.abs(radii)
    reached = attacks.attacked_logits(*model[:3], towards, size, norm, clip=True)
    np.testing.assert_allclose(reached, 0, atol=close)
    before = attacks.attacked_logits(*model[:3], towards, size * 0.99, norm, clip=True)
    assert np.all(before * towards > 0)
    assert np.all(size >= np.abs(attacks.signed_radius(*model, norm)) * (1 - close))
    np.testing.assert_array_equal(size, attacks.certified_radius(*model[:3], norm, clip=True))


def test_a_boundary_that_the_box_does_not_reach_is_infinitely_far():
    weights, x = np.array([1.0, -0.5]), np.array([[0.5, 0.5], [0.25, 1.0]])
    for norm in NORMS:
        for bias, reached in ((0.4, True), (0.6, False)):
            right = attacks.signed_radius(weights, bias, x, np.ones(2), norm, clip=True)
            assert np.all(np.isfinite(right) == reached) and np.all(right > 0)
            wrong = attacks.signed_radius(weights, bias, x, -np.ones(2), norm, clip=True)
            np.testing.assert_array_equal(wrong, -right)
        nothing = attacks.signed_radius(0 * weights, 0.0, x, np.ones(2), norm, clip=True)
        np.testing.assert_array_equal(nothing, 0)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("scale", [1e-160, 1e150])
def test_weights_of_any_size_have_the_same_radius(box, norm, scale):
    weights, bias, x, y = box
    radii = attacks.signed_radius(weights, bias, x, y, norm, clip=True)
    scaled = attacks.signed_radius(scale * weights, scale * bias, x, y, norm, clip=True)
    np.testing.assert_allclose(scaled, radii, rtol=1e-9)
    attacked = attacks.attack_linear(scale * weights, x, y, 0.3, norm, clip=True)
    np.testing.assert_allclose(
        attacked, attacks.attack_linear(weights, x, y, 0.3, norm, clip=True), atol=1e-12
    )


@pytest.mark.parametrize("bias, numbers", [(0.1, {0, 1, 2}), (6.0, {0, 7})])
def test_fewest_pixels_are_those_of_trying_all_sets(box, bias, numbers):
    """Each set of pixels, each at both ends of its range: the smallest that changes the answer."""
    weights, _, x, y = box
    fewest = attacks.fewest_pixels(weights, bias, x, y)
    brute = np.full(len(x), 7)
    for ends in itertools.product([np.nan, 0.0, 1.0], repeat=6):
        tried = np.where(np.isnan(ends), x, ends)
        wrong, size = y * (tried @ weights + bias) <= 0, np.count_nonzero(~np.isnan(ends))
        brute[wrong] = np.minimum(brute[wrong], size)
    np.testing.assert_array_equal(fewest, brute)
    assert numbers == set(fewest.tolist())
    counts = np.arange(8)
    accuracy = attacks.pixels_accuracy(weights, bias, x, y, counts)
    np.testing.assert_array_equal(accuracy, (fewest > counts[:, np.newaxis]).mean(axis=1))
    assert accuracy[0] == attacks.robust_accuracy(weights, bias, x, y, 0)
    for count in (0, 1, 3, 6):
        attacked = attacks.attack_pixels(weights, x, y, count)
        assert np.count_nonzero(attacked != x, axis=1).max() <= count
        right = y * (attacked @ weights + bias) > 0
        assert right.mean() == accuracy[count]


def test_images_with_the_fewest_pixels_changed_are_wrong(linear):
    x, model = linear.x.astype(np.float32).reshape(-1, 28, 28, 1), (linear.weights, linear.bias)
    fewest = attacks.fewest_pixels(*model, x, linear.y)
    for spared, share in ((0, 0.0), (1, np.mean(fewest > 0))):
        count = np.maximum(fewest - spared, 0)
        attacked = attacks.attack_pixels(linear.weights, x, linear.y, count)
        assert attacked.shape == x.shape and attacked.dtype == x.dtype
        np.testing.assert_array_equal((attacked != x).sum(axis=(1, 2, 3)), count)
        logits = attacks.linear_logits(*model, attacked)
        assert np.mean(linear.y * logits > 0) == share


@pytest.mark.parametrize("count", [-1, 1.5, [1, 2], [[1]]])
def test_numbers_of_pixels_that_cannot_be_are_named(box, count):
    weights, _, x, y = box
    with pytest.raises(ValueError, match="count must be"):
        attacks.attack_pixels(weights, x, y, count)


@pytest.mark.parametrize("norm", NORMS)
def test_curve_in_the_box_is_that_of_the_attacked_images(linear, norm):
    model, epsilons = (linear.weights, linear.bias, linear.x, linear.y), np.linspace(0, 2, 21)
    curve = attacks.robust_accuracy(*model, epsilons, norm, clip=True)
    for epsilon, accuracy in zip(epsilons, curve):
        logits = attacks.attacked_logits(*model, epsilon, norm, clip=True)
        assert accuracy == np.mean(linear.y * logits > 0)
