"""The radius in the box, and attacks in the balls of ℓ2 and ℓ1, against solvers and images."""

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

import attacks
from beyond.linear import norms
from beyond.threats import balls
from common.lazy import tf

NORM = pytest.mark.parametrize("norm", [np.inf, 2, 1])
CLIP = pytest.mark.parametrize("clip", [False, True])


@pytest.mark.parametrize("norm", [2, 1])
def test_attack_in_another_ball_is_that_of_a_solver(box, norm):
    weights, _, x, y = box
    attacked = balls.attack(weights, x, y, 0.4, norm)
    assert np.linalg.norm(attacked - x, norm, axis=1).max() <= 0.4 + 1e-12
    for label, change in zip(y, attacked - x):
        harm = label * weights
        if norm == 1:  # δ = u - v with u, v >= 0 and Σ (u + v) <= ε
            worst = linprog(np.r_[harm, -harm], np.ones((1, 12)), [0.4]).fun
        else:
            ball = dict(type="ineq", fun=lambda change: 0.4**2 - change @ change)
            worst = minimize(harm.dot, np.zeros(6), method="SLSQP", constraints=ball).fun
        assert harm @ change == pytest.approx(worst, abs=1e-6)


@CLIP
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_radius_is_where_the_attacked_logit_is_zero(linear, dtype, clip):
    """An attack just smaller leaves the prediction."""
    weights, x, y = (each.astype(dtype) for each in (linear.weights, linear.x, linear.y))
    model, close = (weights, dtype(linear.bias), x, y), 1e4 * np.finfo(dtype).eps
    radii, margins = attacks.signed_radius(*model, clip), y * attacks.linear_logits(*model[:3])
    np.testing.assert_array_equal(np.sign(radii), np.sign(margins))
    towards = y * np.sign(margins)  # of a wrong image, the way back
    for part in (1, 0.99):
        images = attacks.attack_linear(weights, x, towards, part * np.abs(radii), clip)
        logits = towards * (images.reshape(200, -1) @ weights + model[1])
        assert np.all(np.abs(logits) <= close) if part == 1 else np.all(logits > 0)


def test_a_boundary_that_the_box_does_not_reach_is_infinitely_far():
    weights, x = np.array([1.0, -0.5]), np.array([[0.5, 0.5], [0.25, 1.0]])
    for bias, reached in ((0.4, True), (0.6, False)):
        radius = attacks.signed_radius(weights, bias, x, np.ones(2), True)
        assert np.all(np.isfinite(radius) == reached) and np.all(radius > 0)
        wrong = attacks.signed_radius(weights, bias, x, -np.ones(2), True)
        np.testing.assert_array_equal(wrong, -radius)
    np.testing.assert_array_equal(attacks.signed_radius(0 * weights, 0.0, x, np.ones(2), True), 0)


@NORM
def test_curve_is_that_of_the_attacked_images(linear, norm):
    model, epsilons = (linear.weights, linear.bias, linear.x, linear.y), np.linspace(0, 2, 21)
    curve = balls.robust_accuracy(*model, epsilons, norm)
    for epsilon, accuracy in zip(epsilons, curve, strict=True):
        attacked = balls.attack(linear.weights, linear.x, linear.y, epsilon, norm)
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
