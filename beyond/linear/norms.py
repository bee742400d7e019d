"""Robust training for other balls: is the wiping out of weak features a property of the ℓ∞ ball?

    python -m beyond.linear.norms               # ℓ∞, ℓ2 and ℓ1, as strong as ℓ∞ with ε = 0.1
    python -m beyond.linear.figures.model_weights_norms  # the figure

The worst case in the ball ‖δ‖ ≤ ε lowers the margin by ε times the dual norm of w: ‖w‖₁ for ℓ∞ (the
post), ‖w‖₂ for ℓ2, ‖w‖∞ for ℓ1. The radii of ℓ2 and ℓ1 are those that are as strong against the
regular model as ℓ∞ with ε, ε ‖w‖₁ / ‖w‖_dual. Reads results/regular/; writes results/norms/.
"""

import functools
import itertools

import numpy as np

import attacks
import data_prep
from beyond.threats import balls
from common import cli, runs, training
from common.lazy import tf
from common.many import compiled_epoch, shuffled, train_many
from experiment_robust import BATCH_SIZE, EPOCHS, LEARNING_RATE

RUN = "norms"
# Of the ℓ∞ ball, in pixel units. For 0.2 the ℓ2 ball as strong, of radius 4.5, leaves nothing but
# the constant classifier.
EPSILONS = (0.1,)
LARGEST = 50  # weights, whose share of ‖w‖₁ is measured


def dual_hinge_loss(targets, logits, weights, epsilon, norm):
    """max(0, 1 - y ŷ + ε ‖w‖_dual): the hinge under the worst case in the ball ‖δ‖ ≤ ε.

    Arguments and result as for experiment_robust.robust_hinge_loss, with norm: np.inf, 2 or 1.
    """
    training.check_same_shape(targets, logits)
    dual_norm = tf.norm(weights, balls.DUAL[norm], axis=0)
    return tf.maximum(1.0 - targets * logits + epsilon * dual_norm, 0.0)


def main(argv=None):
    flags = dict(epochs=EPOCHS, batch_size=BATCH_SIZE, learning_rate=LEARNING_RATE, seed=0)
    parser = cli.pair_parser(__doc__, **flags, shuffle=False, epsilon=EPSILONS)
    args = parser.parse_args(argv)
    data, results = data_prep.load_pair(args.digits), cli.results_folder(args)
    regular = runs.read(results / "regular", arrays=["weights"]).arrays["weights"]
    training.seed_everything(args.seed)
    start, rows, found = training.initial_weights(args.seed), [], []
    orders = shuffled(len(data.y_train), args.epochs, args.seed) if args.shuffle else None
    for norm, epsilon in itertools.product(balls.DUAL, args.epsilons):
        ratio = balls.dual_norm(regular, np.inf) / balls.dual_norm(regular, norm)
        radius = float(epsilon * ratio)
        loss_fn = functools.partial(dual_hinge_loss, epsilon=np.float32(radius), norm=norm)
        epoch = compiled_epoch(loss_fn, args.batch_size, args.learning_rate)
        train = data.x_train, data.y_train, args.epochs, orders
        weights, bias, *_ = train_many(epoch, *start, *train)
        size = np.sort(np.abs(weights[:, 0]))
        test = weights[:, 0], bias[0], data.x_test, data.y_test
        row = dict(
            norm=f"{norm:g}",
            epsilon=radius,
            as_epsilon=epsilon,
            norm_in_largest=float(size[-LARGEST:].sum() / size.sum()),
            test_accuracy=float(attacks.robust_accuracy(*test, 0)),
            robust_accuracy=float(balls.robust_accuracy(*test, radius, norm)),
        )
        rows.append(row)
        found.append(weights[:, 0])
        print(
            f"  ℓ{norm:g}, radius {radius:.3f}: {row['norm_in_largest']:.2f} of ‖w‖₁ in the "
            f"{LARGEST} largest weights, test accuracy {row['test_accuracy']:.2%}, attacked "
            f"{row['robust_accuracy']:.2%}",
            flush=True,
        )
    arrays = dict(weights=np.array(found), radius=np.array([row["epsilon"] for row in rows]))
    runs.save(results / RUN, args, data, dict(models=rows), arrays, loss=dual_hinge_loss)
    print(results / RUN)


if __name__ == "__main__":
    cli.run(main)
