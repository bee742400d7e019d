"""Attacks in the balls of ℓ∞, ℓ2 and ℓ1, within [0, 1] or not, against solvers and brute force."""

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

import attacks
from beyond.linear import norms
from beyond.threats import balls
from common.lazy import tf

NORM = pytest.mark.parametrize("norm", [np.inf, 2, 1])
CLIP = pytest.mark.parametrize("clip", [False, True])


@pytest.fixture
def box():
    """A random model on 30 images of 6 pixels, some at or near the ends of their range."""
    generator = np.random.default_rng(5)
    x = generator.random((30, 6))
    x[:, :3] = generator.choice([0.0, 0.03, 0.6, 1.0], (30, 3))
    weights = generator.normal(size=6)
    weights[4] = 0  # a pixel that no attack needs
    return weights, 0.1, x, generator.choice([-1.0, 1.0], 30)


def solved(harm, image, epsilon, norm, clip):
    """The least harm·δ over the ball, and over the δ that keep the pixels in [0, 1] with clip."""
    ends = [(-pixel, 1 - pixel) if clip else (-epsilon, epsilon) for pixel in image]
    if norm == np.inf:
        inside = [(max(low, -epsilon), min(high, epsilon)) for low, high in ends]
        return linprog(harm, bounds=inside).fun
    if norm == 1:  # δ = u - v with u, v >= 0 and Σ (u + v) <= ε
        parts = [(0, high) for _, high in ends] + [(0, -low) for low, _ in ends]
        return linprog(np.r_[harm, -harm], np.ones((1, 12)), [epsilon], bounds=parts).fun
    found = minimize(
        harm.dot,
        np.zeros(6),
        method="SLSQP",
        bounds=ends,
        constraints=dict(type="ineq", fun=lambda change: epsilon**2 - change @ change),
        options=dict(ftol=1e-12, maxiter=500),
    )
    return found.fun


@CLIP
@NORM
@pytest.mark.parametrize("epsilon", [0.0, 0.02, 0.4, 1.3])
def test_attack_is_that_of_a_solver(box, norm, epsilon, clip):
    weights, _, x, y = box
    attacked = balls.attack(weights, x, y, epsilon, norm, clip)
    assert np.linalg.norm(attacked - x, norm, axis=1).max() <= epsilon + 1e-12
    assert not clip or attacked.min() >= 0 and attacked.max() <= 1
    close = 1e-6 if norm == 2 else 1e-12
    for image, label, change in [*zip(x, y, attacked - x)][:8]:
        worst = solved(label * weights, image, epsilon, norm, clip)
        assert label * weights @ change == pytest.approx(worst, abs=close)


@CLIP
@NORM
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_radius_is_where_the_attacked_logit_is_zero(linear, norm, dtype, clip):
    """An attack just smaller leaves the prediction."""
    weights, x, y = (each.astype(dtype) for each in (linear.weights, linear.x, linear.y))
    model, close = (weights, dtype(linear.bias), x, y), 1e4 * np.finfo(dtype).eps
    radii = balls.signed_radius(*model, norm, clip)
    margins = y * attacks.linear_logits(*model[:3])
    np.testing.assert_array_equal(np.sign(radii), np.sign(margins))
    towards = y * np.sign(margins)  # of a wrong image, the way back
    for part in (1, 0.99):
        images = balls.attack(weights, x, towards, part * np.abs(radii), norm, clip)
        logits = towards * (images.reshape(200, -1) @ weights + model[1])
        assert np.all(np.abs(logits) <= close) if part == 1 else np.all(logits > 0)
    if norm == np.inf:  # two ways to compute it
        np.testing.assert_allclose(attacks.signed_radius(*model, clip), radii, rtol=close)


@NORM
def test_a_boundary_that_the_box_does_not_reach_is_infinitely_far(norm):
    weights, x = np.array([1.0, -0.5]), np.array([[0.5, 0.5], [0.25, 1.0]])
    radius = balls.signed_radius
    for bias, reached in ((0.4, True), (0.6, False)):
        right = radius(weights, bias, x, np.ones(2), norm, True)
        assert np.all(np.isfinite(right) == reached) and np.all(right > 0)
        wrong = radius(weights, bias, x, -np.ones(2), norm, True)
        np.testing.assert_array_equal(wrong, -right)
        if norm == np.inf:
            alone = attacks.signed_radius(weights, bias, x, np.ones(2), True)
            np.testing.assert_allclose(alone, right)
    np.testing.assert_array_equal(radius(0 * weights, 0.0, x, np.ones(2), norm, True), 0)


@CLIP
@NORM
def test_curve_is_that_of_the_attacked_images(linear, norm, clip):
    model, epsilons = (linear.weights, linear.bias, linear.x, linear.y), np.linspace(0, 2, 21)
    curve = balls.robust_accuracy(*model, epsilons, norm, clip)
    for epsilon, accuracy in zip(epsilons, curve, strict=True):
        attacked = balls.attack(linear.weights, linear.x, linear.y, epsilon, norm, clip)
        logits = attacked.reshape(200, -1) @ linear.weights + linear.bias
        assert accuracy == np.mean(linear.y * logits > 0)


@NORM
def test_loss_is_the_hinge_of_the_attacked_images(linear, norm):
    """Its value, and for many models at once, one a column."""
    attacked = balls.attack(linear.weights, linear.x, linear.y, 0.3, norm).reshape(200, -1)
    margins = linear.y * (attacked @ linear.weights + linear.bias)
    logits = attacks.linear_logits(linear.weights, linear.bias, linear.x)
    arguments = [tf.constant(each) for each in (linear.y, logits, linear.weights)]
    losses = norms.dual_hinge_loss(*arguments, 0.3, norm).numpy()
    np.testing.assert_allclose(losses, np.maximum(0, 1 - margins), atol=1e-12)
    columns = [tf.stack([each, each], axis=1) for each in arguments]
    both = norms.dual_hinge_loss(*columns, 0.3, norm).numpy()
    np.testing.assert_allclose(both, np.c_[losses, losses], atol=1e-12)


def test_bad_norms_and_radii_are_named(box):
    with pytest.raises(ValueError, match="norm must be np.inf, 2 or 1; it is 3"):
        balls.attack(box[0], *box[2:], 0.1, 3)
    with pytest.raises(ValueError, match="epsilon must be.*-0.1"):
        balls.robust_accuracy(*box, -0.1, 2)
