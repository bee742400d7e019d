import itertools

import numpy as np
import pytest

import attacks
from common.lazy import tf
from experiment_regular import hinge_loss
from experiment_robust import robust_hinge_loss

PIXELS = 6  # 64 corners of the perturbation box


@pytest.fixture
def small():
    generator = np.random.default_rng(1)
    return (
        generator.random((50, PIXELS)),
        generator.choice([-1.0, 1.0], 50),
        generator.normal(size=PIXELS),
        generator.normal(),
    )


def test_hinge_loss_on_hand_made_values():
    loss = hinge_loss(tf.constant([1.0, 1.0, -1.0, -1.0]), tf.constant([2.0, 0.25, 0.5, -3.0]))
    np.testing.assert_allclose(loss, [0.0, 0.75, 1.5, 0.0])


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.7])
def test_robust_loss_is_the_maximum_over_all_corners(small, epsilon):
    x, y, weights, bias = small
    corners = epsilon * np.array(list(itertools.product([-1, 1], repeat=PIXELS)))
    brute = np.max(
        [np.maximum(0, 1 - y * ((x + corner) @ weights + bias)) for corner in corners], axis=0
    )
    loss = robust_hinge_loss(
        tf.constant(y), tf.constant(x @ weights + bias), tf.constant(weights), epsilon
    )
    np.testing.assert_allclose(loss, brute, rtol=0, atol=1e-12)


def test_robust_loss_is_hinge_on_the_attacked_input(linear):
    attacked = attacks.attack_linear(linear.weights, linear.x, linear.y, 0.1)
    logits = attacked.reshape(200, -1) @ linear.weights + linear.bias
    clean = attacks.linear_logits(linear.weights, linear.bias, linear.x)
    y = tf.constant(linear.y)
    np.testing.assert_allclose(
        robust_hinge_loss(y, tf.constant(clean), tf.constant(linear.weights), 0.1),
        hinge_loss(y, tf.constant(logits)),
        rtol=0,
        atol=1e-12,
    )


def test_epsilon_zero_is_the_hinge(small):
    x, y, weights, bias = small
    arguments = tf.constant(y), tf.constant(x @ weights + bias)
    np.testing.assert_array_equal(
        robust_hinge_loss(*arguments, tf.constant(weights), 0.0), hinge_loss(*arguments)
    )


def test_gradient_of_the_robust_hinge_against_finite_differences(small):
    x, y, weights, bias = small
    variable = tf.Variable(weights)
    with tf.GradientTape() as tape:
        logits = tf.linalg.matvec(tf.constant(x), variable) + bias
        loss = tf.reduce_mean(robust_hinge_loss(tf.constant(y), logits, variable, 0.1))

    def value(w):
        return np.mean(np.maximum(0, 1 - y * (x @ w + bias) + 0.1 * np.abs(w).sum()))

    step = 1e-6 * np.eye(PIXELS)
    differences = [(value(weights + h) - value(weights - h)) / 2e-6 for h in step]
    np.testing.assert_allclose(tape.gradient(loss, variable), differences, atol=1e-8)


@pytest.mark.parametrize(
    "loss",
    [hinge_loss, lambda targets, logits: robust_hinge_loss(targets, logits, tf.zeros(4), 0.1)],
)
@pytest.mark.parametrize("targets, logits", [((5,), (5, 1)), ((5, 1), (5,)), ((5,), ())])
def test_labels_that_would_broadcast_are_refused(loss, targets, logits):
    with pytest.raises(ValueError, match="one shape"):
        loss(tf.zeros(targets), tf.zeros(logits))


def test_columns_of_many_models_have_their_own_losses(small):
    """As train_many calls it: (batch, 2) logits of two models, (pixels, 2) weights."""
    x, y, weights, bias = small
    both = np.c_[weights, weights[::-1]]
    logits = x @ both + bias
    losses = robust_hinge_loss(
        tf.constant(np.c_[y, y]), tf.constant(logits), tf.constant(both), 0.2
    )
    for column in range(2):
        alone = robust_hinge_loss(
            tf.constant(y), tf.constant(logits[:, column]), tf.constant(both[:, column]), 0.2
        )
        np.testing.assert_allclose(losses[:, column], alone, rtol=1e-12, atol=1e-14)
