"""All pairs: measured on a cluster and without one, saved, counted."""

import numpy as np
import pytest
from test_cli import usage_error
from test_cluster import a_scheduler, a_worker

import data_prep
from beyond.linear import optimum
from beyond.pairs import code, pairs, summary
from claims import rules
from common import files, runs

PAIR = 3, 8


def measured(arrays, digits, seeds=1):
    """A pair without a cluster, stage by stage."""
    done = []
    for stage in pairs.stages(seeds):
        done.append([getattr(pairs, it)(arrays, digits, *rest, *done) for it, *rest in stage])
    return pairs.measure_pair(arrays, digits, *done)


@pytest.fixture(scope="module")
def alone(ten_digits, tmp_path_factory):
    """The run of PAIR, measured without a cluster."""
    results = tmp_path_factory.mktemp("alone")
    digest = data_prep.digest(data_prep.select_pair(ten_digits, PAIR))
    code_digest = code.digest(code.sources(), pairs.MODULE)
    found = measured(ten_digits, PAIR)
    pairs.save(results, PAIR, digest, {"seeds": 1}, code_digest, *found)
    return results / "pairs" / "3-8"


@pytest.mark.slow
def test_results_equal_those_without_a_cluster(
    ten_digits, alone, tmp_path, tmp_path_factory, capsys, monkeypatch
):
    """On a worker that sees no checkout."""
    monkeypatch.setattr(data_prep, "read_all", lambda: ten_digits)
    flags = ["--pairs", "3-8", "--results", str(tmp_path)]
    folder, found = tmp_path_factory.mktemp("elsewhere"), tmp_path / "pairs" / "3-8"
    with a_scheduler(folder) as scheduler, a_worker(folder, scheduler.address, "--no-nanny"):
        scheduler.client.wait_for_workers(1)
        pairs.main([*flags, "--scheduler-file", str(scheduler.file)])
    for file in ("config.json", "metrics.json", "arrays.npz"):
        assert (alone / file).read_bytes() == (found / file).read_bytes(), file
    printed = capsys.readouterr().out
    assert "1 worker; watch them at http://" in printed and "1 of 1, about 0 s left" in printed
    pairs.main([*flags, "--scheduler", "tcp://127.0.0.1:1"])  # nothing is left to do
    assert "1 of 1 pairs are saved already" in capsys.readouterr().out
    digest = data_prep.digest(data_prep.select_pair(ten_digits, PAIR))
    assert not pairs.is_saved(found, digest, {"seeds": 1}, "of other code")


def test_what_is_saved_of_a_pair_is_proved_and_judged(alone, ten_digits):
    run = runs.read(alone, summary.NEEDED)
    best, arrays = run.metrics["optimum"], run.arrays
    data = data_prep.prepared(data_prep.select_pair(ten_digits, PAIR), "")
    x, y = data.x_train.reshape(len(data.y_train), -1).astype(float), data.y_train.astype(float)
    assert max(best["gap"]) <= 1e-7
    for number, epsilon in enumerate(runs.EPSILONS):
        model = arrays["optimum_weights"][number], arrays["optimum_bias"][number]
        value = optimum.robust_objective(*model, x, y, epsilon)
        assert value == pytest.approx(best["objective"][number], abs=1e-12)
        if epsilon > run.metrics["separation_upper_bound"]:  # below it, zero is proof enough
            alpha = arrays["optimum_alpha"][number]
            assert alpha.mean() == pytest.approx(value, abs=1e-7) and alpha.mean() > 0
            assert np.abs((alpha * y) @ x).max() <= epsilon * alpha.sum() * (1 + 1e-9)
    assert run.metrics["claims"].keys() == {rule.__name__ for rule in pairs.RULES}
    for claim in run.metrics["claims"].values():
        assert claim["verdicts"] == [claim["verdict"]]
    assert run.config["command"] == "python -m beyond.pairs --pairs 3-8 --seeds 1"


def test_a_constant_optimum_is_told(ten_digits):
    """Digits that differ by noise alone: at ε = 0.2 nothing beats one answer to all."""
    same = {name: array.copy() for name, array in ten_digits.items()}
    noise = np.random.default_rng(1)
    for split in data_prep.SPLITS:
        shape = same[f"x_{split}"].shape
        same[f"x_{split}"] = noise.integers(0, 256, shape).astype(np.uint8)
    metrics, arrays = measured(same, (2, 6), seeds=2)
    assert metrics["optimum"]["constant"][-1] and not arrays["optimum_weights"][-1].any()
    assert metrics["optimum"]["gap"][-1] <= 1e-7
    assert "the constant classifier at" in pairs.line_of((2, 6), metrics)
    for claim in metrics["claims"].values():  # the verdict of a pair is the worst of its seeds
        assert len(claim["verdicts"]) == 2
        assert claim["verdict"] == min(claim["verdicts"], key=rules.VERDICTS.index)


def test_counts_over_pairs():
    saved = summary.read(runs.RESULTS)
    over = summary.counts(saved)
    assert over["margin"]["pairs"] == len(saved) == 45
    for name, found in over.items():
        verdicts = [run.metrics["claims"][name]["verdict"] for run in saved.values()]
        assert found["post"] == verdicts[0]
        assert [found[it] for it in rules.VERDICTS] == list(map(verdicts.count, rules.VERDICTS))
    (attacked, clean), best = summary.attacked(saved)["3-8"]
    assert attacked == np.mean(saved["3-8"].metrics["robust_accuracy"][1])
    assert clean == np.mean(saved["3-8"].metrics["test_accuracy"][2])
    assert best[0] == saved["3-8"].metrics["optimum"]["robust_accuracy"][1]


def test_committed_pairs_are_all_there_small_and_agree_with_the_post_s_claims():
    saved = summary.read(runs.RESULTS)
    assert list(saved) == [pairs.pair_name(digits) for digits in pairs.PAIRS]
    paths = [path for path in (runs.RESULTS / "pairs").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in paths) < 3e6
    assert max(max(run.metrics["optimum"]["gap"]) for run in saved.values()) <= 1e-7
    post = files.read_json(runs.RESULTS / "claims.json")["claims"]
    for name, claim in saved["0-1"].metrics["claims"].items():
        assert claim["verdict"] == post[name]["verdict"], name
    for name, weights in zip(runs.POST_RUNS, saved["0-1"].arrays["weights"]):
        committed = runs.read(runs.RESULTS / name).arrays["weights"]
        np.testing.assert_array_equal(weights[0], committed)
    assert len({run.config["run"].get("code_sha256") for run in saved.values()}) == 1


@pytest.mark.parametrize("words", ["38", "8-3", "3-3", "3-8-9", "a-b", "3-", "3-8 3-8", "3-10"])
def test_pairs_are_named_smaller_first_and_once(words, capsys):
    error = usage_error(capsys, pairs.parse_args, "--pairs", *words.split())
    assert "error: argument --pairs: " in error


@pytest.mark.parametrize("content", ["", "[]", "{}", "no JSON"])
def test_a_file_that_no_scheduler_wrote_is_a_usage_error(content, tmp_path, capsys):
    file = tmp_path / "scheduler.json"
    file.write_text(content)
    error = usage_error(capsys, pairs.parse_args, "--scheduler-file", str(file))
    assert "error: argument --scheduler-file: " in error
