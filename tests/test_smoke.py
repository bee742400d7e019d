"""The post's path: data, both experiments, two figures; its attack is in test_attacks.py."""

import style
import misclassified_attacked
import pytest
import robust_accuracy

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


@pytest.mark.parametrize("figure", [robust_accuracy, misclassified_attacked])
def test_figures_are_drawn(quick, figure):
    path = style.save(figure.draw, figure.__name__, quick)
    assert path.read_bytes().startswith(b"\x89PNG")
