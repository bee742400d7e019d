"""The proved optimum: one ε from nothing, and all of them on one program that stays warm.

    python benchmarks/exact.py       # about three minutes

Both are the linear program of beyond/linear/optimum.py, and their objectives must agree.

At one ε, what a user would take instead: CVXPY with CLARABEL and with HiGHS on the whole problem,
each once and stopped after LIMIT seconds. scikit-learn's LinearSVC has no L1 penalty with this
hinge (only with its square), so its SGDClassifier stands for it, on the equivalent L1 problem.
"""

import multiprocessing
import time

import bench
import numpy as np

import data_prep
from beyond.linear import optimum

EPSILONS = (0.4, 0.3, 0.2, 0.1, 0.05)  # pixel units, in the order that is fastest
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


def warm(x, y):
    """The Optimum of each of EPSILONS."""
    program = optimum.Program(x, y)
    return [program.solve(epsilon) for epsilon in EPSILONS]


def main():
    args = bench.arguments(__doc__, repeat=3)
    step = 20 if args.quick else 1
    x, y = examples(step)
    found, gaps = dict(zip(EPSILONS, warm(x, y))), {}
    cases = {f"all {len(EPSILONS)}, warm": lambda: warm(x, y)}
    for epsilon in EPSILONS:
        alone = lambda epsilon=epsilon: optimum.Program(x, y).solve(epsilon)
        cases[f"epsilon {epsilon:g} alone"], best = alone, alone()
        gaps[f"{epsilon:g}"] = best.gap
        np.testing.assert_allclose(best.objective, found[epsilon].objective, atol=1e-9)
    seconds = bench.in_turn(cases, args.repeat, warm_up=False)
    together, *each = (float(np.median(seconds[case])) for case in cases)
    more, ratio, stopped = peers(step, found[PEER_EPSILON])
    measured = dict(
        gaps=gaps,
        speedup={"one warm program": sum(each) / together},
        objective_over_optimum=ratio,
        stopped=stopped,
    )
    bench.finish("exact", args, seconds | more, next(iter(cases)), **measured)


if __name__ == "__main__":
    bench.cli.run(main)
