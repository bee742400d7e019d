"""What the tests share: scripts run as users run them, data, short runs, a full reproduction."""

import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import data_prep
import experiment_regular
import experiment_robust
from common import runs

ROOT = Path(__file__).resolve().parents[1]
OFFLINE = ROOT / "tests" / "offline"

# A shell has Ctrl-C ignored for jobs in the background, and tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No network here, nor in any Python that the tests start.
runpy.run_path(OFFLINE / "sitecustomize.py")
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(OFFLINE), *filter(None, [os.environ.get("PYTHONPATH")])]
)

# The same examples each time; `make test-all` asks for more of them.
settings.register_profile(
    "project",
    deadline=None,
    derandomize=True,
    max_examples=int(os.environ.get("EXAMPLES", 40)),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("project")


def words(name, *arguments):
    """The command line of a script by its path, experiment_regular.py, or module, beyond.linear.exact."""
    place = ROOT / name
    return [
        sys.executable,
        *([str(place)] if place.exists() else ["-m", name]),
        *map(str, arguments),
    ]


@pytest.fixture(scope="session")
def script():
    """Run a script: script("data_prep.py", "--help") gives returncode, stdout and stderr."""

    def run(name, *arguments, cwd=ROOT, **environment):
        return subprocess.run(
            words(name, *arguments),
            cwd=cwd,
            text=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=os.environ | environment,
            timeout=300,
        )

    return run


@pytest.fixture(scope="session")
def data():
    return data_prep.load_pair()


@pytest.fixture(scope="session")
def few(data):
    """The data, with the first 250 images for training and 100 for testing."""
    return data._replace(
        x_train=data.x_train[:250],
        y_train=data.y_train[:250],
        x_test=data.x_test[:100],
        y_test=data.y_test[:100],
    )


@pytest.fixture
def linear(data):
    """A random linear model in float64 on 200 test images: weights, bias, x, y."""
    generator = np.random.default_rng(0)
    return SimpleNamespace(
        weights=generator.normal(0, 0.05, 784),
        bias=generator.normal(),
        x=data.x_test[:200].astype(float),
        y=data.y_test[:200].astype(float),
    )


@pytest.fixture(scope="session")
def ten_digits():
    """Made-up digits, the four uint8 arrays of data_prep.read_all: ten blurred patterns, noisy."""
    generator = np.random.default_rng(0)
    patterns = generator.random((10, 7, 7)).repeat(4, axis=1).repeat(4, axis=2)
    arrays = {}
    for split, count in (("train", 600), ("test", 200)):
        labels = generator.permutation(np.arange(count) % 10)
        noise = generator.normal(0, 0.5, (count, 28, 28))
        images = np.clip(patterns[labels] + noise, 0, 1)
        arrays[f"x_{split}"] = (255 * images).astype(np.uint8)
        arrays[f"y_{split}"] = labels.astype(np.uint8)
    return arrays


@pytest.fixture(scope="session")
def quick(tmp_path_factory):
    """A folder of results with the post's four models after one epoch, made in this process."""
    folder = tmp_path_factory.mktemp("quick")
    experiment_regular.main(["--epochs", "1", "--results", str(folder)])
    experiment_robust.main(["--epochs", "1", "--results", str(folder)])
    return folder


def pytest_collection_modifyitems(items):
    """The tests that wait for the reproduction come last: it runs beside all the others."""
    items.sort(key=lambda item: bool({"fresh", "complete"} & {*item.fixturenames}))


def with_slow(config):
    return config.getoption("markexpr") != "not slow"


@pytest.fixture(scope="session", autouse=True)
def reproduction(request, tmp_path_factory):
    """reproduce.py, started before the first test if any of the tests waits for it.

    With --all where the slow tests are run as well.
    """
    wait = {"fresh", "complete"}
    if not any(wait & {*item.fixturenames} for item in request.session.items):
        yield None
        return
    folder, everything = tmp_path_factory.mktemp("fresh"), with_slow(request.config)
    flags = ["--all"] if everything else []
    with open(folder / "stdout", "w") as stdout, open(folder / "stderr", "w") as stderr:
        process = subprocess.Popen(
            words("reproduce.py", *flags, "--results", folder / "results"),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )
        yield SimpleNamespace(process=process, folder=folder, everything=everything)
        process.terminate()
        process.wait()


@pytest.fixture(scope="session")
def fresh(reproduction):
    """The results folder of a run of reproduce.py, and what it printed."""
    status = reproduction.process.wait(timeout=1200)
    stdout, stderr = ((reproduction.folder / name).read_text() for name in ("stdout", "stderr"))
    assert status == 0, stderr
    return SimpleNamespace(folder=reproduction.folder / "results", stdout=stdout, stderr=stderr)


@pytest.fixture(scope="session")
def complete(request):
    """A results folder with all beyond the post: the committed one, a fresh one for slow tests."""
    if with_slow(request.config):
        return request.getfixturevalue("fresh").folder
    return runs.RESULTS
