"""Whole epochs of plain SGD in one compiled call, beside the loop that takes it batch by batch."""

import functools

import numpy as np
import pytest

import experiment_robust as robust
from common import training
from common.lazy import keras
from common.many import compiled_epoch, train_many


@pytest.mark.parametrize("shuffle", [False, True])
def test_one_model_is_to_the_bit_the_one_of_the_loop(few, shuffle):
    """Models side by side: test_seeds.py and test_pairs.py."""
    model = training.linear_model(4)
    model.compile(optimizer=keras.optimizers.SGD(0.01))
    step = functools.partial(robust.train_step, model, batch_size=100, epsilon=0.2)
    data, flags = (few.x_train, few.y_train), dict(shuffle=shuffle, seed=4, verbose=0)
    history = training.train(step, model, *data, 3, 100, **flags).history
    generator = np.random.default_rng(4)
    orders = [generator.permutation(250) for _ in range(3)] if shuffle else None
    epoch = compiled_epoch(functools.partial(robust.robust_hinge_loss, epsilon=0.2), 100, 0.01)
    weights, bias, loss, accuracy = train_many(
        epoch, *training.initial_weights(4), *data, 3, orders
    )
    np.testing.assert_array_equal(weights[:, 0], training.linear_weights(model)[0])
    np.testing.assert_array_equal(bias, training.linear_weights(model)[1])
    np.testing.assert_allclose(loss, history["loss"], rtol=1e-6)
    np.testing.assert_allclose(accuracy, history["accuracy"], rtol=1e-6)
