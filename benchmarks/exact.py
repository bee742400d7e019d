"""The proved optimum: on a working set, as beyond/exact.py has it, and the whole program at once.

    python benchmarks/exact.py       # about a minute

Both are the same linear program (the dual of beyond/optimum.py), solved by the same solver with the
same options, and their objectives must agree. The working set starts as in the experiment, from the
saved robust run where there is one.
"""

import bench
import numpy as np
from scipy import sparse

import data_prep
from beyond import exact, optimum
from common import runs

EPSILONS = (0.05, 0.1, 0.2, 0.3, 0.4)  # pixel units


def whole_program(x, y, epsilon):
    """The objective of the program with all examples and all pixels that are ever lit."""
    used = x.any(axis=0)
    weights, bias, _ = optimum.solve_program(sparse.csr_matrix(x[:, used]), y, epsilon)
    return optimum.robust_objective(weights, bias, x[:, used], y, epsilon)


def main():
    args = bench.arguments(__doc__, repeat=3)
    data = data_prep.load_pair()
    step = 20 if args.quick else 1
    x, y = data.x_train[::step].reshape(-1, 784).astype(float), data.y_train[::step].astype(float)
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
    bench.finish("exact", args, seconds, next(iter(cases)), gaps=gaps, speedup=speedup)


if __name__ == "__main__":
    bench.cli.run(main)
