"""Attacks on classifiers: exact for linear ones with labels -1/+1, searched for any Keras model.

For a linear model ŷ = w·x + b the worst perturbation ‖δ‖∞ ≤ ε is known exactly, and so is the whole
curve of accuracy against ε: in NumPy, below. With clip=True the attacked pixels stay in [0, 1], and
everything is still exact. For any other Keras model, of one logit or of K, FGSM and PGD give a
strong attack, not necessarily the strongest. Other balls, and attacks on few pixels, are in
beyond/threats/.

Shapes everywhere: x (batch, 28, 28, 1) or (batch, pixels), values in [0, 1]; y (batch,) in
{-1, +1}, or in {0, ..., K-1} for a model of K logits; weights (pixels,); bias a scalar; epsilon in
pixel units. Bad arguments raise a ValueError that names them; no input is modified.

Sources: the worst case is the post's "Towards Robust Binary Classification"; FGSM is Goodfellow,
Shlens, Szegedy, arXiv:1412.6572; PGD is Madry et al., arXiv:1706.06083.
"""

import warnings

import numpy as np

ROWS = 512  # images at a time, so that their pixels stay in the processor's cache
FEWEST_TO_JUDGE = 10  # images: fewer logits, or those of one class, may well be within [0, 1]


def checked(x, y, epsilon=0.0, weights=None, bias=0.0):
    """x as (batch, pixels), y and epsilon as floats, checked for what is silently wrong otherwise.

    y: -1 and +1, or None. Raises ValueError for pixels outside [0, 1], for other labels, and for an
    ε, weights or a bias that cannot be.
    """
    x, epsilon = np.asarray(x), np.asarray(epsilon, float)
    if x.dtype.kind != "f" or x.ndim < 2 or x.size and not (x.min() >= 0 and x.max() <= 1):
        found = f"{x.dtype} {x.shape}" + (f" from {x.min()} to {x.max()}" if x.size else "")
        advice = "if it is standardised, let a Normalization layer in the model do that"
        raise ValueError(f"x must be floats in [0, 1], (batch, 28, 28, 1); it is {found}; {advice}")
    y = y if y is None else checked_labels(y, x)
    if not np.all((epsilon >= 0) & (epsilon < np.inf)):
        raise ValueError(f"epsilon must be finite and not negative; it is {epsilon}")
    x = x.reshape(len(x), int(np.prod(x.shape[1:])))
    if weights is not None:
        shapes, needed = (np.shape(weights), np.shape(bias)), (x.shape[1:], ())
        if shapes != needed or not np.all(np.isfinite([*weights, bias])):
            found = f"of shapes {shapes}: {weights} and {bias}"
            raise ValueError(f"weights, bias must be finite, of shapes {needed}; they are {found}")
    return x, y, epsilon


def checked_labels(y, x, classes=1):
    """y, one for each of x, as floats -1 and +1 or, with K classes, as integers 0, ..., K-1."""
    y, known = np.asarray(y), (-1, 1) if classes == 1 else range(classes)
    if y.shape != x.shape[:1] or not np.all(np.isin(y, known)):  # another shape would broadcast
        needed = "-1 or +1" if classes == 1 else f"0 ... {classes - 1} for {classes} logits"
        found = f"{y.dtype} {y.shape} with {np.unique(y)[:3]}"
        raise ValueError(f"y must be {needed}, of shape ({len(x)},); it is {found}")
    return y.astype(np.result_type(y, x) if classes == 1 else int)


def linear_logits(weights, bias, x):
    """ŷ = w·x + b, shape (batch,)."""
    x, *_ = checked(x, None, 0.0, weights, bias)
    with np.errstate(invalid="ignore"):  # OpenBLAS warns of 0 times finite: numpy/numpy#24067
        return x @ np.asarray(weights) + bias


def robust_margins(margins, weights, epsilon):
    """The margin under attack, y ŷ - ε‖w‖₁, from margins y ŷ: (batch,) both."""
    return margins - epsilon * np.abs(weights).sum()


def attack_linear(weights, x, y, epsilon, clip=False):
    """The exact worst case x - y ε sign(w), in the shape and type of x; with clip, in [0, 1]."""
    flat, y, epsilon = checked(x, y, epsilon, weights)
    attacked = flat - np.multiply.outer(y * epsilon, np.sign(weights)).astype(flat.dtype)
    return (np.clip(attacked, 0, 1) if clip else attacked).reshape(np.shape(x))


def signed_radius(weights, bias, x, y, clip=False):
    """The ε at which the worst case reaches the decision boundary: y ŷ / ‖w‖₁, shape (batch,).

    Negative if the image is misclassified without an attack; infinite if no attack reaches the
    boundary: where w = 0, or, with clip, where the box does not.
    """
    flat, y, _ = checked(x, y)
    logits = linear_logits(weights, bias, x)
    if clip:
        return y * np.sign(logits) * box_radius(np.asarray(weights), flat, logits)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        return np.where(logits == 0, 0, y * logits / np.abs(weights).sum())  # zero is a mistake


def box_radius(weights, x, logits):
    """The least ε whose worst case within [0, 1] brings ŷ to zero, (batch,); x (batch, pixels).

    Pixel i moves by ε or, if that is less, by its room, x_i or 1 - x_i: the least ε with
    Σ |w_i| min(room_i, ε) >= |ŷ|. Newton's method on a concave, piecewise linear function: from the
    left it never oversteps, and ends after a few passes.
    """
    used = np.flatnonzero(weights)
    size, x, radii = np.abs(weights[used]), x[:, used], np.zeros_like(logits)
    for start in range(0, len(x), ROWS):
        rows = slice(start, start + ROWS)
        rises = np.multiply.outer(np.sign(logits[rows]), weights[used]) < 0
        room, target = np.abs(x[rows] - rises), np.abs(logits[rows])
        epsilon, before = radii[rows], None  # a view, filled step by step
        while before is None or np.any(epsilon > before):
            before, reach = epsilon.copy(), epsilon[:, np.newaxis]
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                missing = target - np.minimum(room, reach) @ size
                step = missing / ((room > reach).astype(size.dtype) @ size)
            epsilon += np.where(missing > 0, step, 0)
    return radii


def robust_accuracy(weights, bias, x, y, epsilons, clip=False):
    """The share of images still classified correctly under the worst case; shape of epsilons.

    It is the share with a signed radius above ε: any number of ε costs the radii and a sort.
    """
    epsilons, radii = checked(x, y, epsilons)[2], signed_radius(weights, bias, x, y, clip)
    above = len(radii) - np.searchsorted(np.sort(radii), epsilons, side="right")
    return above / max(len(radii), 1)


def margin_loss(targets, logits):
    """-y ŷ, one value per image: the hinge without its flat part, which gives no gradient.

    With logits z of shape (batch, K) and classes y: max_{k≠y} z_k - z_y.
    """
    if len(logits.shape) == len(targets.shape):
        return -targets * logits
    import tensorflow as tf

    own = tf.one_hot(targets, logits.shape[1], on_value=True, off_value=False)
    rival = tf.reduce_max(tf.where(own, tf.constant(-np.inf, logits.dtype), logits), axis=1)
    return rival - tf.reduce_sum(tf.where(own, logits, tf.zeros_like(logits)), axis=1)


def fgsm(model, x, y, epsilon, loss_fn=margin_loss, clip=True, batch_size=200, targeted=False):
    """One step of size ε along the sign of the gradient: x + ε sign(∂L/∂x) (arXiv:1412.6572).

    Arguments:
        model: a Keras model of any floating type, from x to logits, (batch, 1) or (batch, K).
        x: (batch, 28, 28, 1) float in [0, 1]; epsilon: one number.
        y: (batch,) in {-1, +1} for one logit, in {0, ..., K-1} for K of them.
        loss_fn: (targets, logits) to one loss per image, (batch,); targets are (batch,), logits
            (batch,) or (batch, K). Where it is flat, as the hinge is beyond its margin, the image
            is left unchanged.
        clip: keep the attacked pixels in [0, 1].
        batch_size: images whose gradients are taken at a time; it bounds the memory.
        targeted: y is the class that is wanted, and the loss is lowered.

    Returns the attacked images in the shape of x, float64 if x is and float32 otherwise. Warns of
    images whose gradient is all zero, and of outputs that look like probabilities.
    """
    args = epsilon, epsilon, 1, False, loss_fn, clip
    return pgd(model, x, y, *args, batch_size=batch_size, targeted=targeted)


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
    targeted=False,
):
    """Projected gradient ascent on the loss within ‖δ‖∞ ≤ ε (arXiv:1706.06083, section 2.1).

    Arguments as for fgsm, and:
        step_size: the change of each pixel in one step, in pixel units; steps: how many.
        random_start: start from a uniform draw in the ball instead of the image.
        seed: of that draw, which is one for all images, whatever the batch_size.
    """
    flat, _, sizes = checked(x, None, [epsilon, step_size])
    classes = logits_per_image(model, x)
    if targeted and classes == 1:
        raise ValueError("one logit has no class to choose: leave out targeted, or give y as -y")
    y = checked_labels(y, flat, classes)
    if sizes.shape != (2,) or steps < 0 or batch_size < 1:  # would attack in part, or not at all
        raise ValueError("epsilon and step_size must be one number, steps >= 0, batch_size >= 1")
    kind = np.float64 if np.asarray(x).dtype.itemsize > 4 else np.float32  # of the pixels
    attacked, (epsilon, step_size) = np.array(x, kind), sizes.astype(kind)
    low, high = attacked - epsilon, attacked + epsilon
    if clip:
        low, high = np.maximum(low, 0), np.minimum(high, 1)
    if random_start:
        noise = np.random.default_rng(seed).uniform(-sizes[0], sizes[0], attacked.shape)
        attacked = np.clip(attacked + noise.astype(kind), low, high)
    clean, stuck = np.zeros((len(y), classes)), np.zeros(len(y), bool)
    direction = -1 if targeted else 1
    for start in range(0, len(y), batch_size):
        rows = slice(start, start + batch_size)
        for step in range(steps):
            gradient, logits = loss_gradient(model, loss_fn, attacked[rows], y[rows])
            clean[rows] = clean[rows] if step else logits.reshape(-1, classes)
            # A flat place on the wanted side, reached by earlier steps, is where an attack may end.
            still = (step == 0) | (direction * np.asarray(margin_loss(y[rows], logits)) < 0)
            stuck[rows] |= still & ~gradient.reshape(len(logits), -1).any(axis=1)
            moved = attacked[rows] + direction * step_size * np.sign(gradient).astype(kind)
            attacked[rows] = np.clip(moved, low[rows], high[rows])
    if targeted and steps and len(y) and np.all(clean.argmax(axis=1) == y):
        raise ValueError("every image is of the class in y already: y is the class that is wanted")
    if stuck.any():
        warnings.warn(
            f"the gradient is all zero for {stuck.sum()} of {len(y)} images, which stay as they "
            "are: a flat loss, a dead ReLU, or a saturated output",
            stacklevel=2,
        )
    many = steps and len(y) >= FEWEST_TO_JUDGE and np.unique(y).size > 1
    if many and (clean.min() >= 0 and clean.max() <= 1 or np.abs(clean).max() == 1):
        warnings.warn(
            f"the outputs of the model, from {clean.min():.3g} to {clean.max():.3g}, look like "
            "probabilities; give the logits, before the activation",
            stacklevel=2,
        )
    return attacked


def logits_per_image(model, x):
    """How many logits a model gives for each image, 1 or K. Raises ValueError for other outputs."""
    import tensorflow as tf

    try:
        output = model(np.asarray(x)[:1])
    except tf.errors.UnimplementedError:  # of many lines, with escape codes
        advice = 'after Permute((2, 3, 1)) give them data_format="channels_last"'
        raise ValueError(f"no layer may have channels first on a CPU: {advice}") from None
    shape = getattr(output, "shape", type(output).__name__)
    if isinstance(shape, str) or len(shape) not in (1, 2) or shape[0] != len(x[:1]):
        raise ValueError(f"model must give logits, (batch, 1) or (batch, K); it gives {shape}")
    return shape[1] if len(shape) == 2 else 1


def loss_gradient(model, loss_fn, x, y):
    """∂L/∂x of each image's own loss, in the shape of x, and the logits, (batch,) or (batch, K).

    Arguments as for fgsm. Raises ValueError if the loss is not one number per image, or if a
    gradient is missing or NaN.
    """
    import tensorflow as tf  # the linear attacks above do not need it

    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = model(x)
        if logits.shape in ((len(x),), (len(x), 1)):
            logits = tf.reshape(logits, [-1])
            y = tf.cast(y, logits.dtype)
        losses = loss_fn(y, logits)
    if getattr(losses, "shape", None) != (len(x),):
        raise ValueError(f"loss_fn must give one loss per image, ({len(x)},); it gives {losses}")
    gradient = tape.gradient(losses, x)  # of their sum: each loss depends on its own image only
    if gradient is None or np.isnan(gradient).any():
        raise ValueError(
            f"the gradient along x is {'missing' if gradient is None else 'NaN'}: model or loss_fn "
            "leaves TensorFlow, rounds, or has no derivative there, as a root has none at 0"
        )
    return gradient.numpy(), logits.numpy().astype(float)
