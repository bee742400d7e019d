"""The exact attack on a linear model, its radius and its curve; what is refused."""

import itertools

import numpy as np
import pytest

import attacks

EPSILONS = np.linspace(0, 0.5, 101)
CLIP = pytest.mark.parametrize("clip", [False, True])


@pytest.mark.smoke
@CLIP
@pytest.mark.parametrize("epsilon", [0.0, 0.01, 0.15, 0.6])
def test_attack_is_the_worst_of_all_corners(epsilon, clip):
    """Those of the ball, moved to the nearest pixels in [0, 1] where the attack is clipped."""
    generator = np.random.default_rng(2)
    x, y = generator.random((40, 5)), generator.choice([-1.0, 1.0], 40)
    x[:, :2] = generator.choice([0.0, 0.02, 0.97, 1.0], (40, 2))  # at and near a pixel's limits
    weights, bias = generator.normal(size=5), 0.1
    corners = x + epsilon * np.array([*itertools.product([-1, 1], repeat=5)])[:, np.newaxis]
    worst = np.min(y * ((np.clip(corners, 0, 1) if clip else corners) @ weights + bias), axis=0)
    attacked = attacks.attack_linear(weights, x, y, epsilon, clip)
    np.testing.assert_allclose(y * (attacked @ weights + bias), worst, atol=1e-12)
    assert np.abs(attacked - x).max() <= epsilon + 1e-15
    if clip:
        assert attacked.min() >= 0 and attacked.max() <= 1
    else:
        margins = y * attacks.linear_logits(weights, bias, x)
        np.testing.assert_allclose(attacks.robust_margins(margins, weights, epsilon), worst)


@CLIP
def test_accuracy_curve_is_that_of_the_attacked_images(linear, clip):
    weights, bias, x, y = linear.weights, linear.bias, linear.x, linear.y
    curve = attacks.robust_accuracy(weights, bias, x, y, EPSILONS, clip)
    for epsilon, accuracy in [*zip(EPSILONS, curve, strict=True)][::10]:
        attacked = attacks.attack_linear(weights, x, y, epsilon, clip).reshape(200, -1)
        assert accuracy == np.mean(y * (attacked @ weights + bias) > 0)


@CLIP
def test_zero_weights_cannot_be_attacked(linear, clip):
    """And a logit of zero is a mistake."""
    for bias, accuracy in ((1.0, np.mean(linear.y == 1)), (0.0, 0.0)):
        model = np.zeros(784), bias
        curve = attacks.robust_accuracy(*model, linear.x, linear.y, EPSILONS, clip)
        np.testing.assert_array_equal(curve, accuracy)


def test_labels_of_any_numeric_type_attack_the_same_way():
    x, weights = np.full((2, 4), 0.5, np.float32), np.ones(4, np.float32)
    for kind, clip in itertools.product((np.float32, np.float64, np.int8, np.int64), (False, True)):
        attacked = attacks.attack_linear(weights, x, np.array([1, -1], kind), 0.25, clip)
        assert attacked.dtype == np.float32
        np.testing.assert_array_equal(attacked, [[0.25] * 4, [0.75] * 4])


GOOD = dict(weights=np.ones(4), bias=0.0, x=np.full((3, 4), 0.5), y=[1.0, -1.0, 1.0], epsilons=0.1)
X, Y, WEIGHTS = r"x must be floats in \[0, 1\]", r"y must be -1 or \+1", "weights, bias must be"


@pytest.mark.parametrize(
    "argument, value, complaint",
    [
        ("x", np.full((3, 4), 1.5), f"{X}.*1.5"),
        ("x", np.full((3, 4), np.nan), f"{X}.*nan"),
        ("x", np.ones((3, 4), np.uint8), f"{X}.*uint8"),
        ("x", np.full(4, 0.5), rf"{X}.*\(4,\)"),  # one image without the axis of the batch
        ("y", [0, 1, 1], rf"{Y}.*\[0 1\]"),
        ("y", [np.nan, 1, 1], f"{Y}.*nan"),
        ("y", np.array([1, 255, 1], np.uint8), f"{Y}.*255"),
        ("y", np.ones((3, 1)), rf"{Y}, of shape \(3,\).*\(3, 1\)"),
        ("weights", np.ones((4, 1)), rf"{WEIGHTS}.*\(4, 1\)"),
        ("weights", [1, 2, np.nan, 4], f"{WEIGHTS} finite.*nan"),
        ("bias", np.nan, f"{WEIGHTS} finite.*nan"),
        ("bias", np.zeros(1), rf"{WEIGHTS}.*\(1,\)"),
        ("epsilons", -0.1, "epsilon must be.*-0.1"),
        ("epsilons", [0.1, np.nan], "epsilon must be.*nan"),
    ],
)
def test_bad_arguments_are_named_with_their_value(argument, value, complaint):
    with pytest.raises(ValueError, match=complaint):
        attacks.robust_accuracy(**GOOD | {argument: value})
