"""The proved bounds beside sampled attacks, every corner of a small box, and the exact minimum."""

import itertools

import keras
import numpy as np
import pytest

import attacks
from beyond import bounds

layers = keras.layers


def chain(seed, *middle, shape=(4, 4, 1)):
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.Input(shape), *middle, layers.Dense(1)])


def dense(seed):
    hidden = [layers.Dense(5, activation="relu", bias_initializer="normal") for _ in range(2)]
    return chain(seed, layers.Flatten(), *hidden)


def convolutional(seed):
    return chain(
        seed,
        layers.Rescaling(2.0, -1.0),
        layers.Conv2D(3, 2, padding="same", bias_initializer="normal"),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.AveragePooling2D(2),
        layers.Conv2D(4, 2, activation="relu"),
        layers.Flatten(),
    )


def images(seed, count=3):
    generator = np.random.default_rng(seed)
    x = generator.uniform(0, 1, (count, 4, 4, 1)).astype(np.float32)
    return x, generator.choice([-1.0, 1.0], count)


@pytest.mark.parametrize("make", [dense, convolutional])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("clip", [True, False])
def test_bounds_are_below_every_attack_and_in_their_order(make, seed, clip):
    model, (x, y) = make(seed), images(seed)
    network, epsilon = bounds.Network(model), 0.15
    lower = bounds.interval(network, x, y, epsilon, clip)
    ibp = bounds.crown(network, x, y, epsilon, clip, refine=False)
    linear = bounds.crown(network, x, y, epsilon, clip)
    assert np.all(lower <= ibp) and np.all(ibp <= linear + 1e-12)
    noise = np.random.default_rng(seed).uniform(-epsilon, epsilon, (3_000, 1, 4, 4, 1))
    noise[1_000:] = epsilon * np.sign(noise[1_000:])
    points = (x + noise).astype(np.float32)
    points = np.clip(points, 0, 1) if clip else points
    margins = model.predict(points.reshape(-1, 4, 4, 1), batch_size=9_000, verbose=0)
    assert np.all(linear <= (margins.reshape(-1, len(x)) * y).min(axis=0))
    attacked = attacks.pgd(model, x, y, epsilon, 0.03, 20, clip=clip)
    assert np.all(linear <= y * model.predict(attacked, verbose=0)[:, 0])


def test_no_attack_gives_the_margin_but_for_rounding():
    model, (x, y) = convolutional(0), images(0)
    margins = y * model.predict(x, verbose=0)[:, 0]
    for bound in (bounds.interval, bounds.crown):
        found = bound(bounds.Network(model), x, y, 0.0)
        assert np.all(found <= margins) and np.allclose(found, margins, atol=1e-4)


def test_one_layer_is_the_exact_worst_case_at_a_corner():
    model = chain(0, layers.Flatten(), shape=(2, 2, 1))
    x, y = np.full((1, 2, 2, 1), 0.5, np.float32), np.array([1.0])
    corners = np.array(list(itertools.product([-0.2, 0.2], repeat=4))).reshape(-1, 2, 2, 1)
    least = model.predict((x + corners).astype(np.float32), verbose=0).min()
    for bound in (bounds.interval, bounds.crown):
        assert bound(bounds.Network(model), x, y, 0.2)[0] == pytest.approx(least, abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_milp_is_between_crown_and_pgd_and_is_attained(seed):
    model, (x, y) = dense(seed), images(seed, 1)
    network = bounds.Network(model)
    least, image = bounds.milp(network, x, y, 0.3)
    attacked = attacks.pgd(model, x, y, 0.3, 0.05, 40)
    assert bounds.crown(network, x, y, 0.3)[0] <= least + 1e-9
    assert least <= (y * model.predict(attacked, verbose=0)[:, 0])[0]
    assert least == pytest.approx((y * model.predict(image, verbose=0)[:, 0])[0], abs=1e-3)


@pytest.mark.parametrize(
    "model, complaint",
    [
        (lambda: chain(0, layers.Flatten(), layers.Dense(3, activation="tanh")), "with tanh"),
        (lambda: chain(0, layers.MaxPooling2D(), layers.Flatten()), "MaxPooling2D"),
        (lambda: keras.Sequential([keras.Input((4,)), layers.Dense(2)]), "one logit"),
    ],
)
def test_what_has_no_bounds_is_refused_by_name(model, complaint):
    with pytest.raises(ValueError, match=complaint):
        bounds.Network(model())


def test_bad_weights_images_and_epsilon_are_refused():
    model, (x, y) = dense(0), images(0)
    network = bounds.Network(model)
    with pytest.raises(ValueError, match="epsilon must be"):
        bounds.interval(network, x, y, -0.1)
    with pytest.raises(ValueError, match="x must be in"):
        bounds.crown(network, 2 * x + 1, y, 0.1)
    model.set_weights([np.full_like(each, np.nan) for each in model.get_weights()])
    with pytest.raises(ValueError, match="not all finite"):
        bounds.Network(model)
