"""What the tests share: scripts run as users run them, data, short runs, a full reproduction."""

import contextlib
import io
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import data_prep
import experiment_regular
import experiment_robust
from common import lazy, runs

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
    max_examples=int(os.environ.get("EXAMPLES", 25)),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("project")


def pytest_ignore_collect(collection_path, config):
    """`-m smoke` imports only the files that have such a test."""
    if config.option.markexpr == "smoke" and collection_path.name.startswith("test_"):
        return "mark.smoke" not in collection_path.read_text(encoding="utf-8") or None


def pytest_collection_modifyitems(items):
    """Warnings are errors in the tests; those of other plugins, outside of them, are not.

    The files that take longest come first, so that two processes end together.
    """
    longest = "page", "bounds", "cluster", "reproduce", "pairs", "certified", "readme", "plots"
    place = {f"test_{name}": number for number, name in enumerate(longest)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))
    # Keras hands variables to np.array; TensorFlow lags behind the signature of NumPy 2.
    keras = "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("error", keras), append=False)


def wait_for(happened, seconds=120):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def words(name, *arguments):
    """The command line of a script by its path, a module (beyond.linear.exact), or -c and code."""
    place = ROOT / name
    if place.exists():
        start = [str(place)]
    else:
        start = [name] if name.startswith("-") else ["-m", name]
    return [sys.executable, *start, *map(str, arguments)]


@pytest.fixture(scope="session")
def script():
    """Run what `words` takes in a process of its own; gives returncode, stdout and stderr."""

    def run(name, *arguments, cwd=ROOT, timeout=300, **environment):
        return subprocess.run(
            words(name, *arguments),
            cwd=cwd,
            text=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=os.environ | environment,
            timeout=timeout,
        )

    return run


@pytest.fixture
def here(monkeypatch, capsys):
    """Run a script in this process, which has TensorFlow already; gives the same as `script`."""

    def run(name, *arguments):
        place = ROOT / name
        folder = place.parent
        if not place.exists():  # a module, which Python looks for from here
            place, folder = ROOT / name.replace(".", "/"), ROOT
            place = place if place.is_dir() else place.with_suffix(".py")
        path, status = sys.path.copy(), 0
        sys.path.insert(0, str(folder))
        monkeypatch.setattr(sys, "argv", [str(place), *map(str, arguments)])
        capsys.readouterr()
        try:
            runpy.run_path(str(place), run_name="__main__")
        except SystemExit as error:
            status = error.code or 0
        finally:
            sys.path[:] = path
        printed = capsys.readouterr()
        return SimpleNamespace(returncode=status, stdout=printed.out, stderr=printed.err)

    return run


@pytest.fixture
def eager():
    """Without graphs, which take a second for the bounds of every new network."""
    lazy.tf.config.run_functions_eagerly(True)
    yield
    lazy.tf.config.run_functions_eagerly(False)


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


@pytest.fixture(scope="session")
def train_images(data):
    """The training images in float64, (n, 784), and their labels."""
    return data.x_train.reshape(len(data.x_train), -1).astype(float), data.y_train.astype(float)


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


@pytest.fixture
def box():
    """A random model on 30 images of 6 pixels, some at or near the ends of their range."""
    generator = np.random.default_rng(5)
    x = generator.random((30, 6))
    x[:, :3] = generator.choice([0.0, 0.03, 0.6, 1.0], (30, 3))
    weights = generator.normal(size=6)
    weights[4] = 0  # a pixel that no attack needs
    return weights, 0.1, x, generator.choice([-1.0, 1.0], 30)


@pytest.fixture(scope="session")
def ten_logits():
    """A small convolutional network with ten logits, as it starts."""
    keras = lazy.keras  # as a name of this module it would be imported: pytest looks into those
    keras.utils.set_random_seed(1)
    before = keras.layers.Conv2D(4, 5, 3, activation="relu"), keras.layers.Flatten()
    return keras.Sequential([keras.Input((28, 28, 1)), *before, keras.layers.Dense(10)])


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
    """A folder with the regular and one robust model after one epoch, made in this process."""
    folder = tmp_path_factory.mktemp("quick")
    experiment_regular.main(["--epochs", "1", "--results", str(folder)])
    experiment_robust.main(["--epochs", "1", "--epsilon", "0.2", "--results", str(folder)])
    return folder


@pytest.fixture(scope="session")
def fresh(tmp_path_factory):
    """The results folder of a run of reproduce.py, and what it printed."""
    import reproduce  # and with it all that reports need, which `-m smoke` does not

    folder, stdout, stderr = tmp_path_factory.mktemp("fresh"), io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        reproduce.main(["--results", str(folder)])
    return SimpleNamespace(folder=folder, stdout=stdout.getvalue(), stderr=stderr.getvalue())


@pytest.fixture(scope="session")
def everything(script, tmp_path_factory):
    """The results folder of `reproduce.py --all`, in a process of its own: minutes."""
    folder = tmp_path_factory.mktemp("everything")
    done = script("reproduce.py", "--all", "--results", folder, timeout=1200)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return folder


@pytest.fixture(scope="session", params=["committed", pytest.param("made", marks=pytest.mark.slow)])
def complete(request):
    """A results folder with all beyond the post: the committed one and, slowly, a fresh one."""
    if request.param == "committed":
        return runs.RESULTS
    return request.getfixturevalue("everything")
