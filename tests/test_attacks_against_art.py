"""The exact attack beside the Adversarial Robustness Toolbox, which nobody here wrote."""

import os

import numpy as np
import pytest

import attacks
from common import runs
from common.lazy import keras, tf

art_attacks = pytest.importorskip("art.attacks.evasion")
art_estimators = pytest.importorskip("art.estimators.classification")

COUNT = 2115 if "EXAMPLES" in os.environ else 300  # test images; all of them in `make test-all`
PGD = dict(eps_step=0.03, max_iter=10, num_random_init=1, verbose=False)


@pytest.fixture(scope="module", params=["regular", "robust-0.2"])
def target(request, data):
    """A linear model: ART's view of it as two logits (0, ŷ), w, b, and images with labels."""
    saved = runs.read(runs.RESULTS / request.param).arrays
    weights, bias = saved["weights"], saved["bias"]
    dense = keras.layers.Dense(2)
    two = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), dense])
    dense.set_weights([np.c_[0 * weights, weights], np.array([0, bias])])

    def classifier(clip):
        return art_estimators.TensorFlowV2Classifier(
            two,
            nb_classes=2,
            input_shape=(28, 28, 1),
            clip_values=(0, 1) if clip else None,
            loss_object=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )

    chosen = np.random.default_rng(3).choice(len(data.y_test), COUNT, replace=False)
    return classifier, weights, bias, data.x_test[chosen], data.y_test[chosen]


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize(
    "name, epsilon, flags",
    [
        ("FastGradientMethod", 0.03, {}),
        ("FastGradientMethod", 0.3, {}),
        ("ProjectedGradientDescent", 0.1, PGD),
    ],
)
def test_margins_are_those_of_art_and_the_accuracy_to_the_image(target, name, epsilon, flags, clip):
    classifier, weights, bias, x, y = target
    attack = getattr(art_attacks, name)(
        classifier(clip), np.inf, eps=epsilon, batch_size=COUNT, **flags
    )
    theirs = attack.generate(x, y=(y > 0).astype(int))
    ours = attacks.attack_linear(weights, x, y, epsilon, clip)
    margins, exact = (
        y * (each.reshape(COUNT, -1).astype(float) @ weights + bias) for each in (theirs, ours)
    )
    np.testing.assert_allclose(exact, margins, rtol=1e-5, atol=1e-5)
    accuracy = attacks.robust_accuracy(weights, bias, x, y, epsilon, clip)
    assert accuracy == np.mean(margins > 0)
