"""Networks between two sides: the step, the sides, the other threats, and the same bytes twice."""

import contextlib
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

import attacks
import data_prep
from beyond.networks import bounds, certified, slopes
from beyond.threats import few_pixels, shifts, threats
from common import beside, runs, training
from common.lazy import keras

NAME = "small-certified"
SHORT = "--epochs", "2", "--batch-size", "50"
# An executor that is this process, for what is patched here.
HERE = SimpleNamespace(submit=lambda *call: SimpleNamespace(result=partial(*call)))


@pytest.fixture(scope="module")
def made(few, tmp_path_factory):
    """The folder of short runs of the small network on few images, and of its threats."""
    folder = tmp_path_factory.mktemp("certified")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data_prep, "load_pair", lambda digits: few)
        patch.setattr(certified, "NETWORK_NAMES", [NAME])
        patch.setattr(threats, "NETWORK_NAMES", [NAME])
        patch.setattr(certified, "ATTACKS", np.array([0.0, 0.02, 0.5]))
        short = dict(SEARCHES=((20, 1, 5), (10, 1, 5)), MILP_IMAGES=1, MILP_NODES=1)
        for name, value in short.items():
            patch.setattr(certified, name, value)
        patch.setattr(threats, "IMAGES", 4)
        patch.setattr(threats, "STEPS", 2)
        patch.setattr(shifts, "SHIFTS", dict(list(shifts.SHIFTS.items())[-2:]))
        for name in runs.POST_RUNS:
            (folder / name).symlink_to(runs.RESULTS / name)
        flags = ["--results", str(folder)]
        args = certified.parse_args([*SHORT, *flags])
        certified.save(args, certified.submitted(HERE, args))
        args = threats.parse_args(flags)
        threats.save(args, threats.submitted(HERE, args))
    return folder


def test_the_same_seed_gives_the_same_network_whatever_ran_before(made, few):
    network = certified.trained(certified.parse_args(SHORT), few, NAME)
    saved = runs.read(made / "certified").arrays
    for number, weights in enumerate(network.get_weights()):
        np.testing.assert_array_equal(saved[f"{NAME}-{number}"], weights, strict=True)


def weights_of(names):
    """Of the last of some networks that are trained one after the other, an epoch each."""
    args, data = certified.parse_args(["--epochs", "1"]), data_prep.load_pair()
    return [certified.trained(args, data, each).get_weights() for each in names][-1]


@pytest.mark.slow
def test_a_network_is_the_same_in_every_process_alone_and_after_others():
    name = "convolutional-regular"
    with beside.processes(2, beside.ONEDNN) as executor:
        alone, after = executor.map(weights_of, [[name], ["small-certified", name]])
    for one, other in zip(alone, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_every_accuracy_is_between_its_sides(made, few):
    saved = runs.read(made / "certified")
    found, model = saved.metrics[NAME], threats.load(saved, NAME)
    certificates, attacked = found["certified"], found["attacked"]
    clean = np.mean(few.y_test * certified.logits_of(model, few.x_test) > 0)
    assert certificates[0] == attacked[0] == pytest.approx(clean)
    between = np.subtract(attacked, certificates)
    assert found["between"] == [round(100 * each) for each in between] and np.all(between >= 0)
    assert np.all(np.subtract(certificates, found["intervals"]) >= 0)
    assert np.all(np.diff(certificates) <= 0) and np.all(np.diff(attacked) <= 0)
    # At 0.5 every image can be made the same grey one.
    grey = certified.logits_of(model, np.full((1, 28, 28, 1), 0.5, np.float32))
    assert certificates[-1] <= np.mean(few.y_test * grey > 0)
    assert saved.metrics["class_distance"] > 0.9


@pytest.mark.slow
def test_optimised_slopes_prove_no_fewer_images_and_none_that_is_broken(made, few, monkeypatch):
    monkeypatch.setattr(data_prep, "load_pair", lambda digits: few)
    monkeypatch.setattr(beside, "networks", lambda: contextlib.nullcontext(HERE))
    monkeypatch.setattr(slopes, "NETWORKS", [NAME])
    monkeypatch.setattr(slopes, "SLOPES", 1)
    slopes.main(["--results", str(made)])
    found, before = (runs.read(made / name).metrics[NAME] for name in ("slopes", "certified"))
    proved = np.array(found["certified_images"])
    assert np.all(proved <= found["attacked_images"]) and np.all(np.diff(proved) <= 0)
    assert np.all(proved + before["by_milp"] >= before["certified_images"])


def test_other_threats_are_measured_and_weaker_than_none(made):
    clean = runs.read(made / "certified").metrics[NAME]["attacked"][0]
    run = runs.read(made / "threats")
    found, models = run.metrics, len(run.config["run"]["models"])
    assert found["clean"][NAME] == pytest.approx(clean)
    assert np.shape(found["transfer"]) == (len(threats.EPSILONS), models, models)
    for name, kept in found["few_pixels"].items():
        assert len(kept) == threats.PIXELS + 1 and np.all(np.diff(kept) <= 0), name
    counted = zip(found["sure"][NAME], found["mistakes"][NAME])
    assert all((sure is None) == (mistakes == 0) for sure, mistakes in counted)


@pytest.mark.parametrize("kind", ["small", "convolutional"])
def test_the_bound_in_the_step_is_the_proved_one_but_for_rounding(few, kind, eager):
    keras.utils.set_random_seed(0)
    model, x, y = certified.network(kind), few.x_test[:5], few.y_test[:5].astype(np.float32)
    proved = bounds.interval(bounds.Network(model), x, y, 0.1)
    trained = certified.interval_margin(model, x, y, 0.1).numpy()
    assert np.all(proved <= trained + 1e-6)
    np.testing.assert_allclose(trained, proved, rtol=0.01, atol=1e-2)


def test_the_quicker_gradient_is_that_of_the_model(few):
    model, rest = certified.network("convolutional"), (attacks.margin_loss, few.x_test, few.y_test)
    both = model, certified.for_pixels(model)
    gradients = [attacks.loss_gradient(each, *rest)[0] for each in both]
    np.testing.assert_allclose(*gradients, atol=1e-6)
    assert np.abs(gradients[0]).max() > 1e-3


def test_what_is_broken_is_wrong_and_in_its_box_also_from_a_smaller_epsilon_on(made, few):
    model, (x, y) = threats.load(runs.read(made / "certified"), NAME), (few.x_test, few.y_test)
    rest = certified.compiled_attack(model), model, x, y
    others, best = {label: x[y != label] for label in (-1, 1)}, x
    for epsilon in (0.1, 0.15):
        wrong, best = certified.broken(*rest, epsilon, others, best)
        assert np.any(wrong) and not np.all(wrong)
        np.testing.assert_array_equal(y * certified.logits_of(model, best) <= 0, wrong)
        assert np.abs(best - x).max() <= epsilon + 1e-6 and best.min() >= 0 and best.max() <= 1


def test_greedy_pixels_need_at_least_the_fewest(few):
    """Of a linear network the first-order choice is the exact one."""
    run = runs.read(runs.RESULTS / "regular").arrays
    model = training.model_of(run["weights"], run["bias"])
    x, y = few.x_test[:40], few.y_test[:40]
    exact = np.minimum(few_pixels.fewest_pixels(run["weights"], run["bias"], x, y), 13)
    np.testing.assert_array_equal(threats.greedy_pixels(model, x, y, most=12), exact)


def test_the_saved_network_is_proved_to_be_above_every_linear_model():
    """What the README says: up to the ε of its training."""
    saved = runs.read(runs.RESULTS / "certified")
    found = saved.metrics["convolutional-certified"]
    linear = [path.parent for path in runs.RESULTS.glob("*/model.keras")]
    curves = [runs.read(folder).metrics["robust_accuracy"] for folder in linear]
    curves = [curve for curve in curves if "clipped" in curve]  # not the network's
    assert len(curves) >= 10
    for epsilon, certified_accuracy in zip(found["epsilon"], found["certified"]):
        if epsilon <= saved.config["run"]["epsilon"]:
            best = max(np.interp(epsilon, each["epsilon"], each["clipped"]) for each in curves)
            assert certified_accuracy > best
