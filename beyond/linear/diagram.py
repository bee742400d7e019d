"""The exact phase diagram: the proved optimum at every training ε of the sweep, attacked at each ε.

    python -m beyond.linear.diagram             # 101 training ε: 0, 0.005 ... 0.5
    python -m beyond.linear.figures.phase_diagram  # the figure, beside the sweep's

Two ends have a proof of their own. Below the ε of separation the separating model has zero robust
loss. From the ε at which the constant classifier becomes optimal, it stays so: a feasible α of one
ε is feasible for every larger one. Between them one program goes from ε to ε, downwards. Writes
results/diagram/.
"""

import numpy as np

import attacks
import data_prep
from beyond.linear import optimum
from beyond.linear.exact import LARGEST_GAP, rescaled
from common import cli, runs

RUN = "diagram"
EPSILONS = np.linspace(0, 0.5, 101)  # of training and attack, in pixel units
USED = 1e-7  # of the largest |weight|: a weight below it is rounding
NEVER = np.inf, None  # as an end: it need not be known where the constant begins
SAME = 1e-6  # of ‖w‖₁: classifiers that differ less, but for their scale, are one


def constant_end(program):
    """The ε from which on the constant classifier is optimal, and its α (n,), which proves it.

    Its loss is twice the share m / n of the smaller class. So Σ α = 2m, and the largest
    |Σ α y x_j| / 2m, which is the ε, is the least.
    """
    least = min(np.sum(program.y < 0), np.sum(program.y > 0))
    *_, alpha, _, pulls = program.least_pull(2 * least)
    return float(np.abs(pulls).max() / alpha.sum()), alpha


def optima(program, epsilons, separation=None, end=NEVER):
    """The Optimum of each of the ascending ε; end from constant_end.

    Raises ValueError for an ε that is not proved.
    """
    (x, y), found, (largest, alpha) = (program.x, program.y), [], end
    zero, bias = np.zeros(x.shape[1]), float(np.sign(y.sum()) or 1)
    constant = optimum.robust_objective(zero, bias, x, y, 0)
    for epsilon in epsilons[::-1]:
        if separation and epsilon < separation.epsilon:
            best = rescaled(separation, x, y, epsilon)
        elif epsilon >= largest:
            best = optimum.Optimum(zero, bias, constant, float(alpha.mean()), alpha, 0)
        else:
            best = program.solve(epsilon)
        if not best.gap <= LARGEST_GAP:
            raise ValueError(f"epsilon {epsilon:g} is not proved: the gap is {best.gap:.1e}")
        found.append(best)
    return found[::-1]


def used_pixels(weights):
    """How many pixels a model uses, rounding left out."""
    size = np.abs(weights)
    return int(np.sum(size > USED * size.max(initial=0)))


def classifiers(weights, bias):
    """How often the classifier changes from one ε to the next, plus one, and what share of ‖w‖₁ is
    on the two largest weights of each, (n, 2); weights: (n, pixels), bias: (n,).
    """
    norm = np.abs(weights).sum(axis=1, keepdims=True)
    scaled = np.c_[weights, bias] / np.where(norm, norm, 1)
    changes = np.abs(np.diff(scaled, axis=0)).max(axis=1) > SAME
    return 1 + int(changes.sum()), np.sort(np.abs(scaled[:, :-1]))[:, :-3:-1]


def main(argv=None):
    args = cli.pair_parser(__doc__).parse_args(argv)
    data = data_prep.load_pair(args.digits)
    x, y = data.training_matrix()
    separation, program = optimum.separate(x, y), optimum.Program(x, y)
    end = constant_end(program)
    found = optima(program, EPSILONS, separation, end)
    test = data.x_test, data.y_test
    accuracy = [attacks.robust_accuracy(*it[:2], *test, EPSILONS) for it in found]
    pixels, largest_gap = [used_pixels(it.weights) for it in found], max(it.gap for it in found)
    weights, bias = (np.array(each, float) for each in list(zip(*found))[:2])
    different, shares = classifiers(weights, bias)
    metrics = dict(
        epsilon=EPSILONS.tolist(),
        objective=[it.objective for it in found],
        lower_bound=[it.lower_bound for it in found],
        largest_gap=largest_gap,
        pixels=pixels,
        classifiers=different,
        largest_shares=shares.tolist(),
        same_epsilon=np.diag(accuracy).tolist(),
        separation_epsilon=separation.epsilon if separation else 0.0,
        constant_epsilon=end[0],
        best_accuracy=dict(
            attack_epsilon=EPSILONS.tolist(),
            accuracy=np.max(accuracy, axis=0).tolist(),
            epsilon=EPSILONS[np.argmax(accuracy, axis=0)].tolist(),
        ),
    )
    arrays = dict(
        train_epsilons=EPSILONS,
        attack_epsilons=EPSILONS,
        accuracy=np.array(accuracy),
        pixels=np.array(pixels),
        weights=weights.astype(np.float32),
        bias=bias,
    )
    folder = cli.results_folder(args) / RUN
    runs.save(folder, args, data, metrics, arrays)
    print(
        f"{folder}: {len(found)} optima, proved to {largest_gap:.0e}; the constant classifier is "
        f"optimal from epsilon = {end[0]:.4f}"
    )


if __name__ == "__main__":
    cli.run(main)
