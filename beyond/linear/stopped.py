"""What does stopping do? The same SGD run at ε = 0.3, looked at after 10, 30, 100 and 300 epochs.

    python -m beyond.linear.stopped                     # 300 epochs of 0.03 s

The post stops after ten. Reads exact-0.3, the proved optimum of that loss; writes results/stopped/.
"""

import functools

import numpy as np

import attacks
import data_prep
from beyond.linear import optimum
from common import cli, runs, training
from common.many import compiled_epoch, train_many
from experiment_robust import BATCH_SIZE, LEARNING_RATE, robust_hinge_loss

RUN = "stopped"
EPSILON = 0.3
EPOCHS = (10, 30, 100, 300)


def main(argv=None):
    args = cli.pair_parser(__doc__, seed=0).parse_args(argv)
    data, results = data_prep.load_pair(args.digits), cli.results_folder(args)
    best = runs.read(results / runs.name("exact", EPSILON), ["objective"], ["weights"])
    kept = best.arrays["weights"] != 0
    x = data.x_train.reshape(len(data.x_train), -1)
    training.seed_everything(args.seed)
    loss_fn = functools.partial(robust_hinge_loss, epsilon=EPSILON)
    epoch = compiled_epoch(loss_fn, BATCH_SIZE, LEARNING_RATE)
    state, done, models = training.initial_weights(args.seed), 0, []
    metrics = dict(epsilon=EPSILON, epochs=list(EPOCHS), pixels=int(kept.sum()))
    metrics |= dict(norm_on_pixels=[], robust_accuracy=[], test_accuracy=[], loss_ratio=[])
    for epochs in EPOCHS:
        *state, _, _ = train_many(epoch, *state, x, data.y_train, epochs - done)
        weights, bias, done = state[0][:, 0], state[1][0], epochs
        models.append(weights)
        sizes = np.abs(weights)
        curve = attacks.robust_accuracy(weights, bias, data.x_test, data.y_test, [0, EPSILON])
        loss = optimum.robust_objective(weights, bias, x, data.y_train, EPSILON)
        metrics["norm_on_pixels"].append(float(sizes[kept].sum() / sizes.sum()))
        metrics["test_accuracy"].append(float(curve[0]))
        metrics["robust_accuracy"].append(float(curve[1]))
        metrics["loss_ratio"].append(loss / best.metrics["objective"])
        print(f"  {epochs} epochs: attacked accuracy {curve[1]:.2%}", flush=True)
    arrays = dict(weights=np.array(models), optimum_pixels=kept)
    runs.save(results / RUN, args, data, metrics, arrays, loss=robust_hinge_loss)
    print(results / RUN)


if __name__ == "__main__":
    cli.run(main)
