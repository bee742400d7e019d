"""The proved bounds beside sampled attacks, every corner of a box, and the exact minimum."""

import functools
import itertools
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import attacks
from beyond.networks import bounds
from common.lazy import keras, tf

pytestmark = pytest.mark.usefixtures("eager")
layers = keras.layers
SAMPLES = 2_000


def network_of(*middle, shape=(4, 4, 1), weights=None, last=None, logits=1):
    keras.utils.set_random_seed(0)
    ends = keras.Input(shape), layers.Dense(logits, activation=last)
    model = keras.Sequential([ends[0], *middle, ends[1]])
    if weights is not None:
        model.set_weights(
            [np.reshape(each, own.shape) for each, own in zip(weights, model.weights)]
        )
    return model


def dense():
    return network_of(layers.Flatten(), *(layers.Dense(5, activation="relu") for _ in range(2)))


def convolutional():
    return network_of(
        layers.Rescaling(2.0, -1.0),
        layers.Conv2D(3, 2, padding="same"),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.AveragePooling2D(2, strides=1),  # linear, and seen beside the image
        layers.Conv2D(4, 2, padding="same", activation="relu"),
        layers.Flatten(),
    )


def pooled():
    """The largest of windows that overlap, of a convolution and of a ReLU, beside padding."""
    return network_of(
        layers.Normalization(mean=[0.3], variance=[0.2]),
        layers.ZeroPadding2D(((1, 0), (0, 2))),
        layers.Conv2D(3, 2, activation="leaky_relu"),
        layers.MaxPooling2D(2, strides=1),
        layers.Conv2D(4, 2, padding="same"),
        layers.MaxPooling2D((2, 1)),
        layers.Permute((3, 1, 2)),
        layers.ReLU(),
        layers.GlobalAveragePooling2D(),
    )


@pytest.fixture(scope="module")
def made():
    """Each network once: setting other weights is quicker than building another one."""
    return {"dense": dense(), "convolutional": convolutional(), "pooled": pooled()}


def draw_weights(model, seed, scale=1.0):
    """Random weights, variances positive."""
    generator = np.random.default_rng(seed)
    values = [generator.normal(0, scale / 2, each.shape) for each in model.weights]
    for number, each in enumerate(model.weights):
        if each.path.endswith("variance"):
            values[number] = 0.1 + values[number] ** 2
    model.set_weights(values)


def drawn(model, seed, scale=1.0):
    draw_weights(model, seed, scale)
    return bounds.Network(model)


def images(seed, count=2, shape=(4, 4, 1), logits=1):
    generator = np.random.default_rng(seed)
    x = generator.uniform(0, 1, (count, *shape)).astype(np.float32)
    return x, generator.choice([-1.0, 1.0] if logits == 1 else np.arange(logits), count)


def margins_of(model, x, y):
    """y·logit, or z_y less the largest one of the others."""
    logits = model(x).numpy()
    if logits.shape[1] == 1:
        return y * logits[:, 0]
    own = np.arange(len(x)), np.broadcast_to(y, len(x)).astype(int)
    right, logits[own] = logits[own], -np.inf
    return right - logits.max(axis=1)


def check_below_samples(model, network, seed, epsilon, clip):
    """The bounds in their order, below SAMPLES attacks, half of them in corners: x, y, the best."""
    x, y = images(seed, 1, network.shape, network.logits)
    lower = bounds.interval(network, x, y, epsilon, clip)
    rough = bounds.crown(network, x, y, epsilon, clip, refine=False)
    linear = bounds.crown(network, x, y, epsilon, clip)
    sloped = bounds.crown(network, x, y, epsilon, clip, slopes=1)
    assert np.all(lower <= rough) and np.all(rough <= linear) and np.all(linear <= sloped)
    noise = np.random.default_rng(seed).uniform(-epsilon, epsilon, (SAMPLES, *network.shape))
    noise[::2] = epsilon * np.sign(noise[::2])
    points = (x + noise).astype(np.float32)
    points = np.clip(points, 0, 1) if clip else points
    assert sloped <= margins_of(model, points, np.tile(y, SAMPLES)).min()
    check_units_hold_samples(network, x, y, epsilon, clip, points[:200])
    return x, y, sloped


def check_units_hold_samples(network, x, y, epsilon, clip, points):
    """What CROWN knows of every unit holds for attacked images, (images, *shape), in float64."""
    rows = tf.constant(bounds.margins(y, network.logits))
    box = bounds.box(network, x, epsilon, clip)
    *_, known = bounds.linear_bound(network.affine, *box, rows, refine=True)
    values = tf.constant(points, tf.float64)
    for layer, (low, high, _) in zip(network.affine, known):
        values = layer.linear(tf.reshape(values, (-1, *layer.inputs))) + layer.offset
        slack = 1e-12 * (1 + np.abs(values).max())
        assert np.all(low <= values + slack) and np.all(values - slack <= high)
        values = layer.activation(values)


BOX = dict(
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([0.3, 1.0, 3.0, 30.0]),
    epsilon=st.sampled_from([0.0, 1e-6, 0.03, 0.15, 0.5, 2.0]),
    clip=st.booleans(),
)


@pytest.mark.filterwarnings("ignore:the gradient is all zero")  # of dead units
@settings(max_examples=settings().max_examples // 10 - 1)
@given(name=st.sampled_from(["dense", "convolutional", "pooled"]), **BOX)
@example(name="dense", seed=6096, scale=1.0, epsilon=2.0, clip=True)  # refined alone is looser
@example(name="pooled", seed=1, scale=3.0, epsilon=0.15, clip=True)
def test_bounds_are_in_their_order_below_every_sample_and_pgd(
    made, name, seed, scale, epsilon, clip
):
    model = made[name]
    x, y, linear = check_below_samples(model, drawn(model, seed, scale), seed, epsilon, clip)
    attacked = attacks.pgd(model, x, y, epsilon, epsilon / 5, 10, clip=clip)
    assert np.all(linear <= margins_of(model, attacked, y))


# --- whatever Keras allows: below what is attained, or refused


class Doubled(layers.Dense):
    def call(self, inputs):
        return 2 * super().call(inputs)


def changed(change, *arguments):
    """A dense layer after its method of that name, for images of (4, 4, 2)."""
    layer = layers.Dense(4, activation="relu")
    layer.build((None, 4, 4, 2))
    getattr(layer, change)(*arguments)
    return layer


LEGAL_ACTIVATIONS = [
    lambda: None,
    lambda: "relu",
    lambda: "linear",
    lambda: "leaky_relu",
    lambda: keras.activations.relu,
    lambda: tf.nn.relu,
    lambda: layers.ReLU(),
    lambda: layers.ReLU(negative_slope=0.3),
    lambda: layers.LeakyReLU(0.01),
    lambda: layers.Activation("relu"),
]
LEGAL = [
    lambda a, shape: layers.Dense(4, activation=a) if len(shape) == 1 else layers.Flatten(),
    lambda a, shape: layers.Activation(a or "linear"),
    lambda a, shape: layers.BatchNormalization(center=a is None, scale=a is not None),
    lambda a, shape: layers.Rescaling(0.7, -0.2),
    lambda a, shape: layers.Rescaling([0.7] * shape[-1], offset=np.full(shape[-1], 0.1)),
    lambda a, shape: layers.Rescaling(np.linspace(-1, 1, np.prod(shape)).reshape(shape)),
    lambda a, shape: layers.Dropout(0.5),
    lambda a, shape: layers.GaussianNoise(0.5),
    lambda a, shape: layers.Reshape((-1, 1, 2) if np.prod(shape) % 2 == 0 else (-1,)),
    lambda a, shape: layers.Reshape((-1, 2) if np.prod(shape) % 2 == 0 else (1, -1)),
    lambda a, shape: keras.Sequential([layers.Flatten(), layers.Dense(4, activation=a)]),
    lambda a, shape: image(shape, layers.Conv2D(2, 2, padding="same", strides=2, activation=a)),
    lambda a, shape: image(shape, layers.Conv2D(3, (1, 2), padding="same", activation=a)),
    lambda a, shape: image(shape, layers.AveragePooling2D((2, 1), strides=1)),
    lambda a, shape: image(shape, layers.GlobalAveragePooling2D(keepdims=a is None)),
    lambda a, shape: image(shape, layers.ZeroPadding2D(((0, 1), (2, 0)))),
    lambda a, shape: layers.Permute(np.roll(range(1, 1 + len(shape)), a is None).tolist()),
    lambda a, shape: layers.Normalization(mean=0.3, variance=1e-4),
    lambda a, shape: layers.Normalization(
        axis=[1, len(shape)][: len(shape)], **statistics((shape[0], shape[-1])[: len(shape)])
    ),
    lambda a, shape: image(shape, layers.MaxPooling2D((1, 2), strides=1)),
    lambda a, shape: image(shape, layers.MaxPooling2D(2)),
]
REFUSED_ACTIVATIONS = [
    (lambda: "relu6", "relu6; there are"),
    (lambda: "tanh", "tanh; there are"),
    (lambda: layers.ELU(), "ELU; there are"),
    (lambda: layers.PReLU(), "PReLU; there are"),
    (lambda: layers.ReLU(max_value=0.2), "it has a largest value"),
    (lambda: layers.ReLU(threshold=0.1), "it has .* a threshold"),
    (lambda: layers.ReLU(dtype="float16"), "float16"),
    (lambda: layers.LeakyReLU(3.0), "slope is 3"),
    (lambda: layers.Activation(layers.ELU()), "ELU; there are"),
    (lambda: tf.abs, "abs; there are"),
    (lambda: lambda z: tf.nn.relu(z) + 1, "lambda"),
]
REFUSED = [
    (lambda: Doubled(4), "test_bounds.Doubled"),
    (lambda: type("Dense", (layers.Dense,), {})(4), "test_bounds.Dense"),
    (lambda: layers.Dense(4, dtype="mixed_float16"), "mixed_float16, not float32"),
    (lambda: layers.Lambda(lambda z: z * z), "Lambda"),
    (lambda: layers.BatchNormalization(axis=1), "another axis"),
    (lambda: layers.LayerNormalization(), "LayerNormalization"),
    (lambda: layers.GlobalMaxPooling2D(keepdims=True), "GlobalMaxPooling2D"),
    (lambda: layers.MaxPooling2D(2, padding="same"), "it has padding"),
    (lambda: layers.ZeroPadding2D(data_format="channels_first"), "channels first"),
    (lambda: layers.Normalization(mean=0.3, variance=2.0, invert=True), "inverted"),
    (lambda: layers.Conv2D(2, 2, dilation_rate=2, padding="same"), "dilation"),
    (lambda: layers.Conv2D(4, 2, groups=2, padding="same"), "groups"),
    (lambda: layers.AveragePooling2D(2, padding="same"), "padding"),
    (lambda: layers.Flatten(data_format="channels_first"), "channels first"),
    (lambda: layers.Rescaling(np.ones((1, 4, 4, 2))), "more dimensions"),
    (lambda: changed("quantize", "int8"), "int8"),
    (lambda: changed("enable_lora", 1), "LoRA"),
]


def statistics(shape):
    generator = np.random.default_rng(0)
    return dict(mean=generator.normal(size=shape), variance=generator.uniform(0.1, 2, shape))


def image(shape, layer):
    """The layer where it fits an image, and nothing elsewhere."""
    return layer if len(shape) == 3 and min(shape[:2]) > 1 else layers.Dropout(0.1)


@settings(max_examples=settings().max_examples // 5)
@given(
    shape=st.sampled_from([(3,), (4, 3, 1), (3, 4, 2)]),
    chosen=st.lists(
        st.tuples(st.sampled_from(LEGAL), st.sampled_from(LEGAL_ACTIVATIONS)), max_size=4
    ),
    last=st.sampled_from(LEGAL_ACTIVATIONS),
    logits=st.sampled_from([1, 1, 2, 4]),
    functional=st.booleans(),
    **BOX,
)
def test_bounds_of_any_chain_are_below_every_sample(
    shape, chosen, last, logits, functional, seed, scale, epsilon, clip
):
    tensor = start = keras.Input(shape)
    for maker, activation in chosen:
        tensor = maker(activation(), tuple(tensor.shape[1:]))(tensor)
    tensor = layers.Dense(logits, activation=last())(layers.Flatten()(tensor))
    model = keras.Model(start, tensor)
    if not functional:
        model = keras.Sequential(model.layers)
    draw_weights(model, seed, scale)
    check_below_samples(model, bounds.Network(model), seed, epsilon, clip)


@pytest.mark.parametrize("layer, complaint", REFUSED)
def test_what_has_no_bounds_is_refused_by_name(layer, complaint):
    check_refused(network_of(layer(), layers.Flatten(), shape=(4, 4, 2)), complaint)


@pytest.mark.parametrize("activation, complaint", REFUSED_ACTIVATIONS)
def test_an_activation_without_bounds_is_refused_by_name(activation, complaint):
    check_refused(network_of(layers.Dense(3, activation()), shape=(4,)), complaint)


def check_refused(model, complaint):
    with pytest.raises(ValueError, match=complaint) as error:
        bounds.Network(model)
    assert "\n" not in str(error.value)


def called_with_training():
    tensor = start = keras.Input((4,))
    tensor = layers.Dropout(0.5)(layers.Dense(3)(tensor), training=True)
    return keras.Model(start, layers.Dense(1)(tensor))


def branching():
    first = keras.Input((4,))
    hidden = layers.Dense(3, activation="relu")(first)
    other = layers.Dense(3, activation="relu")(first)
    return keras.Model(first, layers.Dense(1)(layers.Add()([hidden, other])))


def dense_of_list(tensor):
    return keras.Sequential([keras.Input((1,)), layers.Dense(1)])([tensor])


def functional(inputs, outputs):
    """A model of one layer, its ends as `inputs` and `outputs` give them."""
    tensor = keras.Input((4,))
    hidden = layers.Dense(1)(tensor)
    return keras.Model(inputs(tensor), outputs(hidden))


class Own(keras.Model):
    def call(self, inputs):
        return inputs[:, :1]


def replaced_call():
    model = dense()
    model.layers[1].call = lambda inputs: inputs[:, :5]
    return model


def of_three_images():
    layer = layers.Normalization(axis=0, mean=np.ones(3), variance=np.ones(3))
    return keras.Sequential([keras.Input((4,), batch_size=3), layer, layers.Dense(1)])


def not_finite():
    model = dense()
    model.set_weights([np.full_like(each, np.nan) for each in model.get_weights()])
    return model


@pytest.mark.parametrize(
    "model, complaint",
    [
        (lambda: network_of(layers.Flatten(), last="sigmoid"), "sigmoid.*give the logit"),
        (lambda: network_of(shape=(28, 28, 1)), "put Flatten before it"),
        (
            lambda: keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(1, 2)]),
            "must give logits",
        ),
        (lambda: keras.Sequential([layers.Dense(1)]), "not built"),
        (lambda: keras.Sequential([keras.Input((1,), dtype="uint8"), layers.Dense(1)]), "float32"),
        (called_with_training, "training"),
        (branching, "beside the chain"),
        (replaced_call, "its call"),
        (not_finite, "not all finite"),
        (of_three_images, "cannot be called on"),
        (Own, "Own"),
        (lambda: layers.Dense(1), "Dense"),
        (lambda: functional(lambda a: a, lambda b: {"logit": b}), "one output"),
        (lambda: functional(lambda a: a, lambda b: [[b]]), "one output"),
        (lambda: functional(lambda a: a, dense_of_list), "with a list"),
        (lambda: functional(lambda a: [a, keras.Input((2,))], lambda b: b), "one input"),
        (lambda: functional(lambda a: a, lambda b: [b, b]), "one output"),
        (lambda: functional(lambda a: a, lambda b: 2 * b), "multiply"),
    ],
)
def test_a_model_that_is_no_chain_to_logits_is_refused(model, complaint):
    check_refused(model(), complaint)


def test_what_no_type_reveals_is_found_by_comparison_with_the_model(made, monkeypatch):
    """Keras' own layer, whose call rounds to float16: the first such layer is named."""
    network = drawn(made["dense"], 0)
    call = layers.Dense.call
    half = lambda self, inputs: tf.cast(tf.cast(call(self, inputs), tf.float16), tf.float32)
    monkeypatch.setattr(layers.Dense, "call", half)
    name = made["dense"].layers[1].name
    with pytest.raises(ValueError, match=f"{name!r}: it does not give") as error:
        bounds.Network(made["dense"])
    assert "\n" not in str(error.value) and network.affine[0].name == name


@pytest.mark.parametrize("activation", [layers.ReLU, layers.LeakyReLU])
def test_an_activation_as_object_counts(activation):
    """x = .5 with y = +1 is wrong already: its margin is -.3."""
    hidden = layers.Dense(1, activation=activation())
    model = network_of(hidden, shape=(1,), weights=[1, -1, -2, -0.3])
    x, least = np.array([[0.5]], np.float32), margins_of(model, np.array([[0.6], [0.4]]), 1).min()
    for bound in (bounds.interval, bounds.crown, bounds.milp):
        found = bound(bounds.Network(model), x, np.ones(1), 0.1)
        assert least - 1e-5 <= np.ravel(found[0])[0] <= least


def test_the_last_layer_may_have_an_activation():
    model = network_of(shape=(1,), weights=[1, -1], last="relu")
    for bound in (bounds.interval, bounds.crown, bounds.milp):
        found = bound(bounds.Network(model), np.array([[0.5]], np.float32), -np.ones(1), 0.1)
        assert np.ravel(found[0])[0] == 0


def test_a_sum_that_may_overflow_proves_nothing():
    last = dict(shape=(1,), weights=[1e25, 0, 1e25, 0])
    with pytest.raises(ValueError, match="overflow float32"):
        bounds.Network(network_of(layers.Dense(1), **last))
    # Here the sums are too large for some attacks only.
    model = network_of(layers.Dense(1), shape=(1,), weights=[1e13, 0, 1e13, 0])
    arguments = np.ones((1, 1), np.float32), np.ones(1)
    for bound in (bounds.interval, bounds.crown, bounds.milp):
        bound(bounds.Network(model), *arguments, 1.0, clip=False)
        with pytest.raises(ValueError, match="overflow float32") as error:
            bound(bounds.Network(model), *arguments, 1e6, clip=False)
        assert "\n" not in str(error.value)


# --- patches


def without_patches(layer):
    """The same layer as one dense matrix."""
    units = int(np.prod(layer.outputs))
    rows = tf.reshape(tf.eye(units, dtype=tf.float64), (units, *layer.outputs))
    matrix = tf.reshape(layer.transposed(rows), (units, -1))
    flat = {name: tf.reshape(getattr(layer, name), [-1]) for name in ("offset", "offset_size")}
    return layer._replace(
        inputs=(matrix.shape[1],),
        outputs=(units,),
        linear=lambda a: tf.matmul(a, matrix, transpose_b=True),
        sizes=lambda a: tf.matmul(a, abs(matrix), transpose_b=True),
        transposed=lambda rows, patch=False: rows @ matrix,
        window=None,
        **flat,
    )


def test_patches_give_the_bounds_of_whole_images():
    """Padding, strides, an image that is not square, pooling, and another shape in between."""
    model = network_of(
        layers.Conv2D(2, (3, 2), padding="same", strides=(2, 1), activation="relu"),
        layers.BatchNormalization(),
        layers.ZeroPadding2D(((1, 1), (2, 0))),
        layers.Conv2D(3, 2, activation="leaky_relu"),
        layers.Normalization([1, 3], **statistics((5, 3))),
        layers.MaxPooling2D(2, strides=1),
        layers.Conv2D(3, 2, padding="same"),
        layers.MaxPooling2D((1, 2), strides=1),
        layers.AveragePooling2D((2, 1)),
        layers.Conv2D(3, (1, 2), activation="relu"),
        layers.Reshape((4, 6, 1)),
        layers.Conv2D(2, 2, activation="relu"),
        layers.Flatten(),
        layers.Dense(4, activation="relu"),
        shape=(8, 6, 1),
    )
    network, (x, y) = drawn(model, 1, 2.0), images(1, 1, (8, 6, 1))
    whole = bounds.Network(model)
    whole.shape, whole.affine = (48,), [without_patches(each) for each in network.affine]
    for refine in (False, True):
        found = bounds.crown(network, x, y, 0.05, refine=refine)
        other = bounds.crown(whole, x, y, 0.05, refine=refine)
        np.testing.assert_allclose(found, other, rtol=1e-11)


def test_what_a_patch_sees_beside_the_image_counts_as_nothing():
    """Padded convolutions behind each other, the middle one without an activation.

    The logit is -10; what the second one would give beside the image would raise its bound to 3.
    """
    hidden = [
        layers.Conv2D(1, (size, 1), padding="same", activation=activation)
        for size, activation in ((2, "relu"), (2, None), (3, "relu"))
    ]
    weights = [1, 2], 2, [0, 2], 2, [2, -2, 0], 1, [-1, -1], 1
    model = network_of(*hidden, layers.Flatten(), shape=(2, 1, 1), weights=weights)
    x = np.full((1, 2, 1, 1), 0.5, np.float32)
    for bound in (bounds.crown, bounds.milp):
        found = np.ravel(bound(bounds.Network(model), x, np.ones(1), 0.0)[0])[0]
        assert -10 - 1e-4 <= found <= -10


def test_bounds_in_small_pieces_are_the_same(monkeypatch):
    """Positions by positions, and units by units."""
    hidden = [layers.Conv2D(2, 2, padding=it, activation="relu") for it in ("same", "valid")]
    model = network_of(*hidden, layers.Flatten(), shape=(3, 3, 1))
    network, (x, y) = drawn(model, 1), images(1, 1, (3, 3, 1))
    found = bounds.crown(network, x, y, 0.1)
    for most in (100, 10):
        monkeypatch.setattr(bounds, "COEFFICIENTS", most)
        np.testing.assert_allclose(bounds.crown(network, x, y, 0.1), found, rtol=1e-12)


def test_a_bound_is_the_image_s_own_whatever_stands_beside_it(monkeypatch):
    tf.config.run_functions_eagerly(False)  # in graphs, as users have them
    monkeypatch.setattr(bounds, "IMAGES", 8)  # of one call
    hidden = layers.Conv2D(2, 2, activation="relu"), layers.MaxPooling2D(2, strides=1)
    network, (x, y) = drawn(network_of(*hidden, layers.Flatten()), 3), images(3, 13)
    order = np.random.default_rng(0).permutation(len(y))
    bound = functools.partial(bounds.crown, network, slopes=1)
    found = bound(x, y, 0.1)
    np.testing.assert_array_equal(bound(x[order], y[order], 0.1), found[order])
    np.testing.assert_array_equal(bound(x[7:8], y[7:8], 0.1), found[7:8])
    assert len(bound(x[:0], y[:0], 0.1)) == 0


def test_a_bar_where_it_is_asked_for_or_in_a_notebook(made, capsys, monkeypatch):
    """And it moves, however large the network is."""
    network, (x, y), seen = drawn(made["dense"], 3), images(3, 3 * bounds.TOGETHER), []
    found = bounds.interval(network, x, y, 0.1)
    assert capsys.readouterr().out == ""
    note = lambda bar, done: seen.append((bar.verbose, done))
    monkeypatch.setattr(keras.utils.Progbar, "update", note)
    monkeypatch.setitem(sys.modules, "ipykernel", None)
    for verbose in (1, None):
        again = bounds.interval(network, x, y, 0.1, verbose=verbose)
        np.testing.assert_array_equal(again, found)
    assert seen == 2 * [(1, done) for done in (0, 16, 32, 48)]


# --- where the least is known


@pytest.mark.parametrize("bound", [bounds.interval, bounds.crown])
@pytest.mark.parametrize("name", ["dense", "convolutional", "pooled"])
def test_no_attack_gives_the_margin_but_for_rounding(made, name, bound):
    network, (x, y) = drawn(made[name], 0), images(0, 1)
    margins = margins_of(made[name], x, y)
    found = bound(network, x, y, 0.0)
    assert np.all(found <= margins) and np.allclose(found, margins, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("maker", LEGAL[:-2])
def test_without_an_activation_the_worst_case_is_exact(maker):
    """It is the logit less ε times the ℓ1 norm of its gradient."""
    middle = layers.Conv2D(2, 2), maker(None, (4, 3, 2)), layers.Flatten()
    model = network_of(*middle, shape=(5, 4, 1))
    network, (x, y) = drawn(model, 0), images(0, 1, (5, 4, 1))
    point = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(point)
        logits = model(point)
    norms = np.abs(tape.gradient(logits, point)).sum()
    found = bounds.crown(network, x, y, 0.1, clip=False)
    np.testing.assert_allclose(found, y * logits[:, 0] - 0.1 * norms, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bound", [bounds.interval, bounds.crown])
def test_classes_against_every_corner(bound):
    """Exact for one layer, below the least one for more; of each class and of all of them."""
    x, y = images(0, 6, (2, 2, 1), logits=3)
    corners = np.array(list(itertools.product([-0.2, 0.2], repeat=4))).reshape(-1, 1, 2, 2, 1)
    for hidden in ([], [layers.Dense(6, activation="relu")]):
        model = network_of(layers.Flatten(), *hidden, shape=(2, 2, 1), logits=3)
        network = drawn(model, 1, 3.0)
        each = bound(network, x, y, 0.2, all_classes=True)
        points = np.clip(x + corners, 0, 1).astype(np.float32).reshape(-1, 2, 2, 1)
        logits = model(points).numpy().reshape(len(corners), len(x), 3)
        least = np.min(logits[:, np.arange(6), y][..., np.newaxis] - logits, axis=0)
        least[np.arange(6), y] = np.inf
        assert np.all(each <= least) and (hidden or np.allclose(each, least, atol=1e-4))
        np.testing.assert_array_equal(bound(network, x, y, 0.2), each.min(axis=1))


def test_slopes_reach_the_linear_program_of_the_triangles():
    """One hidden layer: the least margin where a >= 0, a >= z, and a is below its chord."""
    model = network_of(layers.Flatten(), layers.Dense(8, activation="relu"))
    network, (x, y) = drawn(model, 5, 2.0), images(5, 6)
    found = bounds.crown(network, x, y, 0.2, clip=False, slopes=20)
    first, a, last, c = (each.astype(float) for each in model.get_weights())
    for image, label, bound in zip(x.reshape(6, -1).astype(float), y, found):
        reach = 0.2 * abs(first).sum(axis=0)
        low, high = image @ first + a - reach, image @ first + a + reach
        free = (low < 0) & (high > 0)
        chord = np.where(free, high / np.where(free, high - low, 1), low >= 0)
        program = linprog(
            np.r_[np.zeros(16), label * last[:, 0]],
            A_ub=np.vstack(
                [np.hstack([first.T, -np.eye(8)]), np.hstack([-(first * chord).T, np.eye(8)])]
            ),
            b_ub=np.r_[-a, chord * a - np.where(free, chord * low, 0)],
            bounds=[*zip(image - 0.2, image + 0.2), *[(0, None)] * 8],
        )
        assert program.fun + label * c[0] - 0.02 <= bound <= program.fun + label * c[0]
    assert np.any(found > bounds.crown(network, x, y, 0.2, clip=False) + 0.01)


@pytest.mark.parametrize(
    "slope, offset, times, least",
    [(0, 0.2, 1, [-0.2, -0.8]), (1, -2, 2, [0, -1]), (-1, 0.9, 1, [-0.9, 0])],
)
def test_lines_about_the_largest_of_two(slope, offset, times, least):
    """The logit is times p - max(p, slope p + offset), of p in [0, 1], and both of its signs.

    p itself is given as max(p, p - 2). All are exact but the second, from a line below max(p, .2).
    """
    hidden = layers.Dense(4), layers.Reshape((1, 4, 1)), layers.MaxPooling2D((1, 2))
    weights = [1, 1, 1, slope], [0, -2, 0, offset], [times, -1], 0
    model = network_of(*hidden, layers.Flatten(), shape=(1,), weights=weights)
    x, y = np.full((2, 1), 0.5, np.float32), np.array([1, -1])
    found = bounds.crown(bounds.Network(model), x, y, 0.5)
    np.testing.assert_allclose(found, least, atol=1e-5)


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
    model = network_of(
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


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e-6, 1e-12, 1e6])
def test_milp_does_not_depend_on_the_scale_of_hidden_units(scale):
    """The logit is .3 - |p - q|."""
    hidden = layers.Dense(2, activation="relu", use_bias=False)
    weights = [scale * np.array([[1, -1], [-1, 1]]), -np.ones(2) / scale, 0.3]
    model = network_of(hidden, shape=(2,), weights=weights)
    x = np.full((1, 2), 0.5, np.float32)
    least, image = bounds.milp(bounds.Network(model), x, np.ones(1), 0.4)
    assert -0.5 - 1e-4 <= least <= -0.5
    assert margins_of(model, image, 1)[0] == pytest.approx(-0.5, abs=1e-5)


@pytest.mark.parametrize(
    "change, complaint",
    [
        (dict(epsilon=-0.1), "epsilon must be"),
        (dict(epsilon=np.nan), "epsilon must be"),
        (dict(x=np.full((1, 4, 4, 1), 1.5, np.float32)), "x must be floats in"),
        (dict(x=np.full((1, 4, 4, 1), -0.1, np.float32)), "x must be floats in"),
        (dict(x=np.zeros((1, 5, 5, 1), np.float32)), "x must have images of"),
        (dict(y=np.array([0.5])), "y must"),
        (dict(epsilon=[0.1]), "epsilon must be one number"),
        (dict(epsilon=1e39), "below 2"),
    ],
)
def test_bad_images_labels_and_epsilon_are_one_line(made, change, complaint):
    arguments = dict(x=np.zeros((1, 4, 4, 1), np.float32), y=np.ones(1), epsilon=0.1) | change
    network = drawn(made["dense"], 0)
    for bound in (bounds.interval, bounds.crown, bounds.milp):
        with pytest.raises(ValueError, match=complaint) as error:
            bound(network, **arguments)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("y", [[-1, 1], [0, 3], [0.5, 1], [[0, 1]], [0, np.nan], ["0", "1"]])
def test_labels_of_another_model_are_one_line(y):
    network = bounds.Network(network_of(layers.Flatten(), logits=3))
    x, _ = images(0)
    with pytest.raises(ValueError, match="y must be 0 ... 2 for 3 logits") as error:
        bounds.crown(network, x, np.array(y), 0.1)
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="milp needs a model with one logit; this one gives 3"):
        bounds.milp(network, x[:1], np.array([0]), 0.1)


def test_milp_refuses_pooling_by_name(made):
    x, y = images(0, 1)
    with pytest.raises(ValueError, match="max_pooling2d.*milp has none for MaxPooling2D"):
        bounds.milp(bounds.Network(made["pooled"]), x, y, 0.1)
