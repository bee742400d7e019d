"""Proved lower bounds of y·logit for a network of ReLU layers, over every attack ‖δ‖∞ ≤ ε.

    import data_prep, keras
    from beyond.networks import bounds

    x, y = data_prep.load("test")
    network = bounds.Network(keras.models.load_model("mine.keras"))
    print((bounds.crown(network, x, y, epsilon=0.1) > 0).mean())   # proved robust accuracy

Intervals (Gowal et al., arXiv:1810.12715) push a box, centre m and radius r, through each layer:
A m + c ± |A| r, and ReLU of both ends. Linear bounds (CROWN, Zhang et al., arXiv:1811.00866) put
each ReLU between two lines and carry λ·z ≥ ... backwards to the pixels, where the box is known.
`milp` solves the same problem exactly for a small network of Dense layers.

Rounding. The bounds hold for the real network and for its evaluation in float32, whatever the order
of the sums: a float32 layer gives A a + c + η with |η| ≤ γ (|A||a| + |c|), γ = n u / (1 - n u),
u = 2⁻²⁴, for sums of n terms (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1);
what underflows adds at most n times the smallest normal number. Every radius is widened by that η,
and every linear bound pays |λ|·η for each layer. The bounds themselves are computed in float64,
whose errors are 2⁻²⁹ times as large, relative to the same sums: SPARE terms are added to n for
them. The box is wider than ε by the rounding of x ± ε to float32.
"""

from typing import NamedTuple

import numpy as np
from scipy import optimize, sparse

import attacks
from common.lazy import keras, tf

UNIT = 2.0**-24  # of rounding in float32
TINY = 2.0**-126  # the smallest normal float32: what is smaller may become zero
SPARE = 4  # terms added to each sum, for the rounding of the bounds themselves and of scales
COEFFICIENTS = 4_000_000  # of linear bounds that are held at once, 32 MB
MILP_TOLERANCE = 1e-5  # of the solver's constraints, far below the margins that it decides
ACTIVATIONS = ("linear", "relu")


class Affine(NamedTuple):
    """One layer z = A a + c, as functions of (batch, *shape) tensors in float64.

    linear(a, absolute): A a, or |A| a; transposed(λ): Aᵀ λ, from (batch, *outputs).
    offset: c, which broadcasts; offset_size: what its rounding is relative to, |c| or more.
    terms: of the longest sum, 0 where nothing is computed; relu: whether ReLU follows.
    """

    linear: object
    transposed: object
    offset: np.ndarray
    offset_size: np.ndarray
    terms: int
    outputs: tuple
    relu: bool = False


def dense(layer, shape):
    kernel, offset = weights_of(layer, layer.kernel, layer.bias)
    return Affine(
        lambda a, absolute=False: a @ (tf.abs(kernel) if absolute else kernel),
        lambda coefficients: tf.matmul(coefficients, kernel, transpose_b=True),
        offset,
        abs(offset),
        len(kernel) + 1,
        (kernel.shape[1],),
    )


def convolution(layer, shape):
    if layer.groups != 1 or set(layer.dilation_rate) != {1} or layer.padding == "causal":
        refuse(layer, "with groups or dilation")
    kernel, offset = weights_of(layer, layer.kernel, layer.bias)
    return convolution_of(kernel, offset, layer, shape)


def convolution_of(kernel, offset, layer, shape):
    if layer.data_format != "channels_last":
        refuse(layer, "with channels first")
    how = dict(strides=layer.strides, padding=layer.padding.upper())
    return Affine(
        lambda a, absolute=False: tf.nn.conv2d(a, tf.abs(kernel) if absolute else kernel, **how),
        lambda coefficients: tf.nn.conv2d_transpose(
            coefficients, kernel, (len(coefficients), *shape), **how
        ),
        offset,
        abs(offset),
        int(np.prod(kernel.shape[:3])) + 1,
        tuple(layer.compute_output_shape((1, *shape))[1:]),
    )


def average(layer, shape):
    if layer.padding != "valid":
        refuse(layer, "with padding")
    (rows, columns), channels = layer.pool_size, shape[-1]
    kernel = np.tile(np.eye(channels) / (rows * columns), (rows, columns, 1, 1))
    return convolution_of(kernel, np.zeros(channels), layer, shape)


def flatten(layer, shape):
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        refuse(layer, "with channels first")
    size = int(np.prod(shape))
    return Affine(
        lambda a, absolute=False: tf.reshape(a, (-1, size)),
        lambda coefficients: tf.reshape(coefficients, (-1, *shape)),
        np.zeros(1),
        np.zeros(1),
        0,
        (size,),
    )


def scaling(scale, offset, offset_size, shape):
    return Affine(
        lambda a, absolute=False: a * (abs(scale) if absolute else scale),
        lambda coefficients: coefficients * scale,
        offset,
        offset_size,
        4,
        shape,
    )


def rescaling(layer, shape):
    scale, offset = (np.asarray(value, float) for value in (layer.scale, layer.offset))
    return scaling(scale, offset, abs(offset), shape)


def normalization(layer, shape):
    if layer.axis not in (-1, len(shape)):
        refuse(layer, "along another axis than the last")
    mean, variance = weights_of(layer, layer.moving_mean, layer.moving_variance)
    gamma, beta = weights_of(layer, layer.gamma, layer.beta)
    scale = (gamma if layer.scale else 1.0) / np.sqrt(variance + layer.epsilon)
    shift = mean * scale  # computed in float32 as well, and subtracted
    return scaling(scale, beta - shift, abs(beta) + abs(shift), shape)


def activation(layer, shape):
    """ReLU as a layer, after nothing: z = a; whether it is ReLU is asked in `Network`."""
    if isinstance(layer, keras.layers.ReLU) and (
        layer.max_value is not None or layer.negative_slope or layer.threshold
    ):
        refuse(layer, "other than max(0, z)")
    same = lambda a, absolute=False: a
    return Affine(same, same, np.zeros(1), np.zeros(1), 0, shape)


MAKERS = {
    "Dense": dense,
    "Conv2D": convolution,
    "AveragePooling2D": average,
    "Flatten": flatten,
    "Rescaling": rescaling,
    "BatchNormalization": normalization,
    "ReLU": activation,
    "Activation": activation,
}


def refuse(layer, why):
    raise ValueError(
        f"the layer {layer.name!r}, {type(layer).__name__} {why}, has no bounds here; there are "
        f"bounds for chains of {', '.join(MAKERS)}, with no activation but ReLU"
    )


def weights_of(layer, *variables):
    """The variables in float64, 0 for None. Raises ValueError for NaN and infinity."""
    values = [np.zeros(1) if each is None else np.asarray(each, float) for each in variables]
    if not all(np.all(np.isfinite(value)) for value in values):
        raise ValueError(f"the weights of the layer {layer.name!r} are not all finite")
    return values


class Network:
    """A Keras chain with one logit, as a list of Affine layers: what all bounds work on.

    Raises ValueError for a layer, an activation or a shape for which there are no bounds here.
    """

    def __init__(self, model):
        if not hasattr(model, "layers") or not getattr(model, "built", False):
            raise ValueError(f"the model must be a built Keras model; it is {model!r}")
        chain = [each for each in model.layers if type(each).__name__ != "InputLayer"]
        self.shape, self.affine = tuple(model.input_shape[1:]), []
        shape, before = self.shape, model.inputs[0]
        sequential = isinstance(model, keras.Sequential)  # a chain by construction
        for layer in chain:
            name = type(layer).__name__
            if name not in MAKERS or layer.compute_dtype != "float32":
                refuse(layer, f"of {layer.compute_dtype}")
            if not sequential and layer.input is not before:
                refuse(layer, "beside the chain")
            called = getattr(getattr(layer, "activation", None), "__name__", "linear")
            if called not in ACTIVATIONS:
                refuse(layer, f"with {called}")
            affine = MAKERS[name](layer, shape)
            relu = name == "ReLU" or called == "relu"
            self.affine.append(affine._replace(relu=relu))
            shape, before = affine.outputs, layer.output
        if shape != (1,) or not (sequential or model.outputs[0] is before):
            raise ValueError(
                f"the network must give one logit per image, (batch, 1); it gives {shape}"
            )


def box(network, x, epsilon, clip):
    """Centre and radius of the attacked pixels, in float64, (batch, *shape) both."""
    x = np.asarray(x, float).reshape(-1, *network.shape)
    reach = epsilon + 2 * UNIT * (1 + epsilon)  # x ± ε may be rounded to float32
    low, high = x - reach, x + reach
    if clip:
        low, high = np.maximum(low, 0), np.minimum(high, 1)
    return tf.constant((low + high) / 2), tf.constant((high - low) / 2)


def rounding(layer):
    """γ of a layer's sums in float32: relative to |A||a| + |c|."""
    terms = layer.terms + SPARE
    return terms * UNIT / (1 - terms * UNIT) if layer.terms else 0.0


def step(layer, centre, radius):
    """Centre and radius of z = A a + c + η, and the largest |η|, for a in centre ± radius."""
    gamma = rounding(layer)
    size = layer.linear(abs(centre) + radius, absolute=True) + layer.offset_size
    error = gamma * size + layer.terms * TINY
    return (layer.linear(centre) + layer.offset, layer.linear(radius, absolute=True) + error, error)


def rectified(centre, radius):
    low, high = tf.nn.relu(centre - radius), tf.nn.relu(centre + radius)
    return (low + high) / 2, (high - low) / 2


def checked(network, x, y, epsilon):
    flat, y, epsilon = attacks.checked(x, y, epsilon)
    if flat.shape[1] != np.prod(network.shape):
        raise ValueError(f"x must have images of {network.shape}; it has shape {np.shape(x)}")
    return y, float(epsilon)


def in_batches(bound, network, x, y, epsilon, clip, batch):
    y, epsilon = checked(network, x, y, epsilon)
    parts = [slice(start, start + batch) for start in range(0, len(y), batch)]
    found = [bound(network, *box(network, x[part], epsilon, clip), y[part]) for part in parts]
    return np.concatenate(found) if found else np.zeros(0)


def interval(network, x, y, epsilon, clip=True):
    """The interval bound: y·logit is at least this, (batch,), whatever the attack.

    Arguments:
        network: a Network; x: (batch, 28, 28, 1) in [0, 1]; y: (batch,) in {-1, +1}.
        epsilon: the radius of the attack in pixel units, >= 0.
        clip: whether the attacked pixels stay in [0, 1].

    Raises ValueError that names the argument.
    """

    def bound(network, centre, radius, y):
        for layer in network.affine:
            centre, radius, _ = step(layer, centre, radius)
            if layer.relu:
                centre, radius = rectified(centre, radius)
        return y * centre[:, 0].numpy() - radius[:, 0].numpy()

    return in_batches(bound, network, x, y, epsilon, clip, batch=512)


def crown(network, x, y, epsilon, clip=True, refine=True):
    """The linear bound of y·logit, (batch,), never below `interval`; arguments as there.

    refine: bound the hidden units linearly, too (CROWN), and not only by intervals (CROWN-IBP,
        arXiv:1906.06316), which takes a fraction of the time and is looser.
    """

    def bound(network, centre, radius, y):
        return linear_bounds(network, centre, radius, refine, y)[0]

    hidden = [int(np.prod(each.outputs)) for each in network.affine if each.relu]
    rows = max(hidden[1:], default=1) if refine else 1
    size = max([int(np.prod(network.shape)), *hidden])
    batch = int(np.clip(COEFFICIENTS // (rows * size), 1, 512))
    return in_batches(bound, network, x, y, epsilon, clip, batch)


def linear_bounds(network, centre, radius, refine, y):
    """`crown` of one batch; centre, radius: of the pixels, (batch, *shape); y: (batch,)."""
    known, hidden_centre, hidden_radius = [], centre, radius
    for number, layer in enumerate(network.affine):
        hidden_centre, hidden_radius, error = step(layer, hidden_centre, hidden_radius)
        low, high = hidden_centre - hidden_radius, hidden_centre + hidden_radius
        known.append((low, high, error))
        layers = network.affine[: number + 1]
        if refine and layer.relu and any(each.relu for each in layers[:-1]):
            # Where intervals tell the sign, ReLU is exact, and a better bound would change nothing.
            flat_low, flat_high = (np.reshape(each, (len(y), -1)).copy() for each in (low, high))
            unsure = np.flatnonzero(np.any((flat_low < 0) & (flat_high > 0), axis=0))
            rows = tf.one_hot(unsure, flat_low.shape[1], dtype=tf.float64)
            rows = tf.tile(rows[tf.newaxis], (len(y), 1, 1))
            rows = tf.reshape(rows, (len(y), len(unsure), *layer.outputs))
            lower, upper = (
                sign * backward(layers, known, sign * rows, centre, radius).numpy()
                for sign in (1, -1)
            )
            flat_low[:, unsure] = np.maximum(flat_low[:, unsure], lower)
            flat_high[:, unsure] = np.minimum(flat_high[:, unsure], upper)
            low, high = (tf.reshape(each, low.shape) for each in (flat_low, flat_high))
            known[-1] = low, high, error
            hidden_centre, hidden_radius = (low + high) / 2, (high - low) / 2
        if layer.relu:
            hidden_centre, hidden_radius = rectified(hidden_centre, hidden_radius)
    by_intervals = y * hidden_centre[:, 0].numpy() - hidden_radius[:, 0].numpy()
    rows = tf.constant(y.astype(float)[:, np.newaxis, np.newaxis])
    linear = backward(network.affine, known, rows, centre, radius)[:, 0].numpy()
    return np.maximum(by_intervals, linear), known


def backward(layers, known, coefficients, centre, radius):
    """A lower bound of λ·z for the outputs z of the last of `layers`, (batch, rows).

    Arguments:
        known: for each layer the least and largest z, and the largest |η|, (batch, *outputs).
        coefficients: λ, (batch, rows, *outputs).
    """
    batch, rows = coefficients.shape[:2]

    def total(products):
        return tf.reduce_sum(tf.reshape(products, (batch, rows, -1)), axis=2)

    bound = 0.0
    for number in reversed(range(len(layers))):
        layer, (low, high, error) = layers[number], known[number]
        if layer.relu and number < len(layers) - 1:  # λ is of max(0, z), and becomes that of z
            on, off = low >= 0, high <= 0
            chord = high / tf.where(on | off, 1.0, high - low)  # from (low, 0) to (high, high)
            above = tf.where(on, 1.0, tf.where(off, 0.0, chord))
            below = tf.where(on, 1.0, tf.cast(~off & (high > -low), tf.float64))
            lift = tf.where(on | off, 0.0, -low * chord)
            positive, negative = tf.nn.relu(coefficients), -tf.nn.relu(-coefficients)
            bound += total(negative * lift[:, tf.newaxis])
            coefficients = positive * below[:, tf.newaxis] + negative * above[:, tf.newaxis]
        if layer.terms:  # neither offset nor rounding elsewhere
            bound += total(coefficients * layer.offset - abs(coefficients) * error[:, tf.newaxis])
        flat = tf.reshape(coefficients, (batch * rows, *layer.outputs))
        earlier = layer.transposed(flat)
        coefficients = tf.reshape(earlier, (batch, rows, *earlier.shape[1:]))
    coefficients = tf.reshape(coefficients, (batch, rows, -1))
    centre, radius = (tf.reshape(each, (batch, -1)) for each in (centre, radius))
    worst = tf.linalg.matvec(coefficients, centre) - tf.linalg.matvec(abs(coefficients), radius)
    return bound + worst


def milp(network, x, y, epsilon, clip=True, nodes=2_000, seconds=600):
    """The least y·logit itself, by mixed-integer programming (Tjeng et al., arXiv:1711.07356).

    Arguments: as for `interval`, with one image; nodes, seconds: the solver's limits. The first is
    far enough below the second that a result does not depend on the machine.

    Returns a lower bound, to the solver's MILP_TOLERANCE, and the image at which it is attained, or
    None if the solver has found none within its limits. Every unit that may switch costs a binary
    variable and every layer a dense matrix: for networks of a few hundred units.
    """
    y, epsilon = checked(network, x, y, epsilon)
    centre, radius = box(network, x, epsilon, clip)
    linear, known = linear_bounds(network, centre, radius, True, y)
    low, high = (np.ravel(centre + sign * radius) for sign in (-1, 1))
    least, most, rows, parts = [low], [high], [], []  # of the variables, and of the constraints
    matrix, offset, start, count = np.eye(len(low)), np.zeros(len(low)), 0, len(low)
    for layer, (low, high, _) in zip(network.affine, known):
        units = int(np.prod(layer.outputs))
        unit_rows = tf.constant(np.eye(units).reshape(units, *layer.outputs))
        own = layer.transposed(unit_rows).numpy().reshape(units, -1)
        shift = np.ravel(np.broadcast_to(layer.offset, layer.outputs))
        matrix, offset = own @ matrix, own @ offset + shift
        if not layer.relu:
            continue
        low, high = np.ravel(low), np.ravel(high)
        free = (low < 0) & (high > 0)
        # a = max(0, z): a >= z, a <= z - low (1 - on), a <= high on, with `on` 0 or 1 where free
        width, inputs = count + 2 * units, slice(start, count)
        for first, second, bottom, top in (
            (-1.0, 0 * low, offset, np.where(low >= 0, offset, np.inf)),
            (-1.0, -low, np.full(units, -np.inf), np.where(free, offset - low, np.inf)),
            (0.0, -high, np.full(units, -np.inf), np.where(free, 0.0, np.inf)),
        ):
            part = np.zeros((units, width))
            part[:, inputs] = first * matrix
            part[:, count : count + units] = np.eye(units)
            part[:, count + units :] = np.diag(second * free)
            rows.append((part, bottom, top))
        least += [np.zeros(units), np.zeros(units)]
        most += [np.maximum(high, 0), free.astype(float)]
        parts.append((count + units, count + 2 * units))
        start, count = count, count + 2 * units
        matrix, offset = np.hstack([np.eye(units), np.zeros((units, units))]), np.zeros(units)
    whole, goal = np.zeros(count), np.zeros(count)
    for first, last in parts:
        whole[first:last] = 1
    goal[start:] = y[0] * matrix[0]
    constraints = [
        optimize.LinearConstraint(
            sparse.csr_array(np.pad(part, ((0, 0), (0, count - part.shape[1])))), bottom, top
        )
        for part, bottom, top in rows
    ]
    found = optimize.milp(
        goal,
        integrality=whole,
        bounds=optimize.Bounds(np.concatenate(least), np.concatenate(most)),
        constraints=constraints,
        options=dict(node_limit=nodes, time_limit=seconds, mip_rel_gap=0),
    )
    bound = linear[0]
    if found.mip_dual_bound is not None and np.isfinite(found.mip_dual_bound):
        bound = max(bound, found.mip_dual_bound + y[0] * offset[0] - MILP_TOLERANCE)
    pixels = int(np.prod(network.shape))
    image = None if found.x is None else found.x[:pixels].astype(np.float32)
    return float(bound), image if image is None else image.reshape(1, *network.shape)
