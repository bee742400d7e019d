"""The fewest pixels that fool a linear model, against all sets of pixels."""

import itertools

import numpy as np
import pytest

import attacks
from beyond.threats.few_pixels import attack_pixels, fewest_pixels
from common import runs


@pytest.mark.parametrize("bias, numbers", [(0.1, {0, 1, 2}), (6.0, {0, 7})])
def test_fewest_pixels_are_those_of_trying_all_sets(box, bias, numbers):
    """Each set of six pixels, each at both ends of its range: the smallest that is enough."""
    weights, _, x, y = box
    fewest, brute = fewest_pixels(weights, bias, x, y), np.full(len(x), 7)
    for ends in itertools.product([np.nan, 0.0, 1.0], repeat=6):
        tried = np.where(np.isnan(ends), x, ends)
        wrong, size = y * (tried @ weights + bias) <= 0, np.count_nonzero(~np.isnan(ends))
        brute[wrong] = np.minimum(brute[wrong], size)
    np.testing.assert_array_equal(fewest, brute)
    assert numbers == set(fewest.tolist())
    for count in (0, 1, 3, 6):
        attacked = attack_pixels(weights, x, y, count)
        assert np.count_nonzero(attacked != x, axis=1).max() <= count
        np.testing.assert_array_equal(y * (attacked @ weights + bias) > 0, fewest > count)


def test_the_saved_numbers_are_those_of_the_saved_models(complete, data):
    run = runs.read(complete / "few_pixels")
    for name, row in zip(run.config["run"]["models"], run.arrays["fewest"], strict=True):
        model = runs.read(complete / name).arrays
        attacked = attack_pixels(model["weights"], data.x_test, data.y_test, row)
        margins = data.y_test * attacks.linear_logits(model["weights"], model["bias"], attacked)
        assert np.all(margins[row <= 784] <= 1e-5) and np.all(margins[row > 784] > 0)
        assert run.metrics["median_pixels"][name] == np.median(row)
        for digit, images in (("0", data.y_test < 0), ("1", data.y_test > 0)):
            of_digit = [np.mean(row[images] > count) for count in run.metrics["counts"]]
            assert run.metrics["accuracy_by_digit"][name][digit] == of_digit
            assert run.metrics["median_pixels_by_digit"][name][digit] == np.median(row[images])
