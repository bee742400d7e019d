"""The regular model without its weak pixels: the bias, which pixels are left, the saved numbers."""

import numpy as np
import pytest

from beyond.linear import weak
from common import runs


@pytest.mark.parametrize("seed", range(5))
def test_no_other_bias_makes_fewer_mistakes(seed):
    generator = np.random.default_rng(seed)
    y = generator.choice([-1.0, 1.0], 40)
    scores = np.round(generator.normal(y, 1.5))  # many are equal: no bias can part those
    bias = weak.fitted_bias(scores, y)
    mistakes = [np.sum(y * (scores + each) <= 0) for each in np.arange(-10, 10, 0.25)]
    assert np.sum(y * (scores + bias) <= 0) == min(mistakes) < 20


def test_what_is_left_out_has_no_weight(data):
    x, y = data.x_train[:300].reshape(300, -1), data.y_train[:300]
    weights, mask = np.random.default_rng(0).normal(size=784), np.arange(784) < 500
    models = weak.make_models(weights, 0.5, 0.3 * weights, mask, x, y)
    used = {name: [each != 0 for each, _ in pairs] for name, pairs in models.items()}
    for name in ("weak_alone", "trained_on_weak"):
        assert used[name][0][mask].all() and not used[name][0][~mask].any()
    for name in ("without_weak", "trained_without_weak", "without_weak_own_bias"):
        assert used[name][0][~mask].all() and not used[name][0][mask].any()
    draws = np.array(used["without_random"])
    assert draws.shape == (weak.DRAWS, 784) and set(draws.sum(axis=1)) == {284}
    assert len(np.unique(draws, axis=0)) == weak.DRAWS


def test_the_saved_numbers_are_those_of_the_saved_regular_model(complete, data):
    run, regular = (runs.read(complete / name) for name in ("weak", "regular"))
    x, y = data.x_train[..., 0].astype(float), data.y_train
    difference = np.abs(np.mean(x[y > 0], axis=0) - np.mean(x[y < 0], axis=0)).ravel()
    np.testing.assert_allclose(run.arrays["class_difference"], difference, rtol=1e-9)
    strong = difference > 0.2
    assert run.metrics["weak_pixels"][1] == np.sum(~strong)
    weights = regular.arrays["weights"] * strong
    logits = data.x_test.reshape(-1, 784) @ weights + regular.arrays["bias"]
    kept = [np.mean(data.y_test * logits > epsilon * np.abs(weights).sum()) for epsilon in (0, 0.1)]
    assert run.metrics["unclipped"]["0.2"]["without_weak_own_bias"][:2] == kept
    without = run.metrics["unclipped"]["0.2"]["without_weak"]
    assert without == [np.mean(run.arrays["without_weak"] > epsilon) for epsilon in weak.EPSILONS]
    assert without[0] > 0.99 and without[1] > 0.9
    assert run.metrics["unclipped"]["0.2"]["regular"][1] < 0.3  # the post's sentence
