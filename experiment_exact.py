"""The exact robust optimum: how far is SGD from the best robust linear classifier there is?

    python experiment_exact.py                   # ε = 0.1, 0.2, 0.3, about 8 s, half of it TensorFlow's import
    python experiment_exact.py --epsilon 0.05 --epsilon 0.4

Robust training of a linear model is convex, so its optimum can be computed and proved (optimum.py). Writes
results/exact-0.1/ and so on, in the format of the other runs, with the bounds of each round in history.csv, and adds
optimality_gap, objective over optimum, to the metrics of the robust runs with the same ε.
"""
import csv
import time

import cli  # before NumPy: from here on Ctrl-C ends in one line
import numpy as np

import data_prep
import optimum
import storage

EPSILONS = (0.1, 0.2, 0.3)  # l-infinity radii, in pixel units
PROVED = 1e-7  # the gap between objective and lower bound at which the optimum counts as found


def rough_model(folder, data):
    """(weights, bias) of a trained run on the same data, or None: a first guess that saves rounds."""
    try:
        run = storage.read_run(folder, arrays=["weights", "bias"])
    except (OSError, ValueError):
        return None
    return (run.arrays["weights"], run.arrays["bias"]) if run.config.get("data_sha256") == data.digest else None


def separated(separating, epsilon):
    """The Optimum below the separation ε: the separating model, scaled until the attacked margins are 1 again."""
    weights, bias = separating
    scale = 1 / (1 - epsilon * np.abs(weights).sum())
    return optimum.Optimum(scale * weights, scale * bias, 0.0, 0.0, np.zeros(0), 0)


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
    separating = optimum.separate(x, y)
    separation_epsilon = 0.0 if separating is None else 1 / float(np.abs(separating[0]).sum())
    print("the classes cannot be separated" if separating is None else
          f"zero robust loss is possible below epsilon = {separation_epsilon:.6f}, the l-infinity margin of the data")
    import runs
    for epsilon in args.epsilons:
        rounds, start_time = [], time.perf_counter()

        def on_round(number, lower_bound, objective, examples, pixels):
            rounds.append((number, lower_bound, objective, examples, pixels, time.perf_counter() - start_time))
            print(f"  epsilon {epsilon:g}, round {number}: {lower_bound:.9f} <= optimum <= {objective:.9f}, "
                  f"{examples:,} examples, {pixels} pixels, {rounds[-1][-1]:.2f} s", flush=True)

        if epsilon < separation_epsilon:
            best = separated(separating, epsilon)
            print(f"  epsilon {epsilon:g}: every model that separates the attacked data is optimal; this one has the least ‖w‖₁")
        else:
            start = rough_model(cli.out_dir(args) / storage.run_name("robust", epsilon), data)
            best = optimum.solve(x, y, epsilon, start, PROVED, on_round)
        gap = best.objective - best.lower_bound
        if gap > PROVED:
            raise ValueError(f"epsilon {epsilon:g}: the optimum is not proved, the gap is {gap:.1e} and not {PROVED:g}; "
                             "try an epsilon a little larger or smaller")
        seconds = time.perf_counter() - start_time
        metrics = runs.evaluate(best.weights, best.bias, data) | dict(
            train_loss=best.objective,
            test_loss=optimum.robust_objective(best.weights, best.bias, data.x_test.reshape(-1, x.shape[1]), data.y_test, epsilon),
            objective=best.objective, lower_bound=best.lower_bound, gap=gap,
            nonzero_weights=int(np.count_nonzero(best.weights)), rounds=best.rounds, seconds=seconds,
            separation_epsilon=separation_epsilon)
        folder = cli.out_dir(args) / storage.run_name("exact", epsilon)
        with storage.write_run(folder) as place:
            with open(place / "history.csv", "w", newline="") as file:
                csv.writer(file).writerows([("round", "lower_bound", "objective", "examples", "pixels", "seconds"), *rounds])
            arrays = runs.figure_arrays(best.weights, best.bias, data) | dict(pixel_pull=pixel_pull(x, y, best.alpha))
            runs.save(place, args, data, metrics, arrays, runs.model_of(best.weights, best.bias), epsilon=epsilon)
        runs.compare_with_optimum(cli.out_dir(args), epsilon)
        print(f"{folder}: objective {best.objective:.7f}, {metrics['nonzero_weights']} non-zero weights"
              + (" (the constant classifier)" if not best.weights.any() else "")
              + f", test accuracy {metrics['test_accuracy']:.2%}")


if __name__ == "__main__":
    cli.run(main)
