"""The proved bounds beside sampled attacks, every corner of a box, and the exact minimum."""

import itertools

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import attacks
from beyond.networks import bounds

layers = keras.layers
SAMPLES = 10_000


def chain(*middle, shape=(4, 4, 1)):
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input(shape), *middle, layers.Dense(1)])


def dense():
    return chain(layers.Flatten(), *(layers.Dense(5, activation="relu") for _ in range(2)))


def convolutional():
    return chain(
        layers.Rescaling(2.0, -1.0),
        layers.Conv2D(3, 2, padding="same"),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.AveragePooling2D(2),
        layers.Conv2D(4, 2, activation="relu"),
        layers.Flatten(),
    )


@pytest.fixture(scope="module")
def made():
    """Each network once: setting other weights is quicker than building another one."""
    return {"dense": dense(), "convolutional": convolutional()}


def drawn(model, seed, scale=1.0):
    """The network with random weights, variances positive."""
    generator = np.random.default_rng(seed)
    values = [generator.normal(0, scale / 2, each.shape) for each in model.weights]
    for number, each in enumerate(model.weights):
        if each.path.endswith("variance"):
            values[number] = 0.1 + values[number] ** 2
    model.set_weights(values)
    return bounds.Network(model)


def images(seed, count=3):
    generator = np.random.default_rng(seed)
    x = generator.uniform(0, 1, (count, 4, 4, 1)).astype(np.float32)
    return x, generator.choice([-1.0, 1.0], count)


def margins_of(model, x, y):
    return y * model(x).numpy()[:, 0]


@pytest.mark.filterwarnings("ignore:the gradient is all zero")  # of dead units
@settings(max_examples=settings().max_examples // 4)  # each has 30,000 attacks
@given(
    name=st.sampled_from(["dense", "convolutional"]),
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([0.3, 1.0, 3.0, 30.0]),
    epsilon=st.sampled_from([0.0, 1e-6, 0.03, 0.15, 0.5, 2.0]),
    clip=st.booleans(),
)
def test_bounds_are_in_their_order_below_every_sample_and_pgd(
    made, name, seed, scale, epsilon, clip
):
    model, (x, y) = made[name], images(seed)
    network = drawn(model, seed, scale)
    lower = bounds.interval(network, x, y, epsilon, clip)
    rough = bounds.crown(network, x, y, epsilon, clip, refine=False)
    linear = bounds.crown(network, x, y, epsilon, clip)
    assert np.all(lower <= rough) and np.all(rough <= linear + 1e-12 * abs(rough))
    generator = np.random.default_rng(seed)
    noise = generator.uniform(-epsilon, epsilon, (SAMPLES, 1, 4, 4, 1))
    noise[::2] = epsilon * np.sign(noise[::2])
    points = (x + noise).astype(np.float32)
    points = np.clip(points, 0, 1) if clip else points
    margins = margins_of(model, points.reshape(-1, 4, 4, 1), np.tile(y, SAMPLES))
    assert np.all(linear <= margins.reshape(-1, len(x)).min(axis=0))
    attacked = attacks.pgd(model, x, y, epsilon, epsilon / 5, 10, clip=clip)
    assert np.all(linear <= margins_of(model, attacked, y))


@pytest.mark.parametrize("bound", [bounds.interval, bounds.crown])
@pytest.mark.parametrize("name", ["dense", "convolutional"])
def test_no_attack_gives_the_margin_but_for_rounding(made, name, bound):
    network, (x, y) = drawn(made[name], 0), images(0)
    margins = margins_of(made[name], x, y)
    found = bound(network, x, y, 0.0)
    assert np.all(found <= margins) and np.allclose(found, margins, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bound", [bounds.interval, bounds.crown])
@pytest.mark.parametrize("label", [-1.0, 1.0])
def test_the_worst_corner_where_bounds_are_exact(bound, label):
    """One layer; and more of them without a negative weight, where each pixel has one bad end."""
    for hidden in ([], [layers.Dense(3, activation="relu") for _ in range(2)]):
        model = chain(layers.Flatten(), *hidden, shape=(2, 2, 1))
        if hidden:
            model.set_weights([np.abs(each) + 0.1 for each in model.get_weights()])
        x, y = np.full((1, 2, 2, 1), 0.5, np.float32), np.array([label])
        corners = np.array(list(itertools.product([-0.2, 0.2], repeat=4))).reshape(-1, 2, 2, 1)
        least = margins_of(model, (x + corners).astype(np.float32), label).min()
        found = bound(bounds.Network(model), x, y, 0.2)[0]
        assert least - 1e-4 <= found <= least


def least_of_every_pattern(model, x, y, epsilon):
    """The least y·logit of a dense network: a linear program for each pattern of active units."""
    weights = [each.astype(float) for each in model.get_weights()]
    (first, a), (second, b), (last, c) = zip(weights[::2], weights[1::2])
    flat, found = x.ravel().astype(float), np.inf
    box = list(zip(np.maximum(flat - epsilon, 0), np.minimum(flat + epsilon, 1)))
    patterns = itertools.product([0.0, 1.0], repeat=len(a) + len(b))
    for pattern in map(np.array, patterns):
        on, later = pattern[: len(a)], pattern[len(a) :]
        inner, shift = first * on, a * on  # what the first layer gives: x @ inner + shift
        matrix, offset = inner @ second, shift @ second + b
        signs = np.r_[1 - 2 * on, 1 - 2 * later]  # z >= 0 where on, z <= 0 where off
        program = linprog(
            y * (matrix * later) @ last[:, 0],
            A_ub=(signs * np.hstack([first, matrix])).T,
            b_ub=-signs * np.r_[a, offset],
            bounds=box,
        )
        if program.status == 0:
            found = min(found, program.fun + y * ((offset * later) @ last[:, 0] + c[0]))
    return found


@pytest.mark.filterwarnings("ignore:the gradient is all zero")
@pytest.mark.parametrize("seed", range(3))
def test_milp_is_the_least_of_every_pattern_between_crown_and_pgd(seed):
    model = chain(
        layers.Flatten(), layers.Dense(3, activation="relu"), layers.Dense(2, activation="relu")
    )
    network, (x, y) = drawn(model, seed), images(seed, 1)
    least, image = bounds.milp(network, x, y, 0.3)
    assert least == pytest.approx(least_of_every_pattern(model, x, y[0], 0.3), abs=1e-4)
    assert bounds.crown(network, x, y, 0.3)[0] <= least + 1e-9
    attacked = attacks.pgd(model, x, y, 0.3, 0.05, 40)
    assert least <= margins_of(model, attacked, y)[0]
    assert least == pytest.approx(margins_of(model, image, y)[0], abs=1e-3)
    assert np.abs(image - x).max() <= 0.3 + 1e-5 and image.min() >= 0 and image.max() <= 1


def test_milp_stopped_early_still_gives_a_bound(made):
    network, (x, y) = drawn(made["dense"], 2), images(2, 1)
    stopped, _ = bounds.milp(network, x, y, 0.4, nodes=1)
    least, _ = bounds.milp(network, x, y, 0.4)
    assert bounds.crown(network, x, y, 0.4)[0] - 1e-9 <= stopped <= least + 1e-9


@pytest.mark.parametrize(
    "model, complaint",
    [
        (lambda: chain(layers.Flatten(), layers.Dense(3, activation="tanh")), "with tanh"),
        (lambda: chain(layers.MaxPooling2D(), layers.Flatten()), "MaxPooling2D"),
        (lambda: keras.Sequential([keras.Input((4,)), layers.Dense(2)]), "one logit"),
        (lambda: keras.Sequential([layers.Dense(1)]), "a built Keras model"),
        (lambda: branching(), "beside the chain"),
    ],
)
def test_what_has_no_bounds_is_refused_by_name(model, complaint):
    with pytest.raises(ValueError, match=complaint) as error:
        bounds.Network(model())
    assert "\n" not in str(error.value)


def branching():
    first = keras.Input((4,))
    hidden = layers.Dense(3, activation="relu")(first)
    other = layers.Dense(3, activation="relu")(first)
    return keras.Model(first, layers.Dense(1)(layers.Add()([hidden, other])))


@pytest.mark.parametrize("bound", [bounds.interval, bounds.crown, bounds.milp])
@pytest.mark.parametrize(
    "change, complaint",
    [
        (dict(epsilon=-0.1), "epsilon must be"),
        (dict(epsilon=np.nan), "epsilon must be"),
        (dict(x=np.full((1, 4, 4, 1), 1.5, np.float32)), "x must be in"),
        (dict(x=np.full((1, 4, 4, 1), -0.1, np.float32)), "x must be in"),
        (dict(x=np.zeros((1, 5, 5, 1), np.float32)), "x must have images of"),
        (dict(y=np.array([0.5])), "y must"),
    ],
)
def test_bad_images_labels_and_epsilon_are_one_line(made, bound, change, complaint):
    arguments = dict(x=np.zeros((1, 4, 4, 1), np.float32), y=np.ones(1), epsilon=0.1) | change
    with pytest.raises(ValueError, match=complaint) as error:
        bound(drawn(made["dense"], 0), **arguments)
    assert "\n" not in str(error.value)


def test_weights_that_are_not_finite_are_refused(made):
    for value in (np.nan, np.inf):
        model = dense()
        model.set_weights([np.full_like(each, value) for each in model.get_weights()])
        with pytest.raises(ValueError, match="not all finite") as error:
            bounds.Network(model)
        assert "\n" not in str(error.value)
