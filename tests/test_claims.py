"""The numbers behind the verdicts, each computed here once more and another way."""

import numpy as np
import pytest

import attacks
import claims
import experiment_network
import storage
import training
from training import keras


@pytest.fixture(scope="module")
def rows(fresh):
    return {
        entry["claim"]: entry for entry in storage.read_json(fresh.folder / "claims.json")["claims"]
    }


@pytest.fixture(scope="module")
def models(fresh):
    """Keras' own view of the post's four models."""
    return {
        name: keras.models.load_model(fresh.folder / name / "model.keras", compile=False)
        for name in claims.MODELS
    }


def numbers(rows, part):
    return next(entry["numbers"] for claim, entry in rows.items() if part in claim)


def test_every_row_is_filled(rows):
    assert len(rows) >= 15
    for entry in rows.values():
        assert set(entry) == {"claim", "section", "numbers", "measured", "verdict", "why"} and all(
            entry.values()
        )
        assert entry["verdict"] in (claims.HOLDS, claims.CONDITION, claims.FAILS)


def test_clean_accuracies(rows, models, data):
    expected = [
        np.mean(model.predict(data.x_test, verbose=0)[:, 0] * data.y_test > 0)
        for model in models.values()
    ]
    assert numbers(rows, "perfect accuracy")["test_accuracy"] == pytest.approx(expected, abs=1e-9)
    assert numbers(rows, "single mistakes")["misclassified_test"] == [
        round(2115 * (1 - value)) for value in expected
    ]
    assert numbers(rows, "overfitting")["largest_gap"] < 0.005


def test_where_robust_models_are_less_accurate(rows, fresh):
    found = numbers(rows, "perfect accuracy")
    regular = storage.read_run(fresh.folder / "regular-seeds").arrays["test_accuracy"][0]
    robust = storage.read_run(fresh.folder / "robust-seeds").arrays["test_accuracy"]
    from scipy import stats

    for model, loss, error in zip(robust, found["paired_loss"], found["standard_error"]):
        assert stats.ttest_rel(regular, model).statistic == pytest.approx(loss / error)


def test_dots(rows, models, data):
    found = numbers(rows, "dot around")
    total, dots = len(data.y_test), found["images_with_dot"]
    assert 5 <= dots <= 20
    for model, have_one, with_dot, without in zip(
        models.values(), found["mistakes_with_dot"], found["error_with_dot"], found["error_without"]
    ):
        wrong = model.predict(data.x_test, verbose=0)[:, 0] * data.y_test <= 0
        assert with_dot == pytest.approx(have_one / dots) and with_dot > 0.05 > 0.005 > without
        assert dots * with_dot + (total - dots) * without == pytest.approx(wrong.sum())


def test_brittleness(rows, models, data):
    weights, _ = training.linear_weights(models["regular"])
    change = (
        (-0.2 * data.y_test[:, None] * np.sign(weights))
        .reshape(data.x_test.shape)
        .astype(np.float32)
    )
    for kind, attacked in (
        ("unclipped", data.x_test + change),
        ("clipped", np.clip(data.x_test + change, 0, 1)),
    ):
        logits = models["regular"].predict(attacked, verbose=0)[:, 0]
        assert numbers(rows, "brittle")[kind] == pytest.approx(
            np.mean(logits * data.y_test > 0), abs=1e-9
        )
    assert numbers(rows, "brittle")["unclipped"] < 0.01 < numbers(rows, "brittle")["clipped"]


def test_where_accuracy_falls_below(rows, models, data):
    found = numbers(rows, "hold where")
    for share, name in ((0.9, "below_90"), (0.5, "below_50")):
        for model, epsilon in zip(models.values(), found[name]):
            at = [
                attacks.robust_accuracy(
                    *training.linear_weights(model), data.x_test, data.y_test, value
                )
                for value in (epsilon - 0.005, epsilon)
            ]
            assert at[0] >= share > at[1]


def test_weak_features(rows, models):
    found = numbers(rows, "weak features")
    for model, tiny, top in zip(
        models.values(), found["below_a_thousandth_of_the_largest"], found["norm_in_50_largest"]
    ):
        sizes = sorted(abs(float(value)) for value in training.linear_weights(model)[0])
        assert tiny == pytest.approx(sum(size < sizes[-1] / 1000 for size in sizes) / 784)
        assert top == pytest.approx(sum(sizes[-50:]) / sum(sizes), rel=1e-5)
    assert 0.1 < found["regular_norm_on_blank_pixels"] < 0.25
    assert (
        min(found["within_one_step_of_zero"]) > 0.7 and max(found["regular_within_the_same"]) < 0.05
    )
    strong = numbers(rows, "human-aligned")
    assert strong["norm_on_strong_pixels"][0] < 0.4 < 0.7 < min(strong["norm_on_strong_pixels"][1:])
    assert strong["optimum_pixels"] < 10
    wiped = numbers(rows, "wiped off")
    assert min(wiped["kept_below_epsilon"]) > 0.5 and wiped["optimum_kept_though_pulled_less"] == 0


def test_mistakes_cost_more_with_the_robust_loss(rows, models, data):
    found = numbers(rows, "close to the decision boundary")
    for name, epsilon, least in zip(models, (0, 0.1, 0.2, 0.3), found["least_loss_of_a_mistake"]):
        logits = models[name].predict(data.x_test, verbose=0)[:, 0]
        losses = np.maximum(
            0, 1 - data.y_test * logits + epsilon * np.abs(models[name].get_weights()[0]).sum()
        )
        assert least == pytest.approx(losses[logits * data.y_test <= 0].min(), rel=1e-5)
    assert (
        found["least_loss_of_a_mistake"][0] >= 1 and min(found["least_loss_of_a_mistake"][1:]) > 2
    )


def test_l1_penalty(rows, fresh, data):
    found = numbers(rows, "L1 penalty")
    assert found["norm_ratio"] == pytest.approx(1, abs=0.005)
    for name, key in (
        ("l1-0.2", "same_norm_accuracy"),
        ("l1-0.2-equivalent", "equivalent_accuracy"),
    ):
        l1 = storage.read_run(fresh.folder / name).arrays
        assert found[key] == attacks.robust_accuracy(
            l1["weights"], l1["bias"], data.x_test, data.y_test, 0.2
        )
    assert (
        found["equivalent_accuracy"] + 0.02
        > found["robust_accuracy"]
        > found["same_norm_accuracy"] + 0.5
    )
    assert 0 <= found["optimum_gap"] < 1e-7
    assert found["penalty"] == pytest.approx(
        0.2 * storage.read_run(fresh.folder / "exact-0.2").metrics["objective"]
    )


def test_confidence_with_and_without_the_scale_of_the_weights(rows, models, data):
    found = numbers(rows, "confident")
    for name, entry in found.items():
        weights, bias = training.linear_weights(models[name])
        norm = np.abs(weights).sum()
        assert len(entry["epsilon"]) == 21
        for epsilon, logit, distance in zip(
            entry["epsilon"], entry["median_logit"], entry["median_distance"]
        ):
            logits = attacks.attacked_logits(weights, bias, data.x_test, data.y_test, epsilon)
            wrong = np.abs(logits[logits * data.y_test <= 1e-6])
            assert logit == pytest.approx(np.median(wrong), rel=5e-3)
            assert distance == pytest.approx(np.median(wrong) / norm, rel=5e-3)
    assert found["regular"]["median_distance"][-1] < found["robust-0.2"]["median_distance"][-1]
    assert found["regular"]["median_distance"][-2] > found["robust-0.2"]["median_distance"][-2]


def test_transfer(rows, fresh, models, data):
    run = storage.read_run(fresh.folder / "transfer")
    sources, targets = run.config["run"]["sources"], run.config["run"]["targets"]
    for kind in ("unclipped", "clipped"):
        for source in targets:  # the models themselves, whose attacks can be made here
            weights, _ = training.linear_weights(models[source])
            attacked = data.x_test - 0.2 * (data.y_test[:, None] * np.sign(weights)).reshape(
                data.x_test.shape
            )
            attacked = np.clip(attacked, 0, 1) if kind == "clipped" else attacked
            for target in targets:
                logits = models[target].predict(attacked.astype(np.float32), verbose=0)[:, 0]
                saved = run.metrics["accuracy"][kind][sources.index(source)][targets.index(target)]
                assert saved == pytest.approx(np.mean(logits * data.y_test > 0), abs=1e-3)
    kept = numbers(rows, "rough approximation")
    for name, values in kept.items():
        if name != "white_box":
            mean, least, most = values
            assert least <= mean <= most
    assert (
        kept["20 images"][0] > 0.9
        and kept["all images, from zero"][2] < 0.5
        and kept["white_box"] < 0.01
    )


def test_network(rows, fresh):
    metrics = storage.read_run(fresh.folder / "network").metrics
    assert metrics["test_accuracy"] > 0.99
    accuracy = metrics["robust_accuracy"]
    for clip in ("", "_clipped"):  # PGD is the stronger attack, and both get stronger with ε
        assert np.all(np.array(accuracy[f"pgd{clip}"]) <= np.array(accuracy[f"fgsm{clip}"]) + 0.005)
        assert np.all(np.diff(accuracy[f"pgd{clip}"]) <= 0)
    assert set(metrics["turns"]["linear"].values()) == {0}
    assert metrics["turns"]["network"]["pixel"] < 1 < metrics["turns"]["network"]["random"]
    assert 0 < metrics["turning_pixels"] < 0.5
    assert (
        max(metrics["bend"]["linear"].values())
        < 1e-4
        < 0.1
        < metrics["bend"]["network"]["adversarial"]
    )


def test_spread_over_seeds(rows, fresh):
    found = numbers(rows, "perfect accuracy")
    for run, columns in (("regular-seeds", [0]), ("robust-seeds", [1, 2, 3])):
        arrays = storage.read_run(fresh.folder / run).arrays
        assert arrays["test_accuracy"].shape == (len(columns), 20)
        np.testing.assert_array_equal(arrays["robust_accuracy"][..., 0], arrays["test_accuracy"])
        np.testing.assert_allclose(
            np.array(found["seeds_mean"])[columns], arrays["test_accuracy"].mean(axis=1)
        )
        np.testing.assert_allclose(
            np.array(found["seeds_standard_deviation"])[columns],
            arrays["test_accuracy"].std(axis=1, ddof=1),
        )


@pytest.mark.parametrize(
    "name, flags, runs",
    [
        ("experiment_regular", [], ["regular"]),
        (
            "experiment_robust",
            ["--epsilon", "0.1", "--epsilon", "0.3"],
            ["robust-0.1", "robust-0.3"],
        ),
    ],
)
def test_each_seed_is_the_single_run_with_that_seed(tmp_path, name, flags, runs):
    import importlib

    main = importlib.import_module(name).main
    flags += ["--epochs", "2", "--out-dir", str(tmp_path)]
    main(["--seeds", "3", *flags])
    main(["--seed", "2", "--shuffle", *flags])
    spread = storage.read_run(tmp_path / f"{runs[0].split('-')[0]}-seeds").arrays
    for column, run in enumerate(runs):
        single = storage.read_run(tmp_path / run)
        np.testing.assert_array_equal(spread["weights"][column, 2], single.arrays["weights"])
        assert spread["test_accuracy"][column, 2] == single.metrics["test_accuracy"]


def test_turning_points_are_counted_also_across_flat_parts():
    lines = np.array([[2.0, 1, 1, 2], [0, 1, 2, 3], [0, 0, 0, 0], [0, 1, 0, 1], [3, 3, 2, 2]])
    np.testing.assert_array_equal(experiment_network.turns(lines), [1, 0, 0, 2, 0])
