"""The post's path in a few seconds: data, both experiments, one attack, two figures."""

import itertools

import style
import misclassified_attacked
import numpy as np
import pytest
import robust_accuracy

import attacks
import data_prep
from common import runs

pytestmark = pytest.mark.smoke


def test_the_data_are_the_posts():
    x, y = data_prep.load("train")
    assert x.shape == (12_665, 28, 28, 1) and set(y) == {-1, 1}
    assert x.min() == 0 and x.max() == 1


def test_both_experiments_train_and_are_saved(quick):
    for name in runs.POST_RUNS:
        assert runs.read(quick / name, ["test_accuracy"]).metrics["test_accuracy"] > 0.99


def test_no_corner_of_the_box_does_more_harm_than_the_attack():
    generator = np.random.default_rng(0)
    weights, x, y = generator.normal(size=5), generator.random((20, 5)), np.tile([-1.0, 1], 10)
    corners = 0.1 * np.array(list(itertools.product([-1, 1], repeat=5)))
    worst = np.min([y * ((x + corner) @ weights) for corner in corners], axis=0)
    attacked = attacks.attack_linear(weights, x, y, 0.1)
    np.testing.assert_allclose(y * (attacked @ weights), worst, atol=1e-12)


@pytest.mark.parametrize("figure", [robust_accuracy, misclassified_attacked])
def test_figures_are_drawn(quick, figure):
    path = style.save(figure.draw, figure.__name__, quick)
    assert path.read_bytes().startswith(b"\x89PNG")
