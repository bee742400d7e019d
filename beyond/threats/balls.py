"""The exact worst case of a linear model in other balls: ‖δ‖ ≤ ε for ℓ∞, ℓ2 or ℓ1, unclipped.

    from beyond.threats import balls
    balls.attack(weights, x, y, epsilon, norm=2)

The worst δ of norm 1 lowers the margin by the dual norm of w: ‖w‖₁ for ℓ∞ (the post), ‖w‖₂ for ℓ2,
‖w‖∞ for ℓ1. Arguments and shapes as in attacks.py.
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


def attack(weights, x, y, epsilon, norm):
    """The exact worst case, in the shape and type of x; epsilon: one number, or one per image."""
    flat, y, epsilon = attacks.checked(x, y, epsilon, weights)
    change = np.multiply.outer(y * epsilon, direction(weights, norm))
    return (flat - change).astype(flat.dtype).reshape(np.shape(x))


def robust_accuracy(weights, bias, x, y, epsilons, norm):
    """The share of images still classified correctly under the worst case; shape of epsilons."""
    epsilons = attacks.checked(x, y, epsilons)[2]
    margins = y * attacks.linear_logits(weights, bias, x)
    return np.mean(margins > np.multiply.outer(epsilons, dual_norm(weights, norm))[..., None], -1)
