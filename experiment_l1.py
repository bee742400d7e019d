"""An L1 penalty beside robust training (the post: "in contrast to regularization"): hinge + λ ‖w‖₁.

    python experiment_l1.py                      # both λ for ε = 0.2, about 9 s
    python experiment_l1.py --epsilon 0.1

The penalty applies whatever the examples are; the robust loss ignores examples far enough from the boundary. Two λ are trained:

    results/l1-0.2/             λ chosen so that ‖w‖₁ equals that of robust-0.2; the scale of w, and so of its norm, means
                                something else in the two losses
    results/l1-0.2-equivalent/  λ = ε times the least robust loss (exact-0.2): with this λ the two problems have the same
                                optimal classifiers, up to scale (optimum.py has the proof)

Reads results/robust-0.2/ and results/exact-0.2/. Each run has config.json, metrics.json, history.csv, arrays.npz, model.keras.
"""
import functools

import cli  # first: installs the one-line Ctrl-C handler
from scipy.optimize import brentq

import data_prep
import storage
from experiment_robust import BATCH_SIZE, EPOCHS, LEARNING_RATE

EPSILONS = (0.2,)  # of the robust run to be matched
LOG_PENALTIES = (-6.0, 0.0)  # log10 of λ: where the search begins
SMALLEST_PENALTY = 1e-9  # below it, the least robust loss is zero but for rounding
NEAR = 0.005  # relative tolerance of the ‖w‖₁ match


def penalised_hinge_loss(targets, logits, weights, penalty):
    """max(0, 1 - y ŷ) + λ ‖w‖₁: the hinge of experiment_regular.py, and the same price for every example.

    Arguments and result as for robust_hinge_loss, with penalty: λ >= 0.
    """
    from training import check_same_shape, tf  # imported here to keep --help fast
    check_same_shape(targets, logits)
    return tf.maximum(1.0 - targets * logits, 0.0) + penalty * tf.reduce_sum(tf.abs(weights), axis=0)


def find_penalty(weight_l1_norm, data, args):
    """The λ whose model has the given ‖w‖₁, trained as the arguments say. Raises ValueError if there is none."""
    import numpy as np

    import training
    model, penalty = training.linear_model(args.seed), training.tf.Variable(0.0)
    model.compile(optimizer=training.keras.optimizers.SGD(args.learning_rate))
    loss = functools.partial(penalised_hinge_loss, penalty=penalty)
    batch_size = min(args.batch_size, len(data.y_train))
    steps = training.compile_steps(model, loss, batch_size)  # once for every λ

    @functools.cache
    def excess(log_penalty):
        training.seed_everything(args.seed)
        model.set_weights(training.initial_weights(args.seed))
        penalty.assign(10 ** log_penalty)
        blocks = training.resident(data.x_train, data.y_train, args.shuffle, args.seed)
        training.train(model, loss, blocks, args.epochs, batch_size, verbose=0, steps=steps)
        norm = np.abs(training.linear_weights(model)[0]).sum()
        print(f"  penalty {10 ** log_penalty:.6f}: ‖w‖₁ {norm:.3f}, wanted {weight_l1_norm:.3f}", flush=True)
        ratio = norm / weight_l1_norm - 1
        return ratio if abs(ratio) > NEAR else 0.0  # near enough counts as a root, which ends the search

    if excess(LOG_PENALTIES[0]) * excess(LOG_PENALTIES[1]) > 0:
        raise ValueError(f"no penalty from 1e{LOG_PENALTIES[0]:g} to 1e{LOG_PENALTIES[1]:g} gives ‖w‖₁ = {weight_l1_norm:.3f}; "
                         "try more --epochs")
    return 10 ** brentq(excess, *LOG_PENALTIES, maxiter=30, disp=False)


def parse_args(argv=None):
    parser = cli.parser(__doc__)
    cli.add_training(parser, EPOCHS, BATCH_SIZE, LEARNING_RATE)
    cli.add_epsilons(parser, EPSILONS)
    return parser.parse_args(argv)


def main(argv=None):
    args = parse_args(argv)
    data = data_prep.load_pair(args.digits)
    results = cli.out_dir(args)
    wanted = {epsilon: (storage.read_run(results / storage.run_name("robust", epsilon), scalars=["weight_l1_norm"]),
                        storage.read_run(results / storage.run_name("exact", epsilon), scalars=["l1_penalty"]))
              for epsilon in args.epsilons}
    for epsilon, (_, exact) in wanted.items():
        if exact.metrics["l1_penalty"] < SMALLEST_PENALTY:
            raise ValueError(f"epsilon {epsilon:g}: the robust loss can be zero, so no L1 penalty is equivalent; try a larger --epsilon")
    import runs
    for epsilon, (robust, exact) in wanted.items():
        for variant, penalty in ((None, find_penalty(robust.metrics["weight_l1_norm"], data, args)),
                                 ("equivalent", exact.metrics["l1_penalty"])):
            folder = results / storage.run_name("l1", epsilon, variant)
            loss = functools.partial(penalised_hinge_loss, penalty=penalty)
            metrics = runs.train_linear(folder, loss, data, args, epsilon=epsilon, penalty=penalty)
            print(f"{folder}: penalty {penalty:.6f}, test accuracy {metrics['test_accuracy']:.2%}, "
                  f"‖w‖₁ {metrics['weight_l1_norm']:.2f}")


if __name__ == "__main__":
    cli.run(main)
