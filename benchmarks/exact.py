"""The proved optimum: on a working set, and the whole program at once.

    python benchmarks/exact.py       # about a minute

Both are the same linear program (the dual of beyond/linear/optimum.py), solved by the same solver
with the same options, and their objectives must agree. The working set starts as in
beyond/linear/exact.py, from the saved robust run where there is one.

At one ε, what a user would take instead: CVXPY with CLARABEL and with HiGHS on the whole problem,
each once and stopped after LIMIT seconds. scikit-learn's LinearSVC has no L1 penalty with this
hinge (only with its square), so its SGDClassifier stands for it, on the equivalent L1 problem.
"""

import multiprocessing
import time

import bench
import numpy as np
from scipy import sparse

import data_prep
from beyond.linear import exact, optimum
from common import runs

EPSILONS = (0.05, 0.1, 0.2, 0.3, 0.4)  # pixel units


PEER_EPSILON = 0.2  # at which others are tried
LIMIT = 60  # seconds, after which they are stopped


def examples(step):
    """Every step-th training image, (n, 784), and its label, in float64."""
    data = data_prep.load_pair()
    return data.x_train[::step].reshape(-1, 784).astype(float), data.y_train[::step].astype(float)


def by_cvxpy(step, solver, sender):
    """The least robust loss from CVXPY, and the seconds that it took, into a pipe."""
    import cvxpy

    (x, y), start = examples(step), time.perf_counter()
    weights, bias, norm = cvxpy.Variable(x.shape[1]), cvxpy.Variable(), cvxpy.Variable()
    margins = cvxpy.multiply(y, x @ weights + bias) - PEER_EPSILON * norm
    losses = cvxpy.sum(cvxpy.pos(1 - margins)) / len(y)
    # With norm1 inside the losses CVXPY 1.9.3 hands HiGHS a program whose optimum is w = 0.
    problem = cvxpy.Problem(cvxpy.Minimize(losses), [cvxpy.norm1(weights) <= norm])
    problem.solve(solver=solver)
    sender.send((time.perf_counter() - start, float(problem.value)))


def by_sgd(x, y, penalty):
    """The L1 problem's value from scikit-learn, and the seconds that it took."""
    from sklearn.linear_model import SGDClassifier

    start = time.perf_counter()
    model = SGDClassifier(loss="hinge", penalty="l1", alpha=penalty, random_state=0, tol=1e-5)
    weights = model.fit(x, y).coef_[0]
    seconds = time.perf_counter() - start
    hinge = optimum.robust_objective(weights, model.intercept_[0], x, y, 0)
    return seconds, hinge + penalty * float(np.abs(weights).sum())


def peers(step, best):
    """Seconds of each peer, its value over the optimum, and which of them were stopped."""
    seconds, ratio, stopped = {}, {}, []
    context = multiprocessing.get_context("spawn")
    for solver in ("CLARABEL", "HIGHS"):
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=by_cvxpy, args=(step, solver, sender), daemon=True)
        process.start()
        sender.close()
        case, spent = f"CVXPY, {solver}", LIMIT
        if not receiver.poll(LIMIT):
            stopped.append(case)
        else:
            spent, value = receiver.recv()
            ratio[case] = value / best.objective
        process.terminate()
        process.join()
        seconds[case] = [spent]
    x, y = examples(step)
    penalty, least = optimum.l1_equivalent(best.weights, best.bias, x, y, PEER_EPSILON)
    spent, value = by_sgd(x, y, penalty)
    seconds["SGDClassifier, L1"], ratio["SGDClassifier, L1"] = [spent], value / least
    return seconds, ratio, stopped


def whole_program(x, y, epsilon):
    """The objective of the program with all examples and all pixels that are ever lit."""
    used = x.any(axis=0)
    weights, bias, _ = optimum.solve_program(sparse.csr_matrix(x[:, used]), y, epsilon)
    return optimum.robust_objective(weights, bias, x[:, used], y, epsilon)


def main():
    args = bench.arguments(__doc__, repeat=3)
    data = data_prep.load_pair()
    step = 20 if args.quick else 1
    x, y = examples(step)
    epsilons = EPSILONS[2:3] if args.quick else EPSILONS
    cases, gaps = {}, {}
    for epsilon in epsilons:
        start = exact.rough_model(runs.RESULTS / runs.name("robust", epsilon), data)
        best = optimum.solve(x, y, epsilon, start)
        gaps[f"{epsilon:g}"] = best.objective - best.lower_bound
        np.testing.assert_allclose(best.objective, whole_program(x, y, epsilon), atol=1e-7)
        arguments = x, y, epsilon
        cases[f"working set, epsilon {epsilon:g}"] = lambda arguments=arguments, start=start: (
            optimum.solve(*arguments, start)
        )
        cases[f"whole program, epsilon {epsilon:g}"] = lambda arguments=arguments: whole_program(
            *arguments
        )
    seconds = bench.in_turn(cases, args.repeat, warm_up=False)
    speedup = {}
    for epsilon in epsilons:
        whole, working = (
            float(np.median(seconds[f"{name}, epsilon {epsilon:g}"]))
            for name in ("whole program", "working set")
        )
        speedup[f"{epsilon:g}"] = round(whole / working, 2)
    more, ratio, stopped = peers(step, optimum.solve(x, y, PEER_EPSILON))
    measured = dict(gaps=gaps, speedup=speedup, objective_over_optimum=ratio, stopped=stopped)
    bench.finish("exact", args, seconds | more, next(iter(cases)), **measured)


if __name__ == "__main__":
    bench.cli.run(main)
