"""The loop around a train step, the callbacks that it drives, and what a run saves."""

import functools
import json

import numpy as np
import pytest

import attacks
import data_prep
import experiment_regular as regular
import experiment_robust as robust
from common import evaluation, runs, training
from common.lazy import callbacks, keras, tf


@pytest.fixture
def fit(few):
    """Train a model with an experiment's step on 250 images, batches of 100; gives the History."""

    def run(
        model, epochs=2, *, learning_rate=0.1, step=regular.train_step, optimizer=None, **flags
    ):
        optimizer = optimizer or keras.optimizers.SGD(learning_rate)
        model.compile(optimizer=optimizer, loss=keras.losses.Hinge())
        step = functools.partial(step, model, batch_size=100)
        return training.train(
            step, model, few.x_train, few.y_train, epochs, 100, **{"verbose": 0} | flags
        )

    return run


class Watch(keras.callbacks.Callback):
    """Notes what a callback can see at the end of every batch."""

    def on_train_begin(self, logs=None):
        self.batches, self.logs, self.seen = [], [], []

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(batch)
        self.logs.append(dict(logs))
        last = self.model.last_batch
        self.seen.append(
            (
                last.losses.numpy(),
                last.logits.numpy(),
                [np.array(gradient) for gradient in last.gradients],
            )
        )


# --- the numbers


@pytest.mark.parametrize("epsilon", [0.0, 0.1])
def test_training_equals_plain_numpy(few, fit, epsilon):
    """Two epochs with a short last batch, in which each image weighs as much as in the others."""
    x, y = few.x_train.reshape(250, -1).astype(float), few.y_train.astype(float)
    model = training.linear_model(3)
    weights, bias = (array.astype(float) for array in training.linear_weights(model))
    record, watch = callbacks.StepRecord(), Watch()
    history = fit(
        model,
        learning_rate=0.01,
        callbacks=[record, watch],
        step=functools.partial(robust.train_step, epsilon=epsilon),
    )
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
            batch_losses, batch_logits, gradients = next(seen)
            np.testing.assert_allclose(batch_logits, logits, atol=1e-5)
            np.testing.assert_allclose(batch_losses, np.maximum(0, loss), atol=1e-5)
            np.testing.assert_allclose(gradients[0][:, 0], slopes, atol=2e-6)
            weights, bias = weights - 0.01 * slopes, bias + 0.01 * labels[active].sum() / 100
        means.append(np.mean(losses))
        accuracies.append(np.mean(right))
    np.testing.assert_allclose(training.linear_weights(model)[0], weights, atol=2e-6)
    assert training.linear_weights(model)[1] == pytest.approx(bias, abs=2e-6)
    np.testing.assert_allclose(history.history["loss"], means, rtol=1e-5)
    np.testing.assert_allclose(history.history["accuracy"], accuracies, rtol=1e-12)
    assert record.steps == list(range(6)) and np.shape(record.gradients) == (6, 784)
    np.testing.assert_allclose(record.weights[-1], weights, atol=2e-6)
    np.testing.assert_allclose(record.gradients[-1], slopes, atol=2e-6)


def test_training_equals_keras_fit(few, fit):
    """Keras' own fit with its own hinge, where no batch is short and a mean is the sum over 50."""
    ours, theirs = training.linear_model(1), training.linear_model(1)
    ours.compile(optimizer=keras.optimizers.SGD(0.1))
    step = functools.partial(regular.train_step, ours, batch_size=50)
    training.train(step, ours, few.x_train, few.y_train, 2, 50, verbose=0)
    theirs.compile(optimizer=keras.optimizers.SGD(0.1), loss=keras.losses.Hinge())
    theirs.fit(few.x_train, few.y_train, batch_size=50, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(
        *(training.linear_weights(model)[0] for model in (ours, theirs)), atol=1e-6
    )


def test_shuffled_epochs_go_through_the_images_in_the_seeds_order(few, fit):
    """As if the images had been laid out in that order, which NumPy's generator draws."""
    order = np.random.default_rng(5).permutation(250)
    models = [training.linear_model(0), training.linear_model(0)]
    fit(models[0], 1, shuffle=True, seed=5)
    models[1].compile(optimizer=keras.optimizers.SGD(0.1))
    training.train(
        functools.partial(regular.train_step, models[1], batch_size=100),
        models[1],
        few.x_train[order],
        few.y_train[order],
        1,
        100,
        verbose=0,
    )
    np.testing.assert_array_equal(*(training.linear_weights(model)[0] for model in models))


def test_loss_scale_trains_like_plain_sgd(fit):
    plain, scaled = training.linear_model(0), training.linear_model(0)
    fit(plain)
    fit(scaled, optimizer=keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)))
    weights = [training.linear_weights(model)[0] for model in (plain, scaled)]
    np.testing.assert_allclose(*weights, rtol=0, atol=1e-6)
    assert not np.allclose(weights[0], training.linear_weights(training.linear_model(0))[0])


@pytest.mark.parametrize("labels", [[0, 1], [-1, 2], [np.nan, 1]])
def test_labels_other_than_minus_one_and_one_are_refused(few, labels):
    model = training.linear_model(0)
    y = np.where(few.y_train > 0, *labels[::-1]).astype(np.float32)
    with pytest.raises(ValueError, match=r"y must be -1 or \+1"):
        training.train(None, model, few.x_train, y, 1, 100, verbose=0)


def test_divergence_names_the_epoch_and_saves_nothing(tmp_path):
    with pytest.raises(ValueError, match="diverged in epoch 1 of 10.*--learning-rate"):
        regular.main(["--learning-rate", "1e6", "--results", str(tmp_path)])
    assert not list(tmp_path.iterdir())


# --- what fit honours


def test_every_callback_gets_every_batch_and_its_running_means(fit):
    events, watch = [], Watch()
    log = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: events.append(("epoch", epoch)),
        on_train_batch_begin=lambda batch, logs: events.append(batch),
        on_epoch_end=lambda epoch, logs: events.append(logs["loss"]),
        on_train_end=lambda logs: events.append("end"),
    )
    history = fit(training.linear_model(0), callbacks=[log, watch])
    losses = history.history["loss"]
    assert events == [("epoch", 0), 0, 1, 2, losses[0], ("epoch", 1), 0, 1, 2, losses[1], "end"]
    assert watch.batches == [0, 1, 2] * 2 and watch.params["steps"] == 3
    for epoch in range(2):
        batches = watch.seen[3 * epoch : 3 * epoch + 3]
        assert [len(losses) for losses, _, _ in batches] == [100, 100, 50]
        assert [len(logits) for _, logits, _ in batches] == [100, 100, 50]
        assert [[gradient.shape for gradient in gradients] for _, _, gradients in batches] == [
            [(784, 1), (1,)]
        ] * 3
        mean = np.mean(np.concatenate([losses for losses, _, _ in batches]))
        assert losses[epoch] == pytest.approx(mean, rel=1e-6)
        assert watch.logs[3 * epoch + 2]["loss"] == losses[epoch]


def test_keras_own_callbacks_work(fit, tmp_path):
    model = training.linear_model(0)
    history = fit(
        model,
        10,
        callbacks=[
            keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1)),
            keras.callbacks.EarlyStopping("loss", min_delta=10, patience=1),
            keras.callbacks.CSVLogger(tmp_path / "log.csv"),
            keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras"),
        ],
    )
    assert history.epoch == [0, 1]  # the first epoch, and one of patience
    assert float(model.optimizer.learning_rate) == pytest.approx(0.05)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3
    saved = keras.models.load_model(tmp_path / "2.keras", compile=False)
    np.testing.assert_array_equal(
        training.linear_weights(saved)[0], training.linear_weights(model)[0]
    )


def test_stop_training_stops_at_once(fit):
    model = training.linear_model(0)

    def stop(batch, logs):
        model.stop_training = batch == 1

    watch = Watch()
    history = fit(
        model, 5, callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=stop), watch]
    )
    assert watch.batches == [0, 1] and history.epoch == [0]


@pytest.mark.parametrize("shuffle", [False, True])
def test_backup_resumes_where_it_stopped_and_ends_with_the_same_weights(fit, tmp_path, shuffle):
    """As in Keras' example of BackupAndRestore: an exception, and the same call once more."""

    def interrupt(epoch, logs):
        if epoch == 2:
            raise InterruptedError

    backup = functools.partial(keras.callbacks.BackupAndRestore, tmp_path / "backup")
    whole, resumed = training.linear_model(0), training.linear_model(0)
    fit(whole, 3, shuffle=shuffle)
    with pytest.raises(InterruptedError):
        fit(
            training.linear_model(0),
            3,
            shuffle=shuffle,
            callbacks=[backup(), keras.callbacks.LambdaCallback(on_epoch_begin=interrupt)],
        )
    history = fit(resumed, 3, shuffle=shuffle, callbacks=[backup()])
    assert history.epoch == [2]
    np.testing.assert_array_equal(
        *(training.linear_weights(model)[0] for model in (whole, resumed))
    )


def test_backup_that_is_kept_resumes_for_more_epochs(fit, tmp_path):
    """Two epochs and then a third, with the backup that delete_checkpoint=False leaves."""
    backup = functools.partial(
        keras.callbacks.BackupAndRestore, tmp_path / "backup", delete_checkpoint=False
    )
    whole, resumed = training.linear_model(0), training.linear_model(0)
    fit(whole, 3)
    fit(training.linear_model(0), 2, callbacks=[backup()])
    assert fit(resumed, 3, callbacks=[backup()]).epoch == [2]
    np.testing.assert_array_equal(
        *(training.linear_weights(model)[0] for model in (whole, resumed))
    )


@pytest.mark.parametrize("verbose, lines", [(0, 0), (1, 1), (2, 1)])
def test_progress_is_one_bar_of_all_steps(fit, capsys, verbose, lines):
    fit(training.linear_model(0), verbose=verbose)  # 2 epochs of 3 batches
    printed = capsys.readouterr().out
    assert printed.count("\n") == lines
    assert ("6/6" in printed and "accuracy: " in printed) == (lines == 1)


def test_progress_of_a_training_that_stops_early_tells_where(fit, capsys):
    stop = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: setattr(model, "stop_training", batch == 1)
    )
    model = training.linear_model(0)
    fit(model, verbose=2, callbacks=[stop])
    assert "2/6 - " in capsys.readouterr().out


# --- callbacks of the project


def test_step_record_is_a_callback_of_fit_too(few, fit):
    ours, theirs = callbacks.StepRecord(), callbacks.StepRecord(keep=2)
    model = training.linear_model(0)
    fit(model, callbacks=[ours])
    model = training.linear_model(0)
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=keras.losses.Hinge())
    model.fit(
        few.x_train,
        few.y_train,
        batch_size=100,
        epochs=2,
        shuffle=False,
        verbose=0,
        callbacks=[theirs],
    )
    assert theirs.steps == [0, 5] and theirs.gradients == []
    np.testing.assert_allclose(theirs.weights[0], ours.weights[0], atol=1e-6)
    np.testing.assert_array_equal(theirs.weights[-1], training.linear_weights(model)[0])


def test_recorded_steps_are_densest_at_the_start(fit):
    record = callbacks.StepRecord(keep=5)
    fit(training.linear_model(0), 10, callbacks=[record])
    assert record.steps == [0, 1, 7, 16, 29] and len(record.weights) == len(record.gradients) == 5


def test_network_is_measured_as_it_will_be_used(few, fit):
    """Dropout is off, and the statistics of BatchNormalization are used and not moved."""
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(8, "relu"),
            keras.layers.BatchNormalization(momentum=0.5),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(1),
        ]
    )
    seen = []
    evaluate = callbacks.Evaluation(
        functools.partial(regular.losses_and_logits, network), few.x_test, few.y_test
    )
    statistics = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(
            [np.array(weight) for weight in network.non_trainable_variables[:2]]
        )
    )
    history = fit(network, callbacks=[evaluate, statistics])
    for before, after in zip(seen[-1], network.non_trainable_variables, strict=False):
        np.testing.assert_array_equal(before, after)
    assert not np.allclose(seen[0][0], seen[-1][0])  # while training moves them
    logits = network.predict(few.x_test, verbose=0)[:, 0]
    losses = np.maximum(0, 1 - few.y_test * logits)
    assert history.history["test_loss"][-1] == pytest.approx(losses.mean(), rel=1e-5)
    assert history.history["test_accuracy"][-1] == np.mean(few.y_test * logits > 0)


# --- the model, the seed, the saved run


def test_model_is_the_posts(few):
    model = training.linear_model(0)
    assert [type(layer).__name__ for layer in model.layers] == ["Flatten", "Dense"]
    assert model(few.x_test[:3]).shape == (3, 1)
    assert tf.reduce_all(model.layers[-1].bias == 0)


def short(folder, script=regular, *flags):
    """One epoch of an experiment, in this process; gives the saved run."""
    script.main(["--epochs", "1", "--results", str(folder), *flags])
    return runs.read(next(path for path in folder.iterdir() if path.is_dir()))


def test_another_seed_or_order_gives_other_weights(tmp_path, quick):
    weights = runs.read(quick / "regular").arrays["weights"]
    for flags in (["--seed", "1"], ["--shuffle"]):
        other = short(tmp_path / flags[0], regular, *flags).arrays["weights"]
        assert not np.allclose(other, weights)


def test_epsilon_zero_equals_regular_training(tmp_path):
    one = short(tmp_path / "regular", regular, "--learning-rate", "0.01")
    other = short(tmp_path / "robust", robust, "--epsilon", "0")
    np.testing.assert_allclose(one.arrays["weights"], other.arrays["weights"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("run, epsilon", [("regular", 0.0), ("robust-0.2", 0.2)])
def test_saved_run_holds_what_it_promises(quick, data, run, epsilon):
    folder = quick / run
    assert {path.name for path in folder.iterdir()} == runs.FILES - {".DS_Store"}
    config, metrics, arrays = runs.read(folder)
    assert config["arguments"]["epochs"] == 1 and config["data_sha256"] == data.digest
    assert config["run"].get("epsilon", 0.0) == epsilon
    assert set(config["versions"]) >= {"python", "tensorflow", "keras", "numpy"}
    model = keras.models.load_model(folder / "model.keras")
    np.testing.assert_array_equal(training.linear_weights(model)[0], arrays["weights"])
    logits = model.predict(data.x_test, verbose=0)[:, 0]
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
        losses = 1 - y * model.predict(x, verbose=0)[:, 0] + epsilon * metrics["weight_l1_norm"]
        assert metrics[f"{split}_loss"] == pytest.approx(np.maximum(0, losses).mean(), rel=1e-5)
    header, *rows = (folder / "history.csv").read_text().splitlines()
    last = dict(zip(header.split(","), map(float, rows[-1].split(",")), strict=True))
    assert set(last) == {"epoch", "loss", "accuracy", "test_loss", "test_accuracy"}
    assert header.startswith("epoch,") and len(rows) == 1
    assert last["test_loss"] == pytest.approx(metrics["test_loss"], rel=1e-6)
    assert last["accuracy"] == metrics["train_accuracy_running"]
    assert json.loads((folder / "metrics.json").read_text()) == metrics
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


def test_validation_is_the_last_part_of_the_training_images_alone(data, tmp_path):
    held_out = data_prep.load_pair(validation=0.1)
    assert len(held_out.y_val) == 1266 and len(held_out.y_train) == 12665 - 1266
    for name in ("x", "y"):
        parts = getattr(held_out, f"{name}_train"), getattr(held_out, f"{name}_val")
        np.testing.assert_array_equal(np.concatenate(parts), getattr(data, f"{name}_train"))
        np.testing.assert_array_equal(
            getattr(held_out, f"{name}_test"), getattr(data, f"{name}_test")
        )
    for script, run in ((regular, "regular"), (robust, "robust-0.1")):
        flags = ["--epochs", "1", "--validation", "0.1", "--results", str(tmp_path)]
        script.main(flags + (["--epsilon", "0.1"] if script is robust else []))
        saved = runs.read(tmp_path / run)
        assert saved.config["command"].endswith("--validation 0.1")
        table = np.genfromtxt(tmp_path / run / "history.csv", delimiter=",", names=True)
        margins = held_out.y_val * attacks.linear_logits(
            saved.arrays["weights"], saved.arrays["bias"], held_out.x_val
        )
        assert table["val_accuracy"] == pytest.approx(np.mean(margins > 0))
        penalty = 0.1 * saved.metrics["weight_l1_norm"] * (script is robust)
        loss = np.maximum(0, 1 - margins + penalty).mean()
        assert table["val_loss"] == pytest.approx(loss, rel=1e-4)
