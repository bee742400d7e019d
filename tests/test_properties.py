"""attacks.py and the losses on any finite arrays that Hypothesis finds, none of them modified."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import attacks
from beyond.threats import balls
from common.lazy import tf
from experiment_regular import hinge_loss
from experiment_robust import robust_hinge_loss

NORMS = {
    np.inf: lambda delta: np.abs(delta).max(axis=1, initial=0),
    2: lambda delta: np.linalg.norm(delta, axis=1),
    1: lambda delta: np.abs(delta).sum(axis=1),
}
PRECISIONS = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def finite(dtype, largest=None, **limits):
    """Any finite number of a type; up to `largest` in size where a sum must not overflow."""
    width = np.dtype(dtype).itemsize * 8
    if largest is not None:
        limits |= dict(min_value=-largest, max_value=largest)
    return st.floats(width=width, allow_nan=False, allow_infinity=False, **limits)


@st.composite
def problems(draw, dtype, largest=None):
    """weights (pixels,), bias, x (batch, pixels), y (batch,): batch 0 to 5, pixels 1 to 6.

    Weights and bias go up to a 32nd of the largest number of their type: the sum of seven is then
    still one. Constant and zero arrays are frequent.
    """
    largest = largest or float(np.finfo(dtype).max) / 32
    shape = batch, pixels = draw(st.integers(0, 5)), draw(st.integers(1, 6))
    any_weights = arrays.arrays(dtype, pixels, elements=finite(dtype, largest))
    weights = draw(st.just(np.zeros(pixels, dtype)) | any_weights)
    constant = st.just(np.zeros(shape, dtype)) | st.just(np.ones(shape, dtype))
    unit = finite(dtype, min_value=0, max_value=1)
    x = draw(constant | arrays.arrays(dtype, shape, elements=unit))
    y = draw(arrays.arrays(dtype, batch, elements=st.sampled_from([-1, 1])))
    bias = draw(finite(dtype, largest))
    for array in (weights, x, y):
        array.setflags(write=False)  # a function that modified its arguments would fail at it
    return weights, dtype(bias), x, y


EPSILON = st.one_of(st.sampled_from([0.0, 1e-300, 0.1, 1.0]), st.floats(0, 10))


@PRECISIONS
@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("norm", [None, 2, 1])
@given(st.data())
def test_attacked_images_stay_within_epsilon_and_the_limits_of_a_pixel(dtype, norm, clip, data):
    clip &= norm is None
    drawn, epsilon = data.draw(problems(dtype)), data.draw(EPSILON)
    weights, _, x, y = (each.astype(dtype, copy=False) for each in drawn)
    if norm is None:
        attacked = attacks.attack_linear(weights, x, y, epsilon, clip)
    else:
        attacked = balls.attack(weights, x, y, epsilon, norm)
    assert attacked.shape == x.shape and attacked.dtype == dtype and np.isfinite(attacked).all()
    assert not clip or np.all((attacked >= 0) & (attacked <= 1))
    pixels = {2: np.sqrt(x.shape[1]), 1: x.shape[1]}.get(norm, 1)
    rounding = 4 * np.finfo(dtype).eps * (epsilon + 1) * pixels  # a pixel is of the size of 1 + ε
    assert np.all(NORMS[norm or np.inf](attacked.astype(float) - x) <= epsilon + rounding)


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


@PRECISIONS
@pytest.mark.parametrize("clip", [False, True])
@given(st.data())
def test_radius_is_where_the_accuracy_falls(dtype, clip, data):
    weights, bias, x, y = data.draw(problems(dtype, largest=1e6))
    radii = attacks.signed_radius(weights, bias, x, y, clip)
    assert radii.shape == y.shape and not np.isnan(radii).any()
    for radius in radii[(radii > 0) & np.isfinite(radii)]:
        sizes = radius, np.nextafter(radius, dtype(0))
        at, below = attacks.robust_accuracy(weights, bias, x, y, sizes, clip)
        assert at <= below - 1 / len(y) + 1e-9


@st.composite
def outputs(draw, dtype, largest=1e4):
    """targets (batch,), logits (batch,), weights (pixels,), as tensors, and epsilon."""
    batch = draw(st.integers(0, 6))
    targets = draw(arrays.arrays(dtype, batch, elements=st.sampled_from([-1, 1])))
    logits = draw(arrays.arrays(dtype, batch, elements=finite(dtype, largest)))
    some = finite(dtype, largest) | st.just(0)
    weights = draw(arrays.arrays(dtype, st.integers(1, 6), elements=some))
    return *map(tf.constant, (targets, logits, weights)), draw(st.floats(0, 1))


@PRECISIONS
@given(st.data())
def test_losses_are_finite_never_negative_and_grow_with_epsilon(dtype, data):
    """One value an example, that of the hinge where ε or all weights are zero."""
    targets, logits, weights, epsilon = data.draw(outputs(dtype))
    sizes, regular = (0.0, epsilon, 2 * epsilon), hinge_loss(targets, logits).numpy()
    losses = [robust_hinge_loss(targets, logits, weights, size).numpy() for size in sizes]
    for loss in (regular, *losses):
        assert loss.shape == targets.shape and loss.dtype == dtype
        assert np.isfinite(loss).all() and np.all(loss >= 0)
    assert np.all((regular == 0) == (targets.numpy() * logits.numpy() >= 1))
    assert np.all(np.diff(losses, axis=0) >= 0)
    nothing = robust_hinge_loss(targets, logits, tf.zeros_like(weights), epsilon)
    for loss in (losses[0], nothing):
        np.testing.assert_array_equal(loss, regular)


@pytest.mark.filterwarnings("ignore:the gradient is all zero", "ignore:the outputs of the model")
@given(st.data())
def test_fgsm_and_pgd_stay_within_epsilon_and_the_limits_of_a_pixel(data):
    batch = data.draw(st.integers(0, 3))
    unit = finite(np.float32, min_value=0, max_value=1)
    x = data.draw(arrays.arrays(np.float32, (batch, 2, 2, 1), elements=unit))
    y = data.draw(arrays.arrays(np.float32, batch, elements=st.sampled_from([-1, 1])))
    weights = tf.constant(data.draw(arrays.arrays(np.float32, 4, elements=finite(np.float32, 1e6))))
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
