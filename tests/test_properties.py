"""attacks.py on any finite arrays that Hypothesis finds, none of them modified."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import attacks
from beyond.threats import balls
from common.lazy import tf

PRECISIONS = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def between(low, high, dtype):
    return st.floats(low, high, width=np.dtype(dtype).itemsize * 8)


@st.composite
def problems(draw, dtype):
    """weights (pixels,), bias, x (batch, pixels), y (batch,): batch 0 to 5, pixels 1 to 6.

    Weights and bias go up to a 32nd of the largest number of their type: the sum of seven is then
    still one. Constant and zero arrays are frequent.
    """
    largest = float(np.finfo(dtype).max) / 32
    shape = batch, pixels = draw(st.integers(0, 5)), draw(st.integers(1, 6))
    any_weights = arrays.arrays(dtype, pixels, elements=between(-largest, largest, dtype))
    weights = draw(st.just(np.zeros(pixels, dtype)) | any_weights)
    constant = st.just(np.zeros(shape, dtype)) | st.just(np.ones(shape, dtype))
    unit = between(0, 1, dtype)
    x = draw(constant | arrays.arrays(dtype, shape, elements=unit))
    y = draw(arrays.arrays(dtype, batch, elements=st.sampled_from([-1, 1])))
    bias = draw(between(-largest, largest, dtype))
    for array in (weights, x, y):
        array.setflags(write=False)  # a function that modified its arguments would fail at it
    return weights, dtype(bias), x, y


EPSILON = st.one_of(st.sampled_from([0.0, 1e-300, 0.1, 1.0]), st.floats(0, 10))


@PRECISIONS
@pytest.mark.parametrize("norm, clip", [(np.inf, False), (np.inf, True), (2, False), (1, False)])
@given(st.data())
def test_attacked_images_stay_within_epsilon_and_the_limits_of_a_pixel(dtype, norm, clip, data):
    drawn, epsilon = data.draw(problems(dtype)), data.draw(EPSILON)
    weights, _, x, y = (each.astype(dtype, copy=False) for each in drawn)
    if norm == np.inf:
        attacked = attacks.attack_linear(weights, x, y, epsilon, clip)
    else:
        attacked = balls.attack(weights, x, y, epsilon, norm)
    assert attacked.shape == x.shape and attacked.dtype == dtype and np.isfinite(attacked).all()
    assert not clip or np.all((attacked >= 0) & (attacked <= 1))
    pixels = {2: np.sqrt(x.shape[1]), 1: x.shape[1]}.get(norm, 1)
    rounding = 4 * np.finfo(dtype).eps * (epsilon + 1) * pixels  # a pixel is of the size of 1 + ε
    sizes = np.linalg.norm(attacked.astype(float) - x, norm, axis=1) if x.size else np.zeros(1)
    assert np.all(sizes <= epsilon + rounding)


@PRECISIONS
@pytest.mark.parametrize("clip", [False, True])
@given(st.data())
def test_accuracy_never_rises_with_epsilon(dtype, clip, data):
    weights, bias, x, y = data.draw(problems(dtype))
    sizes = st.floats(0, 1e300) | st.floats(0, 1)
    epsilons = np.sort(data.draw(arrays.arrays(float, st.integers(0, 8), elements=sizes)))
    accuracy = attacks.robust_accuracy(weights, bias, x, y, epsilons, clip)
    assert accuracy.shape == epsilons.shape and np.all((accuracy >= 0) & (accuracy <= 1))
    assert np.all(np.diff(accuracy) <= 0)


@pytest.mark.filterwarnings("ignore:the gradient is all zero", "ignore:the outputs of the model")
@given(st.data())
def test_fgsm_and_pgd_stay_within_epsilon_and_the_limits_of_a_pixel(data):
    batch = data.draw(st.integers(0, 3))
    unit = between(0, 1, np.float32)
    x = data.draw(arrays.arrays(np.float32, (batch, 2, 2, 1), elements=unit))
    y = data.draw(arrays.arrays(np.float32, batch, elements=st.sampled_from([-1, 1])))
    weights = tf.constant(
        data.draw(arrays.arrays(np.float32, 4, elements=between(-1e6, 1e6, np.float32)))
    )
    epsilon, clip = data.draw(st.floats(0, 1)), data.draw(st.booleans())
    for array in (x, y):
        array.setflags(write=False)

    def model(images):
        return tf.linalg.matvec(tf.reshape(images, [-1, 4]), weights)

    for attacked in (
        attacks.fgsm(model, x, y, epsilon, clip=clip),
        attacks.pgd(model, x, y, epsilon, 0.7 * epsilon, 2, clip=clip),
    ):
        assert attacked.shape == x.shape and np.isfinite(attacked).all()
        assert np.all(np.abs(attacked.astype(float) - x) <= epsilon + 1e-6)
        assert not clip or np.all((attacked >= 0) & (attacked <= 1))
