"""What the claims rest on, computed once more and another way."""

import numpy as np
import pytest

import attacks
from beyond.chance import crossvalidation
from beyond.threats import shifts, transfer
from common import training
from common.many import compiled_epoch, train_many
from experiment_regular import hinge_loss


def test_a_surrogate_is_what_train_many_trains(data, monkeypatch):
    """NumPy's loop beside the compiled one, on the same images and from the same weights."""
    monkeypatch.setattr(transfer, "DRAWS", 1)
    monkeypatch.setattr(transfer, "EPOCHS", 1)
    small = data._replace(x_train=data.x_train[:1250], y_train=data.y_train[:1250])
    found = transfer.train_surrogates(small, 130, transfer.hinge_slope, False)[0]
    chosen = np.resize(np.random.default_rng(1).permutation(1250)[:130], 1250)
    epoch = compiled_epoch(
        lambda targets, logits, weights: hinge_loss(targets, logits),
        transfer.BATCH_SIZE,
        transfer.LEARNING_RATE,
    )
    start = training.initial_weights(1)
    weights, *_ = train_many(epoch, *start, small.x_train, small.y_train, 1, [chosen])
    np.testing.assert_allclose(found, weights[:, 0], rtol=0, atol=1e-6)
    assert np.abs(found - start[0][:, 0]).max() > 0.01


@pytest.mark.parametrize("slope", ["hinge", "logistic"])
def test_slopes_are_those_of_the_losses(slope):
    losses = {
        "hinge": lambda margins: np.maximum(0, 1 - margins),
        "logistic": lambda margins: np.log1p(np.exp(-margins)),
    }
    margins, step = np.array([-2.0, 0.3, 0.9, 1.2, 4]), 1e-6
    expected = (losses[slope](margins - step) - losses[slope](margins + step)) / (2 * step)
    found = getattr(transfer, f"{slope}_slope")(margins)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_every_image_is_predicted_by_models_that_did_not_see_it():
    tests = []
    for train, test in crossvalidation.splits(103, 0):
        assert sorted([*train, *test]) == list(range(103)) and len(test) in (10, 11)
        tests += list(test)
    assert sorted(tests) == list(range(103)) and tests != sorted(tests)


@pytest.fixture(scope="module")
def digits(data):
    return data.x_test[:30, :, :, 0]


def test_translations_rotations_and_strokes(digits):
    none = np.random.default_rng(0)
    up, down, left, right = shifts.translated(digits, 2, none)
    np.testing.assert_array_equal(up[:, 2:], digits[:, :-2])
    np.testing.assert_array_equal(down[:, :-2], digits[:, 2:])
    np.testing.assert_array_equal(left[:, :, 2:], digits[:, :, :-2])
    np.testing.assert_array_equal(right[:, :, :-2], digits[:, :, 2:])
    np.testing.assert_array_equal(up[:, :2], 0)
    one, other = shifts.rotated(digits, 90, none)
    np.testing.assert_allclose(one, np.rot90(digits, 1, axes=(1, 2)), atol=1e-5)
    np.testing.assert_allclose(other, np.rot90(digits, -1, axes=(1, 2)), atol=1e-5)
    (thick,), (thin,) = (shifts.thickened(digits, change, none) for change in (2, -2))
    around = digits[:, 13:16, 9:12]
    np.testing.assert_array_equal(thin[:, 14, 10], around.min(axis=(1, 2)))
    np.testing.assert_array_equal(thick[:, 14, 10], around.max(axis=(1, 2)))


def test_noise_has_its_strength_and_its_seed(digits):
    draw = lambda seed: shifts.salted(digits, 0.2, np.random.default_rng(seed))[0]
    changed = draw(0) != digits
    # Half of the 20 % get the colour that most pixels have already, black.
    assert np.mean(changed[digits == 0]) == pytest.approx(0.1, abs=0.01)
    np.testing.assert_array_equal(draw(0), draw(0))
    assert np.any(draw(0) != draw(1))
    grey = np.full_like(digits, 0.5)
    noisy = shifts.noisy(grey, 0.1, np.random.default_rng(0))[0]
    assert noisy.std() == pytest.approx(0.1, rel=0.02) and noisy.min() >= 0 and noisy.max() <= 1


def test_accuracy_under_shifts_is_that_of_the_models(data, digits):
    generator = np.random.default_rng(0)
    models = [(generator.normal(size=784), 0.1), (generator.normal(size=784), -3.0)]
    y = data.y_test[:30]
    found = shifts.measure(models, digits, y, seed=3)
    for column, (weights, bias) in enumerate(models):
        faint = y * (0.5 * digits.reshape(30, -1) @ weights + bias) > 0
        assert found["contrast (factor)"][2, column] == pytest.approx(faint.mean())
        moved = [
            attacks.robust_accuracy(weights, bias, np.roll(digits, way, axis), y, 0)
            for way, axis in ((1, 1), (-1, 1), (1, 2), (-1, 2))
        ]
        assert found["translation (pixels)"][0, column] == pytest.approx(np.mean(moved), abs=1e-9)
