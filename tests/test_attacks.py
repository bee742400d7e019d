import itertools

import numpy as np
import pytest

import attacks
from common import training
from common.lazy import keras, tf

EPSILONS = np.linspace(0, 0.5, 101)


@pytest.fixture
def small():
    generator = np.random.default_rng(2)
    x = generator.random((40, 5))
    x[:, :2] = generator.choice([0.0, 0.02, 0.97, 1.0], (40, 2))  # at and near a pixel's limits
    return generator.normal(size=5), 0.1, x, generator.choice([-1.0, 1.0], 40)


def test_unclipped_attack_matches_brute_force_corners(small):
    weights, bias, x, y = small
    corners = 0.15 * np.array(list(itertools.product([-1, 1], repeat=5)))
    worst = np.min([y * ((x + corner) @ weights + bias) for corner in corners], axis=0)
    logits = attacks.attacked_logits(weights, bias, x, y, 0.15)
    np.testing.assert_allclose(y * logits, worst, atol=1e-12)
    attacked = attacks.attack_linear(weights, x, y, 0.15)
    np.testing.assert_allclose(y * (attacked @ weights + bias), worst, atol=1e-12)
    margins = y * (x @ weights + bias)
    np.testing.assert_allclose(attacks.robust_margins(margins, weights, 0.15), worst, atol=1e-12)


@pytest.mark.parametrize("epsilon", [0.0, 0.01, 0.15, 0.6])
def test_clipped_attack_matches_brute_force_per_pixel(small, epsilon):
    weights, bias, x, y = small
    worst = np.full(len(x), y * bias)
    for pixel in range(5):
        reachable = np.clip(x[:, pixel, None] + np.linspace(-epsilon, epsilon, 2001), 0, 1)
        worst += (y[:, None] * weights[pixel] * reachable).min(axis=1)
    logits = attacks.attacked_logits(weights, bias, x, y, epsilon, clip=True)
    np.testing.assert_allclose(y * logits, worst, atol=1e-12)
    attacked = attacks.attack_linear(weights, x, y, epsilon, clip=True)
    np.testing.assert_allclose(attacked @ weights + bias, logits, atol=1e-12)
    assert attacked.min() >= 0 and attacked.max() <= 1
    assert np.abs(attacked - x).max() <= epsilon + 1e-15


def test_other_norms_match_the_corners_of_their_balls(small):
    """The corners of the ℓ1 ball are its worst; of the ℓ2 ball, 20,000 points are tried."""
    weights, bias, x, y = small
    draws = np.random.default_rng(0).normal(size=(20_000, 5))
    draws /= np.linalg.norm(draws, axis=1)[:, None]
    for norm, points, tolerance in ((1, np.r_[np.eye(5), -np.eye(5)], 1e-12), (2, draws, 1e-2)):
        harm = np.min(0.15 * points @ weights)
        logits = attacks.attacked_logits(weights, bias, x, y, 0.15, norm)
        reached = y * (logits - x @ weights - bias)
        np.testing.assert_allclose(reached, harm, rtol=tolerance)
        assert np.all(reached <= harm + 1e-12)
        attacked = attacks.attack_linear(weights, x, y, 0.15, norm)
        np.testing.assert_allclose(attacked @ weights + bias, logits, atol=1e-12)


@pytest.mark.parametrize("clip", [False, True])
def test_accuracy_curve_is_that_of_the_attacked_images(linear, clip):
    curve = attacks.robust_accuracy(
        linear.weights, linear.bias, linear.x, linear.y, EPSILONS, clip=clip
    )
    for epsilon, accuracy in list(zip(EPSILONS, curve, strict=True))[::10]:
        attacked = attacks.attack_linear(linear.weights, linear.x, linear.y, epsilon, clip=clip)
        logits = attacked.reshape(200, -1) @ linear.weights + linear.bias
        assert accuracy == np.mean(linear.y * logits > 0)
    assert np.all(np.diff(curve) <= 0)


@pytest.mark.parametrize("clip", [False, True])
def test_epsilon_zero_changes_nothing(linear, clip):
    attacked = attacks.attack_linear(linear.weights, linear.x, linear.y, 0, clip=clip)
    np.testing.assert_array_equal(attacked, linear.x)


@pytest.mark.parametrize("clip", [False, True])
def test_zero_weights_cannot_be_attacked(linear, clip):
    for bias, accuracy in ((1.0, np.mean(linear.y == 1)), (0.0, 0.0)):
        curve = attacks.robust_accuracy(
            np.zeros(784), bias, linear.x, linear.y, EPSILONS, clip=clip
        )
        np.testing.assert_array_equal(curve, accuracy)


@pytest.fixture(scope="module")
def keras_linear():
    model = training.linear_model(5)
    return model, *training.linear_weights(model)


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize(
    "attack",
    [
        attacks.fgsm,
        lambda *arguments, **flags: attacks.pgd(*arguments, step_size=0.03, steps=8, **flags),
        lambda *arguments, **flags: attacks.pgd(
            *arguments, step_size=0.2, steps=1, random_start=False, **flags
        ),
    ],
)
def test_fgsm_and_pgd_reach_the_exact_worst_case_of_a_linear_model(
    keras_linear, data, attack, clip
):
    model, weights, bias = keras_linear
    x, y = data.x_test[:100], data.y_test[:100]
    attacked = attack(model, x, y, 0.1, clip=clip)
    exact = attacks.attacked_logits(weights, bias, x, y, 0.1, clip=clip)
    assert attacked.shape == x.shape
    np.testing.assert_allclose(attacked.reshape(100, -1) @ weights + bias, exact, atol=1e-5)
    assert np.abs(attacked - x).max() <= 0.1 + 1e-6
    assert not clip or attacked.min() >= 0 and attacked.max() <= 1


def test_pgd_stays_in_the_ball_and_its_start_is_random_but_seeded(keras_linear, data):
    model, x, y = keras_linear[0], data.x_test[:20], data.y_test[:20]
    draws = [
        attacks.pgd(model, x, y, 0.1, step_size=0.001, steps=2, seed=seed) for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert np.abs(draws[0] - draws[2]).max() > 0.01
    for draw in draws:
        assert np.abs(draw - x).max() <= 0.1 + 1e-6 and draw.min() >= 0 and draw.max() <= 1


def test_fgsm_with_the_hinge_leaves_satisfied_images_alone(keras_linear, data):
    """Why fgsm's docstring warns of flat losses."""
    model, weights, bias = keras_linear
    x = data.x_test[:100]
    y = np.sign(attacks.linear_logits(weights, bias, x)).astype(np.float32)
    with pytest.warns(UserWarning, match="all zero for 100 of 100 images"):
        attacked = attacks.fgsm(
            model, x, y, 0.1, lambda targets, logits: tf.nn.relu(0 - targets * logits)
        )
    np.testing.assert_array_equal(attacked, x)


GOOD = dict(
    weights=np.ones(4), bias=0.0, x=np.full((3, 4), 0.5), y=np.array([1.0, -1.0, 1.0]), epsilons=0.1
)


@pytest.mark.parametrize(
    "argument, value, complaint",
    [
        ("x", np.full((3, 4), 1.5), r"x must be in \[0, 1\].*1.5"),
        ("x", np.full((3, 4), np.nan), r"x must be in \[0, 1\].*nan"),
        ("x", np.full((3, 4), 200, np.uint8), "x must be float.*uint8.*divide it by 255"),
        ("x", np.full(4, 0.5), r"x must be float.*\(4,\)"),
        ("y", np.array([0.0, 1.0, 1.0]), r"y must be -1 or \+1.*0.0"),
        ("y", np.array([np.nan, 1.0, 1.0]), r"y must be -1 or \+1.*nan"),
        ("y", np.array([1, 255, 1], np.uint8), r"y must be -1 or \+1.*255"),
        ("y", np.ones((3, 1)), r"y must be numbers of shape \(3,\).*\(3, 1\)"),
        ("y", np.ones(2), r"y must be numbers of shape \(3,\).*\(2,\)"),
        ("y", np.ones(3, bool), "y must be numbers.*bool"),
        ("weights", np.ones((4, 1)), r"weights and bias must have shapes \(4,\)"),
        ("weights", np.ones(5), r"weights and bias must have shapes \(4,\)"),
        ("weights", np.array([1, 2, 3, np.inf]), "must be finite.*inf"),
        ("weights", np.array(list("abcd")), "weights and bias must be numbers"),
        ("bias", np.nan, "must be finite.*nan"),
        ("bias", np.zeros(1), "must have shapes"),
        ("epsilons", "0.1", "epsilon must be a number"),
        ("epsilons", 0.1j, "epsilon must be a number"),
        ("epsilons", -0.1, "epsilon must be.*-0.1"),
        ("epsilons", [0.1, np.nan], "epsilon must be.*nan"),
        ("epsilons", np.inf, "epsilon must be.*inf"),
    ],
)
def test_bad_arguments_are_named_with_their_value(argument, value, complaint):
    for clip in (False, True):
        with pytest.raises(ValueError, match=complaint):
            attacks.robust_accuracy(**GOOD | {argument: value}, clip=clip)


@pytest.mark.parametrize(
    "changes, complaint",
    [
        (dict(epsilon=-1), "epsilon"),
        (dict(epsilon=[0.1, 0.2]), "epsilon must be one number"),
        (dict(y=np.ones((2, 1))), "y must be numbers of shape"),
        (dict(steps=1.0), "steps"),
        (dict(steps=-1), "steps"),
        (dict(step_size=np.nan), "step_size must be finite"),
        (dict(x=np.full((2, 28, 28, 1), 2.0)), "x must be in"),
    ],
)
def test_bad_arguments_of_pgd_are_named(keras_linear, changes, complaint):
    arguments = dict(x=np.zeros((2, 28, 28, 1)), y=np.ones(2), epsilon=0.1, step_size=0.1, steps=1)
    with pytest.raises(ValueError, match=complaint):
        attacks.pgd(keras_linear[0], **arguments | changes)


def test_model_and_loss_that_are_not_one_number_an_image_are_named(keras_linear, data):
    x, y = data.x_test[:2], data.y_test[:2]
    with pytest.raises(ValueError, match="one loss per image"):
        attacks.fgsm(keras_linear[0], x, y, 0.1, lambda targets, logits: logits[:, None] - targets)
    two = keras.Sequential(
        [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    with pytest.raises(ValueError, match=r"one logit per image.*\(2, 2\)"):
        attacks.fgsm(two, x, y, 0.1)


@pytest.mark.parametrize("norm", [3, "inf", None])
def test_norm_that_is_not_offered_is_named(linear, norm):
    for call in (
        lambda: attacks.dual_norm(linear.weights, norm),
        lambda: attacks.worst_direction(linear.weights, norm),
        lambda: attacks.attack_linear(linear.weights, linear.x, linear.y, 0.1, norm),
    ):
        with pytest.raises(ValueError, match=f"norm must be np.inf, 2 or 1; it is {norm!r}"):
            call()


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int8, np.int64])
def test_labels_of_any_numeric_type_attack_the_same_way(kind):
    x, weights = np.full((2, 4), 0.5, np.float32), np.ones(4, np.float32)
    for clip in (False, True):
        attacked = attacks.attack_linear(weights, x, np.array([1, -1], kind), 0.25, clip=clip)
        np.testing.assert_array_equal(attacked, [[0.25] * 4, [0.75] * 4])


def test_transferred_attack_is_the_attack_of_the_one_on_the_other(linear):
    other = np.random.default_rng(1).normal(0, 0.05, 784)
    model = linear.weights, linear.bias, linear.x, linear.y
    curve = attacks.transfer_accuracy(other, *model, EPSILONS)
    for epsilon, accuracy in list(zip(EPSILONS, curve, strict=True))[::10]:
        attacked = attacks.attack_linear(other, linear.x, linear.y, epsilon).reshape(200, -1)
        assert accuracy == np.mean(linear.y * (attacked @ linear.weights + linear.bias) > 0)
    for bad in (np.full(784, np.nan), other[:, None], other[:10]):
        with pytest.raises(ValueError, match="weights and bias must"):
            attacks.transfer_accuracy(bad, *model, EPSILONS)
