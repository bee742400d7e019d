import itertools

import numpy as np
import pytest

import attacks
import training
from experiment_regular import hinge_loss
from experiment_robust import robust_hinge_loss
from training import tf

PIXELS = 6  # 64 corners of the perturbation box


@pytest.fixture
def small():
    generator = np.random.default_rng(1)
    return dict(x=generator.random((50, PIXELS)), y=generator.choice([-1.0, 1.0], 50),
                weights=generator.normal(size=PIXELS), bias=generator.normal())


def test_hinge_loss_on_hand_made_values():
    loss = hinge_loss(tf.constant([1.0, 1.0, -1.0, -1.0]), tf.constant([2.0, 0.25, 0.5, -3.0]), None)
    np.testing.assert_allclose(loss, [0.0, 0.75, 1.5, 0.0])


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.7])
def test_robust_loss_is_the_maximum_over_all_corners(small, epsilon):
    x, y, weights, bias = small.values()
    corners = epsilon * np.array(list(itertools.product([-1, 1], repeat=PIXELS)))
    brute = np.max([np.maximum(0, 1 - y * ((x + corner) @ weights + bias)) for corner in corners], axis=0)
    loss = robust_hinge_loss(tf.constant(y), tf.constant(x @ weights + bias), tf.constant(weights), epsilon)
    np.testing.assert_allclose(loss, brute, rtol=0, atol=1e-12)


def test_robust_loss_is_hinge_on_the_attacked_input(linear):
    attacked = attacks.attack_linear(linear.weights, linear.x, linear.y, 0.1)
    logits = attacked.reshape(200, -1) @ linear.weights + linear.bias
    clean = attacks.linear_logits(linear.weights, linear.bias, linear.x)
    weights = tf.constant(linear.weights)
    np.testing.assert_allclose(robust_hinge_loss(tf.constant(linear.y), tf.constant(clean), weights, 0.1),
                               hinge_loss(tf.constant(linear.y), tf.constant(logits), weights), rtol=0, atol=1e-12)


def test_epsilon_zero_is_the_hinge(small):
    x, y, weights, bias = small.values()
    arguments = tf.constant(y), tf.constant(x @ weights + bias), tf.constant(weights)
    np.testing.assert_array_equal(robust_hinge_loss(*arguments, 0.0), hinge_loss(*arguments))


def test_gradient_of_the_robust_hinge_against_finite_differences(small):
    x, y, weights, bias = small.values()
    variable = tf.Variable(weights)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(robust_hinge_loss(tf.constant(y), tf.linalg.matvec(tf.constant(x), variable) + bias,
                                                variable, 0.1))

    def value(w):
        return np.mean(np.maximum(0, 1 - y * (x @ w + bias) + 0.1 * np.abs(w).sum()))

    step = 1e-6 * np.eye(PIXELS)
    differences = [(value(weights + h) - value(weights - h)) / 2e-6 for h in step]
    np.testing.assert_allclose(tape.gradient(loss, variable), differences, atol=1e-8)


@pytest.mark.parametrize("loss", [hinge_loss, lambda *arguments: robust_hinge_loss(*arguments, 0.1)])
def test_labels_that_would_broadcast_are_refused(loss):
    weights = tf.zeros(4)
    with pytest.raises(ValueError, match="one shape"):
        loss(tf.zeros(5), tf.zeros((5, 1)), weights)
    with pytest.raises(ValueError, match="one shape"):
        loss(tf.zeros((5, 1)), tf.zeros(5), weights)


def test_training_step_refuses_a_loss_that_is_not_per_example(data):
    model = training.linear_model(0)
    model.compile(optimizer="sgd")
    with pytest.raises(ValueError, match="one value per example"):
        training.train_step(model, model.optimizer, lambda y, logits, weights: tf.reduce_mean(logits),
                            data.x_test[:8], data.y_test[:8], 8)
