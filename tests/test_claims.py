"""The numbers behind the verdicts, each computed here once more and another way."""

import re

import numpy as np
import pytest

from beyond.networks import landscapes
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


@pytest.fixture(scope="module")
def models(complete):
    """Keras' own view of the post's four models."""
    return {
        name: keras.models.load_model(complete / name / "model.keras", compile=False)
        for name in runs.POST_RUNS
    }


def margins(model, x, y):
    return y * model(np.asarray(x, np.float32)).numpy()[:, 0]


def attacked_by(model, data, clip):
    """The test images under the attack of ε = 0.2 that was made for a model."""
    weights, _ = training.linear_weights(model)
    change = (0.2 * data.y_test[:, None] * np.sign(weights)).reshape(data.x_test.shape)
    return np.clip(data.x_test - change, 0, 1) if clip else data.x_test - change


def test_every_claim_has_a_verdict_and_its_words(judged):
    assert len(judged) == 25 and set(judged) == set(rules.words())
    for claim in report.in_words(judged):
        parts = [claim[part] for part in ("claim", "section", "decides", "on", "measured", "why")]
        assert all(parts) and "{" not in "".join(parts) + claim["table"]
        assert not re.search(r"\bnan\b", claim["measured"] + claim["decides"])
        verdicts = ("true by algebra", "false by algebra") if claim["algebra"] else rules.VERDICTS
        assert claim["verdict"] in verdicts


def test_the_attack_of_every_image_gives_the_accuracy_by_radii(found):
    assert found["inner_maximum"]["by_images"] == found["inner_maximum"]["by_radii"]


def test_accuracy_mistakes_and_dots(found, models, data):
    clean = [margins(model, data.x_test, data.y_test) for model in models.values()]
    wrong = [int(np.sum(each <= 0)) for each in clean]
    assert found["mistakes"]["misclassified_test"] == found["dots"]["mistakes"] == wrong
    accuracy = [1 - each / 2115 for each in wrong]
    assert found["accuracy"]["test_accuracy"] == pytest.approx(accuracy, abs=1e-9)
    images = found["dots"]["images_with_dot"]
    assert 5 <= images <= 20
    columns = wrong, found["dots"]["mistakes_with_dot"], found["dots"]["error_without"]
    for count, with_dot, error_without in zip(*columns, strict=True):
        assert error_without == pytest.approx((count - with_dot) / (2115 - images))
        assert with_dot / images > 0.05 > 0.005 > error_without


@pytest.mark.parametrize("clip, name", [(False, "unclipped"), (True, "clipped")])
def test_transfer_and_brittleness(found, complete, models, data, clip, name):
    run = runs.read(complete / "transfer")
    sources, targets = run.config["run"]["sources"], run.config["run"]["targets"]
    for source in targets:  # the models themselves, whose attacks can be made here
        attacked = attacked_by(models[source], data, clip)
        accuracy = [np.mean(margins(models[it], attacked, data.y_test) > 0) for it in targets]
        row = run.metrics["accuracy"][name][sources.index(source)]
        assert row == pytest.approx(accuracy, abs=1e-3)
        if source == "regular":
            assert found["brittleness"][name] == pytest.approx(accuracy[0], abs=1e-9)


def test_lines_of_the_linear_model_are_straight_and_those_of_the_network_are_not(complete):
    arrays = runs.read(complete / "landscapes").arrays
    linear, network = (landscapes.turns(arrays[f"loss_{it}"]) for it in ("linear", "network"))
    assert not linear.any() and network[landscapes.DIRECTIONS.index("random")] > 0


def test_turning_points_are_counted_also_across_flat_parts():
    lines = np.array([[2.0, 1, 1, 2], [0, 1, 2, 3], [0, 0, 0, 0], [0, 1, 0, 1], [3, 3, 2, 2]])
    np.testing.assert_array_equal(landscapes.turns(lines), [1, 0, 0, 2, 0])
