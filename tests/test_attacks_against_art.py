"""The attacks beside those of the Adversarial Robustness Toolbox, made by others."""

import functools
import os
from types import SimpleNamespace

import numpy as np
import pytest

import attacks
from common import runs
from common.lazy import keras, tf

COUNT = 2115 if "EXAMPLES" in os.environ else 300  # test images; all of them in `make test-all`
PGD = dict(eps_step=0.03, max_iter=10, num_random_init=1, verbose=False)


@pytest.fixture(scope="module")
def art():
    """The toolbox's attacks and classifiers: seconds to import, so not before they are needed."""
    names = "art.attacks.evasion", "art.estimators.classification"
    return SimpleNamespace(**{it.split(".")[1]: pytest.importorskip(it) for it in names})


def classifier(art, model, classes, clip):
    """ART's view of a model with so many logits, which clips or does not."""
    return art.estimators.TensorFlowV2Classifier(
        model,
        nb_classes=classes,
        input_shape=(28, 28, 1),
        clip_values=(0, 1) if clip else None,
        loss_object=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )


@pytest.fixture(scope="module", params=["regular", "robust-0.2"])
def target(request, data):
    """A linear model as two logits (0, ŷ), its w and b, and images with labels."""
    saved = runs.read(runs.RESULTS / request.param).arrays
    weights, bias = saved["weights"], saved["bias"]
    dense = keras.layers.Dense(2)
    two = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), dense])
    dense.set_weights([np.c_[0 * weights, weights], np.array([0, bias])])
    chosen = np.random.default_rng(3).choice(len(data.y_test), COUNT, replace=False)
    return two, weights, bias, data.x_test[chosen], data.y_test[chosen]


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize(
    "name, epsilon, flags",
    [
        ("FastGradientMethod", 0.03, {}),
        ("FastGradientMethod", 0.3, {}),
        ("ProjectedGradientDescent", 0.1, PGD),
    ],
)
def test_margins_are_those_of_art_to_the_image(art, target, name, epsilon, flags, clip):
    two, weights, bias, x, y = target
    attack = getattr(art.attacks, name)(
        classifier(art, two, 2, clip), np.inf, eps=epsilon, batch_size=COUNT, **flags
    )
    theirs = attack.generate(x, y=(y > 0).astype(int))
    ours = attacks.attack_linear(weights, x, y, epsilon, clip)
    margins, exact = (
        y * (each.reshape(COUNT, -1).astype(float) @ weights + bias) for each in (theirs, ours)
    )
    np.testing.assert_allclose(exact, margins, rtol=1e-5, atol=1e-5)
    accuracy = attacks.robust_accuracy(weights, bias, x, y, epsilon, clip)
    assert accuracy == np.mean(margins > 0)


CROSS_ENTROPY = functools.partial(keras.losses.sparse_categorical_crossentropy, from_logits=True)


@pytest.mark.parametrize("targeted", [False, True])
def test_ten_logits_are_attacked_as_art_attacks_them(art, ten_logits, data, targeted):
    model, x = ten_logits, data.x_test[:200]
    found = np.argmax(model(x), axis=1)
    y = (found + 1 + np.arange(200) % 9) % 10 if targeted else found
    attack = art.attacks.FastGradientMethod(
        classifier(art, model, 10, True), np.inf, 0.1, targeted=targeted
    )
    ours = attacks.fgsm(model, x, y, 0.1, CROSS_ENTROPY, targeted=targeted)
    np.testing.assert_allclose(ours, attack.generate(x, y=y), atol=1e-6)
    assert np.mean(np.argmax(model(ours), axis=1) == found) < 1
