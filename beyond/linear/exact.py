"""The exact robust optimum: how far is SGD from the best robust linear classifier there is?

    python -m beyond.linear.exact                       # ε = 0.1, 0.2, 0.3; a few seconds
    python -m beyond.linear.exact --epsilon 0.05 --epsilon 0.4

Robust training of a linear model is convex, so its optimum can be computed and proved (optimum.py).
Writes results/exact-0.1/ and so on, in the format of the other runs, with the bounds of each round
in history.csv.
"""

import numpy as np

import data_prep
from beyond.linear import optimum
from common import cli, evaluation, runs, training

RUN = "exact"
LARGEST_GAP = 1e-7  # between objective and lower bound, for it to count as a proof
COLUMNS = ("round", "lower_bound", "objective", "examples", "pixels")  # of history.csv


def rescaled(separation, x, y, epsilon):
    """The Optimum below the ε of separation: its model, scaled to attacked margins of 1 again."""
    scale = 1 / (1 - epsilon / separation.epsilon)
    weights, bias = scale * separation.weights, scale * separation.bias
    objective = optimum.robust_objective(weights, bias, x, y, epsilon)
    return optimum.Optimum(weights, bias, objective, 0.0, np.zeros(len(y)), 0)


def find_optimum(program, epsilon, separation):
    """The proved Optimum, and the rows of history.csv. Raises ValueError if the proof fails."""
    rounds = []
    if separation and 0 <= epsilon - separation.epsilon <= 2 * optimum.SAFETIES[-1]:
        raise ValueError(
            f"epsilon {epsilon!r} is the ε of separation, where the weights grow without bound; "
            "try one a little larger or smaller"
        )
    if separation and epsilon < separation.epsilon:
        print(
            f"  epsilon {epsilon:g}: every model that separates the attacked data is optimal; "
            "this one has the least ‖w‖₁"
        )
        return rescaled(separation, program.x, program.y, epsilon), rounds

    def on_round(*row):
        rounds.append(row)
        number, lower_bound, objective, examples, pixels = row
        bounds = f"{lower_bound:.9f} <= optimum <= {objective:.9f}"
        size = f"{examples:,} examples, {pixels} pixels"
        print(f"  epsilon {epsilon:g}, round {number}: {bounds}, {size}", flush=True)

    best = program.solve(epsilon, on_round=on_round)
    if best.gap > LARGEST_GAP:
        raise ValueError(
            f"epsilon {epsilon:g}: the optimum is not proved, the gap is {best.gap:.1e} and not "
            f"{LARGEST_GAP:g}; try an epsilon a little larger or smaller"
        )
    return best, rounds


def pixel_pull(x, y, alpha):
    """Σ α y x_j / Σ α: the active examples' pull at w_j; where it is < ε, the optimal w_j is 0."""
    return (alpha * y) @ x / alpha.sum() if alpha.any() else np.zeros(x.shape[1])


def experiment(args, data, epsilon, program, separation):
    """Find, prove, measure and save the optimum of one ε."""
    x, y = data.training_matrix()
    best, rounds = find_optimum(program, epsilon, separation)
    l1_penalty, l1_objective = optimum.l1_equivalent(best.weights, best.bias, x, y, epsilon)
    test_x = data.x_test.reshape(-1, x.shape[1])
    metrics = evaluation.evaluate(best.weights, best.bias, data) | dict(
        train_loss=best.objective,
        test_loss=optimum.robust_objective(best.weights, best.bias, test_x, data.y_test, epsilon),
        objective=best.objective,
        lower_bound=best.lower_bound,
        gap=best.gap,
        nonzero_weights=int(np.count_nonzero(best.weights)),
        rounds=best.rounds,
        l1_penalty=l1_penalty,
        l1_objective=l1_objective,
        separation_epsilon=separation.epsilon if separation else 0.0,
        separation_upper_bound=separation.upper_bound if separation else 0.0,
    )
    arrays = evaluation.figure_arrays(best.weights, best.bias, data) | dict(
        pixel_pull=pixel_pull(x, y, best.alpha), alpha=best.alpha
    )
    folder = cli.results_folder(args) / runs.name(RUN, epsilon)
    training.seed_everything(0)  # for the names in the saved model
    model, table = training.model_of(best.weights, best.bias), dict(zip(COLUMNS, zip(*rounds)))
    runs.save(folder, args, data, metrics, arrays, model, history=table, epsilon=epsilon)
    size = f"{metrics['nonzero_weights']} non-zero weights"
    size += "" if best.weights.any() else " (the constant classifier)"
    accuracy = metrics["test_accuracy"]
    print(f"{folder}: objective {best.objective:.7f}, {size}, test accuracy {accuracy:.2%}")


def main(argv=None):
    args = cli.pair_parser(__doc__, epsilon=runs.EPSILONS).parse_args(argv)
    data = data_prep.load_pair(args.digits)
    x, y = data.training_matrix()
    separation, program = optimum.separate(x, y), optimum.Program(x, y)
    if separation:
        print(
            f"zero robust loss is possible below epsilon = {separation.epsilon:.6f}, the ℓ∞ margin "
            f"of the data, and not above {separation.upper_bound:.6f}"
        )
    else:
        print("the classes cannot be separated")
        if 0 in args.epsilons:
            raise ValueError(
                "--epsilon 0: the classes overlap, and then rounding leaves no α that proves the "
                "optimum; take an --epsilon above 0"
            )
    for epsilon in sorted(args.epsilons, reverse=True):
        experiment(args, data, epsilon, program, separation)


if __name__ == "__main__":
    cli.run(main)
