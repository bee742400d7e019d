"""What is measured of a trained linear model, and which arrays its figures need."""

import numpy as np

import attacks
from common import training

ATTACK_EPSILONS = np.linspace(0, 0.5, 101)  # the post's evaluation, in pixel units
SHOWN_EPSILONS = np.linspace(0, 0.5, 11)  # for which one misclassified image is kept
SHOWN_CLEAN = 4  # images misclassified without an attack that are kept
RECORDED_STEPS = 128  # of which weights and gradients are kept; all would take 8 MB a run


def evaluate(weights, bias, data):
    """Clean and attacked accuracy of a linear model: what does not depend on how it was trained.

    Arguments:
        weights: (784,); bias: (); data: data_prep.Data.

    Returns the part of metrics.json that every linear run has.
    """
    train = weights, bias, data.x_train, data.y_train
    test = weights, bias, data.x_test, data.y_test
    return {
        "train_accuracy": float(attacks.robust_accuracy(*train, 0.0)),
        "test_accuracy": float(attacks.robust_accuracy(*test, 0.0)),
        "weight_l1_norm": float(np.abs(weights).sum()),
        "misclassified_test": int(np.sum(attacks.signed_radius(*test) <= 0)),
        "robust_accuracy": {
            "epsilon": ATTACK_EPSILONS.tolist(),
            "unclipped": attacks.robust_accuracy(*test, ATTACK_EPSILONS).tolist(),
            "clipped": attacks.robust_accuracy(*test, ATTACK_EPSILONS, clip=True).tolist(),
        },
    }


def figure_arrays(weights, bias, data):
    """What the figures of any linear run need, as named arrays.

    Returns weights (784,), bias (), test_logits and test_targets (2115,); misclassified_clean (up
    to 4, 784), the images misclassified without an attack, nearest to the boundary first, and their
    misclassified_targets; shown_epsilons (k,), attacked_images (k, 784) and attacked_targets (k,):
    for each ε the unclipped attacked image that is misclassified and nearest to the boundary, and
    its class, 0 where there is none.
    """
    x, y = data.x_test.reshape(len(data.x_test), -1), data.y_test
    logits, nearest = attacks.linear_logits(weights, bias, x), []
    for epsilon in SHOWN_EPSILONS:
        margins = attacks.robust_margins(y * logits, weights, epsilon)
        wrong = np.flatnonzero(margins <= 0)
        nearest.append(wrong[np.argsort(np.abs(margins[wrong]), kind="stable")])
    images = np.zeros((len(SHOWN_EPSILONS), x.shape[1]), np.float32)
    targets = np.zeros(len(SHOWN_EPSILONS), np.int8)
    for row, (wrong, epsilon) in enumerate(zip(nearest, SHOWN_EPSILONS)):
        if len(wrong):
            images[row] = attacks.attack_linear(weights, x[wrong[:1]], y[wrong[:1]], epsilon)
            targets[row] = y[wrong[0]]
    return dict(
        weights=weights,
        bias=bias,
        test_logits=logits,
        test_targets=y.astype(np.int8),
        misclassified_clean=x[nearest[0][:SHOWN_CLEAN]],
        misclassified_targets=y[nearest[0][:SHOWN_CLEAN]].astype(np.int8),
        shown_epsilons=SHOWN_EPSILONS,
        attacked_images=images,
        attacked_targets=targets,
    )


def linear_run(model, data, losses_and_logits, history, record):
    """All that a trained linear model saves: the dictionaries metrics and arrays.

    Arguments:
        losses_and_logits: of a batch, (x, y) to (batch,) both;
        history: what training.train returns;
        record: the callbacks.StepRecord that watched.
    """
    weights, bias = training.linear_weights(model)
    metrics = evaluate(weights, bias, data) | {
        "train_accuracy_running": history.history["accuracy"][-1],
        "train_loss": float(np.mean(losses_and_logits(data.x_train, data.y_train)[0])),
        "test_loss": float(np.mean(losses_and_logits(data.x_test, data.y_test)[0])),
    }
    arrays = figure_arrays(weights, bias, data) | {
        "lit_pixels": data.x_train.reshape(len(data.x_train), -1).any(axis=0),
        "recorded_steps": np.array(record.steps),
        "step_weights": np.array(record.weights),
        "step_gradients": np.array(record.gradients),
    }
    return metrics, arrays
