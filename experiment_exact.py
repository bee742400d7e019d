"""The exact robust optimum: how far is SGD from the best robust linear classifier there is?

    python experiment_exact.py                   # ε = 0.1, 0.2, 0.3, about 8 s, half of it TensorFlow's import
    python experiment_exact.py --epsilon 0.05 --epsilon 0.4

Robust training of a linear model is convex, so its optimum can be computed and proved (optimum.py). Writes
results/exact-0.1/ and so on, in the format of the other runs, with the bounds of each round in history.csv, and adds
optimality_gap, the run's loss divided by the optimum, to the metrics of the robust runs with the same ε.
"""
import csv
import time

import cli  # first: installs the one-line Ctrl-C handler
import numpy as np

import data_prep
import optimum
import storage

EPSILONS = (0.1, 0.2, 0.3)  # l-infinity radii, in pixel units
PROVED = 1e-7  # the largest gap between objective and lower bound that is accepted as a proof
ROUND = ("round", "lower_bound", "objective", "examples", "pixels", "seconds")  # the columns of history.csv


def rough_model(folder, data):
    """(weights, bias) of a trained run on the same data, or None: a first guess that saves rounds."""
    try:
        run = storage.read_run(folder, arrays={"weights": (784,), "bias": ()})
    except (OSError, ValueError):
        return None
    return (run.arrays["weights"], run.arrays["bias"]) if run.config.get("data_sha256") == data.digest else None


def rescaled(separation, x, y, epsilon):
    """The Optimum for an ε of separation: the separating model, rescaled until the attacked margins are 1 again."""
    scale = 1 / (1 - epsilon / separation.epsilon)
    weights, bias = scale * separation.weights, scale * separation.bias
    return optimum.Optimum(weights, bias, optimum.robust_objective(weights, bias, x, y, epsilon), 0.0, np.zeros(len(y)), 0)


def find_optimum(x, y, epsilon, separation, start):
    """The proved Optimum, and the rows of history.csv. Raises ValueError if the proof fails."""
    rounds, start_time = [], time.perf_counter()

    def on_round(number, lower_bound, objective, examples, pixels):
        rounds.append((number, lower_bound, objective, examples, pixels, time.perf_counter() - start_time))
        print(f"  epsilon {epsilon:g}, round {number}: {lower_bound:.9f} <= optimum <= {objective:.9f}, "
              f"{examples:,} examples, {pixels} pixels, {rounds[-1][-1]:.2f} s", flush=True)

    if separation and epsilon < separation.epsilon:
        best = rescaled(separation, x, y, epsilon)
        print(f"  epsilon {epsilon:g}: every model that separates the attacked data is optimal; this one has the least ‖w‖₁")
    else:
        best = optimum.solve(x, y, epsilon, start, PROVED, on_round)
    gap = best.objective - best.lower_bound
    if gap > PROVED:
        raise ValueError(f"epsilon {epsilon:g}: the optimum is not proved, the gap is {gap:.1e} and not {PROVED:g}; "
                         "try an epsilon a little larger or smaller")
    return best, rounds


def pixel_pull(x, y, alpha):
    """Σ α y x_j / Σ α for every pixel: how the active examples pull at w_j; at the optimum w_j = 0 where it is below ε."""
    return (alpha * y) @ x / alpha.sum() if alpha.any() else np.zeros(x.shape[1])


def parse_args(argv=None):
    parser = cli.parser(__doc__)
    cli.add_digits(parser)
    cli.add_out_dir(parser)
    cli.add_epsilons(parser, EPSILONS)
    return parser.parse_args(argv)


def main(argv=None):
    args = parse_args(argv)
    data = data_prep.load_pair(args.digits)
    x, y = data.x_train.reshape(len(data.x_train), -1).astype(float), data.y_train.astype(float)
    separation = optimum.separate(x, y)
    print("the classes cannot be separated" if separation is None else f"zero robust loss is possible below epsilon = "
          f"{separation.epsilon:.6f}, the l-infinity margin of the data, and not above {separation.upper_bound:.6f}")
    import runs
    for epsilon in args.epsilons:
        start_time = time.perf_counter()
        start = rough_model(cli.out_dir(args) / storage.run_name("robust", epsilon), data)
        best, rounds = find_optimum(x, y, epsilon, separation, start)
        seconds = time.perf_counter() - start_time
        l1_penalty, l1_objective = optimum.l1_equivalent(best.weights, best.bias, x, y, epsilon)
        metrics = runs.evaluate(best.weights, best.bias, data) | dict(
            train_loss=best.objective,
            test_loss=optimum.robust_objective(best.weights, best.bias, data.x_test.reshape(-1, x.shape[1]), data.y_test, epsilon),
            objective=best.objective, lower_bound=best.lower_bound, gap=best.objective - best.lower_bound,
            nonzero_weights=int(np.count_nonzero(best.weights)), rounds=best.rounds, seconds=seconds,
            l1_penalty=l1_penalty, l1_objective=l1_objective,
            separation_epsilon=separation.epsilon if separation else 0.0,
            separation_upper_bound=separation.upper_bound if separation else 0.0)
        folder = cli.out_dir(args) / storage.run_name("exact", epsilon)
        with storage.write_run(folder) as place:
            with open(place / "history.csv", "w", newline="") as file:
                csv.writer(file).writerows([ROUND, *rounds])
            arrays = runs.figure_arrays(best.weights, best.bias, data) | dict(pixel_pull=pixel_pull(x, y, best.alpha))
            runs.save(place, args, data, metrics, arrays, runs.model_of(best.weights, best.bias), epsilon=epsilon)
        runs.compare_with_optimum(cli.out_dir(args), epsilon)
        print(f"{folder}: objective {best.objective:.7f}, {metrics['nonzero_weights']} non-zero weights"
              + (" (the constant classifier)" if not best.weights.any() else "")
              + f", test accuracy {metrics['test_accuracy']:.2%}")


if __name__ == "__main__":
    cli.run(main)
