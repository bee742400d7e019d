"""The losses on values made by hand, and against all corners of a box of six pixels."""

import itertools

import numpy as np
import pytest

from common.lazy import tf
from experiment_regular import hinge_loss
from experiment_robust import robust_hinge_loss


def test_hinge_loss_on_hand_made_values():
    loss = hinge_loss(tf.constant([1.0, 1.0, -1.0, -1.0]), tf.constant([2.0, 0.25, 0.5, -3.0]))
    np.testing.assert_allclose(loss, [0.0, 0.75, 1.5, 0.0])


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.7])
def test_robust_loss_is_the_maximum_over_all_corners(epsilon):
    generator = np.random.default_rng(1)
    x, y = generator.random((50, 6)), generator.choice([-1.0, 1.0], 50)
    weights, bias = generator.normal(size=6), generator.normal()
    corners = epsilon * np.array([*itertools.product([-1, 1], repeat=6)])[:, np.newaxis]
    hinges = np.maximum(0, 1 - y * ((x + corners) @ weights + bias))
    arguments = map(tf.constant, (y, x @ weights + bias, weights))
    loss = robust_hinge_loss(*arguments, epsilon)
    np.testing.assert_allclose(loss, hinges.max(axis=0), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "loss",
    [hinge_loss, lambda targets, logits: robust_hinge_loss(targets, logits, tf.zeros(4), 0.1)],
)
@pytest.mark.parametrize("targets, logits", [((5,), (5, 1)), ((5, 1), (5,)), ((5,), ())])
def test_labels_that_would_broadcast_are_refused(loss, targets, logits):
    with pytest.raises(ValueError, match="one shape"):
        loss(tf.zeros(targets), tf.zeros(logits))
