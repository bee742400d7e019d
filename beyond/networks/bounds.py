"""Proved lower bounds of the margin of a network of ReLU layers, over every attack ‖δ‖∞ ≤ ε.

    import data_prep, keras
    from beyond.networks import bounds

    x, y = data_prep.load("test")
    network = bounds.Network(keras.models.load_model("mine.keras"))
    print((bounds.crown(network, x, y, epsilon=0.1) > 0).mean())   # proved robust accuracy

Intervals (Gowal et al., arXiv:1810.12715) push a box, centre m and radius r, through each layer:
A m + c ± |A| r, and ReLU of both ends. Linear bounds (CROWN, Zhang et al., arXiv:1811.00866) put
each ReLU between two lines and carry λ·z ≥ ... backwards to the pixels, where the box is known.
A unit of a convolution sees a patch of the image, and so do its λ: only patches are carried. The
lower lines may be optimised (α-CROWN, Xu et al., arXiv:2011.13824). `milp` solves the same problem
exactly for a small network of Dense layers. The margin is y·logit, for labels -1 and +1, or with K
logits and labels 0 to K - 1 the least z_y - z_k over the other classes k, where the difference is
taken in the last layer, before it is bounded.

"Proved" means: for the real network and for its evaluation in float32 (not TensorFloat-32 or less),
whatever the order of the sums and whatever the attack, the margin is at least the bound. It rests
on what chain.py reads of the model, checked against the model itself; on the rounding argued there,
which widens every radius and is paid by every linear bound, for sums that do not overflow, which is
checked for every image; and on TensorFlow's arithmetic in float64. `milp` rests on the solver too.
The box is wider than ε by the rounding of x ± ε to float32.
"""

import sys
from typing import NamedTuple

import numpy as np
from scipy import optimize, sparse

import attacks
from beyond.networks import chain
from beyond.networks.chain import LARGEST, UNIT, rectified, step
from common.lazy import keras, tf

COEFFICIENTS = 2_000_000  # of linear bounds at once, 16 MB
IMAGES = 64  # of one call of a compiled graph
TOGETHER = 16  # of them that are bounded at once, if they can be without any influence
RATE, DECAY = 0.5, 0.9  # the first step of the slopes of lower lines, and how it shrinks
MILP_TOLERANCE = 1e-6  # of the solver, HiGHS: how much a constraint or a whole number may be amiss
COST_TOLERANCE = 1e-7  # and the price of each variable


class Network:
    """A Keras model as a chain of affine layers, for which bounds are compiled when asked for.

    It gives one logit for each image, or one for each class: `logits` of them. Its weights are
    copied: train the model further, and make another Network. Raises ValueError, in one line, for a
    model that has no bounds here (chain.py says which have).
    """

    def __init__(self, model):
        self.shape, self.affine = chain.read(model)
        self.logits = int(np.prod(self.affine[-1].outputs))
        # How many images are bounded at once. A convolution's sums may be rounded by where an image
        # stands among the others; products of matrices are one for each image. All shapes are
        # fixed: even the rounding is an image's own.
        free = all(each.window is None or each.window is chain.POINT for each in self.affine)
        self.together, self.graphs = TOGETHER if free else 1, {}

    def graph(self, bound, **options):
        """A bound as a graph of some times `together` images, so many after the others."""
        key = bound, *options.items()
        if key not in self.graphs:
            box = tf.TensorSpec([None, *self.shape], tf.float64)
            rows = tf.TensorSpec([None, self.logits, self.logits], tf.float64)
            sizes = tf.TensorSpec([len(self.affine)], tf.float64)
            kinds = tf.TensorSpec([self.together, self.logits], tf.float64), sizes

            def one(each):
                return bound(self.affine, *each, **options)[:2]

            @tf.function(input_signature=[box, box, rows], autograph=False)
            def graph(*every):
                every = [tf.reshape(each, (-1, self.together, *each.shape[1:])) for each in every]
                least, sizes = one_by_one(one, every, kinds)
                return tf.reshape(least, (-1, self.logits)), sizes

            self.graphs[key] = graph
        return self.graphs[key]


def one_by_one(function, every, kinds=None):
    """What a function gives for the first of each of some tensors, for the second, ...; stacked."""
    if not every or every[0].shape[0] == 1:
        found = function([each[0] for each in every])
        return tf.nest.map_structure(lambda each: each[tf.newaxis], found)
    function = tf.autograph.experimental.do_not_convert(function)
    kinds = kinds or tf.float64
    return tf.map_fn(function, every, fn_output_signature=kinds, parallel_iterations=1)


def margins(y, logits):
    """What is bounded from below, as rows of coefficients of the logits, (batch, logits, logits).

    Of one logit this is y·logit; of more of them z_y - z_k for each class k.
    """
    if logits == 1:
        return np.asarray(y, float)[:, np.newaxis, np.newaxis]
    each = np.eye(logits)
    return each[np.asarray(y, int)][:, np.newaxis] - each


def checked(network, x, y, epsilon):
    """y and epsilon, checked as in attacks.py, and x for the shape that the network takes."""
    flat, _, epsilon = attacks.checked(x, None, epsilon)
    if epsilon.shape or not epsilon < LARGEST:  # or attacked pixels might overflow float32
        raise ValueError(f"epsilon must be one number below 2^100; it is {epsilon}")
    if flat.shape[1] != np.prod(network.shape):
        raise ValueError(f"x must have images of {network.shape}; it has shape {np.shape(x)}")
    return attacks.checked_labels(y, flat, network.logits), float(epsilon)


def box(network, x, epsilon, clip):
    """Centre and radius of the attacked pixels, in float64, (batch, *shape) both."""
    x = np.asarray(x, float).reshape(-1, *network.shape)
    reach = epsilon + 2 * UNIT * (1 + epsilon)  # x ± ε may be rounded to float32
    low, high = x - reach, x + reach
    if clip:
        low, high = np.maximum(low, 0), np.minimum(high, 1)
    return tf.constant((low + high) / 2), tf.constant((high - low) / 2)


def in_parts(network, graph, x, y, epsilon, clip, all_classes, verbose):
    """The bounds that a graph gives, (batch,), a few images at a time."""
    y, epsilon = checked(network, x, y, epsilon)
    x = np.asarray(x)
    if verbose is None:
        verbose = int("ipykernel" in sys.modules or bool(sys.stdout and sys.stdout.isatty()))
    bar = keras.utils.Progbar(len(y) or 1, verbose=verbose, unit_name="image")
    found = np.zeros((len(y), network.logits))
    bar.update(0)
    most = network.together if verbose else IMAGES  # a bar must move, however large the network
    for start in range(0, len(y), most):
        part = np.arange(start, min(start + most, len(y)))
        whole = np.resize(part, -(-len(part) // network.together) * network.together)
        rows = tf.constant(margins(y[whole], network.logits))
        least, sizes = graph(*box(network, x[whole], epsilon, clip), rows)
        check_sizes(network, sizes)
        found[part] = least[: len(part)]
        bar.update(part[-1] + 1)
    if network.logits > 1:
        found[np.arange(len(y)), y] = np.inf  # an image's own class is no rival
    return found if all_classes else found.min(axis=1)


def check_sizes(network, sizes):
    """Raise ValueError if a sum may overflow float32; sizes: (any, layers)."""
    for layer, size in zip(network.affine, np.max(sizes, axis=0)):
        if not size < LARGEST:  # NaN as well
            raise ValueError(
                f"nothing is proved: the sums of the layer {layer.name!r} may be {size:.3g}, and "
                "overflow float32"
            )


def interval(network, x, y, epsilon, clip=True, all_classes=False, verbose=0):
    """The interval bound of the margin, (batch,): it is at least this, whatever the attack.

    Arguments:
        network: a Network; x: (batch, 28, 28, 1) in [0, 1].
        y: (batch,), in {-1, +1} for one logit, 0 to K - 1 for K of them.
        epsilon: the radius of the attack in pixel units, >= 0.
        clip: whether the attacked pixels stay in [0, 1].
        all_classes: give the bound of z_y - z_k for each class k, (batch, K), inf for y itself.
        verbose: 1 for a bar, 0 for silence, None for the bar in a terminal or a notebook.

    Raises ValueError that names the argument, or the layer whose sums may overflow float32.
    """
    graph = network.graph(interval_bound)
    return in_parts(network, graph, x, y, epsilon, clip, all_classes, verbose)


def crown(
    network, x, y, epsilon, clip=True, refine=True, slopes=0, all_classes=False, verbose=None
):
    """The linear bound of the margin, (batch,), never below `interval`; arguments as there.

    refine: bound the hidden units linearly, too (CROWN), and not only by intervals (CROWN-IBP,
        arXiv:1906.06316), which takes a fraction of the time. Mostly it is looser, but not always:
        with refine=True each image gets the larger one of both.
    slopes: for how many steps the lower lines are optimised, those of each bound of a hidden unit
        as well. Each takes two or three times as long as CROWN, and 5 give nearly all there is.
    """
    graph = network.graph(linear_bound, refine=refine, steps=slopes)
    return in_parts(network, graph, x, y, epsilon, clip, all_classes, verbose)


def interval_bound(layers, centre, radius, rows):
    """The bounds of rows · logits, (images, rows), and the largest size of each layer's sums.

    Arguments:
        centre, radius: of the pixels, (images, *shape); rows: (images, rows, logits).
    """
    sizes = []
    for layer in layers:
        before = centre, radius
        centre, radius, error, size = step(layer, centre, radius)
        sizes.append(tf.reduce_max(size))
        centre, radius = rectified(layer, centre, radius)
    return last_bound(layer, error, before, rows), tf.stack(sizes)


def last_bound(layer, error, box, rows):
    """The bounds of rows · logits from the box of what the last layer gets: the rows come first."""
    return rows_bound([layer], [lines_of(layer, error, error, error)], box, rows, 0)


def rows_bound(layers, lines, box, rows, steps):
    """Those from the box of what the first of the layers gets."""
    way = Route(0, [Passage(None, None, each.outputs) for each in reversed(layers)], None, [])
    return optimised(layers, lines, rows[:, tf.newaxis], way, [], box, steps)[:, 0]


def linear_bound(layers, centre, radius, rows, refine, steps=0):
    """As `interval_bound`, and what is known of each layer: least and largest z, largest |η|.

    The largest one of the bounds without and with refined layers, without and with steps.
    """
    every = dict.fromkeys([(False, 0), (refine, 0), (refine, steps)])
    found = [linear_bound_alone(layers, centre, radius, rows, *each) for each in every]
    return tf.reduce_max([bound for bound, *_ in found], 0), *found[-1][1:]


def linear_bound_alone(layers, centre, radius, rows, refine, steps):
    pixels, known, lines, sizes = (centre, radius), [], [], []
    for number, layer in enumerate(layers):
        before = centre, radius
        centre, radius, error, size = step(layer, centre, radius)
        low, high = centre - radius, centre + radius
        bent = any(each.bent for each in layers[:number])
        known_best = layer.pool > 1 and layers[number - 1].bent  # there its z have been bounded
        if refine and layer.bent and bent and not known_best:
            least, most = unit_bounds(layers[: number + 1], lines, error, pixels, steps)
            low, high = tf.maximum(low, least), tf.minimum(high, most)
            centre, radius = (low + high) / 2, (high - low) / 2
        known.append((low, high, error))
        lines.append(lines_of(layer, low, high, error))
        sizes.append(tf.reduce_max(size))
        centre, radius = rectified(layer, centre, radius)
    linear = rows_bound(layers, lines, pixels, rows, steps)
    return tf.maximum(linear, last_bound(layer, error, before, rows)), tf.stack(sizes), known


def lines_of(layer, low, high, error):
    """The lines about the activation of z = A a + c + η, (lines, images, 1 + units), zero first.

    λ · activation is at least λ' A a + constant. For λ >= 0 λ' is λ times the first line, which may
    be replaced, and the constant λ' times the third; for λ <= 0 λ' is λ times the second, and the
    constant λ times the fourth. Of a layer without an activation only the constants are given.
    """
    low, high, error = map(flat, (low, high, error))
    offset = tf.reshape(layer.offset, [-1])
    if not layer.bent:
        lines = offset - error, offset + error
    elif layer.pool > 1:
        lines = pool_lines(layer, low, high, offset, error)
    else:
        on, off = low >= 0, high <= 0
        one, slope, zero = (tf.constant(each, tf.float64) for each in (1, layer.slope, 0))
        chord = (high - slope * low) / tf.where(on | off, one, high - low)  # over low to high
        above = tf.where(on, one, tf.where(off, slope, chord))
        below = tf.where(on | (~off & (high > -low)), one, slope)
        lift = tf.where(on | off, zero, low * (slope - chord))
        lines = below, above, offset - error, above * (offset + error) + lift
    return tf.pad(tf.stack(lines), [[0, 0], [0, 0], [1, 0]])


def pool_lines(layer, low, high, offset, error):
    """The same about the largest of `pool` z. Below it is the z whose least value is the largest.

    Above it is, for the z that may be the largest of all, the chord of max(z, m) from its least to
    its largest value, where m is the largest value of the others.
    """
    low, high = (tf.reshape(each, (each.shape[0], -1, layer.pool)) for each in (low, high))
    below, top = (tf.one_hot(tf.argmax(z, 2), layer.pool, dtype=tf.float64) for z in (low, high))
    least, most = (tf.reduce_sum(top * each, 2, keepdims=True) for each in (low, high))
    others = tf.reduce_max(tf.where(top > 0, low, high), 2, keepdims=True)  # or least, if above m
    chord = tf.math.divide_no_nan(most - others, most - least)
    below, above, lift = map(flat, (below, top * chord, top * (others - chord * least)))
    return below, above, offset - error, above * (offset + error) + lift


class Patch(NamedTuple):
    """What each position of a grid sees of a layer: `sides` from first + stride · position on."""

    grid: tuple
    stride: np.ndarray
    first: np.ndarray
    sides: np.ndarray


def earlier(patch, layer):
    """What the same positions see of the layer's inputs."""
    sides, strides, margins = map(np.array, layer.window)
    first, size = patch.first * strides - margins, (patch.sides - 1) * strides + sides
    return Patch(patch.grid, patch.stride * strides, first, size)


def places(patch, shape):
    """Which units of a layer the positions see, (positions, seen): from 1, and 0 beside it."""
    units = 1 + np.arange(np.prod(shape)).reshape(shape)
    framed = np.pad(units, ((1, 1), (1, 1), (0, 0)))  # whatever is beside the layer is in the frame
    rows, columns = (
        1 + np.clip((first + stride * np.arange(grid))[:, np.newaxis] + np.arange(side), -1, size)
        for grid, stride, first, side, size in zip(*patch, shape)
    )
    found = framed[rows[:, np.newaxis, :, np.newaxis], columns[:, np.newaxis]]
    return found.reshape(-1, found[0, 0].size).astype(np.int32)


def inverse(places, units):
    """Where each unit of a layer is among those seen, (positions, units): from 1, 0 if nowhere."""
    found = np.zeros((len(places), 1 + units), np.int32)
    np.put_along_axis(found, places, np.arange(1, 1 + places.shape[1])[np.newaxis], axis=1)
    return found[:, 1:]


class Passage(NamedTuple):
    """How λ passes one layer backwards; numbers are those of the Route's tables.

    inverse: of the table by which a patch becomes a whole image first; seen: of the table of the
    units that are seen; None for all. shape: of the outputs that λ belongs to.
    """

    inverse: int | None
    seen: int | None
    shape: tuple


class Route(NamedTuple):
    """How the bounds of a layer's units pass the layers before it.

    widest: the most coefficients of one λ.
    pixels: the table of the pixels that are seen.
    """

    widest: int
    passages: list
    pixels: int | None
    tables: list


def route(layers):
    """The Route of the last of `layers`, from its inputs on."""
    last, passages, tables = layers[-1], [], []
    patch, shape = None, last.inputs
    if last.window:
        ones = np.ones(2, int)
        patch = earlier(Patch(last.outputs[:2], ones, 0 * ones, ones), last)

    def table(values):
        tables.append(values)
        return len(tables) - 1

    def sides(whole):
        return tuple(map(int, (*patch.sides, whole[-1]) if patch else whole))

    for layer in reversed(layers[:-1]):
        back = seen = None
        if patch and (layer.gives != shape or not layer.window):
            back, patch = table(inverse(places(patch, shape), int(np.prod(shape)))), None
        if patch:
            seen = table(places(patch, layer.outputs))
        passages.append(Passage(back, seen, sides(layer.outputs)))
        patch, shape = patch and earlier(patch, layer), layer.inputs
    widest = max(int(np.prod(each)) for each in [sides(shape), *(back.shape for back in passages)])
    return Route(widest, passages, table(places(patch, shape)) if patch else None, tables)


def unit_bounds(layers, lines, error, pixels, steps):
    """The least and largest z of each unit of the last of `layers`, (images, *outputs) both."""
    last, way, images = layers[-1], route(layers), error.shape[0]
    outputs = (1, 1, last.outputs[-1]) if last.window else last.outputs
    units = int(np.prod(outputs))  # of one position, each with a row of its own
    with tf.init_scope():  # the same for all positions and images
        own = tf.reshape(tf.eye(units, dtype=tf.float64), (1, units, *outputs))
        own = tf.reshape(last.transposed(own, patch=True), (units, -1))
        # Rows at once, of both signs; their gradients keep some of each on the way.
        most = COEFFICIENTS // ((8 if steps else 2) * images * way.widest)
        own = in_pieces(own, most)
        tables = [in_pieces(tf.constant(each), most // own.shape[1]) for each in way.tables]

    def bounds_of(pieces):
        rows = tf.concat([pieces[0], -pieces[0]], 0)[tf.newaxis, tf.newaxis]
        return one_by_one(
            lambda tables: optimised(layers[:-1], lines, rows, way, tables, pixels, steps), tables
        )

    # Pieces of the rows, of the positions, images, positions and rows of a piece.
    found = one_by_one(bounds_of, [own])
    found = tf.reshape(found, (*found.shape[:4], 2, -1))
    found = tf.transpose(found, (4, 2, 1, 3, 0, 5))
    found = tf.reshape(found, (2, images, found.shape[2] * found.shape[3], -1))
    positions = int(np.prod(last.outputs)) // units
    found = tf.reshape(found[:, :, :positions, :units], (2, images, *last.outputs))
    least, negative = tf.unstack(found)
    return least + last.offset - error, last.offset + error - negative


def in_pieces(each, most):
    """Parts of the first axis, `most` elements or fewer, filled up with zeros: (parts, ...)."""
    elements = each.shape[0]
    count = -(-elements // max(1, most))
    per = -(-elements // count)
    each = tf.pad(each, [[0, count * per - elements], *([[0, 0]] * (len(each.shape) - 1))])
    return tf.reshape(each, (count, per, *each.shape[1:]))


def backward(layers, lines, rows, way, tables, pixels, slopes=None):
    """A lower bound of λ·a for the outputs a of the last of `layers`, (images, positions, rows).

    Arguments:
        lines: of each layer, lines_of; way: a Route, with its tables.
        rows: λ, (images, positions, rows, seen); images and positions may be 1, for all.
        pixels: centre and radius, (images, *shape).
        slopes: of the lower lines of each bent layer, the last one first, (images, positions, rows,
            seen); those of `lines` if None.
    """
    bound, slopes = 0.0, slopes and iter(slopes)
    for layer, line, back in zip(reversed(layers), reversed(lines), way.passages):
        if back.inverse is not None:
            table = tables[back.inverse]
            rows = tf.broadcast_to(rows, (rows.shape[0], table.shape[0], *rows.shape[2:]))
            table = tf.broadcast_to(table, (rows.shape[0], *table.shape))
            rows = tf.pad(rows, [[0, 0], [0, 0], [0, 0], [1, 0]])
            rows = tf.gather(rows, table, axis=3, batch_dims=2)
        if layer.pool > 1:
            rows = tf.repeat(rows, layer.pool, axis=3)
        positive = tf.nn.relu(rows)
        negative = rows - positive
        *bent, low, high = seen(line, back.seen, tables)
        if bent:
            below, above = (each[:, :, tf.newaxis] for each in bent)
            positive *= next(slopes) if slopes and layer.slope != 1 else below
            rows = positive + negative * above
        elif back.seen is not None:  # beside the image there is no unit, and λ ends
            rows *= tf.cast(tables[back.seen] > 0, tf.float64)[tf.newaxis, :, tf.newaxis]
        bound += dot(positive, low) + dot(negative, high)
        images, *count = rows.shape[:3]
        rows = tf.reshape(rows, (images, count[0] * count[1], *back.shape))
        rows = layer.transposed(rows, patch=back.seen is not None)
        rows = tf.reshape(rows, (images, *count, -1))
    box = tf.stack([*map(flat, pixels)])
    box = tf.pad(box, [[0, 0], [0, 0], [1, 0]])
    centre, radius = seen(box, way.pixels, tables)
    return bound + dot(rows, centre) - dot(abs(rows), radius)


def optimised(layers, lines, rows, way, tables, pixels, steps):
    """The largest of some lower bounds: that of `backward`, and those with other lower lines.

    Any slope between that of the activation and 1 is a lower line of a unit that may switch. Each
    row has slopes of its own, which ascend its bound, a concave function of them (Xu et al.,
    arXiv:2011.13824), by AdaGrad within these limits. Shapes and arguments as there.
    """
    best = backward(layers, lines, rows, way, tables, pixels)
    if not steps:
        return best
    starts, least, most = [], [], []
    for layer, line, back in zip(reversed(layers), reversed(lines), way.passages):
        if layer.slope != 1:
            below, above = (each[:, :, tf.newaxis] for each in seen(line, back.seen, tables)[:2])
            starts.append(tf.broadcast_to(below, (*best.shape, below.shape[3])))
            least.append(tf.where(below == above, below, tf.constant(layer.slope, tf.float64)))
            most.append(tf.where(below == above, below, tf.constant(1, tf.float64)))

    def move(step, best, slopes, squares):
        with tf.GradientTape() as tape:
            tape.watch(slopes)
            found = backward(layers, lines, rows, way, tables, pixels, slopes)
        gradients = tape.gradient(found, slopes)
        squares = [square + each**2 for square, each in zip(squares, gradients)]
        size = RATE * DECAY ** tf.cast(step, tf.float64)
        moves = (tf.math.divide_no_nan(*each) for each in zip(gradients, map(tf.sqrt, squares)))
        slopes = [
            tf.clip_by_value(slope + size * each, *ends)
            for slope, each, *ends in zip(slopes, moves, least, most)
        ]
        return step + 1, tf.maximum(best, found), slopes, squares

    first = 0, best, starts, [tf.zeros_like(each) for each in starts]
    return tf.while_loop(lambda step, *_: step <= steps, move, first)[1]


def flat(each):
    return tf.reshape(each, (each.shape[0], -1))


def seen(lines, table, tables):
    """The lines of the units that the positions see, (images, positions or 1, seen) each."""
    if table is None:
        return tf.unstack(lines[:, :, tf.newaxis, 1:])
    return tf.unstack(tf.gather(lines, tables[table], axis=2))


def dot(rows, values):
    """Σ over the units of (images, positions, rows, units) · (images, positions, units).

    Images and positions of both may be 1, for all.
    """
    if values.shape[1] != 1:
        return tf.linalg.matvec(rows, values)
    images, *count = rows.shape[:3]
    rows = tf.reshape(rows, (images, count[0] * count[1], -1))
    return tf.reshape(tf.linalg.matvec(rows, values[:, 0]), (-1, *count))


def milp(network, x, y, epsilon, clip=True, nodes=2_000, seconds=600):
    """The least y·logit itself, by mixed-integer programming (Tjeng et al., arXiv:1711.07356).

    Arguments: as for `interval`, with one image; nodes, seconds: the solver's limits. The first is
    far enough below the second that a result does not depend on the machine.

    Returns a lower bound, and the image at which it is attained, or None if the solver has found
    none within its limits. The bound is below what the solver proves by what its tolerances and the
    rounding of float32 may change, and it is not taken from the solver if the network's value at
    the image contradicts it. Every unit that may switch costs a binary variable and every layer a
    dense matrix: for networks of a few hundred units.
    """
    if network.logits != 1:
        raise ValueError(f"milp needs a model with one logit; this one gives {network.logits}")
    y, epsilon = checked(network, x, y, epsilon)
    if len(y) != 1:
        raise ValueError(f"x must be one image; it has {len(y)}")
    centre, radius = box(network, x, epsilon, clip)
    rows = tf.constant(margins(y, 1))
    ((bound,),), sizes, known = linear_bound(network.affine, centre, radius, rows, refine=True)
    check_sizes(network, sizes[tf.newaxis])
    program = Program(np.ravel(centre), np.ravel(radius))
    for layer, (low, high, error) in zip(network.affine, known):
        program.add(layer, *map(np.ravel, (low, high, error)))
    solved, moves = program.least(rows[0, 0].numpy(), nodes, seconds)
    if moves is None:
        return float(max(bound, solved)), None
    image = np.reshape(centre + np.reshape(moves, centre.shape) * radius, np.shape(x))
    image = np.clip(image, np.asarray(x, float) - epsilon, np.asarray(x, float) + epsilon)
    image = image.astype(np.float32).reshape(1, *network.shape)
    point = tf.constant(image, tf.float64)
    ((negative,),), _ = interval_bound(network.affine, point, 0 * point, -rows)
    # The value at the image is at most -negative.
    return float(max(bound, solved) if solved <= -negative else bound), image


class Program:
    """A network as constraints of a mixed-integer program, layer by layer.

    The variables are the moves of the pixels, -1 to 1 from low to high, and for each unit of a
    bent layer its activation, in units of the largest |z| that is proved, and whether it is on.
    So all of them are about 1, as the solver's absolute tolerances want it. Each constraint is
    loosened by the rounding of float32 and by those tolerances: the program has a solution for
    whatever the network computes, also if the solver takes constraints that much amiss.
    """

    def __init__(self, centre, radius):
        self.variables = []  # the least, the largest value, and whether it is whole
        self.constraints = []  # a matrix of all variables so far, the least and largest product
        self.extend(-np.ones(len(radius)), np.ones(len(radius)), 0)
        # What a layer gives is matrix times the variables from `start` on, plus offset, ± error.
        self.start, self.matrix, self.offset, self.error = 0, np.diag(radius), centre, 0 * centre

    @property
    def count(self):
        return sum(len(least) for least, *_ in self.variables)

    def extend(self, least, most, whole):
        self.variables.append((least, most, np.full(len(least), whole)))

    def add(self, layer, low, high, error):
        """The next layer; low, high, error: of its z, as vectors."""
        if layer.pool > 1:
            chain.refuse(layer, "milp has none for MaxPooling2D; crown has")
        units = len(low)
        eye = tf.reshape(tf.eye(units, dtype=tf.float64), (units, *layer.outputs))
        own = np.reshape(layer.transposed(eye), (units, -1))
        self.matrix, self.offset = own @ self.matrix, own @ self.offset + np.ravel(layer.offset)
        self.error = abs(own) @ self.error + error
        if layer.slope == 1:
            return
        scale = np.maximum(abs(low), abs(high))
        scale[scale == 0] = 1
        low, high, slope = low / scale, high / scale, layer.slope
        on, off = low >= 0, high <= 0
        free, infinite = ~on & ~off, np.full(units, np.inf)
        matrix, slack = self.matrix / scale[:, np.newaxis], self.error / scale + 2 * MILP_TOLERANCE
        below, above = self.offset / scale - slack, self.offset / scale + slack
        rise, fall = (1 - slope) * high * free, (1 - slope) * low * free
        # a = max(z, slope z): a >= z; a >= slope z; a <= z - (1 - slope) low (1 - switch);
        # a <= slope z + (1 - slope) high switch; the switch is 0 or 1.
        for steep, switch, bottom, top in (
            (1, 0 * low, below, np.where(on, above, np.inf)),
            (slope, 0 * low, slope * below, np.where(off, slope * above, np.inf)),
            (1, -fall, -infinite, np.where(free, above - fall, np.inf)),
            (slope, -rise, -infinite, np.where(free, slope * above, np.inf)),
        ):
            part = np.zeros((units, self.count + 2 * units))
            part[:, self.start : self.start + matrix.shape[1]] = -steep * matrix
            part[:, self.count : self.count + units] = np.eye(units)
            part[:, self.count + units :] = np.diag(switch)
            self.constraints.append((part, bottom, top))
        self.start = self.count
        self.extend(np.maximum(low, slope * low), np.maximum(high, slope * high), 0)
        self.extend(np.zeros(units), free.astype(float), 1)
        self.matrix, self.offset, self.error = np.diag(scale), np.zeros(units), np.zeros(units)

    def least(self, row, nodes, seconds):
        """A lower bound of row · logits, and the moves of the pixels at the least one found."""
        least, most, whole = map(np.concatenate, zip(*self.variables))
        goal = np.zeros(self.count)
        goal[self.start : self.start + self.matrix.shape[1]] = row @ self.matrix
        size = np.max(abs(goal)) or 1.0
        constraints = [
            optimize.LinearConstraint(
                sparse.csr_array(np.pad(part, ((0, 0), (0, self.count - part.shape[1])))), *sides
            )
            for part, *sides in self.constraints
        ]
        found = optimize.milp(
            goal / size,
            integrality=whole,
            bounds=optimize.Bounds(least, most),
            constraints=constraints,
            options=dict(node_limit=nodes, time_limit=seconds, mip_rel_gap=0),
        )
        pixels = len(self.variables[0][0])
        moves = None if found.x is None else np.clip(found.x[:pixels], -1, 1)
        if found.mip_dual_bound is None or not np.isfinite(found.mip_dual_bound):
            return -np.inf, moves
        costs = COST_TOLERANCE * size * np.sum(most - least)
        rounding = abs(row) @ self.error
        return found.mip_dual_bound * size + row @ self.offset - costs - rounding, moves
