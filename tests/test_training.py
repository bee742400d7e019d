"""The loop around a train step, the callbacks that it drives, and what a run saves."""

import functools

import numpy as np
import pytest

import attacks
import data_prep
import experiment_regular as regular
import experiment_robust as robust
from common import evaluation, runs, training
from common.lazy import callbacks, keras


@pytest.fixture
def fit(few):
    """Train a model with an experiment's step on 250 images; gives the History."""

    def run(model, epochs=2, order=slice(None), batch_size=100, **flags):
        optimizer = flags.pop("optimizer", None) or keras.optimizers.SGD(0.1)
        model.compile(optimizer=optimizer, loss=keras.losses.Hinge())
        step = flags.pop("step", regular.train_step)
        step = functools.partial(step, model, batch_size=batch_size)
        x, y = few.x_train[order], few.y_train[order]
        return training.train(step, model, x, y, epochs, batch_size, **{"verbose": 0} | flags)

    return run


def weights_of(model):
    return training.linear_weights(model)[0]


class Watch(keras.callbacks.Callback):
    """Notes what a callback can see at the end of every batch."""

    def on_train_begin(self, logs=None):
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        last = self.model.last_batch
        self.seen.append((dict(logs), *map(np.array, (last.losses, last.logits, *last.gradients))))


# --- the numbers


@pytest.mark.parametrize(
    "step, epsilon",
    [(regular.train_step, 0.0), (functools.partial(robust.train_step, epsilon=0.1), 0.1)],
)
def test_training_equals_plain_numpy(few, fit, step, epsilon):
    """Two epochs with a short last batch, in which each image weighs as much as in the others."""
    x, y = few.x_train.reshape(250, -1).astype(float), few.y_train.astype(float)
    model = training.linear_model(3)
    weights, bias = (array.astype(float) for array in training.linear_weights(model))
    record, watch = callbacks.StepRecord(), Watch()
    history = fit(model, optimizer=keras.optimizers.SGD(0.01), callbacks=[record, watch], step=step)
    means, accuracies, seen = [], [], iter(watch.seen)
    for _ in range(2):
        losses, right = [], []
        for start in (0, 100, 200):
            images, labels = x[start : start + 100], y[start : start + 100]
            logits = images @ weights + bias
            loss = 1 - labels * logits + epsilon * np.abs(weights).sum()
            active = loss > 0
            slopes = (-labels[:, None] * images + epsilon * np.sign(weights))[active].sum(0) / 100
            losses += np.maximum(0, loss).tolist()
            right += (labels * logits > 0).tolist()
            logs, batch_losses, batch_logits, gradient, _ = next(seen)
            assert logs["loss"] == pytest.approx(np.mean(losses), rel=1e-5)  # up to here
            np.testing.assert_allclose(batch_logits, logits, atol=1e-5)
            np.testing.assert_allclose(batch_losses, np.maximum(0, loss), atol=1e-5)
            np.testing.assert_allclose(gradient[:, 0], slopes, atol=2e-6)
            weights, bias = weights - 0.01 * slopes, bias + 0.01 * labels[active].sum() / 100
        means.append(np.mean(losses))
        accuracies.append(np.mean(right))
    np.testing.assert_allclose(weights_of(model), weights, atol=2e-6)
    assert training.linear_weights(model)[1] == pytest.approx(bias, abs=2e-6)
    np.testing.assert_allclose(history.history["loss"], means, rtol=1e-5)
    np.testing.assert_allclose(history.history["accuracy"], accuracies, rtol=1e-12)
    assert record.steps == list(range(6)) and np.shape(record.gradients) == (6, 784)
    np.testing.assert_allclose(record.weights[-1], weights, atol=2e-6)
    np.testing.assert_allclose(record.gradients[-1], slopes, atol=2e-6)


def test_loss_scale_trains_like_plain_sgd(fit):
    plain, scaled = training.linear_model(0), training.linear_model(0)
    fit(plain)
    fit(scaled, optimizer=keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)))
    np.testing.assert_allclose(weights_of(plain), weights_of(scaled), rtol=0, atol=1e-6)
    assert not np.allclose(weights_of(plain), weights_of(training.linear_model(0)))


def test_labels_other_than_minus_one_and_one_are_refused(few):
    with pytest.raises(ValueError, match=r"y must be -1 or \+1"):
        training.train(None, None, few.x_train, few.y_train > 0, 1, 100)


def test_divergence_names_the_epoch_and_saves_nothing(few, monkeypatch, tmp_path):
    monkeypatch.setattr(data_prep, "load_pair", lambda digits, validation: few)
    with pytest.raises(ValueError, match="diverged in epoch [12] of 10.*--learning-rate"):
        regular.main(["--learning-rate", "1e6", "--results", str(tmp_path)])
    assert not list(tmp_path.iterdir())


# --- what fit honours


def test_keras_own_callbacks_work(fit, tmp_path):
    model = training.linear_model(0)
    their = keras.callbacks
    several = [
        their.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1)),
        their.EarlyStopping("loss", min_delta=10, patience=1),
        their.CSVLogger(tmp_path / "log.csv"),
        their.ModelCheckpoint(tmp_path / "{epoch}.keras"),
    ]
    history = fit(model, 10, callbacks=several)
    assert history.epoch == [0, 1]  # the first epoch, and one of patience
    assert float(model.optimizer.learning_rate) == pytest.approx(0.05)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3
    saved = keras.models.load_model(tmp_path / "2.keras", compile=False)
    np.testing.assert_array_equal(weights_of(saved), weights_of(model))


def test_stop_training_stops_at_once_and_the_bar_says_where(fit, capsys):
    model, record = training.linear_model(0), callbacks.StepRecord()
    stop = lambda batch, logs: setattr(model, "stop_training", batch == 1)
    log = keras.callbacks.LambdaCallback(on_train_batch_end=stop)
    history = fit(model, 5, callbacks=[log, record], verbose=2)
    assert record.steps == [0, 1] and history.epoch == [0]
    assert "2/15 - " in capsys.readouterr().out


@pytest.mark.parametrize("shuffle", [False, True])
def test_backup_resumes_where_it_stopped_and_ends_with_the_same_weights(fit, tmp_path, shuffle):
    """As in Keras' example of BackupAndRestore: an exception, and the same call once more."""

    def interrupt(epoch, logs):
        if epoch == 2:
            raise InterruptedError

    whole, resumed = training.linear_model(0), training.linear_model(0)
    fit(whole, 3, shuffle=shuffle)
    stop = keras.callbacks.LambdaCallback(on_epoch_begin=interrupt)
    backup = functools.partial(keras.callbacks.BackupAndRestore, tmp_path / "backup")
    with pytest.raises(InterruptedError):
        fit(training.linear_model(0), 3, shuffle=shuffle, callbacks=[backup(), stop])
    history = fit(resumed, 3, shuffle=shuffle, callbacks=[backup()])
    assert history.epoch == [2]
    np.testing.assert_array_equal(weights_of(whole), weights_of(resumed))


@pytest.mark.parametrize("verbose, lines", [(0, 0), (1, 1), (2, 1)])
def test_progress_is_one_bar_of_all_steps(fit, capsys, verbose, lines):
    fit(training.linear_model(0), verbose=verbose)  # 2 epochs of 3 batches
    printed = capsys.readouterr().out
    assert printed.count("\n") == lines
    assert ("6/6" in printed and "accuracy: " in printed) == (lines == 1)


# --- callbacks of the project


def test_network_is_measured_as_it_will_be_used(few, fit):
    """Dropout is off, and the statistics of BatchNormalization are used and not moved."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    hidden = [layers.Dense(8, "relu"), layers.BatchNormalization(momentum=0.5), layers.Dropout(0.5)]
    network = keras.Sequential(
        [keras.Input((28, 28, 1)), layers.Flatten(), *hidden, layers.Dense(1)]
    )
    losses_of, logs = functools.partial(regular.losses_and_logits, network), {}
    fit(network)  # the statistics move
    statistics = list(map(np.array, network.non_trainable_variables))
    assert statistics[0].any()
    callbacks.Evaluation(losses_of, few.x_test, few.y_test).on_epoch_end(0, logs)
    for before, after in zip(statistics, network.non_trainable_variables):
        np.testing.assert_array_equal(before, after)
    margins = few.y_test * network.predict(few.x_test, verbose=0)[:, 0]
    assert logs["test_loss"] == pytest.approx(np.maximum(0, 1 - margins).mean(), rel=1e-5)
    assert logs["test_accuracy"] == np.mean(margins > 0)


# --- the model, the seed, the saved run


def short(folder, script=regular, *flags):
    """Five steps of an experiment, in this process; gives the weights that it saves."""
    flags = "--epochs", "1", "--batch-size", "50", "--results", str(folder), *flags
    script.main(flags)
    return runs.read(next(path for path in folder.iterdir() if path.is_dir())).arrays["weights"]


@pytest.mark.parametrize("run, epsilon", [("regular", 0.0), ("robust-0.2", 0.2)])
def test_saved_run_holds_what_it_promises(quick, data, run, epsilon):
    folder = quick / run
    assert {path.name for path in folder.iterdir()} == runs.FILES - {".DS_Store"}
    config, metrics, arrays = runs.read(folder)
    assert config["arguments"]["epochs"] == 1 and config["data_sha256"] == data.digest
    assert config["run"].get("epsilon", 0.0) == epsilon
    assert set(config["versions"]) >= {"python", "tensorflow", "keras", "numpy"}
    model = keras.models.load_model(folder / "model.keras")
    np.testing.assert_array_equal(weights_of(model), arrays["weights"])
    logits = model(data.x_test).numpy()[:, 0]
    np.testing.assert_allclose(arrays["test_logits"], logits, atol=1e-5)
    assert metrics["test_accuracy"] == np.mean(logits * data.y_test > 0)
    assert metrics["misclassified_test"] == np.sum(logits * data.y_test <= 0)
    assert metrics["weight_l1_norm"] == pytest.approx(np.abs(arrays["weights"]).sum(), rel=1e-6)
    for kind in ("unclipped", "clipped"):
        curve = metrics["robust_accuracy"][kind]
        assert len(curve) == 101 and curve[0] == metrics["test_accuracy"]
        assert np.all(np.diff(curve) <= 0)
    for split in ("train", "test"):
        x, y = getattr(data, f"x_{split}"), getattr(data, f"y_{split}")
        losses = 1 - y * model(x).numpy()[:, 0] + epsilon * metrics["weight_l1_norm"]
        assert metrics[f"{split}_loss"] == pytest.approx(np.maximum(0, losses).mean(), rel=1e-5)
    header, *rows = (folder / "history.csv").read_text().splitlines()
    last = dict(zip(header.split(","), map(float, rows[-1].split(",")), strict=True))
    assert set(last) == {"epoch", "loss", "accuracy", "test_loss", "test_accuracy"}
    assert last["test_loss"] == pytest.approx(metrics["test_loss"], rel=1e-6)
    assert last["accuracy"] == metrics["train_accuracy_running"]
    assert arrays["recorded_steps"][-1] == 126
    np.testing.assert_array_equal(arrays["step_weights"][-1], arrays["weights"])
    np.testing.assert_array_equal(
        arrays["lit_pixels"], data.x_train.reshape(len(data.x_train), -1).max(axis=0) > 0
    )


def test_kept_mistakes_are_the_nearest_to_the_boundary(data):
    weights = np.random.default_rng(0).normal(0, 0.05, 784).astype(np.float32)
    arrays = evaluation.figure_arrays(weights, np.float32(0), data)
    logits = attacks.linear_logits(weights, np.float32(0), data.x_test)
    wrong = np.abs(logits[logits * data.y_test <= 0])
    kept = np.abs(attacks.linear_logits(weights, np.float32(0), arrays["misclassified_clean"]))
    np.testing.assert_allclose(kept, np.sort(wrong)[:4], rtol=1e-4)
    assert arrays["attacked_targets"].all()
    x = data.x_test.reshape(len(data.x_test), -1)
    shown = (arrays[key] for key in ("attacked_images", "attacked_targets", "shown_epsilons"))
    for image, target, epsilon in zip(*shown, strict=True):
        margins = attacks.robust_margins(data.y_test * logits, weights, epsilon)
        nearest = np.abs(margins[margins <= 0]).min()
        assert target * (image @ weights) == pytest.approx(-nearest, abs=1e-4)
        assert np.abs(x - image).max(axis=1).min() <= epsilon + 1e-6


# --- a validation set


def test_validation_is_the_last_part_of_the_training_images_alone(data):
    held_out = data_prep.load_pair(validation=0.1)
    assert len(held_out.y_val) == 1266 and len(held_out.y_train) == 12665 - 1266
    for name in ("x", "y"):
        parts = getattr(held_out, f"{name}_train"), getattr(held_out, f"{name}_val")
        np.testing.assert_array_equal(np.concatenate(parts), getattr(data, f"{name}_train"))
        test = f"{name}_test"
        np.testing.assert_array_equal(getattr(held_out, test), getattr(data, test))


def test_validation_is_measured_after_every_epoch(few, monkeypatch, tmp_path):
    x, y = few.x_test, few.y_test
    held_out = {0.1: few._replace(x_val=x, y_val=y)}
    monkeypatch.setattr(data_prep, "load_pair", lambda digits, validation: held_out[validation])
    short(tmp_path, regular, "--validation", "0.1")
    short(tmp_path, robust, "--validation", "0.1", "--epsilon", "0.1")
    for run, epsilon in (("regular", 0), ("robust-0.1", 0.1)):
        saved = runs.read(tmp_path / run)
        assert saved.config["command"].endswith("--validation 0.1")
        table = np.genfromtxt(tmp_path / run / "history.csv", delimiter=",", names=True)
        margins = y * attacks.linear_logits(saved.arrays["weights"], saved.arrays["bias"], x)
        assert table["val_accuracy"] == pytest.approx(np.mean(margins > 0))
        loss = np.maximum(0, 1 - margins + epsilon * saved.metrics["weight_l1_norm"]).mean()
        assert table["val_loss"] == pytest.approx(loss, rel=1e-4)
