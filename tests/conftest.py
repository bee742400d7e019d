"""What the tests share: scripts run as a user would run them, the data, and one fresh reproduction."""
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

ROOT = Path(__file__).resolve().parents[1]
OFFLINE = ROOT / "tests" / "offline"

signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell has it ignored, as for jobs in the background

runpy.run_path(OFFLINE / "sitecustomize.py")  # no network here, nor in any Python that the tests start
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(OFFLINE), os.environ.get("PYTHONPATH")]))


# The same examples each time; `make test-all` asks for more of them.
settings.register_profile("project", deadline=None, derandomize=True, max_examples=int(os.environ.get("EXAMPLES", 40)),
                          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
settings.load_profile("project")


SIGALRM = [signal.SIGALRM] if hasattr(signal, "SIGALRM") else []


@pytest.fixture(autouse=True)
def own_signals():
    """Put back what cli.run does to Ctrl-C, so that pytest can still be interrupted."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, *SIGALRM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def script():
    """Run a script of the project: script("report.py", "--help") gives returncode, stdout, stderr."""
    def run(name, *arguments, cwd=ROOT, **environment):
        return subprocess.run([sys.executable, str(ROOT / name), *map(str, arguments)], cwd=cwd, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, env=os.environ | environment, timeout=300)
    return run


@pytest.fixture(scope="session")
def data():
    return data_prep.load_pair()


@pytest.fixture
def linear(data):
    """A random linear model on 200 test images, float64: weights (784,), bias, x (200, 28, 28, 1), y (200,)."""
    generator = np.random.default_rng(0)
    return SimpleNamespace(weights=generator.normal(0, 0.05, 784), bias=generator.normal(),
                           x=data.x_test[:200].astype(float), y=data.y_test[:200].astype(float))


def pytest_collection_modifyitems(items):
    """The tests that wait for the fresh reproduction come last: it runs beside all the others."""
    items.sort(key=lambda item: "fresh" in item.fixturenames)


@pytest.fixture(scope="session", autouse=True)
def reproduction(request, tmp_path_factory):
    """A full run of reproduce.py, started before the first test, if any of the tests waits for it."""
    if not any("fresh" in item.fixturenames for item in request.session.items):
        yield None
        return
    folder = tmp_path_factory.mktemp("fresh")
    with open(folder / "stdout", "w+") as stdout, open(folder / "stderr", "w+") as stderr:
        process = subprocess.Popen([sys.executable, ROOT / "reproduce.py", "--out-dir", folder / "results"], stdin=subprocess.DEVNULL,
                                   stdout=stdout, stderr=stderr)
        yield SimpleNamespace(process=process, folder=folder)
        process.terminate()
        process.wait()


@pytest.fixture(scope="session")
def fresh(reproduction):
    """The results folder of a full run of reproduce.py, and what it printed."""
    status = reproduction.process.wait(timeout=600)
    stdout, stderr = ((reproduction.folder / name).read_text() for name in ("stdout", "stderr"))
    assert status == 0, stderr
    return SimpleNamespace(folder=reproduction.folder / "results", stdout=stdout, stderr=stderr)
