"""Work on a real cluster: Dask's own scheduler and workers, outside the checkout."""

import contextlib
import functools
import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from conftest import ROOT, wait_for, words

from beyond.pairs import cluster, code, pairs

HERE = "--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"
FEW_FAILURES = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}  # as of our own cluster
CALL = """
import os, pathlib, signal, time
def word(data, name):
    time.sleep(data or 0.05)
    from some.part import WORD
    return WORD, os.getpid()
def number(data, name):
    return 1 / name
def deadly(data, name):
    if name and not os.path.exists(name):
        if not name.startswith("always"):
            pathlib.Path(name).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return data
"""


def made_up(word):
    """A project of a few lines, as code.sources gives it: its workers import no TensorFlow."""
    part = f"WORD = {word!r}\n".encode()
    return {"some/__init__.py": b"", "some/part.py": part, "some/call.py": CALL.encode()}


def each(client, sources, function, names, data=None):
    return cluster.each(client, sources, "some.call", function, data, names)


@contextlib.contextmanager
def dask(folder, *words, path=()):
    """A process of Dask's command line, which sees no checkout: "scheduler" or "worker"."""
    path = os.pathsep.join([*map(str, path), os.environ["PYTHONPATH"]])
    assert str(ROOT) not in path.split(os.pathsep)
    with open(folder / "log", "a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *map(str, words)],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": path, **FEW_FAILURES},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            yield process
        finally:
            process.terminate()  # with which a nanny ends its worker
            process.wait()


@contextlib.contextmanager
def a_scheduler(folder):
    """A scheduler of its own: its address, process, file, and a client to watch it with."""
    from distributed import Client

    file = folder / "scheduler.json"
    with dask(folder, "scheduler", *HERE, "--port", 0, "--scheduler-file", file) as process:
        wait_for(lambda: file.exists() and file.read_text().endswith("}"))
        address = cluster.scheduler_file(file)
        with Client(address, set_as_default=False) as client:
            yield SimpleNamespace(address=address, process=process, file=file, client=client)


def a_worker(folder, address, *more, nthreads=1, path=()):
    place = "--nthreads", nthreads, "--local-directory", folder
    return dask(folder, "worker", address, *HERE, *place, *more, path=path)


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    """A cluster of two workers, which come back if they are killed."""
    folder = tmp_path_factory.mktemp("elsewhere")
    with a_scheduler(folder) as scheduler:
        with a_worker(folder, scheduler.address, "--nworkers", 2):
            scheduler.client.wait_for_workers(2)
            yield scheduler


@pytest.fixture(autouse=True)
def whole(request):
    """Each test finds both workers of the cluster, and no other one."""
    if "there" in request.fixturenames:
        there = request.getfixturevalue("there")
        wait_for(lambda: len(there.client.nthreads()) == 2)


@pytest.fixture
def fake_numpy(tmp_path):
    """A folder that makes a Python report NumPy 1.0.0."""
    folder = tmp_path / "fake" / "numpy-1.0.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 1.0.0\n")
    return folder.parent


def test_results_come_from_the_code_that_asked_for_them(there):
    """One client after the other on the same workers, and then both at once."""
    found = {}

    def ask(word):
        with cluster.connected(made_up(word), there.address) as client:
            found[word] = {it[1][0] for it in each(client, made_up(word), "word", range(10))}

    for word in "aba":
        ask(word)
        assert found.pop(word) == {word}
    threads = [threading.Thread(target=ask, args=word) for word in "ab"]
    for step in (threading.Thread.start, threading.Thread.join):
        list(map(step, threads))
    assert found == {"a": {"a"}, "b": {"b"}}


@pytest.mark.slow
def test_a_worker_that_comes_later_works_only_with_the_same_versions(there, fake_numpy, tmp_path):
    with cluster.connected(made_up("a"), there.address) as client:
        ours, seen = {*client.run(os.getpid).values()}, set()
        work = each(client, made_up("a"), "word", range(1000), data=0.2)
        next(work)
        start = functools.partial(a_worker, tmp_path, there.address, "--no-nanny")
        with start(path=[fake_numpy]) as unfit, start() as fit:
            unfit.wait(timeout=60)  # it leaves
            assert "has numpy 1.0.0, not" in (tmp_path / "log").read_text()
            wait_for(lambda: seen.add(next(work)[1][1]) or fit.pid in seen)
        assert seen <= ours | {fit.pid}


def test_an_unfit_worker_is_named_with_all_that_is_wrong(there, fake_numpy, tmp_path):
    with a_worker(tmp_path, there.address, "--no-nanny", nthreads=2, path=[fake_numpy]):
        there.client.wait_for_workers(3)
        wrong = r"^the worker tcp://\S+ has numpy 1.0.0, not 2\S+; has 2 threads; start it with "
        wrong += "--nthreads 1"
        with pytest.raises(ValueError, match=wrong):
            with cluster.connected(made_up("a"), there.address):
                pass


def test_a_piece_that_fails_twice_is_named_and_the_others_come(there):
    with cluster.connected(made_up("a"), there.address) as client:
        found = {name: it for name, *it in each(client, made_up("a"), "number", [0, 1, 2])}
    assert found == {0: [None, "division by zero"], 1: [1.0, None], 2: [0.5, None]}


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_a_killed_worker_costs_only_its_piece(there, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 60)  # for workers that start again
    once = str(tmp_path / "once")
    with cluster.connected(made_up("a"), there.address) as client:
        found = {name: it for name, *it in each(client, made_up("a"), "deadly", [once, ""], 7)}
        assert found == {once: [7, None], "": [7, None]}
        (found,) = each(client, made_up("a"), "deadly", ["always"])
    assert found == ("always", None, cluster.LOST) and "memory" in cluster.LOST


def test_workers_are_as_many_as_the_memory_allows(monkeypatch):
    """A laptop of 2.5 GB with 8 cores."""
    import distributed

    monkeypatch.setattr("dask.system.CPU_COUNT", 8)
    monkeypatch.setattr("distributed.system.MEMORY_LIMIT", 2_500_000_000)
    started = []

    def local_cluster(**arguments):
        started.append(arguments)
        raise OSError("as far as this test goes")

    monkeypatch.setattr(distributed, "LocalCluster", local_cluster)
    with pytest.raises(OSError, match="^no cluster starts on this machine: as far as"):
        with cluster.connected(made_up("a")):
            pass
    assert started[0]["n_workers"] == 2 and started[0]["memory_limit"] == 1_250_000_000


@pytest.mark.parametrize(
    "scheme, settings, reason",
    [
        ("tcp", {}, "Timed out trying to connect"),
        ("tls", {}, "TLS expects"),
        ("http", {}, "unknown address scheme"),
        ("tcp", {"distributed.comm.require-encryption": True}, "encryption required"),
    ],
)
def test_what_does_not_answer_is_one_line(scheme, settings, reason, monkeypatch):
    import dask

    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    place = f"{scheme}://127.0.0.1:1"
    with dask.config.set(settings), pytest.raises(OSError, match=f"^{place} does not .*{reason}"):
        with cluster.connected(made_up("a"), place):
            pass


def test_a_link_that_cannot_be_made_is_left_away(there):
    import dask

    with dask.config.set({"distributed.dashboard.link": "/user/{NO_SUCH_VARIABLE}/status"}):
        assert cluster.described(there.client) == "2 workers"


@pytest.mark.slow
def test_a_lost_scheduler_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    with a_scheduler(tmp_path) as scheduler, a_worker(tmp_path, scheduler.address):
        with pytest.raises(ConnectionError, match="^the scheduler is lost; what is finished"):
            scheduler.client.wait_for_workers(1)
            with cluster.connected(made_up("a"), scheduler.address) as client:
                for _ in each(client, made_up("a"), "word", range(100)):
                    scheduler.process.kill()


NAPS = """
from beyond.pairs import cluster
from common import cli
SOURCES = {"naps.py": b"import time; nap = lambda data, name: time.sleep(1)"}
def main():
    with cluster.connected(SOURCES, workers=2) as client:
        for _ in cluster.each(client, SOURCES, "naps", "nap", None, range(100)):
            print("one", flush=True)
cli.run(main)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_ctrl_c_is_one_line():
    """On workers of this machine, as from a terminal: every process gets it."""
    pipes = dict(text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process = subprocess.Popen(words("-c", NAPS), cwd=ROOT, start_new_session=True, **pipes)
    process.stdout.readline()
    time.sleep(0.3)  # the next ones take a second
    os.killpg(process.pid, signal.SIGINT)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert error == "-c: interrupted; what was saved before is whole\n"


def test_without_dask_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(cluster.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install -r requirements-cluster.txt -c constraints"):
        with cluster.connected({}):
            pass


def test_the_digest_of_code_changes_with_what_is_computed_alone():
    module = b"""'What.'
import other   # why
def f(x):
    'How.'
    return other.g(x) + LAZY("third")
"""
    sources = {"main.py": module, "other.py": b"A = 1", "third.py": b"", "x.py": b""}
    digest = functools.partial(code.digest, module="main")
    edited = module.replace(b"How", b"So").replace(b"What", b"That").replace(b"why", b"so")
    for path, content, same in (
        ("main.py", edited, True),
        ("x.py", b"A = 1", True),
        ("main.py", module.replace(b"+", b"-"), False),
        ("other.py", b"A = 2", False),
        ("third.py", b"A = 1", False),
    ):
        assert (digest(sources | {path: content}) == digest(sources)) is same, path
    ours = code.sources()
    whole = code.digest(ours, pairs.MODULE)
    for path, same in (("attacks.py", False), ("common/cli.py", True)):
        edited = ours | {path: ours[path] + b"\nNEW = 1\n"}
        assert (code.digest(edited, pairs.MODULE) == whole) is same, path
