"""The exact attacks beside the Adversarial Robustness Toolbox, which nobody here wrote."""

import os

import numpy as np
import pytest

import attacks
from common import runs, training
from common.lazy import keras, tf

art_attacks = pytest.importorskip("art.attacks.evasion")
art_estimators = pytest.importorskip("art.estimators.classification")

COUNT = 2115 if "EXAMPLES" in os.environ else 300  # test images; all of them in `make test-all`


@pytest.fixture(scope="module", params=["regular", "robust-0.2", "random"])
def target(request, data):
    """A linear model: ART's view of it as two logits (0, ŷ), w, b, and images with labels."""
    if request.param == "random":
        model = training.linear_model(11)
    else:
        path = runs.RESULTS / request.param / "model.keras"
        model = keras.models.load_model(path, compile=False)
    weights, bias = training.linear_weights(model)
    two = keras.Sequential(
        [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    two.layers[-1].set_weights([np.c_[0 * weights, weights], np.array([0, bias])])

    def classifier(clip_values):
        return art_estimators.TensorFlowV2Classifier(
            two,
            nb_classes=2,
            input_shape=(28, 28, 1),
            clip_values=clip_values,
            loss_object=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )

    chosen = np.random.default_rng(3).choice(len(data.y_test), COUNT, replace=False)
    return classifier, weights, bias, data.x_test[chosen], data.y_test[chosen]


def logits_of(weights, bias, x):
    return x.reshape(len(x), -1).astype(float) @ weights.astype(float) + bias


@pytest.mark.parametrize("epsilon", [0.03, 0.1, 0.3])
@pytest.mark.parametrize("norm, clip", [(np.inf, False), (np.inf, True), (2, False), (1, False)])
def test_fast_gradient_method(target, norm, clip, epsilon):
    classifier, weights, bias, x, y = target
    size = epsilon * {np.inf: 1, 2: 20, 1: 200}[norm]  # balls of a comparable reach
    attack = art_attacks.FastGradientMethod(
        classifier((0, 1) if clip else None), norm=norm, eps=size, batch_size=COUNT
    )
    logits = logits_of(weights, bias, attack.generate(x, y=(y > 0).astype(int)))
    ours = attacks.attacked_logits(weights, bias, x, y, size, norm=norm, clip=clip)
    np.testing.assert_allclose(ours, logits, rtol=1e-5, atol=1e-5)
    accuracy = attacks.robust_accuracy(weights, bias, x, y, size, norm=norm, clip=clip)
    assert accuracy == np.mean(logits * y > 0)


@pytest.mark.parametrize("clip", [False, True])
def test_projected_gradient_descent(target, clip):
    classifier, weights, bias, x, y = target
    attack = art_attacks.ProjectedGradientDescent(
        classifier((0, 1) if clip else None),
        norm=np.inf,
        eps=0.1,
        eps_step=0.03,
        max_iter=10,
        num_random_init=1,
        batch_size=COUNT,
        verbose=False,
    )
    logits = logits_of(weights, bias, attack.generate(x, y=(y > 0).astype(int)))
    ours = attacks.attacked_logits(weights, bias, x, y, 0.1, clip=clip)
    np.testing.assert_allclose(ours, logits, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("norm", [np.inf, 2, 1])
def test_no_attack_within_the_certified_radius_and_one_just_outside(target, norm):
    _, weights, bias, x, y = target
    prediction = np.sign(attacks.linear_logits(weights, bias, x))[:50]
    radius = attacks.certified_radius(weights, bias, x[:50], norm)
    for factor, kept in ((0.999, True), (1.001, False)):
        logits = attacks.attacked_logits(weights, bias, x[:50], prediction, factor * radius, norm)
        assert np.all((logits * prediction > 0) == kept)
