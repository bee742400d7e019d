"""All pairs on a real cluster: Dask's own scheduler and workers, outside the checkout."""

import contextlib
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT

import data_prep
import experiment_robust
from beyond.linear import optimum
from beyond.pairs import cluster, pairs
from beyond.pairs import summary as pairs_summary
from claims import rules
from common import runs

PAIRS = [(0, 1), (3, 8), (4, 9)]
HERE = "--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"
WORDS = [pairs.pair_name(digits) for digits in PAIRS]


@contextlib.contextmanager
def dask(folder, *words, path=()):
    """A process of Dask's command line, which sees no checkout: "scheduler" or "worker"."""
    path = os.pathsep.join([*map(str, path), os.environ["PYTHONPATH"]])
    assert str(ROOT) not in path.split(os.pathsep)
    with open(folder / "log", "a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *map(str, words)],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@contextlib.contextmanager
def a_scheduler(folder):
    """The address of a scheduler, and its process."""
    file = folder / "scheduler.json"
    words = *HERE, "--port", 0, "--scheduler-file", file
    with dask(folder, "scheduler", *words) as process:
        wait_for(file.exists)
        address = re.search(r'"address": "(.*?)"', file.read_text())[1]
        yield SimpleNamespace(address=address, process=process)


def a_worker(folder, address, **more):
    """A worker without a nanny, so that one that is killed does not come back."""
    words = "--no-nanny", "--nthreads", 1, "--local-directory", folder
    return dask(folder, "worker", address, *HERE, *words, **more)


def wait_for(happened, seconds=60):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def workers_of(address):
    from distributed import Client

    with Client(address) as client:
        return len(client.nthreads())


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    """A cluster of two workers."""
    folder = tmp_path_factory.mktemp("elsewhere")
    with a_scheduler(folder) as scheduler, contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(a_worker(folder, scheduler.address))
        wait_for(lambda: workers_of(scheduler.address) == 2)
        yield SimpleNamespace(address=scheduler.address, folder=folder)


@pytest.fixture(scope="module")
def alone(ten_digits, tmp_path_factory):
    """The runs of PAIRS, measured without a cluster."""
    results = tmp_path_factory.mktemp("alone")
    for digits in PAIRS:
        digest = data_prep.digest(data_prep.select_pair(ten_digits, digits))
        found = pairs.measure_pair(ten_digits, digits)
        pairs.save(results, digits, digest, {"seeds": 1}, *found)
    return results


@pytest.fixture
def small(ten_digits, monkeypatch):
    monkeypatch.setattr(data_prep, "read_all", lambda: ten_digits)


def same_files(first, second):
    files = {path.relative_to(first) for path in first.rglob("*") if path.is_file()}
    assert files == {path.relative_to(second) for path in second.rglob("*") if path.is_file()}
    assert len(files) >= 3 * len(PAIRS)
    for file in files:
        assert (first / file).read_bytes() == (second / file).read_bytes(), file


@pytest.mark.filterwarnings("ignore:Mismatched versions found")  # to the client of this test
def test_a_worker_with_another_numpy_is_named(there, small, tmp_path):
    """First of all: its worker is gone when the others are at work."""
    fake = tmp_path / "numpy-1.0.0.dist-info"
    fake.mkdir()
    (fake / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 1.0.0\n")
    with a_worker(tmp_path, there.address, path=[tmp_path]):
        wait_for(lambda: workers_of(there.address) == 3)
        with pytest.raises(ValueError, match=r"^the worker tcp://\S+ has numpy 1.0.0, not 2\S+$"):
            pairs.main(["--scheduler", there.address, "--results", str(tmp_path)])
    wait_for(lambda: workers_of(there.address) == 2)


def test_results_equal_those_without_a_cluster(there, small, alone, tmp_path, capsys):
    flags = ["--pairs", *WORDS, "--results", str(tmp_path)]
    pairs.main([*flags, "--scheduler", there.address])
    same_files(alone, tmp_path)
    printed = capsys.readouterr().out
    assert "2 workers; watch them at http://" in printed and "3 of 3, about 0 s left" in printed
    pairs.main([*flags, "--scheduler", "tcp://127.0.0.1:1"])  # nothing is left to do
    assert "3 of 3 pairs are saved already" in capsys.readouterr().out


def test_a_pair_that_fails_twice_is_named_and_the_others_saved(there, ten_digits, alone, tmp_path):
    broken = dict(ten_digits)
    broken["y_train"] = ten_digits["y_train"].copy()
    broken["y_train"][broken["y_train"] == 7] = 6
    with cluster.connected(there.address) as client:
        work = cluster.each(client, "beyond.pairs.pairs", "measure_pair", broken, [(1, 7), (0, 1)])
        found = {digits: (result, error) for digits, result, error in work}
    assert found[1, 7][0] is None and "y must have both classes" in found[1, 7][1]
    assert found[0, 1][1] is None
    saved = runs.read(alone / "pairs" / "0-1")
    assert found[0, 1][0][0]["optimum"] == saved.metrics["optimum"]


def test_a_killed_worker_costs_only_its_pair(there, small, alone, tmp_path, monkeypatch):
    """The last test of the cluster: it has one worker afterwards."""
    line_of, killed = pairs.line_of, []

    def kill(digits, metrics):
        """After the first pair the others are at work: one of their workers is killed."""
        if not killed:
            from distributed import default_client

            at_work = [it for it, keys in default_client().processing().items() if keys]
            killed.append(default_client().run(os.getpid, workers=at_work[:1]))
            os.kill(*killed[0].values(), signal.SIGKILL)
        return line_of(digits, metrics)

    monkeypatch.setattr(pairs, "line_of", kill)
    flags = ["--pairs", *WORDS, "--results", str(tmp_path)]
    pairs.main([*flags, "--scheduler", there.address])
    assert killed and workers_of(there.address) == 1
    same_files(alone, tmp_path)


def test_a_missing_scheduler_is_told_within_ten_seconds(small, tmp_path):
    start = time.monotonic()
    with pytest.raises(OSError, match="^no scheduler answers at tcp://127.0.0.1:1; start one with"):
        pairs.main(["--scheduler", "tcp://127.0.0.1:1", "--results", str(tmp_path)])
    assert time.monotonic() - start < 10 and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_lost_scheduler_is_one_line_and_the_next_start_goes_on(
    small, alone, tmp_path, tmp_path_factory, monkeypatch, capsys
):
    folder, line_of = tmp_path_factory.mktemp("elsewhere"), pairs.line_of
    flags = ["--pairs", *WORDS, "--results", str(tmp_path)]
    with a_scheduler(folder) as scheduler, a_worker(folder, scheduler.address):

        def lose(digits, metrics):
            scheduler.process.kill()
            return line_of(digits, metrics)

        wait_for(lambda: workers_of(scheduler.address) == 1)
        monkeypatch.setattr(pairs, "line_of", lose)
        with pytest.raises(ConnectionError, match="^the scheduler is lost; what is finished"):
            pairs.main([*flags, "--scheduler", scheduler.address])
    saved = {path.name for path in (tmp_path / "pairs").iterdir()}
    assert saved and saved < set(WORDS)
    monkeypatch.undo()


DRIVER = """
import pickle, sys
sys.path.insert(0, {root!r})
import data_prep
from beyond.pairs import pairs
from common import cli
if __name__ == "__main__":  # workers of this machine import it, too
    with open("digits", "rb") as file:
        digits = pickle.load(file)
    data_prep.read_all = lambda: digits
    cli.run(pairs.main)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_ctrl_c_is_one_line_and_what_is_finished_stays(ten_digits, tmp_path):
    """On workers of this machine, as from a terminal: every process gets it."""
    (tmp_path / "driver.py").write_text(DRIVER.format(root=str(ROOT)))
    (tmp_path / "digits").write_bytes(pickle.dumps(ten_digits))
    process = subprocess.Popen(
        [sys.executable, "driver.py", "--results", "mine", "--workers", "2"],
        cwd=tmp_path,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    while "1 of 45" not in process.stdout.readline():
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert error == "driver.py: interrupted; what was saved before is whole\n"
    saved = list((tmp_path / "mine" / "pairs").iterdir())
    assert saved and all(runs.read(folder).metrics["claims"] for folder in saved)


# --- without a cluster


def test_a_pair_s_models_are_those_of_the_experiments_to_the_bit(quick, data, monkeypatch):
    """After one epoch, with several seeds side by side: the first is that of the experiments."""
    monkeypatch.setattr(experiment_robust, "EPOCHS", 1)
    monkeypatch.setattr(pairs.regular, "EPOCHS", 1)
    weights, biases = pairs.train_models(data, seeds=2)
    for name, model, bias in zip(runs.POST_RUNS, weights, biases):
        run = runs.read(quick / name)
        np.testing.assert_array_equal(model[0], run.arrays["weights"])
        assert bias[0] == run.arrays["bias"] and np.any(model[0] != model[1])


def test_what_is_saved_of_a_pair_is_proved_and_judged(alone, ten_digits):
    run = runs.read(alone / "pairs" / "3-8", pairs_summary.NEEDED)
    best, arrays = run.metrics["optimum"], run.arrays
    data = data_prep.prepared(data_prep.select_pair(ten_digits, (3, 8)), "")
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


def test_a_constant_optimum_is_named(ten_digits):
    """Digits that differ by noise alone: at ε = 0.2 nothing beats one answer to all."""
    same = {name: array.copy() for name, array in ten_digits.items()}
    noise = np.random.default_rng(1)
    for split in data_prep.SPLITS:
        shape = same[f"x_{split}"].shape
        same[f"x_{split}"] = noise.integers(0, 256, shape).astype(np.uint8)
    metrics, arrays = pairs.measure_pair(same, (2, 6), seeds=2)
    assert metrics["optimum"]["constant"][-1] and not arrays["optimum_weights"][-1].any()
    assert metrics["optimum"]["gap"][-1] <= 1e-7
    assert "the constant classifier at" in pairs.line_of((2, 6), metrics)
    for claim in metrics["claims"].values():  # the verdict of a pair is the worst of its seeds
        assert len(claim["verdicts"]) == 2
        assert claim["verdict"] == min(claim["verdicts"], key=rules.VERDICTS.index)


def test_counts_over_pairs(alone):
    saved = pairs_summary.read(alone)
    over = pairs_summary.counts(saved)
    assert list(saved) == WORDS and over["margin"]["pairs"] == len(PAIRS)
    for name, found in over.items():
        verdicts = [run.metrics["claims"][name]["verdict"] for run in saved.values()]
        assert found["post"] == verdicts[0]
        assert [found[it] for it in rules.VERDICTS] == list(map(verdicts.count, rules.VERDICTS))
    (attacked, clean), best = pairs_summary.attacked(saved)["3-8"]
    assert attacked == np.mean(saved["3-8"].metrics["robust_accuracy"][1])
    assert clean == np.mean(saved["3-8"].metrics["test_accuracy"][2])
    assert best[0] == saved["3-8"].metrics["optimum"]["robust_accuracy"][1]


def test_committed_pairs_are_all_there_small_and_agree_with_the_post_s_claims():
    saved = pairs_summary.read(runs.RESULTS)
    assert list(saved) == [pairs.pair_name(digits) for digits in pairs.PAIRS]
    files = [path for path in (runs.RESULTS / "pairs").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 3e6
    assert max(max(run.metrics["optimum"]["gap"]) for run in saved.values()) <= 1e-7
    post = files.read_json(runs.RESULTS / "claims.json")["claims"]
    for name, claim in saved["0-1"].metrics["claims"].items():
        assert claim["verdict"] == post[name]["verdict"], name
    for name, weights in zip(runs.POST_RUNS, saved["0-1"].arrays["weights"]):
        committed = runs.read(runs.RESULTS / name).arrays["weights"]
        np.testing.assert_array_equal(weights[0], committed)


@pytest.mark.parametrize("words", ["38", "8-3", "3-3", "3-8-9", "a-b", "3-", "3-8 3-8", "3-10"])
def test_pairs_are_named_smaller_first_and_once(words, capsys):
    with pytest.raises(SystemExit):
        pairs.parse_args(["--pairs", *words.split()])
    assert "error: argument --pairs: " in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("address", ["host:8786", "tcp://host", "http://host:80", "tcp://:1", ""])
def test_an_address_is_that_of_a_scheduler(address, capsys):
    with pytest.raises(SystemExit):
        pairs.parse_args(["--scheduler", address])
    assert "is not an address as tcp://host:8786" in capsys.readouterr().err.splitlines()[-1]


def test_without_dask_one_line_says_what_to_install(monkeypatch, small, tmp_path):
    monkeypatch.setattr(cluster.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install -r requirements-cluster.txt -c constraints"):
        pairs.main(["--results", str(tmp_path)])
