"""The proof of the optimum in exact arithmetic, its refusals, and what follows from it."""

from fractions import Fraction

import numpy as np
import pytest

from beyond.linear import diagram, exact, optimum
from common import runs


@pytest.mark.parametrize("epsilon", [0.05, 0.2, 0.4])
def test_optimum_is_proved_on_all_the_data(train_images, epsilon):
    """α is feasible in rational arithmetic, its mean and the loss of the weights meet.

    Every float is a fraction: once one α has made up for Σ α y, all is feasible, exactly.
    """
    x, y = train_images
    best = optimum.Program(x, y).solve(epsilon)
    alpha = best.alpha
    active = np.flatnonzero(alpha)
    exact_alpha = {i: Fraction(float(alpha[i])) for i in active}
    imbalance = sum(int(y[i]) * exact_alpha[i] for i in active)
    assert abs(imbalance) <= 1e-12 * len(active)
    moved = next(i for i in active if 0.1 < alpha[i] < 0.9)
    exact_alpha[moved] -= int(y[moved]) * imbalance
    assert sum(int(y[i]) * exact_alpha[i] for i in active) == 0
    assert all(0 <= each <= 1 for each in exact_alpha.values())
    # A common power of two makes whole numbers of α and of the float32 pixels.
    bits = max(each.denominator for each in exact_alpha.values())
    whole = np.array([int(exact_alpha[i] * bits) * int(y[i]) for i in active], object)
    pixels = np.ldexp(x[active], 40)
    assert np.all(pixels == np.rint(pixels))
    bound = Fraction(epsilon) * sum(exact_alpha.values()) * bits * 2**40
    for column in pixels.T:
        lit = np.flatnonzero(column)
        pull = sum(whole[i] * int(column[i]) for i in lit)
        assert abs(pull) <= bound
    margins = y * (x @ best.weights + best.bias)
    loss = np.maximum(0, 1 - margins + epsilon * np.abs(best.weights).sum()).mean()
    assert best.objective == pytest.approx(loss, abs=1e-12)
    assert best.lower_bound == pytest.approx(alpha.mean(), abs=1e-12)
    assert -1e-12 <= loss - alpha.mean() <= 1e-7
    # The optimality conditions: a weight only where the active examples pull with ε.
    pulls, used = exact.pixel_pull(x, y, alpha), best.weights != 0
    np.testing.assert_allclose(pulls[used], np.sign(best.weights[used]) * epsilon, rtol=1e-6)


def test_tiny_sets_on_a_grid_are_proved_but_at_the_separation_epsilon():
    """Where Σ α is small, as in set 111, the second safety proves.

    At the ε of separation itself, where exact.py refuses, the gap is told as it is.
    """
    generator, unproved = np.random.default_rng(1), 0
    for _ in range(211):
        n, pixels = generator.integers(2, 9), generator.integers(1, 5)
        x, y = generator.integers(0, 5, (n, pixels)) / 4, generator.choice([-1.0, 1.0], n)
        y[:2] = -1, 1
        epsilon = generator.integers(1, 8) / 16
        best = optimum.Program(x, y).solve(epsilon)
        alpha = best.alpha
        assert best.lower_bound <= best.objective + 1e-12
        assert np.all(np.abs((alpha * y) @ x) <= epsilon * alpha.sum() + 1e-12)
        if best.objective - best.lower_bound > 1e-7:
            unproved += 1
            assert optimum.separate(x, y).epsilon == pytest.approx(epsilon, rel=1e-9)
    assert unproved == 2


def test_two_pixels_are_optimal_from_below_0_215_on(train_images):
    """The program of those two pixels alone reaches the bound that is proved for all of them."""
    x, y = train_images
    two = np.flatnonzero(runs.read(runs.RESULTS / "exact-0.3").arrays["weights"])
    assert len(two) == 2
    program, part = optimum.Program(x, y), optimum.Program(x[:, two], y)
    for epsilon, enough in ((0.205, False), (0.215, True)):
        excess = part.solve(epsilon).objective - program.solve(epsilon).lower_bound
        assert (excess < 1e-8) == enough and (excess > 1e-6) == (not enough)


@pytest.mark.parametrize(
    "y, epsilon, complaint",
    [
        (np.array([0.0, 1, 0, 1]), 0.1, r"-1 and \+1, both"),
        (np.array([[1.0], [-1], [1], [-1]]), 0.1, "shape"),
        (np.array([1.0, -1, 1, -1]), np.nan, "finite"),
    ],
)
def test_bad_arguments_are_named(y, epsilon, complaint):
    x = np.random.default_rng(0).random((4, 3))
    with pytest.raises(ValueError, match=complaint):
        optimum.Program(x, y).solve(epsilon)


def test_at_the_separation_epsilon_itself_the_two_problems_differ():
    """x = 0, 0, 1 and y = -, -, +: (2, -1) is optimal with λ = ε F = 0, at no scale robustly."""
    x, y = np.array([[0.0], [0.0], [1.0]]), np.array([-1.0, -1.0, 1.0])
    assert optimum.separate(x, y).epsilon == pytest.approx(0.5)
    weights, bias = np.array([2.0]), -1.0
    assert optimum.robust_objective(weights, bias, x, y, 0) == 0  # hinge, and a penalty of zero
    for scale in (0.01, 1, 100, 1e6):
        value = optimum.robust_objective(scale * weights, scale * bias, x, y, 0.5)
        assert value == pytest.approx(1)
    constant = optimum.robust_objective(0 * weights, -1.0, x, y, 0.5)
    assert constant == pytest.approx(2 / 3)  # so the least robust loss is not 1
    with pytest.raises(ValueError, match="is the ε of separation.*larger or smaller"):
        exact.find_optimum(optimum.Program(x, y), 0.5, optimum.separate(x, y))


def test_optimal_classifier_is_piecewise_constant(train_images):
    """From ε to ε only its scale moves, until it jumps: v = w / (1 + ε ‖w‖₁) is the vertex of a
    program with a parametric cost, λ = ε F.
    """
    x, y = train_images

    def classifier(epsilon):
        best = optimum.Program(x, y).solve(epsilon)
        norm = np.abs(best.weights).sum()
        return np.append(best.weights, best.bias) / norm, norm

    (one, small), (same, large), (other, _) = map(classifier, (0.36, 0.38, 0.34))
    np.testing.assert_allclose(same, one, atol=1e-6)
    assert large > 1.1 * small
    assert np.abs(other - one).max() > 1e-3


def test_warm_optima_are_the_cold_ones(train_images):
    """Every twentieth image: an ε on either side of both ends, and some between."""
    x, y = (each[::20] for each in train_images)
    program, separation = optimum.Program(x, y), optimum.separate(x, y)
    end = diagram.constant_end(program)
    epsilons = [0.02, 0.1, 0.15, 0.25, 0.3, 0.4, 0.45, 0.6]
    assert epsilons[0] < separation.epsilon and epsilons[-2] < end[0] < epsilons[-1]
    for epsilon, warm in zip(epsilons, diagram.optima(program, epsilons, separation, end)):
        value = optimum.robust_objective(warm.weights, warm.bias, x, y, epsilon)
        assert warm.objective == pytest.approx(value, abs=1e-9)
        if epsilon > separation.epsilon:
            cold = optimum.Program(x, y).solve(epsilon)
            assert warm.objective == pytest.approx(cold.objective, abs=2e-7)
    # Just below its end the constant is not optimal.
    below = optimum.Program(x, y).solve(end[0] - 0.002)
    assert below.objective < 2 * min(np.mean(y > 0), np.mean(y < 0)) - 1e-5


def test_classifiers_are_counted_without_their_scale(complete):
    weights = np.array([[1, -3], [2, -6], [1, -3], [0, 2], [0, 0]], float)
    count, shares = diagram.classifiers(weights, np.array([1, 2, 2, 0, 1], float))
    assert count == 4  # the second is the first; the third has another bias
    np.testing.assert_allclose(shares, [[0.75, 0.25]] * 3 + [[1, 0], [0, 0]])
    run = runs.read(complete / "diagram")
    shares = dict(zip(run.metrics["epsilon"], run.metrics["largest_shares"]))
    np.testing.assert_allclose(
        [shares[0.215], shares[0.3]], [[0.74, 0.26], [0.95, 0.05]], atol=5e-3
    )
    assert 50 < run.metrics["classifiers"] < 101
