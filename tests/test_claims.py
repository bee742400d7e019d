"""The numbers behind the verdicts, each computed here once more and another way."""

import numpy as np
import pytest

import attacks
from beyond.networks import network
from claims import rules
from common import files, runs, training
from common.lazy import keras
from report import report


@pytest.fixture(scope="module")
def judged(complete):
    return files.read_json(complete / "claims.json")["claims"]


@pytest.fixture(scope="module")
def found(judged):
    """The numbers of each claim."""
    return {name: claim["numbers"] for name, claim in judged.items()}


def load(folder):
    return keras.models.load_model(folder / "model.keras", compile=False)


@pytest.fixture(scope="module")
def models(complete):
    """Keras' own view of the post's four models."""
    return {name: load(complete / name) for name in runs.POST_RUNS}


def margins(model, x, y):
    return y * model(np.asarray(x, np.float32)).numpy()[:, 0]


@pytest.fixture(scope="module")
def clean(models, data):
    """The margins of each model's test images."""
    return [margins(model, data.x_test, data.y_test) for model in models.values()]


def attacked_by(model, data, clip):
    """The test images under the attack of ε = 0.2 that was made for a model."""
    weights, _ = training.linear_weights(model)
    change = (0.2 * data.y_test[:, None] * np.sign(weights)).reshape(data.x_test.shape)
    return np.clip(data.x_test - change, 0, 1) if clip else data.x_test - change


def test_every_claim_has_a_verdict_and_its_words(judged):
    assert len(judged) == 22 and set(judged) == set(rules.words())
    for claim in report.in_words(judged):
        assert all(claim[part] for part in ("claim", "section", "measured", "why"))
        assert claim["verdict"] in rules.VERDICTS
        assert "{" not in claim["measured"] + claim["why"] and "nan" not in claim["measured"]


def test_accuracy_mistakes_and_dots(found, clean):
    wrong = [int(np.sum(each <= 0)) for each in clean]
    assert found["mistakes"]["misclassified_test"] == found["dots"]["mistakes"] == wrong
    accuracy = [1 - each / 2115 for each in wrong]
    assert found["accuracy"]["test_accuracy"] == pytest.approx(accuracy, abs=1e-9)
    images = found["dots"]["images_with_dot"]
    assert 5 <= images <= 20
    columns = "mistakes_with_dot", "error_with_dot", "error_without"
    for count, *row in zip(wrong, *(found["dots"][key] for key in columns), strict=True):
        with_dot, error_with, error_without = row
        assert error_with == pytest.approx(with_dot / images)
        assert error_without == pytest.approx((count - with_dot) / (2115 - images))
        assert error_with > 0.05 > 0.005 > error_without


def test_brittleness(found, models, data):
    for clip, name in ((False, "unclipped"), (True, "clipped")):
        attacked = attacked_by(models["regular"], data, clip)
        kept = np.mean(margins(models["regular"], attacked, data.y_test) > 0)
        assert found["brittleness"][name] == pytest.approx(kept, abs=1e-9)
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
    assert aligned["optimum_pixels"] == best["nonzero_weights"] < 10
    assert min(found["small_weights"]["kept_below_epsilon"]) > 0.5
    assert found["small_weights"]["optimum_kept_though_pulled_less"] == 0


def test_tolerance(found, models, clean):
    least = found["tolerance"]["least_loss_of_a_mistake"]
    for model, each, epsilon, expected in zip(models.values(), clean, (0, 0.1, 0.2, 0.3), least):
        losses = np.maximum(0, 1 - each + epsilon * np.abs(model.get_weights()[0]).sum())
        assert expected == pytest.approx(losses[each <= 0].min(), rel=1e-5)
    assert least[0] >= 1 and min(least[1:]) > 2


@pytest.mark.parametrize("clip, name", [(False, "unclipped"), (True, "clipped")])
def test_transfer(complete, models, data, clip, name):
    run = runs.read(complete / "transfer")
    sources, targets = run.config["run"]["sources"], run.config["run"]["targets"]
    for source in targets:  # the models themselves, whose attacks can be made here
        attacked = attacked_by(models[source], data, clip)
        accuracy = [np.mean(margins(models[it], attacked, data.y_test) > 0) for it in targets]
        row = run.metrics["accuracy"][name][sources.index(source)]
        assert row == pytest.approx(accuracy, abs=1e-3)


def test_network(complete, data):
    metrics = runs.read(complete / "network").metrics
    clean = margins(load(complete / "network"), data.x_test, data.y_test)
    assert metrics["test_accuracy"] == np.mean(clean > 0) > 0.99
    accuracy = metrics["robust_accuracy"]
    for clip in ("", "_clipped"):  # PGD is the stronger attack, and both get stronger with ε
        assert np.all(np.subtract(accuracy[f"pgd{clip}"], accuracy[f"fgsm{clip}"]) <= 0.005)
        assert np.all(np.diff(accuracy[f"pgd{clip}"]) <= 0)
    assert set(metrics["turns"]["linear"].values()) == {0}
    assert metrics["turns"]["network"]["pixel"] < 1 < metrics["turns"]["network"]["random"]


def test_turning_points_are_counted_also_across_flat_parts():
    lines = np.array([[2.0, 1, 1, 2], [0, 1, 2, 3], [0, 0, 0, 0], [0, 1, 0, 1], [3, 3, 2, 2]])
    np.testing.assert_array_equal(network.turns(lines), [1, 0, 0, 2, 0])


def test_margin(found):
    """That it is the margin of the data is checked in test_optimum.py, by one linear program."""
    numbers = found["margin"]
    assert 0.0365 < numbers["separation_epsilon"] <= numbers["upper_bound"] < 0.0370
    assert numbers["upper_bound"] - numbers["separation_epsilon"] < 1e-6
