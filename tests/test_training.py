import functools
import json

import numpy as np
import pytest

import attacks
import experiment_regular
import experiment_robust
import runs
import storage
import training
from callbacks import StepRecord
from training import keras, tf


def short_run(folder, script=experiment_regular, *flags):
    """One epoch of an experiment, in this process; returns the saved run's folder."""
    script.main(["--epochs", "1", "--out-dir", str(folder), *flags])
    return next(path for path in folder.iterdir() if path.is_dir())


def test_same_seed_gives_the_same_bytes_whatever_ran_before(tmp_path):
    first = short_run(tmp_path / "first")
    short_run(tmp_path / "between", experiment_robust, "--epsilon", "0.2", "--seed", "7", "--shuffle")
    second = short_run(tmp_path / "second")
    for name in ("metrics.json", "arrays.npz", "history.csv"):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_another_seed_or_order_gives_other_weights(tmp_path):
    flags = [[], ["--seed", "1"], ["--shuffle"]]
    weights = [storage.read_run(short_run(tmp_path / str(i), experiment_regular, *flag)).arrays["weights"]
               for i, flag in enumerate(flags)]
    assert not np.allclose(weights[0], weights[1]) and not np.allclose(weights[0], weights[2])


def test_epsilon_zero_equals_regular_training(tmp_path):
    regular = short_run(tmp_path / "regular", experiment_regular, "--learning-rate", "0.01")
    robust = short_run(tmp_path / "robust", experiment_robust, "--epsilon", "0")
    np.testing.assert_allclose(storage.read_run(robust).arrays["weights"], storage.read_run(regular).arrays["weights"],
                               rtol=0, atol=1e-6)


def test_training_equals_plain_numpy(data):
    """Two epochs with a short last batch, in which each image weighs as much as in the others, against the update written out."""
    x, y = data.x_train[:250], data.y_train[:250]
    training.seed_everything(3)
    model = training.linear_model(3)
    weights, bias = (array.astype(float) for array in training.linear_weights(model))
    model.compile(optimizer=keras.optimizers.SGD(0.01))
    loss = functools.partial(experiment_robust.robust_hinge_loss, epsilon=0.1)
    record = StepRecord()
    history = training.train(model, loss, training.resident(x, y), 2, 100, [record], verbose=0)
    flat, means = x.reshape(250, -1).astype(float), []
    for _ in range(2):
        losses = []
        for start in (0, 100, 200):
            images, labels = flat[start:start + 100], y[start:start + 100]
            robust = 1 - labels * (images @ weights + bias) + 0.1 * np.abs(weights).sum()
            losses += np.maximum(0, robust).tolist()
            active = robust > 0
            slope = (-labels[:, None] * images + 0.1 * np.sign(weights))[active].sum(0) / 100
            weights, bias = weights - 0.01 * slope, bias + 0.01 * labels[active].sum() / 100
        means.append(np.mean(losses))
    np.testing.assert_allclose(training.linear_weights(model)[0], weights, atol=2e-6)
    np.testing.assert_allclose(history.history["loss"], means, rtol=1e-5)
    assert record.weights.shape == record.gradients.shape == (6, 784)
    np.testing.assert_allclose(record.weights[-1], weights, atol=2e-6)
    np.testing.assert_allclose(record.gradients[-1], slope, atol=2e-6)


def test_blocks_streamed_or_resident_train_alike(data):
    x, y = data.x_train[:500], data.y_train[:500]
    weights = []
    for blocks in (training.resident(x, y), lambda epoch: [(x[:300], y[:300]), (x[300:], y[300:])]):
        model = training.linear_model(0)
        model.compile(optimizer="sgd")
        training.train(model, experiment_regular.hinge_loss, blocks, 2, 100, verbose=0)
        weights.append(training.linear_weights(model)[0])
    np.testing.assert_array_equal(*weights)


def test_keras_callbacks_work(data, tmp_path):
    x, y = data.x_train[:300], data.y_train[:300]
    model = training.linear_model(0)
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    seen = []
    history = training.train(model, experiment_regular.hinge_loss, training.resident(x, y), 10, 100, [
        keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1)),
        keras.callbacks.EarlyStopping("loss", min_delta=10, patience=1),
        keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch)),
    ], verbose=0)
    assert len(history.history["loss"]) == 2  # the first epoch, and one of patience
    assert float(model.optimizer.learning_rate) == pytest.approx(0.05)
    assert seen == [2, 2]


def test_divergence_names_the_epoch_and_saves_nothing(tmp_path):
    with pytest.raises(ValueError, match="diverged in epoch 1 of 10"):
        experiment_regular.main(["--learning-rate", "1e6", "--out-dir", str(tmp_path)])
    assert not list(tmp_path.iterdir())


def test_saved_run_holds_what_it_promises(tmp_path, data):
    folder = short_run(tmp_path, experiment_robust, "--epsilon", "0.2")
    assert folder.name == "robust-0.2"
    assert sorted(path.name for path in folder.iterdir()) == ["arrays.npz", "config.json", "history.csv", "metrics.json",
                                                              "model.keras"]
    run = storage.read_run(folder)
    assert run.config["arguments"]["epochs"] == 1 and run.config["run"]["epsilon"] == 0.2
    assert run.config["data_sha256"] == data.digest and set(run.config["versions"]) >= {"python", "tensorflow", "keras", "numpy"}
    model = keras.models.load_model(folder / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(training.linear_weights(model)[0], run.arrays["weights"])
    logits = model.predict(data.x_test, verbose=0)[:, 0]
    np.testing.assert_allclose(run.arrays["test_logits"], logits, atol=1e-5)
    assert run.metrics["test_accuracy"] == np.mean(logits * data.y_test > 0)
    assert run.metrics["weight_l1_norm"] == pytest.approx(np.abs(run.arrays["weights"]).sum(), rel=1e-6)
    assert run.metrics["misclassified_test"] == np.sum(logits * data.y_test <= 0)
    for kind in ("unclipped", "clipped"):
        curve = run.metrics["robust_accuracy"][kind]
        assert len(curve) == 101 and curve[0] == run.metrics["test_accuracy"] and np.all(np.diff(curve) <= 0)
    robust = 1 - data.y_test * logits + 0.2 * run.metrics["weight_l1_norm"]
    assert run.metrics["test_loss"] == pytest.approx(np.mean(np.maximum(0, robust)), rel=1e-5)
    assert json.loads((folder / "metrics.json").read_text()) == run.metrics


def test_kept_mistakes_are_the_nearest_to_the_boundary(data):
    weights, bias = np.random.default_rng(0).normal(0, 0.05, 784).astype(np.float32), np.float32(0)
    arrays = runs.figure_arrays(weights, bias, data)
    logits = attacks.linear_logits(weights, bias, data.x_test)
    wrong = np.abs(logits[logits * data.y_test <= 0])
    kept = np.abs(attacks.linear_logits(weights, bias, arrays["misclassified_clean"]))
    np.testing.assert_allclose(kept, np.sort(wrong)[:4], rtol=1e-4)
    assert arrays["attacked_found"].all()
    assert not np.shares_memory(arrays["attacked_images"], data.x_test)


def test_model_is_the_posts(data):
    model = training.linear_model(0)
    assert [type(layer).__name__ for layer in model.layers] == ["Flatten", "Dense"]
    assert model(data.x_test[:3]).shape == (3, 1)
    assert tf.reduce_all(model.layers[-1].bias == 0)
