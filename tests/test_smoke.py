"""The post's path: both experiments and two figures; marked elsewhere: its data, its attack."""

import style
import model_weights
import pytest
import robust_accuracy

from common import runs

pytestmark = pytest.mark.smoke


def test_both_experiments_train_and_are_saved(quick):
    for name in ("regular", "robust-0.2"):
        assert runs.read(quick / name, ["test_accuracy"]).metrics["test_accuracy"] > 0.99


@pytest.mark.parametrize("figure", [model_weights, robust_accuracy])
def test_figures_are_drawn(quick, figure):
    path = style.save(figure.draw, figure.__name__, quick)
    assert path.read_bytes().startswith(b"\x89PNG")
