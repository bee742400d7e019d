"""The proved optimum: on a working set, as experiment_exact.py computes it, and as the whole linear program at once.

    python benchmarks/exact.py       # about a minute

Both are the same program (the dual of optimum.py), solved by the same solver with the same options, and their objectives
must agree. The working set starts as in the experiment, from the saved robust run where there is one.
"""
import bench  # first: installs the one-line Ctrl-C handler
import numpy as np
from scipy import sparse

import data_prep
import experiment_exact
import optimum
import storage

EPSILONS = (0.05, 0.1, 0.2, 0.3, 0.4)  # pixel units


def whole(x, y, epsilon):
    """The objective of the program with all examples and all pixels that are ever lit."""
    used = x.any(axis=0)
    weights, bias, _ = optimum.solve_program(sparse.csr_matrix(x[:, used]), y, epsilon)
    return optimum.robust_objective(weights, bias, x[:, used], y, epsilon)


def main():
    args = bench.arguments(__doc__, repeat=3)
    data = data_prep.load_pair()
    step = 20 if args.quick else 1
    x, y = data.x_train[::step].reshape(-1, 784).astype(float), data.y_train[::step].astype(float)
    cases, gaps = {}, {}
    for epsilon in EPSILONS[2:3] if args.quick else EPSILONS:
        start = experiment_exact.rough_model(storage.RESULTS / storage.run_name("robust", epsilon), data)
        best = optimum.solve(x, y, epsilon, start)
        gaps[f"{epsilon:g}"] = best.objective - best.lower_bound
        np.testing.assert_allclose(best.objective, whole(x, y, epsilon), atol=1e-7)
        cases[f"working set, epsilon {epsilon:g}"] = lambda epsilon=epsilon, start=start: optimum.solve(x, y, epsilon, start)
        cases[f"whole program, epsilon {epsilon:g}"] = lambda epsilon=epsilon: whole(x, y, epsilon)
    seconds = bench.in_turn(cases, args.repeat, warm_up=False)
    speedup = {case.split()[-1]: round(float(np.median(seconds[f"whole program, epsilon {case.split()[-1]}"])
                                             / np.median(seconds[case])), 2) for case in cases if case.startswith("working")}
    bench.finish("exact", args, seconds, next(iter(cases)), gaps=gaps, speedup=speedup)


if __name__ == "__main__":
    bench.cli.run(main)
