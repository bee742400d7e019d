"""Attacks on binary classifiers with labels -1/+1 and one logit per image.

For a linear model ŷ = w·x + b the strongest attack in a ball ‖δ‖ ≤ ε is known exactly, and is given
here in NumPy: the attacked images, their logits, and the whole curve of accuracy against ε. So is
the strongest attack that changes a few pixels only. For any other Keras model, FGSM and PGD give a
strong attack, not necessarily the strongest.

With clip=True the attacked pixels stay in [0, 1], and everything is still exact. Pixel i can then
move by its room, x_i or 1 - x_i, in the direction that harms, and how far it moves is, with s the
one number for which the ball is used up,

    min(room_i, ε) for norm=inf,    min(room_i, s |w_i|) for norm=2,

and for norm=1 the pixels with the largest |w_i| move by all their room, until Σ |δ_i| is ε.

Shapes everywhere: x (batch, 28, 28, 1) or (batch, pixels), values in [0, 1]; y (batch,) in
{-1, +1}; weights (pixels,); bias a scalar; epsilon in pixel units. Every public function validates
its arguments and raises a ValueError that names the argument and the value; no input is modified.

Sources: the worst case and the dual norm are the post's "Towards Robust Binary Classification";
FGSM is Goodfellow, Shlens, Szegedy, arXiv:1412.6572; PGD is Madry et al., arXiv:1706.06083.
"""

import sys
import warnings

import numpy as np

ROWS = 512  # images at a time, so that their pixels stay in the processor's cache
FEWEST_TO_JUDGE = 10  # images, before outputs within [0, 1] are taken for probabilities


def check_images(x):
    """Return x as (batch, pixels) after checking that it is float and within [0, 1]."""
    x = np.asarray(x)
    if x.ndim < 2 or x.dtype.kind != "f":
        cure = "; divide it by 255" if x.dtype == np.uint8 else ""
        wanted = "float, (batch, 28, 28, 1) or (batch, pixels)"
        raise ValueError(f"x must be {wanted}; it is {x.dtype}, {x.shape}{cure}")
    if x.size and not (x.min() >= 0 and x.max() <= 1):  # NaN fails both comparisons
        raise ValueError(f"x must be in [0, 1]; it has values from {x.min()} to {x.max()}")
    return x.reshape(len(x), int(np.prod(x.shape[1:])))


def check_labels(y, batch):
    """Return y as (batch,) float after checking that its values are -1 or +1.

    (batch, 1) is refused: it would broadcast.
    """
    y = np.asarray(y)
    if y.shape != (batch,) or y.dtype.kind not in "fiu":
        raise ValueError(
            f"y must be numbers of shape ({batch},), one label for each image; "
            f"it is {y.dtype}, {y.shape}"
        )
    wrong = y[(y != 1) & (y != -1)]
    if wrong.size:
        raise ValueError(f"y must be -1 or +1; it has {wrong[0]}")
    return y if y.dtype.kind == "f" else y.astype(float)


def check_epsilon(epsilon, name="epsilon", one=False):
    """Return epsilon as floats, or as one, after checking that it is finite and not negative."""
    epsilon = np.asarray(epsilon)
    if one and epsilon.ndim:
        raise ValueError(f"{name} must be one number; it has shape {epsilon.shape}")
    if epsilon.dtype.kind not in "fiu":
        raise ValueError(f"{name} must be a number, or an array of them; it is {epsilon}")
    epsilon = epsilon.astype(float)
    if not np.all((epsilon >= 0) & (epsilon < np.inf)):
        raise ValueError(f"{name} must be finite and not negative; it is {epsilon}")
    return epsilon


def check_linear(weights, bias, pixels):
    """Return weights (pixels,) and bias () after checking that they and their logits are finite."""
    weights, bias = np.asarray(weights), np.asarray(bias)
    if weights.dtype.kind not in "fiu" or bias.dtype.kind not in "fiu":
        raise ValueError(
            f"weights and bias must be numbers; they are {weights.dtype} and {bias.dtype}"
        )
    if weights.shape != (pixels,) or bias.shape != ():
        raise ValueError(
            f"weights and bias must have shapes ({pixels},) and (); "
            f"they have {weights.shape} and {bias.shape}"
        )
    if not (np.all(np.isfinite(weights)) and np.isfinite(bias)):
        raise ValueError(f"weights and bias must be finite; they are {weights} and {bias}")
    with np.errstate(over="ignore"):
        largest_logit = np.abs(weights).sum() + np.abs(bias)  # of any image: pixels are in [0, 1]
        if not np.isfinite(4 * largest_logit):
            raise ValueError(
                f"weights and bias are too large: their logits may overflow {weights.dtype}"
            )
    return weights, bias


def check_counts(counts, name="counts"):
    """Return numbers of pixels as an array of integers after checking that none is negative."""
    counts = np.asarray(counts)
    if counts.dtype.kind not in "iu" or np.any(counts < 0):
        raise ValueError(f"{name} must be whole numbers, not negative; it is {counts}")
    return counts


def linear_logits(weights, bias, x):
    """ŷ = w·x + b, shape (batch,)."""
    x = check_images(x)
    weights, bias = check_linear(weights, bias, x.shape[1])
    logits = _product(x, weights) + bias
    if not np.all(np.isfinite(logits)):
        raise ValueError("the logits are not finite; weights or bias are too large")
    return logits


def _product(left, right):
    """left @ right of checked arrays, without OpenBLAS' false warning of 0 times finite numbers."""
    with np.errstate(invalid="ignore"):  # numpy/numpy#24067
        return left @ right


def robust_margins(margins, weights, epsilon, norm=np.inf):
    """The margin under attack, y ŷ - ε‖w‖_dual, from margins y ŷ: (batch,) both."""
    return margins - epsilon * dual_norm(weights, norm)


def dual_norm(weights, norm=np.inf):
    """The largest change of the logit by a perturbation of norm 1: max of w·δ over ‖δ‖ ≤ 1.

    ‖w‖₁ for norm=inf (the post), ‖w‖₂ for norm=2, ‖w‖∞ for norm=1.
    """
    duals = {np.inf: 1, 2: 2, 1: np.inf}
    if norm not in duals:
        raise ValueError(f"norm must be np.inf, 2 or 1; it is {norm!r}")
    weights = np.asarray(weights)
    if weights.ndim != 1 or not np.all(np.isfinite(weights)):
        raise ValueError(f"weights must be finite, of shape (pixels,); they are {weights}")
    largest = np.max(np.abs(weights), initial=0)
    if norm == 2 and largest > 0:  # scaled first: squares overflow long before the values do
        return largest * np.linalg.norm(weights / largest)
    return np.linalg.norm(weights, duals[norm])


def worst_direction(weights, norm=np.inf):
    """The δ with ‖δ‖ ≤ 1 that raises the logit the most, shape (pixels,): w·δ = dual_norm(w).

    sign(w) for norm=inf, w/‖w‖₂ for norm=2, only the pixel with the largest |weight| for norm=1;
    zero for w = 0.
    """
    weights = np.asarray(weights)
    largest = dual_norm(weights, 1)
    dual_norm(weights, norm)  # checks the norm
    if norm == np.inf or largest == 0:
        return np.sign(weights)
    if norm == 2:
        return weights / largest / dual_norm(weights / largest, 2)
    return np.sign(weights) * (np.arange(weights.size) == np.argmax(np.abs(weights)))


def attack_linear(weights, x, y, epsilon, norm=np.inf, clip=False):
    """The exact worst case x - y ε δ*(w), in the shape and type of x; with clip, within [0, 1]."""
    flat = check_images(x)
    weights, _ = check_linear(weights, 0.0, flat.shape[1])
    y, epsilon = check_labels(y, len(flat)), check_epsilon(epsilon, one=True)
    if clip:
        change = np.outer(y, np.sign(weights)) * _box_moves(weights, flat, y, epsilon, norm)
    else:
        change = np.outer(y * epsilon, worst_direction(weights, norm))
    return (flat - change.astype(flat.dtype)).reshape(np.shape(x))


def attacked_logits(weights, bias, x, y, epsilon, norm=np.inf, clip=False):
    """The logits of the worst case, shape (batch,): ŷ - y ε ‖w‖_dual, or with clipped pixels.

    epsilon may be one number, or one for each image.
    """
    logits = linear_logits(weights, bias, x)
    y, epsilon = check_labels(y, len(logits)), check_epsilon(epsilon)
    if epsilon.shape not in [(), logits.shape]:
        raise ValueError(
            f"epsilon must be one number, or one for each image, {logits.shape}; "
            f"it has shape {epsilon.shape}"
        )
    if not clip:
        return logits - y * epsilon * dual_norm(weights, norm)
    moves = _box_moves(np.asarray(weights), check_images(x), y, epsilon, norm)
    return logits - y * _product(moves, np.abs(weights))


def signed_radius(weights, bias, x, y, norm=np.inf, clip=False):
    """The ε at which the worst case reaches the decision boundary: y ŷ / ‖w‖_dual, shape (batch,).

    Negative if the image is misclassified without an attack; infinite if no attack reaches the
    boundary: where w = 0, or, with clip, where the box does not.
    """
    logits = linear_logits(weights, bias, x)
    y, size = check_labels(y, len(logits)), dual_norm(weights, norm)
    if clip:
        radii = _box_radii(np.asarray(weights), check_images(x), logits, norm)
        return y * np.sign(logits) * radii
    margins = y * logits
    if size == 0:  # a logit of exactly zero counts as a mistake, so its radius is 0
        return np.where(margins == 0, 0.0, np.copysign(np.inf, margins))
    with np.errstate(over="ignore"):  # a radius too large for the dtype becomes infinite
        return margins / size


def certified_radius(weights, bias, x, norm=np.inf, clip=False):
    """The ε up to which no perturbation changes the prediction: |ŷ| / ‖w‖_dual, shape (batch,).

    The prediction may be right or wrong.
    """
    return np.abs(signed_radius(weights, bias, x, np.ones(len(x), np.asarray(x).dtype), norm, clip))


def robust_accuracy(weights, bias, x, y, epsilons, norm=np.inf, clip=False):
    """The share of images still classified correctly under the worst case; shape of epsilons.

    Accuracy(ε) is the share of images whose signed radius is above ε, its survival function: any
    number of ε costs the radii and a sort.
    """
    return _survival(signed_radius(weights, bias, x, y, norm, clip), check_epsilon(epsilons))


def fewest_pixels(weights, bias, x, y):
    """The least number of pixels, each anywhere in [0, 1], that makes a prediction wrong: (batch,).

    0 if it is wrong already; pixels + 1 if all of them together cannot. Pixel i takes at most
    |w_i| room_i from the margin, so those with the largest of these products are taken first.
    """
    margins = linear_logits(weights, bias, x)
    y = check_labels(y, len(margins))
    margins, flat = y * margins, check_images(x)
    gains = -np.sort(-_gains(np.asarray(weights), flat, y), axis=1)
    short = np.sum(np.cumsum(gains, axis=1) < margins[:, np.newaxis], axis=1)
    return np.where(margins > 0, short + 1, 0)


def pixels_accuracy(weights, bias, x, y, counts):
    """The share of images still classified correctly when `counts` pixels of each may be changed.

    Each pixel may go anywhere in [0, 1]. Returns an array of the shape of counts.
    """
    return _survival(fewest_pixels(weights, bias, x, y), check_counts(counts))


def attack_pixels(weights, x, y, count):
    """The exact worst case of at most `count` changed pixels, in the shape and type of x.

    count: one number, or one for each image, (batch,), as fewest_pixels gives them.
    """
    flat = check_images(x)
    weights, _ = check_linear(weights, 0.0, flat.shape[1])
    y, count = check_labels(y, len(flat)), check_counts(count, "count")
    if count.shape not in [(), y.shape]:
        raise ValueError(
            f"count must be one number, or one for each image, {y.shape}; it has {count.shape}"
        )
    gains = _gains(weights, flat, y)
    rank = np.argsort(np.argsort(-gains, axis=1, kind="stable"), axis=1)
    changed = (rank < count[..., np.newaxis]) & (gains > 0)
    worst = np.outer(y, weights) < 0  # the wrong end of a pixel's range
    return np.where(changed, worst, flat).astype(flat.dtype).reshape(np.shape(x))


def transfer_accuracy(source_weights, weights, bias, x, y, epsilons):
    """Accuracy of a model under the worst-case ℓ∞ attack on another one, unclipped.

    Every image's margin loses ε Σ w_j sign(w'_j). Returns an array of the shape of epsilons.

    Arguments:
        source_weights: w', (pixels,), of the model that the attacker has.
        weights, bias: of the model under attack.
    """
    epsilons, logits = check_epsilon(epsilons), linear_logits(weights, bias, x)
    margins = check_labels(y, len(logits)) * logits
    source_weights, _ = check_linear(source_weights, 0.0, np.size(weights))
    reach = epsilons * _product(np.asarray(weights), worst_direction(source_weights))
    return _survival(margins, reach)


def _survival(values, levels):
    """The share of values (batch,) that are above each of the levels; shape of levels."""
    above = len(values) - np.searchsorted(np.sort(values), levels, side="right")
    return above / max(len(values), 1)


def _room(weights, x, y):
    """How far each pixel can move in [0, 1] in the direction that harms: x or 1 - x.

    A pixel falls to 0 where y w > 0 and rises to 1 elsewhere. y may be one number for all images.
    """
    return np.abs(x - (np.multiply.outer(y, weights) < 0))


def _gains(weights, x, y):
    """What each pixel can take from the margin y ŷ, |w_i| room_i, in float64."""
    return _room(weights, x, y) * np.abs(weights).astype(float)


def _level(limits, rates, target):
    """The least t with Σ_i rates_i min(limits_i, t) >= target, (batch,); infinite if there is none.

    limits: (batch, k) >= 0; rates: (k,) >= 0; target: (batch,) >= 0. Newton's method on a concave,
    piecewise linear function: from the left it never oversteps, and ends after a few passes.
    """
    level = np.full(len(target), np.inf, np.result_type(limits, rates))
    rows, t = np.arange(len(target)), np.zeros_like(level)
    while len(rows):
        reached = _product(np.minimum(limits, t[:, np.newaxis]), rates)
        slope = _product((limits > t[:, np.newaxis]).astype(rates.dtype), rates)
        rising = slope > 0
        step = np.divide(target - reached, slope, out=np.zeros_like(t), where=rising)
        going = t + step > t
        ended = ~going & (rising | (reached >= target))
        level[rows[ended]] = t[ended]
        rows, t, target, limits = rows[going], (t + step)[going], target[going], limits[going]
    return level


def _scaled(weights):
    """|w| over a power of two that brings the largest into [1/2, 1), the power, and where |w| > 0.

    Squares of large or small weights would leave the range of their type.
    """
    power = 2.0 ** int(np.frexp(dual_norm(weights, 1))[1])
    size = np.abs(weights) / power
    used = np.flatnonzero(size)
    return size[used], power, used


def _largest_first(size, room):
    """By descending |w|: the order of the pixels, their room, and how much is spent with each."""
    order = np.argsort(-size, kind="stable")
    room = room[:, order]
    return order, room, np.cumsum(room, axis=1)


def _box_moves(weights, x, y, epsilon, norm):
    """How far the worst case moves each pixel within [0, 1], (batch, pixels); epsilon per image."""
    dual_norm(weights, norm)  # checks the norm
    size, _, used = _scaled(weights)
    moves, room = np.zeros(x.shape, np.result_type(x, size)), _room(weights[used], x[:, used], y)
    epsilon = np.full((len(x), 1), np.reshape(epsilon, (-1, 1)), moves.dtype)
    if norm == np.inf:
        moves[:, used] = np.minimum(room, epsilon)
    elif norm == 2:
        with np.errstate(over="ignore"):  # Σ min(room, s |w|)² = ε² is piecewise linear in s²
            squares = _level((room / size) ** 2, size**2, epsilon[:, 0] ** 2)
        moves[:, used] = np.minimum(room, np.sqrt(squares)[:, np.newaxis] * size)
    else:
        order, room, spent = _largest_first(size, room)
        moves[:, used[order]] = np.clip(epsilon - (spent - room), 0, room)
    return moves


def _box_radii(weights, x, logits, norm):
    """The size of the least change within [0, 1] that brings ŷ to zero, (batch,)."""
    size, power, used = _scaled(weights)
    weights, x, target = weights[used], x[:, used], np.abs(logits) / power
    radii = np.where(target > 0, np.inf, 0.0).astype(target.dtype)
    for side in (1, -1):  # the sign of ŷ: against it the pixels move
        chosen = np.flatnonzero(logits * side > 0)
        for rows in np.split(chosen, range(ROWS, len(chosen), ROWS)):
            room = _room(weights, x[rows], side)
            if norm == np.inf:
                radii[rows] = _level(room, size, target[rows])
            elif norm == 2:
                with np.errstate(over="ignore"):
                    multiple = _level(room / size, size**2, target[rows])[:, np.newaxis]
                radius = np.linalg.norm(np.minimum(room, multiple * size), axis=1)
                radii[rows] = np.where(np.isfinite(multiple[:, 0]), radius, np.inf)
            elif len(used):
                order, room, spent = _largest_first(size, room)
                gained = np.cumsum(room * size[order], axis=1)
                last = np.argmax(gained >= target[rows, np.newaxis], axis=1)[:, np.newaxis]
                gain = np.take_along_axis(gained, last, 1)[:, 0]
                excess = (gain - target[rows]) / size[order][last[:, 0]]
                radius = np.take_along_axis(spent, last, 1)[:, 0] - excess
                radii[rows] = np.where(gain >= target[rows], radius, np.inf)
    return radii


def margin_loss(targets, logits):
    """-y ŷ, one value per image: the hinge without its flat part, which gives no gradient."""
    return -targets * logits


def fgsm(model, x, y, epsilon, loss_fn=margin_loss, clip=True, batch_size=200):
    """One step of size ε along the sign of the gradient: x + ε sign(∂L/∂x) (arXiv:1412.6572).

    Arguments:
        model: a Keras model from (batch, 28, 28, 1) to one logit per image, (batch, 1) or (batch,),
            in any floating type; on Keras' TensorFlow backend.
        x: (batch, 28, 28, 1) float in [0, 1]; y: (batch,) in {-1, +1}.
        epsilon: one number, in pixel units.
        loss_fn: (targets, logits), both (batch,), to one loss per image, (batch,). Where it is
            flat, as the hinge is beyond its margin, the image is left unchanged.
        clip: keep the attacked pixels in [0, 1].
        batch_size: images whose gradients are taken at a time; it bounds the memory.

    Returns the attacked images in the shape of x, float64 if x is and float32 otherwise. Warns,
    with their number, of images whose gradient is all zero, which stay as they are, and of outputs
    that look like probabilities. Raises ValueError if a gradient is NaN.
    """
    steps = dict(step_size=epsilon, steps=1, random_start=False)
    return pgd(model, x, y, epsilon, **steps, loss_fn=loss_fn, clip=clip, batch_size=batch_size)


def pgd(
    model,
    x,
    y,
    epsilon,
    step_size,
    steps,
    random_start=True,
    loss_fn=margin_loss,
    clip=True,
    seed=0,
    batch_size=200,
):
    """Projected gradient ascent on the loss within ‖δ‖∞ ≤ ε (arXiv:1706.06083, section 2.1).

    Arguments as for fgsm, and:
        step_size: the change of each pixel in one step, in pixel units; steps: how many.
        random_start: start from a uniform draw in the ball instead of the image.
        seed: of that draw, which is one for all images, whatever the batch_size.
    """
    check_count(steps, "steps", 0)
    check_count(batch_size, "batch_size", 1)
    flat, wanted = check_images(x), getattr(model, "input_shape", None)
    if isinstance(wanted, tuple) and len(wanted) == np.ndim(x) + 1:
        raise ValueError(
            f"x must be a batch of images, {wanted}; it is {np.shape(x)}: give x[np.newaxis]"
        )
    y = check_labels(y, len(flat))
    kind = np.float64 if flat.dtype.itemsize > 4 else np.float32  # of the pixels, not the model's
    epsilon = check_epsilon(epsilon, one=True)
    step_size = check_epsilon(step_size, "step_size", one=True).astype(kind)
    attacked = np.array(x, kind)
    low, high = attacked - epsilon.astype(kind), attacked + epsilon.astype(kind)
    if clip:
        low, high = np.maximum(low, 0), np.minimum(high, 1)
    if random_start:
        noise = np.random.default_rng(seed).uniform(-epsilon, epsilon, attacked.shape)
        attacked = np.clip(attacked + noise.astype(kind), low, high)
    logits, stuck = np.zeros(len(y)), np.zeros(len(y), bool)
    for start in range(0, len(y), batch_size):
        rows = slice(start, start + batch_size)
        for step in range(steps):
            slopes, found = _slopes_and_logits(model, loss_fn, attacked[rows], y[rows])
            slopes = slopes.numpy()
            if step == 0:
                logits[rows] = found
            # A flat place on the wrong side, reached by earlier steps, is where an attack may end.
            still = np.logical_or(step == 0, y[rows] * found > 0)
            stuck[rows] |= still & ~slopes.reshape(len(slopes), -1).any(axis=1)
            moved = attacked[rows] + step_size * np.sign(slopes).astype(kind)
            attacked[rows] = np.clip(moved, low[rows], high[rows])
    if steps:
        _warn_of_weak_attack(model, logits, y, stuck)
    return attacked


def check_count(number, name, least):
    """Raise ValueError unless `number` is a whole number of at least `least`."""
    whole = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
    if not whole or number < least:
        raise ValueError(f"{name} must be a whole number, at least {least}; it is {number!r}")


def _warn_of_weak_attack(model, logits, y, stuck):
    """Warn of what makes an attack look harmless: no gradient, or a sigmoid on top of the model."""
    if stuck.any():
        warnings.warn(
            f"the gradient is all zero for {stuck.sum()} of {len(y)} images, which the attack "
            "leaves where they are: a flat loss, a dead ReLU, or a saturated output",
            stacklevel=3,
        )
    last = (getattr(model, "layers", None) or [None])[-1]
    activation = getattr(getattr(last, "activation", None), "__name__", "")
    # The logits of a few images may well be within these limits; those of both classes rarely are.
    many = len(y) >= FEWEST_TO_JUDGE and np.unique(y).size == 2
    shares = many and logits.min() >= 0 and logits.max() <= 1
    saturated = many and np.abs(logits).max() == 1
    if activation in ("sigmoid", "hard_sigmoid", "softmax") or shares or saturated:
        warnings.warn(
            f"the outputs of model, from {logits.min():.3g} to {logits.max():.3g}, look like those "
            f"of {activation or 'an activation'}; give one logit, before the activation, whose "
            "sign is the class",
            stacklevel=3,
        )


def loss_gradient(model, loss_fn, x, y):
    """∂L/∂x of each image's own loss, in the shape of x; arguments as for fgsm.

    Raises ValueError if the model does not give one logit per image, the loss not one number, or if
    a gradient is NaN.
    """
    return _slopes_and_logits(model, loss_fn, x, y)[0]


def _slopes_and_logits(model, loss_fn, x, y):
    """The loss_gradient, and the logits, (batch,) as NumPy floats, that it was taken at."""
    keras = sys.modules.get("keras")  # whoever has a Keras model has imported it
    if keras is not None and keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"{_named(model)} is on Keras' backend {keras.backend.backend()}; its gradient is "
            "taken by TensorFlow: set KERAS_BACKEND=tensorflow before keras is imported"
        )
    import tensorflow as tf  # the linear attacks above do not need it

    # A Keras model casts x to the type of its own; any other function gets the most usual one.
    x = tf.convert_to_tensor(x, None if hasattr(model, "dtype_policy") else tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = _one_logit_per_image(model, x)
        y = tf.cast(y, logits.dtype)
        losses = loss_fn(y, logits)
    if not tf.is_tensor(losses) or losses.shape != y.shape:
        raise ValueError(
            f"loss_fn must give one loss per image, a tensor of {tuple(y.shape)}; it gives "
            + _described(losses)
        )
    # Each loss depends on its own image only: the gradient of their sum has every image's own.
    gradient = tape.gradient(losses, x)
    if gradient is None:
        raise ValueError(
            f"the loss of {_named(model)} has no gradient along x: model or loss_fn leaves "
            "TensorFlow, or rounds or compares, which has none"
        )
    wrong = np.flatnonzero(np.isnan(gradient).reshape(len(y), -1).any(axis=1))
    if wrong.size:
        raise ValueError(
            f"the gradient of {_named(model)} is NaN for {wrong.size} of {len(y)} images; model or "
            "loss_fn has no derivative there, as a root has none at 0: add a small constant"
        )
    return gradient, logits.numpy().astype(float)


def _one_logit_per_image(model, x):
    """The model's logits as a floating tensor (batch,). Raises ValueError, with what it gives."""
    import tensorflow as tf

    try:
        output = model(x)
    except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{_named(model)} does not take x, {tuple(x.shape)}: {reason}") from error
    shapes = (len(x),), (len(x), 1)
    if not tf.is_tensor(output) or output.shape not in shapes or not output.dtype.is_floating:
        raise ValueError(
            f"{_named(model)} must give one logit per image, a floating tensor of ({len(x)}, 1) or "
            f"({len(x)},); it gives {_described(output)}"
        )
    return tf.reshape(output, [-1])


def _named(model):
    return f"the model {getattr(model, 'name', type(model).__name__)}"


def _described(output):
    """What a model or a loss gave, without its numbers."""
    if isinstance(output, dict):
        return f"a dictionary of {', '.join(map(repr, output))}: take one of them"
    if hasattr(output, "shape"):
        kind = getattr(output.dtype, "name", output.dtype)
        return f"{type(output).__name__} of {kind}, {tuple(output.shape)}"
    return type(output).__name__
