"""Robust training for the balls of ℓ2 and ℓ1."""

import numpy as np
import pytest

import attacks
from beyond.linear import norms
from common.lazy import tf


@pytest.mark.parametrize("norm", [np.inf, 2, 1])
def test_loss_is_the_hinge_of_the_attacked_images(linear, norm):
    """Its value, and for many models at once, one a column."""
    attacked = attacks.attacked_logits(linear.weights, linear.bias, linear.x, linear.y, 0.3, norm)
    logits = attacks.linear_logits(linear.weights, linear.bias, linear.x)
    arguments = [tf.constant(each) for each in (linear.y, logits, linear.weights)]
    losses = norms.dual_hinge_loss(*arguments, 0.3, norm).numpy()
    np.testing.assert_allclose(losses, np.maximum(0, 1 - linear.y * attacked), atol=1e-12)
    columns = [tf.stack([each, each], axis=1) for each in arguments]
    both = norms.dual_hinge_loss(*columns, 0.3, norm).numpy()
    np.testing.assert_allclose(both, np.c_[losses, losses], atol=1e-12)
    with pytest.raises(ValueError, match="one shape"):
        norms.dual_hinge_loss(tf.zeros(3), tf.zeros((3, 1)), tf.zeros(4), 0.1, norm)
