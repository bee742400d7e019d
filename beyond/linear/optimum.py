"""The best robust linear classifier, with a proof of optimality: a linear program.

    minimise over w, b:   (1/n) Σ_i max(0, 1 - y_i (w·x_i + b) + ε ‖w‖₁)

With w = u - v, u, v >= 0, a slack ξ_i >= 0 for every example and t >= Σ (u + v) this is a linear
program. Its dual has one number α_i per example, 1 where the loss is active and 0 where it is not:

    maximise    (1/n) Σ_i α_i            with 0 <= α_i <= 1
    subject to  Σ_i α_i y_i = 0          (the multiplier of this constraint is b)
                |Σ_i α_i y_i x_ij| <= ε Σ_i α_i   for every pixel j   (the multipliers: u and v)

SciPy solves the dual on a working set: examples left out have α = 0, pixels left out have w = 0,
and both sets grow by the violated constraints. The proof does not rely on the solver. By weak
duality, for any (w, b) and for any α that satisfies the constraints on all the data,

    objective(w, b)  >=  (1/n) Σ_i α_i (1 - y_i (w·x_i + b) + ε ‖w‖₁)  >=  (1/n) Σ_i α_i,

so a checked α is a lower bound, the objective on all the data an upper one, and where they meet is
the optimum.

Robust training and an L1 penalty. Above the ε of separation (see `separate`) the least robust loss
F is positive, and the hinge loss with the penalty λ = ε F has the same optimal classifiers, up to
scale. For divide (w, b) by 1 + ε ‖w‖₁: that maps all of them one-to-one onto the (v, c) with
ε ‖v‖₁ < 1, where the robust loss is H / (1 - ε ‖v‖₁), with H the mean hinge of (v, c). It is at
least F, so

    H + ε F ‖v‖₁ >= F,    with equality at the robust optima and nowhere else.

Where ε ‖v‖₁ >= 1 the left side is greater than F, since H = 0 with ε ‖v‖₁ = 1 would separate the
classes at ε. That robustness and regularisation can be one thing is due to Xu, Caramanis and Mannor
(arXiv:0803.3490) for the SVM.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import linprog, nnls

import attacks

EXAMPLES = 1000  # first working set, and the most that a round adds
PIXELS = 30  # the same for pixels: the optimum uses few
# HiGHS' dual simplex without presolve is three times faster here than with it; its interior point
# is far slower.
TOLERANCES = dict(primal_feasibility_tolerance=1e-9, dual_feasibility_tolerance=1e-9)
SOLVER = dict(method="highs-ds", options=dict(presolve=False, **TOLERANCES))
# The program is solved for ε less the first of these, so that rounding leaves its α feasible for ε;
# with the second, if the first does not: where Σ α is small, it is below HiGHS' tolerance.
SAFETIES = (1e-10, 1e-9)
# In `separate` α is unbounded if the classes overlap, and HiGHS is unreliable without a bound.
LARGEST_ALPHA = 1e6
ON_MARGIN = 1e-9  # a loss below this is rounding
HARDEST = 800  # examples that `separator` begins with; a round adds half as many
CARRIED = 0.5  # robust margins this near to 1 stay in a working set that goes on to the next ε
PULLED = 0.02  # the same for pixels, over the range of their pulls


class Working(NamedTuple):
    """A working set: what the program has, beside examples whose α is taken to be 1."""

    examples: np.ndarray  # indices
    pixels: np.ndarray  # indices
    active: np.ndarray  # (n,) bool: the examples with α = 1, which no round adds


class Optimum(NamedTuple):
    """A solution with its proof: lower_bound <= the least objective there is <= objective."""

    weights: np.ndarray  # (pixels,)
    bias: float
    objective: float
    lower_bound: float
    alpha: np.ndarray  # (n,), in 0..1: how active each example's loss is
    rounds: int

    @property
    def gap(self):
        return self.objective - self.lower_bound


def robust_margins(weights, bias, x, y, epsilon):
    """y (w·x + b) - ε ‖w‖₁ of every example; x (n, pixels), dense or sparse."""
    return attacks.robust_margins(y * (x @ weights + bias), weights, epsilon)


def robust_objective(weights, bias, x, y, epsilon):
    """The mean robust hinge loss, max(0, 1 - robust margin)."""
    return float(np.maximum(0, 1 - robust_margins(weights, bias, x, y, epsilon)).mean())


def l1_equivalent(weights, bias, x, y, epsilon):
    """The same classifier, scaled to where the L1-penalised problem has it, and its value there.

    Returns (λ, mean hinge + λ ‖v‖₁) with v = w / (1 + ε ‖w‖₁) and λ = ε times the robust objective
    of (w, b).
    """
    scale = 1 + epsilon * np.abs(weights).sum()
    penalty = epsilon * robust_objective(weights, bias, x, y, epsilon)
    hinge = robust_objective(weights / scale, bias / scale, x, y, 0)
    return penalty, hinge + penalty * float(np.abs(weights).sum() / scale)


def check_examples(x, y):
    """Return x (n, pixels), dense or sparse, and y as floats after checking them.

    Raises ValueError for labels other than -1 and +1, another shape, or examples of one class.
    """
    y = np.asarray(y)
    if y.shape != x.shape[:1] or set(y) != {-1, 1}:
        raise ValueError(f"y must be -1 and +1, both, of shape ({x.shape[0]},); it is {y}")
    return x, y.astype(float)


def solve_dual(name, **program):
    """Solve a linear program whose A_ub has a row for each pixel, and then its negative.

    Returns w and b, the multipliers, and the solution. Raises ValueError with the program's name.
    """
    found = linprog(**program, **SOLVER)
    if found.status != 0:
        found = linprog(**program, method="highs")  # with its defaults, where that gives up
    if found.status != 0:
        raise ValueError(f"HiGHS could not solve {name}: {found.message}")
    minus_u, minus_v = np.split(found.ineqlin.marginals, 2)
    return minus_v - minus_u, -found.eqlin.marginals[0], found.x


def solve_program(x, y, epsilon, counts=1.0):
    """Solve the dual for the examples and pixels given, x (n, pixels) sparse. Returns w, b, α.

    counts: how many examples a row stands for, one number or (n,); x and y are then their sums.
    """
    n, pixels = x.shape
    counts = np.full(n, counts)
    signed = x.multiply(np.sign(y)[:, np.newaxis]).T  # row j holds y_i x_ij
    # One more variable, s = Σ α, keeps ε Σ α from filling every row of the matrix.
    bound = np.full((pixels, 1), epsilon)
    weights, bias, alpha = solve_dual(
        f"the program at epsilon {epsilon}",
        c=np.append(-counts, 0),
        A_ub=sparse.bmat([[signed, -bound], [-signed, -bound]], "csc"),
        b_ub=np.zeros(2 * pixels),
        A_eq=sparse.csc_matrix([np.append(y, 0), np.append(counts, -1)]),
        b_eq=[0, 0],
        bounds=[(0, 1)] * n + [(0, None)],
    )
    return weights, bias, alpha[:n]


def solve_grouped(x, y, epsilon, working):
    """As solve_program, for a Working: equal examples share a column, the active ones are two.

    x: (n, all pixels) sparse. Returns w on its pixels, b, and α (n,). Where the optimum uses few
    pixels most examples are equal on them, and the program becomes small.
    """
    examples, pixels, active = working
    key = np.random.default_rng(0).random(len(pixels))  # equal on the pixels: an equal product
    marks = x[examples][:, pixels] @ key + len(pixels) * y[examples]
    groups, columns = np.unique(marks, return_inverse=True)
    rows, columns, count = [examples], [columns], len(groups)
    for sign in (-1, 1):
        same = np.flatnonzero(active & (y == sign))
        if len(same):
            rows.append(same)
            columns.append(np.full(len(same), count))
            count += 1
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    summing = sparse.csr_matrix((np.ones(len(rows)), (columns, np.arange(len(rows)))))
    sums, counts = summing @ x[rows][:, pixels], np.bincount(columns).astype(float)
    weights, bias, alpha = solve_program(sums.tocsr(), summing @ y[rows], epsilon, counts)
    every = np.zeros(len(y))
    every[rows] = alpha[columns]
    return weights, bias, every


def carried(best, x, y, epsilon):
    """The Working of an Optimum for another ε nearby: what is near to having a part in it."""
    margins = robust_margins(best.weights, best.bias, x, y, epsilon)
    spare = epsilon * best.alpha.sum() - np.abs(x.T @ (best.alpha * y))
    pixels = np.flatnonzero((best.weights != 0) | (spare < PULLED * np.ptp(spare)))
    examples = np.flatnonzero(np.abs(margins - 1) < CARRIED)
    return Working(examples, pixels, margins <= 1 - CARRIED)


def balanced(alpha, y):
    """α >= 0 with Σ α y = 0, by shrinking one class: without the solver's rounding."""
    positive, negative = alpha[y > 0].sum(), alpha[y < 0].sum()
    least = min(positive, negative)
    return alpha * np.where(y > 0, least / (positive or 1), least / (negative or 1))


def solve(x, y, epsilon, start=None, tolerance=1e-7, on_round=None, working=None):
    """Minimise the mean robust hinge loss and prove it.

    Arguments:
        x: (n, pixels) in [0, 1]; y: (n,) in {-1, +1}; epsilon: >= 0, in pixel units.
        start: (weights, bias) of a rough model, whose hardest examples make the first working set.
        tolerance: stop when objective and lower bound differ by at most this.
        on_round: called after each round with its number, lower bound, objective and the two set
            sizes.
        working: a Working to begin with, from `carried`, instead of the usual first set.

    Returns an Optimum; its gap may stay above `tolerance` if no round improves it: check it. Up to
    the separation epsilon (see `separate`) every program is degenerate and slow: take the
    separating model there. Raises ValueError for bad arguments.
    """
    if not 0 <= epsilon < np.inf:
        raise ValueError(f"epsilon must be finite and not negative; it is {epsilon}")
    x, y = check_examples(sparse.csr_matrix(x, dtype=float), y)
    n, safeties = len(y), list(SAFETIES)
    # At first: examples spread over the data, pixels in which the classes differ most.
    hardest = np.linspace(0, n - 1, min(EXAMPLES, n)).astype(int)
    if start:
        hardest = np.argsort(robust_margins(*start, x, y, epsilon))
    difference = np.ravel(x[y > 0].mean(axis=0) - x[y < 0].mean(axis=0))
    examples, pixels = hardest[:EXAMPLES], np.argsort(-np.abs(difference))[:PIXELS]
    active = np.zeros(n, bool)
    if working:
        examples, pixels, active = working
    best, objective = None, np.inf
    lower_bound, proof, rounds = 0.0, np.zeros(n), 0  # α = 0 is feasible and gives the bound 0
    while True:
        rounds += 1
        weights, alpha = np.zeros(x.shape[1]), np.zeros(n)
        safe_epsilon = max(epsilon - safeties[0], 0)
        if working:
            now = Working(examples, pixels, active)
            weights[pixels], bias, alpha = solve_grouped(x, y, safe_epsilon, now)
        else:
            part = x[examples][:, pixels], y[examples]
            weights[pixels], bias, alpha[examples] = solve_program(*part, safe_epsilon)
        margins = robust_margins(weights, bias, x, y, epsilon)
        value = np.maximum(0, 1 - margins).mean()
        if value < objective:
            best, objective = (weights, bias), value
        alpha = balanced(np.clip(alpha, 0, 1), y)
        excess = np.abs(x.T @ (alpha * y)) - epsilon * alpha.sum()
        if excess.max() <= 0 and alpha.mean() > lower_bound:  # α holds on every pixel: a proof
            lower_bound, proof = alpha.mean(), alpha
        if on_round:
            on_round(rounds, lower_bound, objective, len(examples), len(pixels))
        freed = np.flatnonzero(active & (margins > 1 + ON_MARGIN))  # their α need not be 1
        margins[examples], margins[active], excess[pixels] = np.inf, np.inf, -np.inf
        new_examples = np.argsort(margins)[: min(EXAMPLES, np.sum(margins < 1 - ON_MARGIN))]
        new_examples, active[freed] = np.append(new_examples, freed), False
        new_pixels = np.argsort(-excess)[: min(PIXELS, np.sum(excess > 0))]
        complete = len(new_examples) + len(new_pixels) == 0
        if complete and len(safeties) > 1 and objective - lower_bound > tolerance:
            safeties.pop(0)
            continue
        if objective - lower_bound <= tolerance or complete:
            return Optimum(*best, float(objective), float(lower_bound), proof, rounds)
        examples, pixels = np.append(examples, new_examples), np.append(pixels, new_pixels)


def separator(x, y, start=None):
    """A model (w, b) with y_i (w·x_i + b) >= 1 for every example, or None if the classes overlap.

    Arguments:
        x: (n, pixels) in [0, 1]; y: (n,) in {-1, +1}.
        start: (weights, bias) of a rough model, whose hardest examples come first; without it, the
            one of least squares.

    Let v be the point of least norm in the convex hull of the z_i = y_i (x_i, 1), a problem of
    non-negative least squares. Where v is not 0, it separates them, as z_i·v >= |v|² (Gilbert,
    1966). Where it is 0, Σ α z = 0 with Σ α = 1, and by the duality in `separate` no model can. For
    "0 but for rounding" stands that every separating w has ‖w‖₁ above LARGEST_ALPHA.
    """
    x, y = check_examples(x, y)
    used = np.flatnonzero(np.ptp(x, axis=0) > 0)
    z = y[:, np.newaxis] * np.c_[x[:, used], np.ones(len(y))].astype(float)
    if start:
        rough = np.append(start[0][used], start[1]).astype(float)
    else:
        gram = z.T @ z
        gram[np.diag_indices(len(gram))] += ON_MARGIN * len(y)
        rough = np.linalg.solve(gram, z.sum(axis=0))
    examples = np.argsort(z @ rough)[:HARDEST]
    while True:
        part = np.vstack([z[examples].T, np.ones(len(examples))])
        alpha = nnls(part, np.append(np.zeros(len(part) - 1), 1), maxiter=100 * len(part))[0]
        proof = balanced(alpha, y[examples])
        # It is all zero while the examples are of one class, which proves nothing.
        if np.abs(part[:-1] @ proof).max() * LARGEST_ALPHA <= proof.sum() > 0:
            return None
        nearest = part[:-1] @ alpha
        margins = z @ nearest
        least = margins.min()
        if least > 0:
            weights = np.zeros(x.shape[1])
            weights[used] = nearest[:-1] / least
            return weights, float(nearest[-1] / least)
        margins[examples] = np.inf
        new = np.argsort(margins)[: min(HARDEST // 2, np.sum(margins <= 0))]
        if len(new) == 0:
            return None  # all have their place, and rounding is larger than the margin
        examples = np.append(examples, new)


class Separation(NamedTuple):
    """The separating model of least ‖w‖₁, with its proof.

    No ε above `upper_bound` allows zero robust loss.
    """

    weights: np.ndarray  # (pixels,)
    bias: float
    epsilon: float  # 1 / ‖w‖₁, the ℓ∞ margin of the data: below it the robust loss can be zero
    upper_bound: float


def separate(x, y):
    """The (w, b) of least ‖w‖₁ with y_i (w·x_i + b) >= 1 for every example, as a Separation.

    It is None if no such (w, b) has ‖w‖₁ below LARGEST_ALPHA.

    Arguments:
        x: (n, pixels) in [0, 1]; y: (n,) in {-1, +1}.

    The robust loss can be zero at every ε below 1/‖w‖₁, and at no other: (w, b) / (1 - ε ‖w‖₁) has
    it. The program is the dual: maximise Σ α with α >= 0, Σ α y = 0 and |Σ_i α_i y_i x_ij| <= 1 for
    every pixel. By weak duality Σ α <= ‖w‖₁ for every separating w, so 1/Σ α is an upper bound of
    the ε of separation.
    """
    x, y = check_examples(x, y)
    if separator(x, y) is None:  # which the program below would take long to find out
        return None
    used = np.ptp(x, axis=0) > 0
    signed = sparse.csr_matrix(x[:, used] * y[:, np.newaxis], dtype=float)
    examples = np.linspace(0, len(y) - 1, min(EXAMPLES // 2, len(y))).astype(int)
    while True:
        rows = signed[examples].T
        weights, bias, alpha = solve_dual(
            "the separation program",
            c=-np.ones(len(examples)),
            A_ub=sparse.vstack([rows, -rows]),
            b_ub=np.ones(2 * rows.shape[0]),
            A_eq=y[np.newaxis, examples],
            b_eq=[0],
            bounds=(0, LARGEST_ALPHA),
        )
        if alpha.max() >= LARGEST_ALPHA:
            return None  # the dual is unbounded, or nearly so: no model separates the classes
        margins = signed @ weights + bias * y
        scale = margins.min()  # 1 but for rounding, once no constraint is violated
        margins[examples] = np.inf
        new = np.argsort(margins)[: min(EXAMPLES // 2, np.sum(margins < 1 - ON_MARGIN))]
        if len(new) == 0:
            whole, proof = np.zeros(x.shape[1]), np.zeros(len(y))
            whole[used], proof[examples] = weights / scale, np.maximum(alpha, 0)
            # Over all pixels, also those that never change: balanced, and scaled until every bound
            # holds.
            proof = balanced(proof, y)
            proof /= np.abs(x.T @ (proof * y)).max()
            margin, upper_bound = 1 / float(np.abs(whole).sum()), 1 / float(proof.sum())
            return Separation(whole, float(bias / scale), margin, upper_bound)
        examples = np.append(examples, new)
