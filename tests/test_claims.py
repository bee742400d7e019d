"""The numbers behind the verdicts, each computed here once more and another way."""

import json
import tomllib

import numpy as np
import pytest

import attacks
from beyond.networks import network
from common import runs, training
from common.lazy import keras
from report import claims, report


@pytest.fixture(scope="module")
def found(complete):
    """The numbers of each claim."""
    measured = json.loads((complete / "claims.json").read_text())["claims"]
    return {name: claim["numbers"] for name, claim in measured.items()}


@pytest.fixture(scope="module")
def models(complete):
    """Keras' own view of the post's four models."""
    return {
        name: keras.models.load_model(complete / name / "model.keras", compile=False)
        for name in runs.POST_RUNS
    }


def logits_of(model, x):
    return model(np.asarray(x, np.float32)).numpy()[:, 0]


def test_every_claim_has_a_verdict_and_its_words(complete):
    measured = json.loads((complete / "claims.json").read_text())["claims"]
    texts = tomllib.loads((report.FOLDER / "claims.toml").read_text(encoding="utf-8"))
    assert len(measured) == 22 and set(measured) == set(texts)
    for claim in report.told(measured):
        assert all(claim[part] for part in ("claim", "section", "measured", "why"))
        assert claim["verdict"] in (claims.HOLDS, claims.CONDITION, claims.FAILS)
        assert "{" not in claim["measured"] + claim["why"] and "nan" not in claim["measured"]


def test_accuracy(found, models, data):
    expected = [
        np.mean(logits_of(model, data.x_test) * data.y_test > 0) for model in models.values()
    ]
    assert found["accuracy"]["test_accuracy"] == pytest.approx(expected, abs=1e-9)
    wrong = [round(2115 * (1 - value)) for value in expected]
    assert found["mistakes"]["misclassified_test"] == wrong


def test_dots(found, models, data):
    numbers = found["dots"]
    total, dots = len(data.y_test), numbers["images_with_dot"]
    assert 5 <= dots <= 20
    columns = "mistakes", "mistakes_with_dot", "error_with_dot", "error_without"
    for model, *row in zip(models.values(), *(numbers[key] for key in columns), strict=True):
        wrong, with_dot, error_with, error_without = row
        assert wrong == np.sum(logits_of(model, data.x_test) * data.y_test <= 0)
        assert error_with == pytest.approx(with_dot / dots)
        assert error_with > 0.05 > 0.005 > error_without
        assert dots * error_with + (total - dots) * error_without == pytest.approx(wrong)


def test_brittleness(found, models, data):
    weights, _ = training.linear_weights(models["regular"])
    change = (-0.2 * data.y_test[:, None] * np.sign(weights)).reshape(data.x_test.shape)
    attacked = data.x_test + change
    for kind, images in (("unclipped", attacked), ("clipped", np.clip(attacked, 0, 1))):
        kept = np.mean(logits_of(models["regular"], images) * data.y_test > 0)
        assert found["brittleness"][kind] == pytest.approx(kept, abs=1e-9)
    assert found["brittleness"]["unclipped"] < 0.01 < found["brittleness"]["clipped"]


@pytest.mark.parametrize("share, name", [(0.9, "below_90"), (0.5, "below_50")])
def test_robustness(found, models, data, share, name):
    for model, epsilon in zip(models.values(), found["robustness"][name], strict=True):
        before, there = (
            attacks.robust_accuracy(*training.linear_weights(model), data.x_test, data.y_test, at)
            for at in (epsilon - 0.005, epsilon)
        )
        assert before >= share > there


def test_weak_features(found, models):
    numbers = found["weak_features"]
    columns = numbers["below_a_thousandth_of_the_largest"], numbers["norm_in_50_largest"]
    for model, tiny, top in zip(models.values(), *columns, strict=True):
        sizes = sorted(abs(float(value)) for value in training.linear_weights(model)[0])
        assert tiny == pytest.approx(sum(size < sizes[-1] / 1000 for size in sizes) / 784)
        assert top == pytest.approx(sum(sizes[-50:]) / sum(sizes), rel=1e-5)
    assert 0.1 < numbers["regular_norm_on_blank_pixels"] < 0.25
    assert min(numbers["within_one_step_of_zero"]) > 0.7
    assert max(numbers["regular_within_the_same"]) < 0.05


def test_aligned_features_and_small_weights(found, complete):
    aligned = found["aligned_features"]
    assert max(aligned["regular_norm_on_the_same"]) < 0.5 < min(aligned["norm_on_strong_pixels"])
    best = runs.read(complete / "exact-0.3").metrics
    assert found["aligned_features"]["optimum_pixels"] == best["nonzero_weights"] < 10
    assert min(found["small_weights"]["kept_below_epsilon"]) > 0.5
    assert found["small_weights"]["optimum_kept_though_pulled_less"] == 0


def test_tolerance(found, models, data):
    least = found["tolerance"]["least_loss_of_a_mistake"]
    for model, epsilon, expected in zip(models.values(), (0, 0.1, 0.2, 0.3), least, strict=True):
        margins = data.y_test * logits_of(model, data.x_test)
        losses = np.maximum(0, 1 - margins + epsilon * np.abs(model.get_weights()[0]).sum())
        assert expected == pytest.approx(losses[margins <= 0].min(), rel=1e-5)
    assert least[0] >= 1 and min(least[1:]) > 2


@pytest.mark.parametrize("kind", ["unclipped", "clipped"])
def test_transfer(complete, models, data, kind):
    run = runs.read(complete / "transfer")
    sources, targets = run.config["run"]["sources"], run.config["run"]["targets"]
    for source in targets:  # the models themselves, whose attacks can be made here
        weights, _ = training.linear_weights(models[source])
        change = (data.y_test[:, None] * np.sign(weights)).reshape(data.x_test.shape)
        attacked = data.x_test - 0.2 * change
        attacked = np.clip(attacked, 0, 1) if kind == "clipped" else attacked
        for target in targets:
            accuracy = np.mean(logits_of(models[target], attacked) * data.y_test > 0)
            row = run.metrics["accuracy"][kind][sources.index(source)]
            assert row[targets.index(target)] == pytest.approx(accuracy, abs=1e-3)


def test_network(found, complete, data):
    metrics = runs.read(complete / "network").metrics
    model = keras.models.load_model(complete / "network" / "model.keras", compile=False)
    assert metrics["test_accuracy"] == np.mean(logits_of(model, data.x_test) * data.y_test > 0)
    assert metrics["test_accuracy"] > 0.99
    accuracy = metrics["robust_accuracy"]
    for clip in ("", "_clipped"):  # PGD is the stronger attack, and both get stronger with ε
        assert np.all(np.subtract(accuracy[f"pgd{clip}"], accuracy[f"fgsm{clip}"]) <= 0.005)
        assert np.all(np.diff(accuracy[f"pgd{clip}"]) <= 0)
    assert set(metrics["turns"]["linear"].values()) == {0}
    assert metrics["turns"]["network"]["pixel"] < 1 < metrics["turns"]["network"]["random"]
    assert 0 < metrics["turning_pixels"] < 0.5
    bend = metrics["bend"]
    assert max(bend["linear"].values()) < 1e-4 < 0.1 < bend["network"]["adversarial"]


def test_turning_points_are_counted_also_across_flat_parts():
    lines = np.array([[2.0, 1, 1, 2], [0, 1, 2, 3], [0, 0, 0, 0], [0, 1, 0, 1], [3, 3, 2, 2]])
    np.testing.assert_array_equal(network.turns(lines), [1, 0, 0, 2, 0])


def test_margin(found):
    """That it is the margin of the data is checked in test_optimum.py, by one linear program."""
    numbers = found["margin"]
    assert 0.0365 < numbers["separation_epsilon"] <= numbers["upper_bound"] < 0.0370
    assert numbers["upper_bound"] - numbers["separation_epsilon"] < 1e-6
