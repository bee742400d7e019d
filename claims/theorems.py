"""Sentences of the post that algebra decides. No number could turn them; these only illustrate."""

import numpy as np

import attacks
from claims.rules import accuracy_at, linear, margins_of, models

ROUNDING = 1e-9  # of sums over the training images


def tolerance(saved, data):
    """Of each model: the least loss of a misclassified test image, at least 1 + ε‖w‖₁ by algebra
    (None without a mistake), and the distance from the boundary at which the loss ends.
    """
    least, distance = [], []
    for run in models(saved):
        epsilon, norm = run.config["run"].get("epsilon", 0), run.metrics["weight_l1_norm"]
        margins = margins_of(run)
        losses = np.maximum(0, 1 - attacks.robust_margins(margins, run.arrays["weights"], epsilon))
        least.append(float(min(losses[margins <= 0])) if np.any(margins <= 0) else None)
        distance.append((1 + epsilon * norm) / norm)
    return dict(least_loss_of_a_mistake=least, distance_without_loss=distance)


def l1_penalty(saved, data):
    """How many test images have no loss of their own in the robust model, ε = 0.2, and in two L1
    models. `dual_feasible`: the α that proves the robust optimum meets every constraint of the L1
    problem's dual, but for rounding, so that both have this optimal classifier.
    """
    names = "robust-0.2", "l1-0.2", "l1-0.2-equivalent"
    robust, _, equivalent = three = [saved[name] for name in names]
    ignored = [margins_of(run) >= 1 for run in three]
    ignored[0] = attacks.robust_margins(margins_of(robust), robust.arrays["weights"], 0.2) >= 1
    exact, penalty = saved["exact-0.2"], equivalent.config["run"]["penalty"]
    y, alpha = data.y_train, exact.arrays["alpha"]
    active = alpha > 0
    x = data.x_train[active].reshape(-1, exact.arrays["weights"].size).astype(float)
    pulls = (alpha * y)[active] @ x / len(y)
    excess, balance = float(np.abs(pulls).max() - penalty), float(abs(alpha @ y))
    bounded = bool(alpha.min() >= 0 and alpha.max() <= 1)
    one, other = robust.arrays["weights"], equivalent.arrays["weights"]
    return dict(
        test_images_without_loss=[float(each.mean()) for each in ignored],
        robust_accuracy=[accuracy_at(run, "unclipped", 0.2) for run in three],
        penalty=penalty,
        cosine_of_the_runs=float(one @ other / np.linalg.norm(one) / np.linalg.norm(other)),
        dual_excess=excess,
        dual_feasible=bounded and excess <= ROUNDING and balance <= ROUNDING,
        optimum_gap=exact.metrics["l1_objective"] - float(alpha.mean()),
    )


def inner_maximum(saved, data):
    """The regular model's accuracy at ε = 0.2 by its radii, and by attacking every test image."""
    run = saved["regular"]
    weights, bias = linear(run)
    kept = []
    for clip in (False, True):
        images = attacks.attack_linear(weights, data.x_test, data.y_test, 0.2, clip=clip)
        logits = images.reshape(len(images), -1) @ weights + bias  # unclipped, beyond [0, 1]
        kept.append(float(np.mean(data.y_test * logits > 0)))
    radii = [accuracy_at(run, attack, 0.2) for attack in ("unclipped", "clipped")]
    return dict(by_radii=radii, by_images=kept)
