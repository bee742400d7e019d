"""Seeds, surrogates and sweeps are the models that one would train alone."""

import functools

import numpy as np
import pytest

import attacks
import experiment_regular
import experiment_robust
from beyond.chance import seeds, sweep
from common import runs, training
from common.lazy import keras


@pytest.fixture(scope="module")
def spread(tmp_path_factory):
    """Two seeds of the post's four models, one epoch each."""
    folder = tmp_path_factory.mktemp("spread")
    seeds.main(["--seeds", "2", "--epochs", "1", "--results", str(folder)])
    return folder


@pytest.mark.parametrize("name, column", [("regular", 0), ("robust", 2)])
def test_each_seed_is_to_the_bit_the_run_with_that_seed(spread, tmp_path, name, column):
    flags = "--seed", "1", "--shuffle", "--epochs", "1", "--results", str(tmp_path)
    if name == "regular":
        experiment_regular.main(flags)
    else:
        experiment_robust.main(["--epsilon", "0.3", *flags])
    single = runs.read(next(tmp_path.iterdir()))
    many = runs.read(spread / f"{name}-seeds")
    np.testing.assert_array_equal(many.arrays["weights"][column, 1], single.arrays["weights"])
    assert many.arrays["test_accuracy"][column, 1] == single.metrics["test_accuracy"]
    assert many.arrays["train_accuracy_running"][column, 1] == pytest.approx(
        single.metrics["train_accuracy_running"], rel=1e-6
    )
    curve = many.arrays["robust_accuracy"][column, 1]
    np.testing.assert_allclose(
        curve, single.metrics["robust_accuracy"]["unclipped"], rtol=0, atol=1 / 2115 + 1e-9
    )
    for key in ("test_accuracy", "train_accuracy_running"):
        means = many.arrays[key].mean(axis=1)
        np.testing.assert_allclose(many.metrics[key]["mean"], means)


def test_accuracy_of_the_sweep_is_that_of_the_exact_attack(data, tmp_path):
    """Of eleven training ε from 0 to 0.5, two seeds, two epochs."""
    sweep.main([*"--models 11 --seeds 2 --epochs 2 --results".split(), str(tmp_path)])
    swept = runs.read(tmp_path / "sweep").arrays
    assert swept["accuracy"].shape == (11, 101)
    mean = swept["accuracy_by_seed"].mean(axis=0)
    np.testing.assert_allclose(swept["accuracy"], mean, atol=1e-6)
    for column in (0, 5):
        model = swept["weights"][column].astype(float), swept["bias"][column]
        images = data.x_test, data.y_test
        curve = attacks.robust_accuracy(*model, *images, swept["attack_epsilons"])
        np.testing.assert_allclose(swept["accuracy_by_seed"][1, column], curve, atol=1e-3)


def test_columns_of_the_sweep_are_the_models_that_the_loop_trains_alone(few):
    """In float64, with the robust step, from the same seed and in the same order."""
    args = sweep.parse_args(["--models", "2", "--seeds", "2", "--epochs", "2"])
    weights, biases, loss, _ = sweep.train_columns(few, [0.1, 0.4], [1], args)
    for column, epsilon in enumerate((0.1, 0.4)):
        model = training.linear_model(1, "float64")
        model.compile(optimizer=keras.optimizers.SGD(experiment_robust.LEARNING_RATE))
        train_step = experiment_robust.train_step
        step = functools.partial(train_step, model, batch_size=100, epsilon=epsilon)
        x, y, order = few.x_train, few.y_train.astype(float), dict(shuffle=True, seed=1)
        history = training.train(step, model, x, y, 2, 100, **order, verbose=0)
        alone = training.linear_weights(model)
        np.testing.assert_allclose(weights[0, column], alone[0], rtol=0, atol=1e-12)
        np.testing.assert_allclose(biases[0, column], alone[1], rtol=0, atol=1e-12)
        np.testing.assert_allclose(loss[0, :, column], history.history["loss"], rtol=1e-12)
