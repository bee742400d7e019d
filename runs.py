"""Train, evaluate and save a linear model: what a run's folder contains, and how it is made.

results/<run>/ holds config.json (every argument, seed, versions, SHA-256 of the data), metrics.json (numbers),
history.csv (one row per epoch), arrays.npz (weights, logits, recorded steps) and model.keras.
"""
import math
import platform
import shutil
from pathlib import Path

import numpy as np

import attacks
import storage
import training
from callbacks import Evaluation, StepRecord
from training import keras, tf

ATTACK_EPSILONS = np.linspace(0, 0.5, 101)  # the post's evaluation, in pixel units
SHOWN_EPSILONS = np.linspace(0, 0.5, 11)  # those for which one misclassified image is kept for display
SHOWN_CLEAN = 4  # images misclassified without an attack that are kept for display
NO_LOSS = 1e-7  # an optimum below it is zero but for rounding
RECORDED_STEPS = 128  # how many steps are saved, densest at the start, where most happens; all of them would take 8 MB per run


def evaluate(weights, bias, data):
    """Clean and attacked accuracy of a linear model: the numbers that do not depend on how it was trained.

    Arguments:
        weights: (784,); bias: (); data: data_prep.Data.

    Returns the part of metrics.json that every linear run shares.
    """
    test = weights, bias, data.x_test, data.y_test
    return {
        "train_accuracy": float(attacks.robust_accuracy(weights, bias, data.x_train, data.y_train, 0.0)),
        "test_accuracy": float(attacks.robust_accuracy(*test, 0.0)),
        "weight_l1_norm": float(attacks.dual_norm(weights)),
        "misclassified_test": int(np.sum(attacks.signed_radius(*test) <= 0)),
        "robust_accuracy": {
            "epsilon": ATTACK_EPSILONS.tolist(),
            "unclipped": attacks.robust_accuracy(*test, ATTACK_EPSILONS).tolist(),
            "clipped": attacks.robust_accuracy(*test, ATTACK_EPSILONS, clip=True).tolist(),
        },
    }


def figure_arrays(weights, bias, data):
    """What the figures of any linear run need, as named arrays.

    Returns weights (784,), bias (), test_logits and test_targets (2115,); misclassified_clean (up to 4, 784), the
    images misclassified without an attack, nearest to the boundary first; shown_epsilons (k,), attacked_images (k, 784)
    and attacked_found (k,): for each ε the unclipped attacked image that is misclassified and nearest to the boundary,
    where there is one.
    """
    x, y = data.x_test.reshape(len(data.x_test), -1), data.y_test
    images, found = np.zeros((len(SHOWN_EPSILONS), x.shape[1]), np.float32), []
    for image, epsilon in zip(images, SHOWN_EPSILONS):
        wrong = nearest_mistakes(attacks.attacked_logits(weights, bias, x, y, epsilon), y)[:1]
        found.append(len(wrong) > 0)
        if len(wrong):
            image[:] = attacks.attack_linear(weights, x[wrong], y[wrong], epsilon)
    logits = attacks.linear_logits(weights, bias, x)
    return dict(weights=weights, bias=bias, test_logits=logits, test_targets=y.astype(np.int8),
                misclassified_clean=x[nearest_mistakes(logits, y)[:SHOWN_CLEAN]],
                shown_epsilons=SHOWN_EPSILONS, attacked_images=images, attacked_found=np.array(found))


def nearest_mistakes(logits, targets):
    """Indices of the misclassified examples, the one nearest to the decision boundary first."""
    wrong = np.flatnonzero(logits * targets <= 0)
    return wrong[np.argsort(np.abs(logits[wrong]), kind="stable")]


def save(place, args, data, metrics, arrays, model, **config):
    """Write a run's files into `place`, the folder that storage.write_run gives.

    Arguments:
        args: the script's arguments, an argparse.Namespace; config: what else describes this run, such as epsilon.
        metrics: numbers for metrics.json; arrays: named arrays for arrays.npz; model: a Keras model, or None if the run has
            several.
    """
    arguments = {name: str(value) if isinstance(value, Path) else value for name, value in vars(args).items()}
    del arguments["debug"]
    versions = {"python": platform.python_version(), "tensorflow": tf.__version__, "keras": keras.__version__,
                "numpy": np.__version__}
    storage.write_json(place / "config.json", {"run": config, "arguments": arguments, "versions": versions,
                                               "data_sha256": data.digest})
    storage.write_json(place / "metrics.json", metrics)
    storage.write_arrays(place / "arrays.npz", **arrays)
    if model is not None:
        model.save(place / "model.keras")


def model_of(weights, bias):
    """A Keras model with the given weights (784,) and bias ()."""
    model = training.linear_model(0)
    model.set_weights([np.reshape(weights, (-1, 1)), np.reshape(bias, 1)])
    return model


def compare_with_optimum(results, epsilon):
    """Add optimality_gap, the objective over the optimum, to the robust runs of this ε, if the exact run is there.

    Both experiments call it, so that the order in which they run does not matter.
    """
    try:
        exact = storage.read_run(results / storage.run_name("exact", epsilon), scalars=["objective"])
    except (OSError, ValueError):
        return
    for variant in (None, "converged"):
        folder = results / storage.run_name("robust", epsilon, variant)
        try:
            with storage.write_run(folder) as place:  # a copy with one more number; the lock keeps other writers out
                robust = storage.read_run(folder, scalars=["train_loss"])
                if exact.metrics["objective"] <= NO_LOSS or robust.config.get("data_sha256") != exact.config.get("data_sha256"):
                    raise ValueError("there is no ratio")
                shutil.copytree(folder, place, dirs_exist_ok=True)
                ratio = robust.metrics["train_loss"] / exact.metrics["objective"]
                storage.write_json(place / "metrics.json", robust.metrics | {"optimality_gap": ratio})
        except (FileNotFoundError, NotADirectoryError, FileExistsError, BlockingIOError, ValueError):
            # missing, no run, from other data, or being written right now
            continue


def train_linear(folder, loss_fn, data, args, optimizer=None, callbacks=(), dtype="float32", **config):
    """Train a linear model on a loss as the arguments say, evaluate it and save the run in `folder`.

    Arguments:
        loss_fn: (targets, logits, weights) to one loss per example.
        data: data_prep.Data; args: with epochs, batch_size, learning_rate, seed and shuffle.
        optimizer: a Keras optimizer, plain SGD with args.learning_rate if None.
        callbacks: additional Keras callbacks; dtype: of the weights; config: what describes the run, such as epsilon.

    Returns the run's metrics.
    """
    training.seed_everything(args.seed)
    model = training.linear_model(args.seed, dtype=dtype)
    model.compile(optimizer=optimizer or keras.optimizers.SGD(args.learning_rate))
    blocks = training.resident(data.x_train, data.y_train, args.shuffle, args.seed)
    batch_size = min(args.batch_size, len(data.y_train))
    total = args.epochs * math.ceil(len(data.y_train) / batch_size)
    record = StepRecord(np.unique(((total - 1) * np.linspace(0, 1, RECORDED_STEPS) ** 2).astype(int)))
    with storage.write_run(folder) as place:
        history = training.train(model, loss_fn, blocks, args.epochs, batch_size, callbacks=[
            Evaluation(lambda model: training.measure(model, loss_fn, data.x_test, data.y_test)), record,
            keras.callbacks.CSVLogger(place / "history.csv"), *callbacks])
        weights, bias = training.linear_weights(model)
        train_loss, _ = training.measure(model, loss_fn, data.x_train, data.y_train)
        training.check_converging(train_loss, history.history["loss"][0], "after the last epoch")
        metrics = evaluate(weights, bias, data) | {
            "train_accuracy_running": float(history.history["accuracy"][-1]),
            "train_loss": train_loss,
            "test_loss": training.measure(model, loss_fn, data.x_test, data.y_test)[0],
        }
        arrays = figure_arrays(weights, bias, data) | dict(
            lit_pixels=data.x_train.reshape(len(data.x_train), -1).any(axis=0), recorded_steps=record.numbers,
            step_weights=record.weights, step_gradients=record.gradients)
        save(place, args, data, metrics, arrays, model, **config)
    return metrics


def train_seeds(folder, loss_fns, data, args, **config):
    """Repeat a training for the seeds 0 ... args.seeds - 1, which differ in initial weights and in the order of the images.

    Seed s is the run with `--seed s --shuffle`, to the bit. Each loss is compiled once and then trained seed after seed.
    Training the seeds as columns of one Dense would not be faster, since each has its own order of the images, nor identical,
    since another order of summation changes weights near zero.

    Arguments as for train_linear, but loss_fns: M losses.

    Saves test_accuracy and train_accuracy_running (M, seeds), robust_accuracy (M, seeds, 101), unclipped, and weights
    (M, seeds, 784) in arrays.npz, and mean and standard deviation in metrics.json.
    """
    shape = len(loss_fns), args.seeds
    arrays = dict(seeds=np.arange(args.seeds), epsilon=ATTACK_EPSILONS, weights=np.zeros((*shape, 784), args.dtype),
                  robust_accuracy=np.zeros((*shape, len(ATTACK_EPSILONS))),
                  test_accuracy=np.zeros(shape), train_accuracy_running=np.zeros(shape))
    x, y, batch_size = tf.constant(data.x_train), tf.constant(data.y_train), min(args.batch_size, len(data.y_train))
    model = training.linear_model(0, dtype=args.dtype)
    model.compile(optimizer=keras.optimizers.SGD(args.learning_rate))
    with storage.write_run(folder) as place:
        for number, loss_fn in enumerate(loss_fns):
            steps = training.compile_steps(model, loss_fn, batch_size)
            for seed in range(args.seeds):
                training.seed_everything(seed)
                model.set_weights(training.initial_weights(seed))
                blocks = training.resident(x, y, shuffle=True, seed=seed)
                history = training.train(model, loss_fn, blocks, args.epochs, batch_size, verbose=0, steps=steps)
                weights, bias = training.linear_weights(model)
                curve = attacks.robust_accuracy(weights, bias, data.x_test, data.y_test, ATTACK_EPSILONS)
                arrays["weights"][number, seed], arrays["robust_accuracy"][number, seed] = weights, curve
                arrays["test_accuracy"][number, seed] = curve[0]
                arrays["train_accuracy_running"][number, seed] = history.history["accuracy"][-1]
                print(f"  model {number + 1}/{len(loss_fns)}, seed {seed:3}: test accuracy {curve[0]:.4f}", flush=True)
        metrics = {name: {"mean": arrays[name].mean(axis=1).tolist(),
                          "standard_deviation": arrays[name].std(axis=1, ddof=1).tolist()}  # of the sample
                   for name in ("test_accuracy", "train_accuracy_running")}
        save(place, args, data, metrics, arrays, model=None, **config)
    return metrics
