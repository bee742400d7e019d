"""A Keras model read as a chain of affine layers, each with its rounding: what bounds.py works on.

A layer is read by what it does: its exact Keras type, its activation function, the arguments of its
call, its policy of types. No such list is complete. Hence every layer, and then the whole model, is
also run on a few inputs, and what it gives must be what the chain says, but for rounding.

Rounding. A float32 layer gives A a + c + η with |η| ≤ γ (|A||a| + |c|), γ = n u / (1 - n u),
u = 2⁻²⁴, for sums of n terms in any order (Higham, Accuracy and Stability of Numerical Algorithms,
section 3.1). Numbers below TINY may be taken for 0: what underflows adds at most n TINY, and |A|
and |a| are raised by FLOOR for weights and values that vanish before they are multiplied. All that
holds if no sum overflows: LARGEST is far below the largest float32. The bounds are computed in
float64, whose errors are 2⁻²⁹ times as large, relative to the same sums: SPARE terms are added to
n for them.
"""

from typing import NamedTuple

import numpy as np

from common.lazy import keras, tf

UNIT = 2.0**-24  # of rounding in float32
TINY = 2.0**-126  # the smallest normal float32
FLOOR = 2.0**-100  # γ FLOOR is above TINY
LARGEST = 2.0**100  # of a layer's sums
SPARE = 4  # terms added to each sum, for the rounding of the bounds themselves
POINT = (1, 1), (1, 1), (0, 0)  # the window of a layer that looks at one position


class Affine(NamedTuple):
    """One layer z = A a + c and its activation max(z, slope z), as functions of float64 tensors.

    With pool > 1 the activation is the largest of so many z, side by side in their last axis.

    inputs, outputs: the shapes of a and of z. A layer may take what the one before it gives in
        another shape, in the same order: Flatten and Reshape need no layer of their own.
    linear(a), sizes(a): A a and |A| a, of (batch, *inputs).
    transposed(λ, patch): Aᵀ λ, from (images, rows, *outputs); with patch=True from any rectangle of
        the outputs to the inputs that it sees. The axes in front may come back as one.
    offset: c, (*outputs); offset_size: what its rounding is relative to, |c| or more.
    terms: of the longest sum, 0 where nothing is computed.
    window: sides, strides and margins, rows and columns of each, of what one output sees; None if
        it is not a rectangle.
    """

    name: str
    inputs: tuple
    outputs: tuple
    linear: object
    sizes: object
    transposed: object
    offset: object
    offset_size: object
    terms: int
    window: tuple | None = None
    slope: float = 1.0
    pool: int = 1

    @property
    def bent(self):
        """Whether it has an activation."""
        return self.slope != 1 or self.pool > 1

    @property
    def gives(self):
        """The shape of what the activation gives."""
        return *self.outputs[:-1], self.outputs[-1] // self.pool

    def activation(self, z):
        if self.pool == 1:
            return tf.maximum(z, self.slope * z)
        return tf.reduce_max(tf.reshape(z, (-1, *self.gives, self.pool)), -1)


def made(layer, inputs, outputs, linear, sizes, back, terms, window=None, offset=0, size=None):
    """An Affine with c = offset, of which size is |c| if not given."""
    size = abs(offset) if size is None else size
    whole = [tf.constant(np.broadcast_to(each, outputs), tf.float64) for each in (offset, size)]
    return Affine(layer.name, inputs, outputs, linear, sizes, back, *whole, terms, window)


def dense(layer, shape):
    if len(shape) != 1:
        refuse(layer, f"it is called on {shape}; put Flatten before it")
    (kernel,), offset, outputs = weights_of(layer, layer.kernel), bias_of(layer), (layer.units,)
    size, kernel = tf.constant(abs(kernel) + FLOOR), tf.constant(kernel)
    # One by one: nothing depends on what else is in the batch.
    linear, sizes = (lambda a, by=by: tf.matmul(a[:, None], by)[:, 0] for by in (kernel, size))
    back = lambda rows, patch=False: tf.matmul(rows, kernel, transpose_b=True)
    return made(layer, shape, outputs, linear, sizes, back, shape[0] + 1, offset=offset)


def convolution(layer, shape):
    if layer.groups != 1 or set(layer.dilation_rate) != {1}:
        refuse(layer, "it has groups or dilation")
    return convolution_of(layer, shape, *weights_of(layer, layer.kernel), bias_of(layer))


def average(layer, shape):
    if layer.padding != "valid":
        refuse(layer, "it has padding")
    kernel = np.eye(shape[-1]) / np.prod(layer.pool_size)
    kernel = np.tile(kernel, (*layer.pool_size, 1, 1))
    return convolution_of(layer, shape, kernel)


def largest(layer, shape):
    """The z are what each window sees: a convolution whose activation is their maximum."""
    if layer.padding != "valid":
        refuse(layer, "it has padding")
    count, channels = int(np.prod(layer.pool_size)), shape[-1]
    kernel = np.eye(count * channels).reshape(count, channels, count, channels)
    kernel = kernel.swapaxes(2, 3).reshape(*layer.pool_size, channels, channels * count)
    return convolution_of(layer, shape, kernel)._replace(terms=1, pool=count)


def convolution_of(layer, shape, kernel, offset=0):
    outputs = (*layer.compute_output_shape((1, *shape))[1:3], kernel.shape[3])
    sides, strides = kernel.shape[:2], tuple(layer.strides)
    hanging = [(n - 1) * stride + k - m for n, stride, k, m in zip(outputs, strides, sides, shape)]
    margins = tuple(max(each, 0) // 2 for each in hanging)  # before the image: TensorFlow's "SAME"
    options = dict(strides=strides, padding=layer.padding.upper())
    terms = int(np.prod(kernel.shape[:3])) + 1
    size, kernel = tf.constant(abs(kernel) + FLOOR), tf.constant(kernel)

    def transposed(rows, patch=False):
        seen = [(n - 1) * stride + k for n, stride, k in zip(rows.shape[-3:-1], strides, sides)]
        inputs = (*seen, shape[2]) if patch else shape
        padding = dict(padding="VALID") if patch else {}
        rows = tf.reshape(rows, (-1, *rows.shape[-3:]))
        return tf.nn.conv2d_transpose(
            rows, kernel, (tf.shape(rows)[0], *inputs), **options | padding
        )

    linear, sizes = (lambda a, by=by: tf.nn.conv2d(a, by, **options) for by in (kernel, size))
    window = sides, strides, margins
    return made(layer, shape, outputs, linear, sizes, transposed, terms, window, offset)


def whole_average(layer, shape):
    share = tf.fill((*shape[:2], 1), tf.constant(1 / np.prod(shape[:2]), tf.float64))
    mean = lambda a: tf.reduce_sum(a * share, (1, 2))
    back = lambda rows, patch=False: rows[..., tf.newaxis, tf.newaxis, :] * share
    return made(layer, shape, shape[2:], mean, mean, back, int(np.prod(shape[:2])) + 1)


def padding(layer, shape):
    (top, _), (left, _) = layer.padding
    padded = lambda a: tf.pad(a, ((0, 0), *layer.padding, (0, 0)))
    cut = lambda rows: rows[:, top : top + shape[0], left : left + shape[1]]
    return moved(layer, shape, padded, cut, ((1, 1), (1, 1), (top, left)))


def permutation(layer, shape):
    there, back = (0, *layer.dims), (0, *(1 + np.argsort(layer.dims)))
    return moved(layer, shape, lambda a: tf.transpose(a, there), lambda a: tf.transpose(a, back))


def moved(layer, shape, there, back, window=None):
    """What is moved, and not computed: a patch to the place that the window says."""
    outputs = tuple(layer.compute_output_shape((1, *shape))[1:])
    undo = lambda rows: back(tf.reshape(rows, (-1, *outputs)))
    transposed = lambda rows, patch=False: rows if patch and window else undo(rows)
    return made(layer, shape, outputs, there, there, transposed, 1, window)


def rescaling(layer, shape):
    scale, offset = finite(layer, *(np.asarray(n, np.float32) for n in (layer.scale, layer.offset)))
    if scale.ndim + offset.ndim and keras.config.image_data_format() != "channels_last":
        refuse(layer, "its scale or offset is an array, and Keras is set to channels first")
    if max(scale.ndim, offset.ndim) > len(shape):
        refuse(layer, f"its scale or offset has more dimensions than {shape}")
    return scaling(layer, shape, scale, abs(scale), offset, abs(offset))


def normalization(layer, shape):
    if layer.invert:
        refuse(layer, "it is inverted")
    mean, variance = weights_of(layer, layer.mean, layer.variance)
    scale = 1 / np.sqrt(np.maximum(variance[0], keras.config.epsilon() ** 2))
    return scaling(layer, shape, scale, scale, -mean[0] * scale, (abs(mean[0]) + FLOOR) * scale)


def batch_normalization(layer, shape):
    if layer.axis not in (-1, len(shape)):
        refuse(layer, "it is along another axis than the last")
    mean, variance = weights_of(layer, layer.moving_mean, layer.moving_variance)
    (gamma,) = weights_of(layer, layer.gamma) if layer.scale else (np.ones(1),)
    (beta,) = weights_of(layer, layer.beta) if layer.center else (np.zeros(1),)
    variance = variance + float(np.float32(layer.epsilon))
    if not np.all(variance >= TINY):
        refuse(layer, "its variance is not positive")
    root = np.sqrt(variance)
    scale, size = gamma / root, (abs(gamma) + FLOOR) / root
    shift = (abs(mean) + FLOOR) * size  # mean · scale is rounded in float32 as well
    return scaling(layer, shape, scale, size, beta - mean * scale, abs(beta) + shift)


def scaling(layer, shape, scale, size, offset, offset_size, terms=4):
    """z = scale · a + offset; a patch of it is computed if the scale is that of the channels."""
    (scale,), size = finite(layer, scale), tf.constant(size + FLOOR)
    everywhere = len(shape) == 3 and np.prod(scale.shape[:-1]) == 1
    linear, sizes = (lambda a, by=by: a * by for by in (scale, size))
    back, window = lambda rows, patch=False: rows * scale, POINT if everywhere else None
    return made(layer, shape, shape, linear, sizes, back, terms, window, offset, offset_size)


def identity(layer, shape):
    """z = a, of which only the activation counts; whoever gets it need not call it."""
    same = lambda a, patch=False: a
    window = POINT if len(shape) == 3 else None
    return made(layer, shape, shape, same, same, same, 0, window)


def activated(layer, shape, function):
    """The activation as Affines after the layer's own: none if it is linear."""
    slope = slope_of(layer, function)
    if slope == 1:
        return []
    first = identity(layer, shape)._replace(slope=slope)
    if slope == 0:
        return [first]
    one = np.ones(1)  # slope · z is rounded
    return [first, scaling(layer, shape, one, one, 0, 0, terms=1)]


def slope_of(layer, function):
    """The slope of an activation below 0: 1 for none, 0 for ReLU."""
    functions, ops = keras.activations, keras.ops
    if function is None or function is functions.linear:
        return 1.0
    if any(function is relu for relu in (functions.relu, ops.relu, tf.nn.relu)):
        return 0.0
    if any(function is leaky for leaky in (functions.leaky_relu, ops.leaky_relu, tf.nn.leaky_relu)):
        return float(np.float32(0.2))
    if type(function) in (keras.layers.ReLU, keras.layers.LeakyReLU):
        check_policy(function)
        if type(function) is keras.layers.ReLU and (
            function.max_value is not None or function.threshold
        ):
            refuse(function, "it has a largest value or a threshold")
        slope = float(np.float32(function.negative_slope))
        if slope and not FLOOR <= slope <= 1:
            refuse(function, f"its slope is {slope}, not between 0 and 1")
        return slope
    if type(function) is keras.layers.Activation:
        check_policy(function)
        return slope_of(function, function.activation)
    own = function if hasattr(function, "__name__") else type(function)
    advice = "there are bounds for relu, leaky_relu and linear"
    if own.__name__ in ("sigmoid", "hard_sigmoid", "tanh", "softmax"):
        advice += "; at the end of the model, give the logit, without it"
    refuse(layer, f"its activation is {own.__module__}.{own.__name__}; {advice}")


def affine_of(layer, shape):
    """The Affines of one Keras layer, and the shape of what it gives."""
    layers, kind = keras.layers, type(layer)
    makers = {
        layers.Dense: dense,
        layers.Conv2D: convolution,
        layers.AveragePooling2D: average,
        layers.MaxPooling2D: largest,
        layers.GlobalAveragePooling2D: whole_average,
        layers.ZeroPadding2D: padding,
        layers.Permute: permutation,
        layers.Rescaling: rescaling,
        layers.Normalization: normalization,
        layers.BatchNormalization: batch_normalization,
    }
    reshaping, nothing = (layers.Flatten, layers.Reshape), (layers.Dropout, layers.GaussianNoise)
    activations = layers.Activation, layers.ReLU, layers.LeakyReLU
    known = (*makers, *reshaping, *nothing, *activations)
    if kind not in known:
        names = ", ".join(sorted(each.__name__ for each in known))
        refuse(layer, f"it is {kind.__module__}.{kind.__name__}; there are bounds for {names}")
    check_policy(layer)
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        advice = 'after Permute((2, 3, 1)) give it data_format="channels_last"'
        refuse(layer, f"it has channels first; {advice}")
    if kind in nothing:
        return [], shape
    if kind in activations:
        return activated(layer, shape, layer), shape
    given = tuple(layer.compute_output_shape((None, *shape))[1:])
    if kind in reshaping:
        return [], given
    affine = makers[kind](layer, shape)
    return [affine, *activated(layer, given, getattr(layer, "activation", None))], given


def refuse(layer, why):
    raise ValueError(f"there are no bounds for the layer {layer.name!r}: {why}")


def check_policy(layer):
    """Raise ValueError unless the layer computes in float32, with its own call and weights."""
    policy = layer.dtype_policy
    if type(policy) is not keras.DTypePolicy or policy.name != "float32":
        refuse(layer, f"its policy is {policy.name}, not float32")
    if {"call", "__call__"} & {*vars(layer)}:
        refuse(layer, "its call is not that of its class")
    if getattr(layer, "lora_enabled", False):
        refuse(layer, "it has LoRA; load its saved file, in which the weights are merged")


def weights_of(layer, *variables):
    for each in variables:
        if keras.backend.standardize_dtype(each.dtype) != "float32":
            refuse(layer, f"its weights are {each.dtype}")
    return finite(layer, *(keras.ops.convert_to_numpy(each) for each in variables))


def bias_of(layer):
    return weights_of(layer, layer.bias)[0] if layer.use_bias else np.zeros(1)


def finite(layer, *values):
    """The values in float64. Raises ValueError unless all of them are numbers that float32 has."""
    values = [np.asarray(value, float) for value in values]
    if not all(np.all(abs(value) < LARGEST) for value in values):
        raise ValueError(f"the weights of the layer {layer.name!r} are not all finite, below 2^100")
    return values


def layers_of(model):
    """The layers between the input and the output of a model, in the order of their calls.

    Those of models within it as well. Raises ValueError if they are not a chain.
    """
    if type(model) not in (keras.Sequential, keras.src.models.functional.Functional):
        wanted = "a built keras.Sequential or functional keras.Model"
        raise ValueError(f"the model must be {wanted}; it is {type(model).__name__}")
    if not model.built or not getattr(model, "inputs", None):
        raise ValueError(f"the model must be a built Keras model; {model.name!r} is not built yet")
    check_policy(model)
    ends = [*model.inputs, *model.outputs]
    structures = (getattr(model, each, None) for each in ("_inputs_struct", "_outputs_struct"))
    structures = (each[0] if isinstance(each, list) else each for each in structures)
    if len(ends) != 2 or any(isinstance(each, (list, dict)) for each in structures):
        raise ValueError(f"the model {model.name!r} must have one input and one output, no more")
    first, tensor = ends
    if first.dtype != "float32" or first.sparse or None in first.shape[1:]:
        wanted, given = "dense float32 of a known shape", (first.dtype, first.shape)
        raise ValueError(f"the input of {model.name!r} must be {wanted}; it is {given}")
    found = []
    while tensor is not first:
        layer, node, _ = tensor._keras_history
        call = layer._inbound_nodes[node].arguments
        if len(call.keras_tensors) != 1 or len(call.args) != 1:
            refuse(layer, "it is beside the chain")
        if call.args[0] is not call.keras_tensors[0]:
            refuse(layer, "it is called with a list or a dictionary")
        if any(call.kwargs.values()):
            refuse(layer, f"it is called with {', '.join(call.kwargs)}")
        found[:0] = layers_of(layer) if isinstance(layer, keras.Model) else [layer]
        (tensor,) = call.args
    return found


def read(model):
    """The shape of the images, and the list of Affines, of a Keras model.

    Raises ValueError, in one line, for whatever has no bounds here, and if the model does not give
    what the Affines say.
    """
    layers = layers_of(model)
    shape = start = tuple(model.inputs[0].shape[1:])
    parts = []
    for layer in layers:
        affine, shape = affine_of(layer, shape)
        parts.append(affine)
    if len(shape) != 1:
        raise ValueError(
            f"the network must give logits, (batch, 1) or (batch, K); it gives {shape}"
        )
    compare(model, layers, parts)
    chain = []
    for affine in sum(parts, []):
        if chain and not chain[-1].bent and not affine.terms:
            chain[-1] = chain[-1]._replace(slope=affine.slope)
        else:
            chain.append(affine)
    if not chain or chain[-1].bent:
        # The last layer is linear, whatever the model ends with.
        chain.append(identity(model, shape))
    return start, chain


def compare(model, layers, parts):
    """Raise ValueError, with the first layer that differs, unless the model does what it should."""
    generator, shape = np.random.default_rng(0), tuple(model.inputs[0].shape[1:])
    some = generator.uniform(0, 1, (4, *shape))
    near = some + generator.uniform(-(2.0**-10), 2.0**-10, some.shape)
    wide = generator.normal(0, 3, some.shape)
    ends = np.zeros((1, *shape)), np.ones((1, *shape))
    x = given = tf.constant(np.concatenate([*ends, some, near, wide]), tf.float32)
    centre, radius = tf.cast(x, tf.float64), tf.zeros(x.shape, tf.float64)
    for layer, affine in zip(layers, parts):
        try:
            before, given = tf.cast(given, tf.float64), layer(given)
        except tf.errors.InvalidArgumentError:
            refuse(layer, f"it cannot be called on {given.shape}")
        check_same(layer, given, *through(affine, before, 0 * before))
        centre, radius = through(affine, centre, radius)
    check_same(model, model(x, training=False), centre, radius)


def through(chain, centre, radius):
    for layer in chain:
        centre, radius = rectified(layer, *step(layer, centre, radius)[:2])
    return centre, radius


def check_same(layer, given, centre, radius):
    """Raise ValueError unless what a layer gives is float32, within a radius of what it should."""
    if given.dtype != tf.float32 or tf.size(given) != tf.size(centre):
        refuse(layer, f"it gives {given.dtype.name} of shape {given.shape}")
    if not np.all(np.isfinite(given)):
        refuse(layer, "what it gives is not finite: its sums overflow float32")
    given = tf.reshape(tf.cast(given, tf.float64), centre.shape)
    if not np.all(abs(given - centre) <= radius):
        refuse(layer, "it does not give what its type and weights say, in float32")


def step(layer, centre, radius):
    """z = A a + c + η for a in centre ± radius, (batch, *shape): centre, radius, largest |η|, size.

    size: a bound of |A||a| + |c|, and so of every sum on the way.
    """
    centre, radius = (tf.reshape(each, (-1, *layer.inputs)) for each in (centre, radius))
    if not layer.terms:
        size = abs(centre) + radius
        spare = 0.0 if layer.slope == 1 else 2.0**-45  # for what is computed of the activation
        return centre, radius + spare * size, spare * size, size
    # One product for both, which reads the weights once.
    both = layer.sizes(tf.concat([abs(centre) + radius + FLOOR, radius], 0))
    size, spread = tf.split(both, 2)
    size += layer.offset_size
    terms = layer.terms + SPARE
    error = terms * UNIT / (1 - terms * UNIT) * size + layer.terms * TINY
    return layer.linear(centre) + layer.offset, spread + error, error, size


def rectified(layer, centre, radius):
    """Centre and radius of what the activation gives."""
    if not layer.bent:
        return centre, radius
    low, high = layer.activation(centre - radius), layer.activation(centre + radius)
    return (low + high) / 2, (high - low) / 2
