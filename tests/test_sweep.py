import functools

import numpy as np
import pytest

import attacks
import experiment_sweep
import storage
import training
from experiment_robust import robust_hinge_loss


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """Eleven training ε from 0 to 0.5, two seeds, three epochs."""
    folder = tmp_path_factory.mktemp("sweep")
    experiment_sweep.main(["--models", "11", "--seeds", "2", "--epochs", "3", "--out-dir", str(folder)])
    return storage.read_run(folder / "sweep").arrays


@pytest.mark.parametrize("column", [0, 1, 4, 6, 8, 10])
def test_each_column_is_the_model_trained_alone(sweep, data, column):
    epsilon = sweep["train_epsilons"][column]
    training.seed_everything(1)
    model = training.linear_model(1, dtype="float64")
    model.compile(optimizer=training.keras.optimizers.SGD(0.01))
    blocks = training.resident(data.x_train.astype(float), data.y_train.astype(float), shuffle=True, seed=1)
    training.train(model, functools.partial(robust_hinge_loss, epsilon=epsilon), blocks, 3, 100, verbose=0)
    weights, bias = training.linear_weights(model)
    np.testing.assert_allclose(sweep["weights"][column], weights, atol=1e-7)
    assert sweep["bias"][column] == pytest.approx(bias, abs=1e-7)


def test_accuracy_is_that_of_the_exact_attack(sweep, data):
    assert sweep["accuracy"].shape == (11, 101)
    np.testing.assert_allclose(sweep["accuracy"], sweep["accuracy_by_seed"].mean(axis=0), atol=1e-6)
    for column in (0, 5):
        curve = attacks.robust_accuracy(sweep["weights"][column].astype(float), sweep["bias"][column], data.x_test,
                                        data.y_test, sweep["attack_epsilons"])
        np.testing.assert_allclose(sweep["accuracy_by_seed"][1, column], curve, atol=1e-3)


def test_training_at_an_epsilon_beats_regular_training_there(sweep):
    attack = list(np.round(sweep["attack_epsilons"], 3)).index(0.2)
    assert sweep["accuracy"][4, attack] > sweep["accuracy"][0, attack] + 0.5
