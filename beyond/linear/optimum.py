"""The best robust linear classifier, with a proof of optimality: a linear program.

    minimise over w, b:   (1/n) Σ_i max(0, 1 - y_i (w·x_i + b) + ε ‖w‖₁)

With w = u - v, u, v >= 0, a slack ξ_i >= 0 for every example and t >= Σ (u + v) this is a linear
program. Its dual has one number α_i per example, 1 where the loss is active and 0 where it is not:

    maximise    (1/n) Σ_i α_i            with 0 <= α_i <= 1
    subject to  Σ_i α_i y_i = 0          (the multiplier of this constraint is b)
                |Σ_i α_i y_i x_ij| <= ε Σ_i α_i   for every pixel j   (the multipliers: u and v)

HiGHS solves the dual on a working set: pixels left out have w = 0, examples left out have α = 0.
Pixels and examples are added as their constraints are violated, and the model stays warm from round
to round and from ε to ε. The proof does not rely on the solver. By weak duality, for any (w, b) and
for any α that satisfies the constraints on all the data,

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

import highspy
import numpy as np
from scipy import sparse

import attacks

PIXELS = 30  # of the first working set, and the most that a round adds: the optimum uses few
IDLE = 3  # rounds in which an example had no part, after which it is dropped, once
TOLERANCES = dict(primal_feasibility_tolerance=1e-9, dual_feasibility_tolerance=1e-9)
# The program is solved for ε less the first of these, so that rounding leaves its α feasible for ε;
# with the second, if the first does not: where Σ α is small, it is below HiGHS' tolerance.
SAFETIES = (1e-10, 1e-9)
ENOUGH = 1e-9  # the gap between objective and lower bound at which `solve` stops
ON_MARGIN = 1e-9  # a loss below this is rounding
LARGEST_NORM = 1e6  # classes that only a model with weights above this separates overlap


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


def robust_objective(weights, bias, x, y, epsilon):
    """The mean of max(0, 1 - y (w·x + b) + ε ‖w‖₁); x (n, pixels), dense or sparse."""
    margins = attacks.robust_margins(y * (x @ weights + bias), weights, epsilon)
    return float(np.maximum(0, 1 - margins).mean())


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
    """Return x (n, pixels), dense or sparse, as CSR, and y, both as floats, after checking them.

    Raises ValueError for labels other than -1 and +1, another shape, or examples of one class.
    """
    y = np.asarray(y)
    if y.shape != x.shape[:1] or set(y) != {-1, 1}:
        raise ValueError(f"y must be -1 and +1, both, of shape ({x.shape[0]},); it is {y}")
    return sparse.csr_matrix(x, dtype=float), y.astype(float)


def balanced(alpha, y):
    """α >= 0 with Σ α y = 0, by shrinking one class: without the solver's rounding."""
    positive, negative = alpha[y > 0].sum(), alpha[y < 0].sum()
    least = min(positive, negative)
    return alpha * np.where(y > 0, least / (positive or 1), least / (negative or 1))


class Solver(highspy.Highs):
    """HiGHS, silent: its constructor prints a line when it enables callbacks."""

    def enableCallbacks(self):
        self.silent()


class Program:
    """The dual, kept warm: x (n, pixels), dense or sparse, in [0, 1]; y (n,) in {-1, +1}.

    Its columns are s, t, and α of self.examples. Its rows are Σ α y = 0, whose multiplier is b;
    Σ α = s; t = ε s; and ± Σ α y x_j <= t for self.pixels, the sign in self.signs, whose
    multipliers are u and v. Raises ValueError for bad x or y.
    """

    def __init__(self, x, y):
        self.x, self.y = check_examples(x, y)
        self.signed = sparse.csr_matrix(sparse.diags(self.y) @ self.x)  # y_i x_ij
        self.by_pixel = self.signed.tocsc()
        self.examples, self.pixels, self.signs = np.arange(0), np.arange(0), np.ones(0)
        self.idle = np.zeros(len(self.y), int)  # rounds that each example had no part in
        self.solver = Solver()
        for name, value in TOLERANCES.items():
            self.solver.setOptionValue(name, value)
        self.add(self.solver.addCols, np.zeros((2, 0)), 0, 0, np.inf)
        self.add(self.solver.addRows, [[0, 0], [-1, 0], [0, 1]], 0, 0)
        # At first: all examples, and the pixels in which the classes differ most.
        difference = self.signed.T @ np.where(self.y > 0, 1 / sum(self.y > 0), 1 / sum(self.y < 0))
        self.grow(np.arange(len(self.y)), difference, np.abs(difference))

    def add(self, method, part, *limits):
        """Add columns or rows by the solver's method: those of a matrix's rows."""
        part, count = sparse.csr_matrix(part, dtype=float), np.shape(part)[0]
        limits = (np.full(count, limit, float) for limit in limits)
        indices = part.indptr[:-1].astype(np.int32), part.indices.astype(np.int32)
        method(count, *limits, part.nnz, *indices, part.data)

    def grow(self, examples, pulls, excess):
        """Add examples, and the pixels of largest excess, if positive; pulls, excess: (pixels,)."""
        pixels = np.argsort(-excess)[: min(PIXELS, np.sum(excess > 0))]
        signs = np.where(pulls[pixels] < 0, -1.0, 1.0)
        part = sparse.diags(signs) @ self.by_pixel[:, pixels].tocsr()[self.examples].T
        sides = np.tile([0.0, -1.0], (len(pixels), 1))
        self.add(self.solver.addRows, sparse.hstack([sides, part]), -np.inf, 0)
        self.pixels, self.signs = np.append(self.pixels, pixels), np.append(self.signs, signs)
        part = self.signed[examples][:, self.pixels] @ sparse.diags(self.signs)
        sides = np.c_[self.y[examples], np.ones(len(examples)), np.zeros(len(examples))]
        self.add(self.solver.addCols, sparse.hstack([sides, part]), 0, 0, 1)
        self.examples = np.append(self.examples, examples)

    def run(self):
        """Solve the program as it is: HiGHS' solution. Raises ValueError if it has none.

        Presolve would lose the last basis, so it is only used, from nothing, where HiGHS gives up.
        """
        for presolve in ("off", "choose"):
            self.solver.setOptionValue("presolve", presolve)
            self.solver.run()
            status = self.solver.getModelStatus()
            if status == highspy.HighsModelStatus.kOptimal:
                return self.solver.getSolution()
            self.solver.clearSolver()
        raise ValueError(f"HiGHS could not solve the program: {status.name}")

    def rounds(self):
        """Yield (weights, bias, alpha, margins, pulls) until no constraint is violated.

        alpha: (n,), balanced; margins: y (w·x + b), (n,); pulls: Σ α y x_j, (pixels,).
        """
        while True:
            found = self.run()
            dual, limit = np.array(found.row_dual), found.col_value[1]
            weights, alpha = np.zeros(self.x.shape[1]), np.zeros(len(self.y))
            np.add.at(weights, self.pixels, -dual[3:] * self.signs)
            alpha[self.examples] = found.col_value[2:]
            alpha = balanced(np.clip(alpha, 0, 1), self.y)
            margins, pulls = self.signed @ weights - dual[0] * self.y, alpha @ self.signed
            yield weights, -dual[0], alpha, margins, pulls
            spare, excess = margins - dual[1], np.abs(pulls) - limit
            excess[self.pixels[self.signs * pulls[self.pixels] >= 0]] = 0  # they are there
            new = spare < -ON_MARGIN
            new[self.examples] = False
            if not new.any() and excess.max() <= 0:
                return
            out = ((alpha <= 0) & (spare > ON_MARGIN))[self.examples]
            self.idle[self.examples] += out
            out &= self.idle[self.examples] == IDLE
            gone = np.flatnonzero(out).astype(np.int32) + 2
            self.solver.deleteCols(len(gone), gone)
            self.examples = self.examples[~out]
            self.grow(np.flatnonzero(new), pulls, excess)

    def solve(self, epsilon, on_round=None):
        """Minimise the mean robust hinge loss and prove it: an Optimum.

        Arguments:
            epsilon: >= 0, in pixel units; it is faster to go from large ones to small ones.
            on_round: called after each round with its number, lower bound, objective and the two
                set sizes.

        The gap may stay above ENOUGH if no round improves it: check it. Raises ValueError for a bad
        epsilon.
        """
        if not 0 <= epsilon < np.inf:
            raise ValueError(f"epsilon must be finite and not negative; it is {epsilon}")
        best, objective, rounds = None, np.inf, 0
        lower_bound, proof = 0.0, np.zeros(len(self.y))  # α = 0 is feasible and gives the bound 0
        self.solver.changeColsCost(2, np.arange(2, dtype=np.int32), np.array([-1.0, 0.0]))
        self.solver.changeColBounds(0, 0, np.inf)
        self.solver.changeRowBounds(2, 0, 0)
        for safety in SAFETIES:
            self.solver.changeCoeff(2, 0, -max(epsilon - safety, 0))
            for weights, bias, alpha, margins, pulls in self.rounds():
                rounds += 1
                value = np.maximum(0, 1 - attacks.robust_margins(margins, weights, epsilon)).mean()
                if value < objective:
                    best, objective = (weights, bias), value
                if np.abs(pulls).max() <= epsilon * alpha.sum() and alpha.mean() > lower_bound:
                    lower_bound, proof = alpha.mean(), alpha  # α holds on every pixel: a proof
                if on_round:
                    sizes = len(self.examples), len(self.pixels)
                    on_round(rounds, lower_bound, objective, *sizes)
                if objective - lower_bound <= ENOUGH:
                    return Optimum(*best, float(objective), float(lower_bound), proof, rounds)
        return Optimum(*best, float(objective), float(lower_bound), proof, rounds)

    def least_pull(self, total):
        """The α with Σ α = total whose largest |Σ α y x_j| is the least: the last of `rounds`.

        Its (w, b) has ‖w‖₁ = 1.
        """
        self.solver.changeColsCost(2, np.arange(2, dtype=np.int32), np.array([0.0, 1.0]))
        self.solver.changeColBounds(0, total, total)
        self.solver.changeRowBounds(2, -np.inf, np.inf)
        *_, last = self.rounds()
        return last


def separator(x, y):
    """A model (w, b) with y_i (w·x_i + b) >= 1 for every example, or None if the classes overlap.

    Arguments:
        x: (n, pixels) in [0, 1], dense or sparse; y: (n,) in {-1, +1}.

    Newton's method on Σ max(0, 1 - z_i·v)², with z_i = y_i (x_i, 1) and v = (w, b), after
    Mangasarian (2002): a separating v has z_i·v > 0. At a minimum above 0, α_i = max(0, 1 - z_i·v)
    has Σ α z = 0, and by the duality in `separate` no model separates. For "0 but for rounding"
    stands that every separating v has ‖v‖₁ above LARGEST_NORM.
    """
    x, y = check_examples(x, y)
    used = np.flatnonzero(x.getnnz(axis=0))
    z = sparse.csr_matrix(sparse.diags(y) @ sparse.hstack([x[:, used], np.ones((len(y), 1))]))
    v = np.zeros(len(used) + 1)
    active = np.zeros(len(y), bool)
    hessian = ON_MARGIN * len(y) * np.eye(len(v))  # and not 0, for pixels that no example lights
    while (margins := z @ v).min() <= 0:
        alpha = np.maximum(0, 1 - margins)
        slope = alpha @ z
        if np.abs(slope).max() * LARGEST_NORM <= alpha.sum():
            return None
        changed = np.flatnonzero((alpha > 0) != active)
        active = alpha > 0
        part = z[changed].toarray()
        hessian += (part.T * np.where(active[changed], 1, -1)) @ part
        step = np.linalg.solve(hessian, slope)
        along, size = z @ step, 1.0
        while np.sum(np.maximum(0, 1 - margins - size * along) ** 2) >= alpha @ alpha:
            size /= 2
            if size < ON_MARGIN:
                return None  # rounding is larger than the margin
        v = v + size * step
    weights = np.zeros(x.shape[1])
    weights[used] = v[:-1] / margins.min()
    return weights, float(v[-1] / margins.min())


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

    It is None if no such (w, b) has ‖w‖₁ below LARGEST_NORM.

    Arguments:
        x: (n, pixels) in [0, 1]; y: (n,) in {-1, +1}.

    The robust loss can be zero at every ε below 1/‖w‖₁, and at no other: (w, b) / (1 - ε ‖w‖₁) has
    it. By weak duality max_j |Σ α y x_j| / Σ α is an upper bound of that ε for every α >= 0 with
    Σ α y = 0, and the least of them is that ε.
    """
    if separator(x, y) is None:  # which the program below would take long to find out
        return None
    weights, bias, alpha, margins, pulls = Program(x, y).least_pull(1)
    least = margins.min()  # of a model with ‖w‖₁ = 1
    if least * LARGEST_NORM <= 1:
        return None
    weights, upper_bound = weights / least, float(np.abs(pulls).max() / alpha.sum())
    return Separation(weights, float(bias / least), 1 / float(np.abs(weights).sum()), upper_bound)
