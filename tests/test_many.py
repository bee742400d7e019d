"""Whole epochs of plain SGD in one compiled call, beside the loop that takes it batch by batch."""

import functools

import numpy as np
import pytest

import experiment_regular as regular
import experiment_robust as robust
from common import training
from common.lazy import keras
from common.many import compiled_epoch, train_many


def alone(few, seed, epsilon, shuffle, epochs=3):
    """training.train with SGD and the robust step; gives weights, bias, loss and accuracy."""
    model = training.linear_model(seed)
    model.compile(optimizer=keras.optimizers.SGD(0.01))
    step = functools.partial(robust.train_step, model, batch_size=100, epsilon=epsilon)
    order = dict(shuffle=shuffle, seed=seed, verbose=0)
    history = training.train(step, model, few.x_train, few.y_train, epochs, 100, **order).history
    return *training.linear_weights(model), history["loss"], history["accuracy"]


def orders(seed, count=250, epochs=3):
    generator = np.random.default_rng(seed)
    return [generator.permutation(count) for _ in range(epochs)]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("epsilon", [0.0, 0.2])
def test_one_model_is_to_the_bit_the_one_of_the_loop(few, epsilon, shuffle):
    weights, bias, loss, accuracy = alone(few, 4, epsilon, shuffle)
    epoch = compiled_epoch(functools.partial(robust.robust_hinge_loss, epsilon=epsilon), 100, 0.01)
    start, order = training.initial_weights(4), orders(4) if shuffle else None
    many = train_many(epoch, *start, few.x_train, few.y_train, 3, order)
    assert [array.shape for array in many] == [(784, 1), (1,), (3,), (3,)]
    np.testing.assert_array_equal(many[0][:, 0], weights)
    assert many[1][0] == bias
    np.testing.assert_allclose(many[2], loss, rtol=1e-6)
    np.testing.assert_allclose(many[3], accuracy, rtol=1e-6)


def test_the_regular_loss_trains_to_the_bit_as_well(few):
    model = training.linear_model(0)
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    step = functools.partial(regular.train_step, model, batch_size=100)
    training.train(step, model, few.x_train, few.y_train, 2, 100, verbose=0)
    epoch = compiled_epoch(lambda targets, logits, _: regular.hinge_loss(targets, logits), 100, 0.1)
    weights, *_ = train_many(epoch, *training.initial_weights(0), few.x_train, few.y_train, 2)
    np.testing.assert_array_equal(weights[:, 0], training.linear_weights(model)[0])


@pytest.mark.parametrize("shuffle", [False, True])
def test_columns_in_float64_are_the_models_trained_alone(few, shuffle):
    """Three ε and, in the fourth column, other initial weights."""
    epsilons = np.array([0.0, 0.1, 0.3, 0.1])
    starts = [training.initial_weights(seed, "float64") for seed in (0, 0, 0, 1)]
    chosen = orders(7) if shuffle else None

    def train(columns):
        loss = functools.partial(robust.robust_hinge_loss, epsilon=epsilons[columns])
        weights, biases = (
            np.concatenate([starts[column][part] for column in columns], axis=-1) for part in (0, 1)
        )
        epoch = compiled_epoch(loss, 100, 0.01)
        return train_many(epoch, weights, biases, few.x_train, few.y_train, 3, chosen)

    weights, biases, loss, accuracy = train([0, 1, 2, 3])
    assert weights.dtype == float and loss.shape == accuracy.shape == (3, 4)
    for column in (1, 3):
        one = train([column])
        np.testing.assert_allclose(weights[:, column], one[0][:, 0], rtol=0, atol=1e-12)
        np.testing.assert_allclose(biases[column], one[1][0], rtol=0, atol=1e-12)
        np.testing.assert_allclose(loss[:, column], one[2], rtol=1e-12)
        np.testing.assert_allclose(accuracy[:, column], one[3], rtol=1e-12)


def test_training_equals_plain_numpy_in_float64(few):
    x, y = few.x_train.reshape(250, -1).astype(float), few.y_train.astype(float)
    start = training.initial_weights(2, "float64")
    epoch = compiled_epoch(functools.partial(robust.robust_hinge_loss, epsilon=0.1), 100, 0.01)
    found = train_many(epoch, *start, few.x_train, few.y_train, 2)
    weights, bias, means = start[0][:, 0].copy(), 0.0, []
    rate = float(np.float32(0.01))  # as Keras' optimizers hold it
    for _ in range(2):
        losses = []
        for first in (0, 100, 200):
            images, labels = x[first : first + 100], y[first : first + 100]
            loss = 1 - labels * (images @ weights + bias) + 0.1 * np.abs(weights).sum()
            active = loss > 0
            losses += np.maximum(loss, 0).tolist()
            slopes = (-labels[:, None] * images + 0.1 * np.sign(weights))[active].sum(0) / 100
            weights, bias = weights - rate * slopes, bias + rate * labels[active].sum() / 100
        means.append(np.mean(losses))
    np.testing.assert_allclose(found[0][:, 0], weights, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found[2], means, rtol=1e-12)


def test_orders_may_go_through_a_part_of_the_images(few):
    """As for surrogates that see 20 images: the same as if there were no others."""
    chosen = np.arange(7, 127, 6)
    x, y, start = few.x_train, few.y_train, training.initial_weights(0)
    epoch = compiled_epoch(functools.partial(robust.robust_hinge_loss, epsilon=0.1), 8, 0.01)
    part = train_many(epoch, *start, x, y, 2, [chosen, chosen[::-1]])
    order = [np.arange(20), np.arange(20)[::-1]]
    whole = train_many(epoch, *start, x[chosen], y[chosen], 2, order)
    for one, other in zip(part, whole, strict=True):
        np.testing.assert_array_equal(one, other)
