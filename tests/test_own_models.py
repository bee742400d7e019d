"""FGSM and PGD on the models that people have: other types, flat places, roots, other outputs."""

import sys

import numpy as np
import pytest

import attacks
from common.lazy import keras, tf

X, Y = np.array([[0.5, 0.0]]), np.array([1.0])


def dense(weights, bias=0.0, activation=None, dtype="float32", before=()):
    """A model of two pixels: what comes before, w·x + b, an activation."""
    layer = keras.layers.Dense(1, activation, dtype=dtype)
    model = keras.Sequential([keras.Input((2,)), *before, layer], name="mine")
    layer.set_weights([np.reshape(weights, (-1, 1)), np.array([bias])])
    return model


@pytest.fixture
def images():
    generator = np.random.default_rng(0)
    return generator.random((64, 2)).astype(np.float32), generator.choice([-1.0, 1.0], 64)


@pytest.mark.parametrize("dtype", ["float64", "mixed_float16", "mixed_bfloat16", "float16"])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_models_of_any_floating_type_are_attacked(dtype, kind):
    attacked = attacks.fgsm(dense([1, -1], dtype=dtype), X.astype(kind), Y, 0.1)
    assert attacked.dtype == (np.float64 if kind is np.float64 else np.float32)
    np.testing.assert_allclose(attacked, [[0.4, 0.1]], atol=1e-7)
    steps = attacks.pgd(dense([1, -1], dtype=dtype), X.astype(kind), Y, 0.1, 0.05, 4)
    np.testing.assert_allclose(steps, [[0.4, 0.1]], atol=1e-7)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_models_made_under_a_global_policy_are_attacked(policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = dense([1, -1], dtype=None)
        np.testing.assert_allclose(attacks.fgsm(model, X, Y, 0.1), [[0.4, 0.1]], atol=1e-7)
    finally:
        keras.config.set_dtype_policy("float32")


def test_batches_give_the_pixels_of_one_batch(data):
    """Byte for byte, random start included, for a model with products and convolutions."""
    keras.utils.set_random_seed(1)
    layers = keras.layers
    hidden = [layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(4), layers.Flatten()]
    model = keras.Sequential(
        [keras.Input((28, 28, 1)), *hidden, layers.Dense(16, "relu"), layers.Dense(1)]
    )
    x, y, seen = data.x_test[:20], data.y_test[:20], []
    whole = attacks.pgd(model, x, y, 0.1, 0.03, 4, batch_size=20)

    def watched(images):
        seen.append(len(images))
        return model(images)

    for size, sizes in ((8, {8, 4}), (1, {1}), (1000, {20})):
        seen.clear()
        parts = attacks.pgd(watched, x, y, 0.1, 0.03, 4, batch_size=size)
        assert set(seen) == sizes and parts.tobytes() == whole.tobytes()
    assert np.abs(whole - x).max() > 0.09


@pytest.mark.parametrize("size", [0, -1, 1.5, True, None])
def test_batch_size_is_checked(size):
    with pytest.raises(ValueError, match="batch_size must be a whole number, at least 1"):
        attacks.fgsm(dense([1, -1]), X, Y, 0.1, batch_size=size)


def test_images_without_a_gradient_are_counted(images):
    """A saturated tanh, a dead ReLU, and a ReLU that is dead for the images that are dark."""
    x, y = images
    with pytest.warns(UserWarning) as caught:
        attacked = attacks.fgsm(dense([200, 200], 100, "tanh"), x, y, 0.1)
    np.testing.assert_array_equal(attacked, x)
    told = [str(warning.message) for warning in caught]
    assert len(told) == 2 and "all zero for 64 of 64 images" in told[0]
    assert "give one logit, before the activation" in told[1]
    relu = keras.layers.Dense(1, "relu")
    model = dense([1], -0.3, before=[relu])
    relu.set_weights([np.ones((2, 1)), np.array([-1.0])])
    dead = int(np.sum(x.sum(axis=1) < 1))
    assert 0 < dead < 64
    with pytest.warns(UserWarning, match=f"all zero for {dead} of 64 images") as caught:
        attacked = attacks.fgsm(model, x, y, 0.1)
    assert len(caught) == 1
    assert np.sum((attacked == x).all(axis=1)) == dead


@pytest.mark.parametrize("activation", ["sigmoid", "relu6"])
def test_outputs_like_probabilities_are_told(images, activation):
    """By the activation where the model names it, otherwise by the outputs of both classes."""
    x, y = images
    model = dense([0.5, -0.5], 0.5, activation)
    with pytest.warns(UserWarning, match="like those of .*one logit, before the activation"):
        attacks.fgsm(model, x, y, 0.01)


def test_logits_are_not_taken_for_probabilities(images):
    """Small logits of both signs, those of a single image, and those of one class."""
    x, y = images
    attacks.fgsm(dense([0.5, -0.5]), x, y, 0.1)
    attacks.fgsm(dense([1, -1]), X, Y, 0.1)
    attacks.fgsm(dense([0.5, 0.5]), x, np.ones(64), 0.1)


def test_nan_gradient_is_an_error_that_names_it():
    root = keras.layers.Lambda(lambda z: z**0.45)
    with pytest.raises(ValueError, match="gradient of the model mine is NaN for 1 of 1 images"):
        attacks.fgsm(dense([1, 0], before=[root]), X, Y, 0.1)
    np.testing.assert_allclose(
        attacks.fgsm(dense([1, 0], before=[root]), np.array([[0.5, 0.5]]), Y, 0.1), [[0.4, 0.5]]
    )


def test_models_that_cannot_be_attacked_are_named_with_their_output():
    rounds = keras.layers.Lambda(tf.round)
    with pytest.raises(ValueError, match="the loss of the model mine has no gradient along x"):
        attacks.fgsm(dense([1, -1], before=[rounds]), X, Y, 0.1)
    inputs = keras.Input((2,))
    outputs = {"logit": keras.layers.Dense(1)(inputs), "other": keras.layers.Dense(3)(inputs)}
    model = keras.Model(inputs, outputs, name="two_heads")
    with pytest.raises(ValueError, match="two_heads.*it gives a dictionary of 'logit', 'other'"):
        attacks.fgsm(model, X, Y, 0.1)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)], name="three")
    with pytest.raises(ValueError, match=r"model three must give one logit.*float32, \(1, 3\)$"):
        attacks.fgsm(model, X, Y, 0.1)
    with pytest.raises(ValueError, match=r"model mine does not take x, \(1, 3\)"):
        attacks.fgsm(dense([1, -1]), np.zeros((1, 3)), Y, 0.1)
    with pytest.raises(ValueError, match="loss_fn must give one loss per image.*it gives int$"):
        attacks.fgsm(dense([1, -1]), X, Y, 0.1, lambda targets, logits: 1)


def test_one_image_without_a_batch_axis_is_told(data):
    keras.utils.clear_session()
    model = keras.Sequential(
        [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    for y in (data.y_test[0], data.y_test[:1]):
        with pytest.raises(ValueError, match=r"\(28, 28, 1\): give x\[np.newaxis\]"):
            attacks.fgsm(model, data.x_test[0], y, 0.1)


def test_another_backend_of_keras_is_refused_by_name(monkeypatch):
    model = dense([1, -1])
    monkeypatch.setattr(sys.modules["keras"].backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match="mine is on Keras' backend jax.*KERAS_BACKEND=tensorf"):
        attacks.fgsm(model, X, Y, 0.1)
