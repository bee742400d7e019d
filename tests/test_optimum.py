"""The proved optimum beside independent solvers, and its proof checked on all the data."""

import numpy as np
import pytest
from scipy.optimize import linprog

import data_prep
from beyond.linear import exact, optimum
from common import runs


@pytest.fixture(scope="module")
def subset(data):
    """120 training images, (120, 784) float64, and their labels."""
    chosen = np.random.default_rng(0).choice(len(data.y_train), 120, replace=False)
    return data.x_train[chosen].reshape(120, -1).astype(float), data.y_train[chosen].astype(float)


SLOW = [pytest.param(epsilon, marks=pytest.mark.slow) for epsilon in (0.12, 0.2, 0.45)]


@pytest.mark.parametrize("epsilon", [0.3, *SLOW])
def test_optimum_equals_that_of_an_independent_solver(subset, epsilon):
    cvxpy = pytest.importorskip("cvxpy")
    x, y = subset
    weights, bias = cvxpy.Variable(784), cvxpy.Variable()
    losses = cvxpy.pos(1 - cvxpy.multiply(y, x @ weights + bias) + epsilon * cvxpy.norm1(weights))
    problem = cvxpy.Problem(cvxpy.Minimize(cvxpy.sum(losses) / len(y)))
    problem.solve(solver="CLARABEL", tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    best = optimum.Program(x, y).solve(epsilon)
    assert best.objective == pytest.approx(problem.value, abs=1e-6)
    assert best.objective - best.lower_bound <= 1e-7


def test_robust_optimum_is_an_optimum_with_an_l1_penalty(subset):
    """The rescaled robust optimum reaches the least hinge + λ ‖v‖₁ of an independent solver."""
    cvxpy = pytest.importorskip("cvxpy")
    (x, y), epsilon = subset, 0.12
    best = optimum.Program(x, y).solve(epsilon)
    penalty, value = optimum.l1_equivalent(best.weights, best.bias, x, y, epsilon)
    weights, bias = cvxpy.Variable(784), cvxpy.Variable()
    hinge = cvxpy.sum(cvxpy.pos(1 - cvxpy.multiply(y, x @ weights + bias))) / len(y)
    problem = cvxpy.Problem(cvxpy.Minimize(hinge + penalty * cvxpy.norm1(weights)))
    problem.solve(solver="CLARABEL", tol_gap_abs=1e-8, tol_gap_rel=1e-8, tol_feas=1e-8)
    assert value == pytest.approx(problem.value, abs=1e-6)
    assert penalty == pytest.approx(epsilon * best.objective)


def test_the_solver_is_silent(script):
    """HiGHS' own line appears once a process, so this is another one."""
    call = "import numpy; from beyond.linear import optimum; optimum.Program(numpy.eye(2), [-1, 1])"
    done = script("-c", call)
    assert done.returncode == 0 and not done.stdout + done.stderr


def test_a_failed_solve_is_repeated_cold_and_then_told(monkeypatch):
    highs, failures = optimum.Solver.run, iter(range(3))
    run = lambda solver: highs(solver) if next(failures, None) is None else None
    monkeypatch.setattr(optimum.Solver, "run", run)
    with pytest.raises(ValueError, match="^HiGHS could not solve the program: kNotset"):
        optimum.Program(np.eye(2), [-1, 1]).solve(0.6)
    assert optimum.Program(np.eye(2), [-1, 1]).solve(0.6).objective == pytest.approx(1)


def test_separating_model_has_the_largest_margin(subset):
    x, y = subset
    separation = optimum.separate(x, y)
    weights, bias = separation.weights, separation.bias
    assert np.min(y * (x @ weights + bias)) == pytest.approx(1, abs=1e-12)
    # The same as one primal program, written out: minimise Σ u + v with y (x (u - v) + b) >= 1.
    signed = np.c_[y[:, None] * x, -y[:, None] * x, y]
    bounds = [(0, None)] * 1568 + [(None, None)]
    whole = linprog(np.r_[np.ones(1568), 0], -signed, -np.ones(120), bounds=bounds)
    assert np.abs(weights).sum() == pytest.approx(whole.fun, rel=1e-7)
    # Zero loss below 1/‖w‖₁ and none above.
    largest = separation.epsilon
    assert largest == 1 / np.abs(weights).sum()
    assert largest <= separation.upper_bound <= largest * (1 + 1e-7)
    below = exact.rescaled(separation, x, y, 0.99 * largest)
    loss = optimum.robust_objective(below.weights, below.bias, x, y, 0.99 * largest)
    assert loss == pytest.approx(0, abs=1e-9)
    assert optimum.Program(x, y).solve(1.01 * largest).lower_bound > 0


@pytest.mark.parametrize("overlap", [False, True])
def test_overlap_is_what_a_linear_program_says(subset, overlap):
    """Of the first ten pixels the classes overlap, of all they do not."""
    x, y = subset
    x = x[:, x.std(axis=0) > 0][:, :10] if overlap else x
    rows = -y[:, None] * np.c_[x, np.ones(len(y))]
    program = linprog(np.zeros(rows.shape[1]), rows, -np.ones(len(y)), bounds=(None, None))
    assert (program.status == 2) == overlap  # 2: infeasible
    assert (optimum.separate(x, y) is None) == overlap
    model = optimum.separator(x, y)
    assert (model is None) == overlap
    assert overlap or np.min(y * (x @ model[0] + model[1])) >= 1 - 1e-9


def test_epsilon_zero_is_refused_before_the_work_if_the_classes_overlap(monkeypatch, tmp_path):
    x = np.array([[0.0], [0.5], [1.0], [0.5]])
    y = np.array([-1.0, 1.0, 1.0, -1.0])
    pair = data_prep.Data(*(2 * (x.astype(np.float32), y.astype(np.float32))), "")
    monkeypatch.setattr(data_prep, "load_pair", lambda digits: pair)
    monkeypatch.setattr(exact, "experiment", lambda *_: pytest.fail("the work has begun"))
    flags = ["--epsilon", "0.1", "--epsilon", "0", "--results", str(tmp_path)]
    with pytest.raises(ValueError, match="^--epsilon 0: the classes overlap"):
        exact.main(flags)
    assert not list(tmp_path.iterdir())


def test_exact_run_is_saved_like_the_others(data, monkeypatch, tmp_path, capsys):
    """At an ε with a zero loss, at one where nothing beats the constant, and between."""
    tenth = data._replace(x_train=data.x_train[::10], y_train=data.y_train[::10])
    monkeypatch.setattr(data_prep, "load_pair", lambda digits: tenth)
    flags = [word for epsilon in ("0.3", "0", "0.5") for word in ("--epsilon", epsilon)]
    exact.main([*flags, "--results", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "every model that separates the attacked data is optimal" in printed
    assert "the constant classifier" in printed
    run = runs.read(tmp_path / "exact-0.3", metrics=["test_accuracy", "robust_accuracy"])
    assert run.metrics["gap"] <= 1e-7
    assert run.metrics["nonzero_weights"] == np.count_nonzero(run.arrays["weights"])
    header, *rows = (tmp_path / "exact-0.3" / "history.csv").read_text().splitlines()
    assert header.startswith("round,lower_bound,objective") and len(rows) == run.metrics["rounds"]
    zero = runs.read(tmp_path / "exact-0").metrics
    assert zero["objective"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("epsilon", runs.EPSILONS)
def test_converged_recipe_is_within_two_percent_of_the_optimum(complete, epsilon):
    converged = runs.read(complete / runs.name("robust", epsilon, "converged"))
    best = runs.read(complete / runs.name("exact", epsilon)).metrics
    assert 1 <= converged.metrics["train_loss"] / best["objective"] <= 1.02
    assert 0.036 < best["separation_epsilon"] < 0.037
    assert converged.config["arguments"]["epochs"] <= 100
