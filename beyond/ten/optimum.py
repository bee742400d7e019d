"""The best robust linear classifier of K classes, between two proved sides.

    minimise over w, b:  (1/n) Σ_i max(0, 1 + max_{k≠y} (z_k - z_y + ε ‖w_k - w_y‖₁)),  y = y_i

Any α_ik >= 0 with α_iy = 0 and Σ_k α_ik <= 1 bounds the loss of example i from below, by
Σ_k α_ik (1 + z_k - z_y + ε ‖w_k - w_y‖₁). Say that α_ik leaves class y_i and arrives at k. With B_k
the α that arrives at k less what leaves it, G_kj the same with each α times x_ij, and N_kl the α
between k and l, both ways, the sum of these bounds is

    Σ α + Σ_k b_k B_k + Σ_j (Σ_k w_kj G_kj + ε Σ_{k<l} N_kl |w_kj - w_lj|).

If B = 0 and no pixel's bracket can be negative, it is at least Σ α: no model has an objective below
(1/n) Σ α. As Σ_k G_kj = 0, the bracket is the integral over t of G_j(S) + ε N(S), where S holds
the classes with w_kj > t, G_j(S) sums G_kj over k in S, and N(S) sums N_kl over k in S and l not.
So it is never negative if, and only if,

    |G_j(S)| <= ε N(S)    for every set S of classes (511 of ten: S or its complement).

With 540,000 α the linear program is too large. `solve` minimises a smooth objective instead, with a
log-sum-exp over the rivals and √(u² + ν²) for |u|, whose softmax weights are nearly such an α. The
proof does not rely on it: α is rounded to whole numbers, and `check` is exact.
"""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

SCALE = 2**12  # α is kept as whole numbers, times this
WHITE = 255  # the largest byte of a pixel
# Temperature, ν, iterations.
STAGES = ((0.03, 0.003, 150), (0.01, 0.001, 200), (0.003, 0.0003, 250), (0.003, 0.0001, 200))
FULL_STAGES = ((1, 0.03, 100), (1, 0.01, 150))  # where Σ_k α_ik = 1
INNER = 0.998  # of ε: `solve` minimises for less, as room for what it leaves undone
TRIES = 4  # of the last stage, each for less again, until α is a proof
SCALINGS = 30  # of the columns and rows of α


class Optimum(NamedTuple):
    """A model, and an α that proves `lower_bound` for every ε from `proved_from` on."""

    kernel: np.ndarray  # (pixels, K) float32
    bias: np.ndarray  # (K,) float32
    alpha: np.ndarray  # (n, K) uint16: α times SCALE
    objective: float
    lower_bound: float
    proved_from: float


def objective(kernel, bias, x, y, epsilon):
    """The mean robust hinge loss in float64; x (n, pixels) bytes, y (n,) in 0 ... K-1."""
    kernel, rows = kernel.astype(float), np.arange(len(y))
    distances = np.abs(kernel[:, :, np.newaxis] - kernel[:, np.newaxis]).sum(axis=0)
    logits = x / WHITE @ kernel + bias
    losses = 1 + logits - logits[rows, y][:, np.newaxis] + epsilon * distances[y]
    losses[rows, y] = 0
    return float(losses.max(axis=1).mean())


def cuts(alpha, x, y):
    """B_k (K,), 255 max_j |G_j(S)| (sets,) and N(S) (sets,) of α (n, K) and bytes x (n, pixels).

    For whole numbers α they are exact: float64 is below 2^53, and no sum passes 60,000 · 255 SCALE.
    """
    classes, alpha = alpha.shape[1], alpha.astype(float)
    sets = (np.arange(1, 2 ** (classes - 1))[:, np.newaxis] >> np.arange(classes)) & 1
    own = np.eye(classes)[y]
    between = own.T @ alpha
    pulls = (alpha - own * alpha.sum(axis=1, keepdims=True)).T @ x.astype(float)
    masses = np.sum(sets @ (between + between.T) * (1 - sets), axis=1)
    return between.sum(axis=0) - between.sum(axis=1), np.abs(sets @ pulls).max(axis=1), masses


def check(alpha, x, y, epsilon):
    """The lower bound (1/n) Σ α as a Fraction, after checking exactly that α proves it at ε.

    Arguments:
        alpha: (n, K) whole numbers, α times SCALE; x: (n, pixels) bytes; y: (n,) in 0 ... K-1.
        epsilon: a Fraction. Raises ValueError if α proves nothing.
    """
    alpha, own = alpha.astype(np.int64), y[:, np.newaxis]
    sums = alpha.sum(axis=1)
    if alpha.min() < 0 or sums.max() > SCALE or np.take_along_axis(alpha, own, 1).any():
        raise ValueError("α proves nothing: it is negative, above 1, or not 0 for the own class")
    balance, pulls, masses = (each.astype(np.int64) for each in cuts(alpha, x, y))
    if balance.any() or np.any(pulls * epsilon.denominator > WHITE * masses * epsilon.numerator):
        raise ValueError(f"α proves nothing at ε = {epsilon}: not balanced, or beyond a cut")
    return Fraction(int(sums.sum()), len(y) * SCALE)


def whole_numbers(alpha, y):
    """α times SCALE, balanced by Sinkhorn's scaling, rounded, and balanced again: (n, K) uint16.

    Its sums over k stay what they are, rounded.
    """
    scaled, classes = alpha.astype(float) * SCALE, alpha.shape[1]
    sums = scaled.sum(axis=1)
    for _ in range(SCALINGS):
        scaled *= np.bincount(y, sums, classes) / np.maximum(scaled.sum(axis=0), 1e-30)
        scaled *= (sums / np.maximum(scaled.sum(axis=1), 1e-30))[:, np.newaxis]
    whole = np.floor(scaled)
    missing = np.rint(sums) - whole.sum(axis=1)  # units, for those that lost most
    rank = np.argsort(np.argsort(whole - scaled, axis=1, kind="stable"), axis=1)
    whole = (whole + (rank < missing[:, np.newaxis])).astype(np.int64)
    while True:  # what arrives in excess goes to another rival
        excess = whole.sum(axis=0) - np.bincount(y, whole.sum(axis=1), classes).astype(np.int64)
        if not excess.any():
            return whole.astype(np.uint16)
        most, least = excess.argmax(), excess.argmin()
        rows = np.flatnonzero((y != most) & (y != least) & (whole[:, most] > 0))
        rows = rows[: min(excess[most], -excess[least])]
        if not len(rows):
            raise ValueError("α cannot be balanced")
        whole[rows, most] -= 1
        whole[rows, least] += 1


def smoothed(flat, x, own, epsilon, temperature, rounding, full):
    """The smooth objective, its gradient, and α, (n, K): the softmax weights of the rivals.

    flat: kernel and bias in one; x: (n, pixels) float32; own: (n, K) bool; full: as of `solve`.
    """
    n, classes = own.shape
    kernel, bias = flat[:-classes].reshape(-1, classes), flat[-classes:].astype(np.float32)
    differences = kernel[:, :, np.newaxis] - kernel[:, np.newaxis]
    sizes = np.sqrt(differences**2 + rounding**2)
    added = (1 + epsilon * np.sum(sizes - rounding, axis=0)).astype(np.float32)
    logits = x @ kernel.astype(np.float32) + bias
    gaps = logits - logits[own][:, np.newaxis] + added[own.argmax(axis=1)]
    gaps[own] = -np.inf if full else 0
    gaps /= np.float32(temperature)
    largest = gaps.max(axis=1, keepdims=True)
    alpha = np.exp(gaps - largest)
    total = alpha.sum(axis=1, keepdims=True)
    value = temperature * np.mean(largest + np.log(total), dtype=float)
    alpha /= total
    alpha[own] = 0
    between = (own.T.astype(np.float32) @ alpha).astype(float) / n
    pulls = x.T @ np.where(own, -alpha.sum(axis=1, keepdims=True), alpha) / n
    slopes = np.einsum("kl,jkl->jk", between + between.T, differences / sizes)
    balance = between.sum(axis=0) - between.sum(axis=1)
    return value, np.append(pulls + epsilon * slopes, balance), alpha


def solve(x, y, epsilon, stages=STAGES, full=False):
    """Nearly the least mean robust hinge loss, with a proof of how near: an Optimum.

    Arguments:
        x: (n, pixels) bytes; y: (n,) in 0 ... K-1; epsilon: > 0, in pixel units.
        full: without the zero in the loss, so that Σ_k α_ik = 1 and, from `proved_from` on, no
            model has an objective below 1, that of w = 0.

    `proved_from` may be above ε: then α proves nothing at ε.
    """
    own, lit = np.eye(y.max() + 1, dtype=bool)[y], x.any(axis=0)
    floats, inner, classes = x[:, lit] / np.float32(WHITE), epsilon * INNER, own.shape[1]
    flat = np.zeros((lit.sum() + 1) * classes)
    for number, (*smooth, iterations) in enumerate([*stages, *stages[-1:] * (TRIES - 1)], 1):
        problem = floats, own, inner, *smooth, full
        loss = lambda flat, problem=problem: smoothed(flat, *problem)[:2]
        options = dict(maxiter=iterations, maxfun=2 * iterations, maxcor=20, ftol=0, gtol=0)
        flat = minimize(loss, flat, jac=True, method="L-BFGS-B", options=options).x
        if number >= len(stages):
            alpha = whole_numbers(smoothed(flat, *problem)[2], y)
            _, pulls, masses = cuts(alpha, x, y)
            proved_from = float(np.max(pulls / WHITE / np.maximum(masses, 1e-30)))
            if proved_from <= epsilon:
                break
            inner *= INNER
    kernel = np.zeros((len(lit), classes), np.float32)
    kernel[lit], bias = flat[:-classes].reshape(-1, classes), flat[-classes:].astype(np.float32)
    sides = objective(kernel, bias, x, y, epsilon), int(alpha.sum()) / SCALE / len(y)
    return Optimum(kernel, bias, alpha, *sides, proved_from)
