import numpy as np
import pytest

import attacks
import experiment_robust
import experiment_sweep
import storage


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """Eleven training ε from 0 to 0.5, two seeds, three epochs."""
    folder = tmp_path_factory.mktemp("sweep")
    experiment_sweep.main(
        ["--models", "11", "--seeds", "2", "--epochs", "3", "--out-dir", str(folder)]
    )
    return storage.read_run(folder / "sweep").arrays


@pytest.mark.parametrize("column", [0, 4, 6, 8])
def test_each_column_is_the_model_that_experiment_robust_trains_alone(sweep, tmp_path, column):
    experiment_robust.main(
        [
            "--epsilon",
            f"{sweep['train_epsilons'][column]:.2f}",
            "--dtype",
            "float64",
            "--seed",
            "1",
            "--shuffle",
            "--epochs",
            "3",
            "--out-dir",
            str(tmp_path),
        ]
    )
    alone = storage.read_run(next(tmp_path.iterdir())).arrays
    np.testing.assert_allclose(sweep["weights"][column], alone["weights"], atol=1e-7)
    assert sweep["bias"][column] == pytest.approx(float(alone["bias"]), abs=1e-7)


def test_accuracy_is_that_of_the_exact_attack(sweep, data):
    assert sweep["accuracy"].shape == (11, 101)
    np.testing.assert_allclose(sweep["accuracy"], sweep["accuracy_by_seed"].mean(axis=0), atol=1e-6)
    for column in (0, 5):
        curve = attacks.robust_accuracy(
            sweep["weights"][column].astype(float),
            sweep["bias"][column],
            data.x_test,
            data.y_test,
            sweep["attack_epsilons"],
        )
        np.testing.assert_allclose(sweep["accuracy_by_seed"][1, column], curve, atol=1e-3)


def test_training_at_an_epsilon_beats_regular_training_there(sweep):
    attack = list(np.round(sweep["attack_epsilons"], 3)).index(0.2)
    assert sweep["accuracy"][4, attack] > sweep["accuracy"][0, attack] + 0.5
