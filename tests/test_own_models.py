"""FGSM and PGD: exact on linear models; on those that people have they work, or say why not."""

import numpy as np
import pytest

import attacks
from beyond.networks import certified
from common import files, runs, training
from common.lazy import keras, tf

layers = keras.layers
X, Y = np.array([[0.5, 0.0]]), np.array([1.0])


def dense(weights, bias=0.0, activation=None, dtype="float32", before=()):
    """A model of two pixels: what comes before, w·x + b, an activation."""
    layer = layers.Dense(1, activation, dtype=dtype)
    model = keras.Sequential([keras.Input((2,)), *before, layer])
    layer.set_weights([np.reshape(weights, (-1, 1)), np.array([bias])])
    return model


@pytest.fixture
def images():
    generator = np.random.default_rng(0)
    return generator.random((64, 2)).astype(np.float32), generator.choice([-1.0, 1.0], 64)


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("attack, sizes", [(attacks.fgsm, (0.1,)), (attacks.pgd, (0.1, 0.03, 8))])
def test_a_linear_model_has_its_exact_worst_case(data, attack, sizes, clip):
    model, x, y = training.linear_model(5), data.x_test[:100], data.y_test[:100]
    weights, _ = training.linear_weights(model)
    attacked = attack(model, x, y, *sizes, clip=clip)
    exact = attacks.attack_linear(weights, x, y, 0.1, clip)
    assert attacked.shape == x.shape
    np.testing.assert_allclose((attacked - exact).reshape(100, -1) @ weights, 0, atol=1e-5)
    assert np.abs(attacked - x).max() <= 0.1 + 1e-6
    assert not clip or attacked.min() >= 0 and attacked.max() <= 1


def test_the_start_of_pgd_is_random_but_seeded(data):
    model, x, y = training.linear_model(5), data.x_test[:20], data.y_test[:20]
    draws = [attacks.pgd(model, x, y, 0.1, 0.001, 2, seed=seed) for seed in (0, 0, 1)]
    assert draws[0].tobytes() == draws[1].tobytes()
    assert np.abs(draws[0] - draws[2]).max() > 0.01


@pytest.mark.parametrize("dtype", ["float64", "mixed_float16", "mixed_bfloat16", "float16"])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_models_of_any_floating_type_are_attacked(dtype, kind):
    model, x = dense([1, -1], dtype=dtype), X.astype(kind)
    for attacked in (attacks.fgsm(model, x, Y, 0.1), attacks.pgd(model, x, Y, 0.1, 0.05, 4)):
        assert attacked.dtype == (np.float64 if kind is np.float64 else np.float32)
        np.testing.assert_allclose(attacked, [[0.4, 0.1]], atol=1e-7)


def test_batches_give_the_pixels_of_one_batch(data):
    """Byte for byte, random start included, for a model with products and convolutions."""
    keras.utils.set_random_seed(1)
    middle = layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(4), layers.Flatten()
    model = keras.Sequential(
        [keras.Input((28, 28, 1)), *middle, layers.Dense(16, "relu"), layers.Dense(1)]
    )
    x, y, seen = data.x_test[:9], data.y_test[:9], []
    whole = attacks.pgd(model, x, y, 0.1, 0.03, 4, batch_size=9)

    def watched(images):
        seen.append(len(images))
        return model(images)

    for size, sizes in ((6, {6, 3}), (1, {1}), (1000, {9})):
        seen.clear()
        parts = attacks.pgd(watched, x, y, 0.1, 0.03, 4, batch_size=size)
        assert set(seen) == {1} | sizes  # one image shows how many logits there are
        assert parts.tobytes() == whole.tobytes()
    assert np.abs(whole - x).max() > 0.09


def test_channels_first_on_a_processor_and_standardised_pixels_are_one_line():
    options = dict(data_format="channels_first")
    model = keras.Sequential([keras.Input((1, 4, 4)), layers.Conv2D(1, 4, **options)])
    x = np.zeros((1, 1, 4, 4), np.float32)
    with pytest.raises(ValueError, match="after Permute") as error:
        attacks.fgsm(model, x, Y, 0.1)
    assert "\n" not in str(error.value) and error.value.__suppress_context__
    with pytest.raises(ValueError, match="let a Normalization layer in the model do that"):
        attacks.fgsm(model, x - 0.42, Y, 0.1)


def test_two_networks_are_saved_as_models_that_keras_alone_loads(data, tmp_path):
    """Byte for byte as certified.py saves them, and with the weights of the run."""
    folder = runs.RESULTS / certified.RUN
    saved = runs.read(folder)
    assert len(models := certified.keras_models(saved)) == 2
    for name, model in models.items():
        files.save_model(tmp_path / "again.keras", model)
        assert (tmp_path / "again.keras").read_bytes() == (folder / f"{name}.keras").read_bytes()
        logits = keras.models.load_model(folder / f"{name}.keras")(data.x_test)[:, 0]
        clean = saved.metrics[name]["attacked"][0]
        assert np.mean(logits * data.y_test > 0) == pytest.approx(clean)


def test_images_without_a_gradient_are_counted_and_stay(images):
    """Beyond the margin of the hinge; a ReLU that is dead for the images that are dark."""
    x, y = images
    hinge = lambda targets, logits: tf.nn.relu(1 - targets * logits)
    relu = layers.Dense(1, "relu")
    dark = dense([1], -0.3, before=[relu])
    relu.set_weights([np.ones((2, 1)), np.array([-1.0])])
    bright = dense([9, 9], -6.0)
    margins = y * attacks.linear_logits([9, 9], -6.0, x)
    for model, loss, flat in (
        (dark, attacks.margin_loss, x.sum(axis=1) < 1),
        (bright, hinge, margins > 1),
    ):
        assert 0 < flat.sum() < 64
        with pytest.warns(UserWarning, match=f"all zero for {flat.sum()} of 64 images") as caught:
            attacked = attacks.fgsm(model, x, y, 0.1, loss)
        np.testing.assert_array_equal((attacked == x).all(axis=1), flat)
        assert len(caught) == 1


@pytest.mark.filterwarnings("ignore:the gradient is all zero")  # of the last
def test_outputs_like_probabilities_are_reported(images):
    x, y = images
    softmax = keras.Sequential([keras.Input((2,)), layers.Dense(3), layers.Softmax()])
    for model, labels in (
        (dense([0.5, -0.5], 0.5, "sigmoid"), y),
        (softmax, np.arange(64) % 3),
        (dense([200, 200], 100, "tanh"), y),
    ):
        with pytest.warns(UserWarning, match="look like probabilities; give the logits"):
            attacks.fgsm(model, x, labels, 0.01)


def test_logits_are_not_taken_for_probabilities(images):
    """Small logits of both signs, those of a single image, and those of one class."""
    x, y = images
    attacks.fgsm(dense([0.5, -0.5]), x, y, 0.1)
    attacks.fgsm(dense([1, -1]), X, Y, 0.1)
    attacks.fgsm(dense([0.5, 0.5]), x, np.ones(64), 0.1)


def test_models_and_losses_that_cannot_be_attacked_are_named():
    root = dense([1, 0], before=[layers.Lambda(lambda z: z**0.45)])
    rounds = dense([1, -1], before=[layers.Lambda(tf.round)])
    inputs = keras.Input((2,))
    heads = keras.Model(inputs, {"one": layers.Dense(1)(inputs), "two": layers.Dense(1)(inputs)})
    scalar = lambda targets, logits: tf.reduce_mean(-targets * logits)
    column = lambda targets, logits: logits[:, None] - targets
    for model, loss, complaint in (
        (root, attacks.margin_loss, "gradient along x is NaN.*root"),
        (rounds, attacks.margin_loss, "gradient along x is missing.*rounds"),
        (heads, attacks.margin_loss, r"logits, \(batch, 1\) or \(batch, K\); it gives dict"),
        (dense([1, -1]), scalar, r"one loss per image, \(1,\); it gives -0.5"),
        (dense([1, -1]), column, r"one loss per image, \(1,\); it gives \[\[-0.5"),
    ):
        with pytest.raises(ValueError, match=complaint):
            attacks.fgsm(model, X, Y, 0.1, loss)


@pytest.mark.parametrize(
    "changes, complaint",
    [
        (dict(epsilon=-1), "epsilon must be finite and not negative"),
        (dict(step_size=np.nan), "epsilon must be finite and not negative.*nan"),
        (dict(epsilon=[0.1, 0.2], step_size=[0.1, 0.1]), "must be one number"),
        (dict(steps=-1), "steps >= 0"),
        (dict(batch_size=-1), "batch_size >= 1"),
        (dict(y=np.ones((1, 1))), r"y must be -1 or \+1, of shape \(1,\)"),
        (dict(y=np.zeros(1)), r"y must be -1 or \+1"),
        (dict(targeted=True), "one logit has no class to choose"),
    ],
)
def test_bad_arguments_of_pgd_are_named(changes, complaint):
    arguments = dict(x=X, y=Y, epsilon=0.1, step_size=0.1, steps=1)
    with pytest.raises(ValueError, match=complaint):
        attacks.pgd(dense([1, -1]), **arguments | changes)


@pytest.mark.parametrize(
    "y, complaint",
    [
        (np.array([1, -1]), r"y must be 0 ... 9 for 10 logits, of shape \(2,\).*with \[-1"),
        (np.array([3, 10]), "y must be 0 ... 9 for 10 logits"),
        (np.array([0.5, 1]), r"y must be 0 ... 9.*float64 \(2,\) with \[0.5"),
        (np.eye(10)[:2], r"y must be 0 ... 9.*of shape \(2,\); it is float64 \(2, 10\)"),
    ],
)
def test_labels_of_another_kind_of_model_are_named(data, ten_logits, y, complaint):
    with pytest.raises(ValueError, match=complaint):
        attacks.fgsm(ten_logits, data.x_test[:2], y, 0.1)


def test_what_a_target_cannot_be_is_named(data, ten_logits):
    x = data.x_test[:12]
    given = np.argmax(ten_logits(x), axis=1)
    with pytest.raises(ValueError, match="every image is of the class in y already"):
        attacks.fgsm(ten_logits, x, given, 0.1, targeted=True)
