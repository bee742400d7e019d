"""The exact worst case of a linear model in other balls: ‖δ‖ ≤ ε for ℓ∞, ℓ2 or ℓ1.

    from beyond.threats import balls
    balls.attack(weights, x, y, epsilon, norm=2, clip=True)

The worst δ of norm 1 lowers the margin by the dual norm of w: ‖w‖₁ for ℓ∞ (the post), ‖w‖₂ for ℓ2,
‖w‖∞ for ℓ1. With clip=True the attacked pixels stay in [0, 1]. Pixel i can then move by its room,
x_i or 1 - x_i, in the direction that harms, and it moves by

    min(room_i, ε) for norm=inf,    min(room_i, s |w_i|) for norm=2, with s such that ‖δ‖₂ = ε,

and for norm=1 the pixels with the largest |w_i| move by all their room, until Σ |δ_i| is ε.
Arguments and shapes as in attacks.py.
"""

import numpy as np

import attacks

DUAL = {np.inf: 1, 2: 2, 1: np.inf}


def dual_norm(weights, norm):
    """The largest change of the logit by a perturbation of norm 1: max of w·δ over ‖δ‖ ≤ 1.

    Raises ValueError for a norm other than np.inf, 2 and 1.
    """
    if norm not in DUAL:
        raise ValueError(f"norm must be np.inf, 2 or 1; it is {norm!r}")
    # Squares overflow long before the values do.
    scale = np.max(np.abs(weights), initial=0) or 1 if norm == 2 else 1
    return scale * np.linalg.norm(weights / scale, DUAL[norm])


def direction(weights, norm):
    """The δ with ‖δ‖ ≤ 1 that raises the logit the most, (pixels,): w·δ = dual_norm(w, norm)."""
    size = dual_norm(weights, norm)
    if norm == 2:
        return weights / (size or 1)
    one = np.arange(weights.size) == np.argmax(np.abs(weights))
    return np.sign(weights) * (one if norm == 1 else 1)


def attack(weights, x, y, epsilon, norm, clip=False):
    """The exact worst case, in the shape and type of x; epsilon: one number, or one per image."""
    flat, y, epsilon = attacks.checked(x, y, epsilon, weights)
    if clip:
        change = np.multiply.outer(y, np.sign(weights)) * box_moves(weights, flat, y, epsilon, norm)
    else:
        change = np.multiply.outer(y * epsilon, direction(weights, norm))
    return (flat - change).astype(flat.dtype).reshape(np.shape(x))


def signed_radius(weights, bias, x, y, norm):
    """The ε at which the unclipped worst case reaches the decision boundary, (batch,)."""
    margins = y * attacks.linear_logits(weights, bias, x)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(margins == 0, 0, margins / dual_norm(weights, norm))


def robust_accuracy(weights, bias, x, y, epsilons, norm):
    """The share of images still classified correctly, unclipped; shape of epsilons."""
    radii = signed_radius(weights, bias, x, y, norm)
    return np.mean(radii > np.asarray(epsilons)[..., np.newaxis], axis=-1)


def room(weights, x, y):
    """How far each pixel can move in [0, 1] in the direction that harms: x or 1 - x."""
    return np.abs(x - (np.multiply.outer(y, weights) < 0))


def box_moves(weights, x, y, epsilon, norm):
    """How far the worst case moves each pixel within [0, 1], (batch, pixels)."""
    used, moves = np.flatnonzero(weights), np.zeros(x.shape)
    size, limits = np.abs(weights[used]), room(weights[used], x[:, used], y)
    epsilon = np.full((len(x), 1), np.reshape(epsilon, (-1, 1)))
    if norm == np.inf:
        moves[:, used] = np.minimum(limits, epsilon)
    elif norm == 2:  # Σ min(room, s |w|)² = ε² is piecewise linear in s²
        size = size / dual_norm(weights, 1)
        squares = least_level((limits / size) ** 2, size**2, epsilon[:, 0] ** 2)
        moves[:, used] = np.minimum(limits, np.sqrt(squares)[:, np.newaxis] * size)
    else:
        order = np.argsort(-size, kind="stable")  # the pixels with the largest |w| first
        limits = limits[:, order]
        left = epsilon - (np.cumsum(limits, axis=1) - limits)
        moves[:, used[order]] = np.clip(left, 0, limits)
    return moves


def least_level(limits, rates, target):
    """The least t with Σ_i rates_i min(limits_i, t) >= target, (batch,); infinite if there is none.

    Newton's method as in attacks.box_radius.
    """
    level, before = np.zeros(len(target)), None
    while before is None or np.any(level > before):
        before, reach = level, level[:, np.newaxis]
        with np.errstate(divide="ignore", invalid="ignore"):
            missing = target - np.minimum(limits, reach) @ rates
            step = missing / ((limits > reach) @ rates)
        level = level + np.where(missing > 0, step, 0)
    return level
