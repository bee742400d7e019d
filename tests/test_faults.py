"""Interrupts, full disks, read-only folders, two writers: what was saved stays whole, and the user gets one line.

faults.py beside this file tries the scripts at random moments; here is what can be tried at every moment, or quickly.
"""
import contextlib
import json
import multiprocessing
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import cli
import faults
import storage
from conftest import ROOT

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and locks")

SAVE = """
import os, signal, sys
from pathlib import Path
import numpy as np
import storage

folder = Path(sys.argv[1]) / "regular"

def save(version):
    with storage.write_run(folder) as place:
        storage.write_json(place / "config.json", {"version": version})
        storage.write_json(place / "metrics.json", {"version": version})
        storage.write_arrays(place / "arrays.npz", version=np.full(1000, version))

def saved():
    run = storage.read_run(folder)
    assert run.config == run.metrics and np.all(run.arrays["version"] == run.metrics["version"]), "mixed"
    return run.metrics["version"]
"""

# A fault at the first, second, third ... thing that saving does with a file, until it does no more; in a forked process each.
EVERY_MOMENT = SAVE + """
WATCHED = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.listdir", "os.scandir", "shutil.rmtree", "fcntl.flock"}
FAULTS = {"SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL), "interrupt": KeyboardInterrupt,
          "disk full": lambda: OSError(28, "No space left on device")}
countdown = 0

def strike(event, arguments):
    global countdown
    if event in WATCHED and countdown:
        countdown -= 1
        if not countdown:
            raise FAULTS[sys.argv[2]]()

sys.addaudithook(strike)
save(0)
version, moment = 0, 0
while True:
    moment += 1
    child = os.fork()
    if not child:
        countdown = moment
        try:
            save(version + 1)
        except (KeyboardInterrupt, OSError):
            os._exit(1)
        os._exit(2 if countdown else 0)  # 2: there was no such moment any more
    status = os.waitpid(child, 0)[1]
    assert saved() in (version, version + 1), f"{moment}: {saved()}"
    left = [path.name for path in folder.parent.iterdir() if path.name != "regular"]
    assert left in ([], [".regular.new"]), f"{moment}: {left}"
    version += 2
    save(version)
    assert saved() == version and os.listdir(folder.parent) == ["regular"]
    if os.waitstatus_to_exitcode(status) == 2:
        break
print(moment)
"""


def python(code, *arguments, **how):
    """Start Python on a piece of code in the project's folder."""
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, **how)


def one_line(error):
    """The script's single line on stderr."""
    assert error.count("\n") == 1 and "Traceback" not in error, error
    return error


@posix
@pytest.mark.parametrize("fault", ["SIGKILL", "interrupt", "disk full"])
def test_run_is_the_old_or_the_new_one_whatever_the_moment_of_the_fault(tmp_path, fault):
    process = python(EVERY_MOMENT, tmp_path, fault)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    assert int(stdout) > 30  # moments


@posix
def test_interrupted_experiments_leave_the_old_run_and_no_trace(tmp_path):
    """Three at once, stopped while they train: by Ctrl-C, politely, and by force."""
    numbers, processes = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL), []
    for number in numbers:
        folder = tmp_path / number.name / "regular"
        with storage.write_run(folder) as place:
            (place / "config.json").write_text("old")
        processes.append(subprocess.Popen(
            [sys.executable, ROOT / "experiment_regular.py", "--epochs", "10000", "--out-dir", folder.parent], text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE))
    waiting = dict(zip(numbers, processes))
    for _ in range(1200):
        for number in [number for number in waiting if (tmp_path / number.name / ".regular.new" / "new" / "history.csv").exists()]:
            waiting.pop(number).send_signal(number)
        if not waiting:
            break
        time.sleep(0.05)
    for number, process in zip(numbers, processes):
        stderr = process.communicate(timeout=60)[1]
        assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}[number]
        assert (tmp_path / number.name / "regular" / "config.json").read_text() == "old"
        if number != signal.SIGKILL:
            assert "interrupted; what was saved before is whole" in one_line(stderr)
            assert os.listdir(tmp_path / number.name) == ["regular"]
    import experiment_regular
    experiment_regular.main(["--epochs", "1", "--out-dir", str(tmp_path / "SIGKILL")])
    assert os.listdir(tmp_path / "SIGKILL") == ["regular"] and storage.read_run(tmp_path / "SIGKILL" / "regular").metrics


@posix
@pytest.mark.parametrize("name, trials", [("report.py", 6), pytest.param("data_prep.py", 9, marks=pytest.mark.slow),
                                          *(pytest.param(name, 3, marks=pytest.mark.slow) for name in (
                                              "experiment_regular.py", "experiment_robust.py", "plots", "reproduce.py"))])
def test_a_handful_of_the_random_trials(tmp_path, name, trials):
    if name == "data_prep.py":  # an IDX source that is not MNIST would be refused; the random moments need the real one
        source = os.environ.get("MNIST")
        if source is None:
            pytest.skip("set MNIST to an mnist.npz or a folder with the four IDX files")
    else:
        source = tmp_path
    done = subprocess.run([sys.executable, ROOT / "tests" / "faults.py", "--source", source, "--only", name, "--trials", str(trials)],
                          text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"| together | {trials // 3} | {trials // 3} | {trials // 3} | {trials} | 0 | 0 |" in done.stdout


@posix
def test_killed_reproduction_leaves_no_drawing_process(tmp_path):
    """The figures are drawn by processes of their own, which have to notice that nobody waits for them."""
    with subprocess.Popen([sys.executable, "plots", "--results", tmp_path], cwd=ROOT, start_new_session=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        process.stdout.readline()  # the first figure is there: they are at work
        process.kill()
    assert faults.all_gone(process), "a process was left behind"


# --- one line and a status

def ends_with(main, capsys):
    """The status and the stderr of a main under cli.run."""
    with pytest.raises(SystemExit) as caught:
        cli.run(main)
    return caught.value.code, capsys.readouterr().err


def send(number):
    os.kill(os.getpid(), number)
    time.sleep(1)  # for the signal to arrive


@posix
@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_is_one_line_even_if_an_import_makes_something_else_of_it(capsys, number, status):
    def interrupted_import():
        try:
            send(number)
        except KeyboardInterrupt:
            print("Traceback, which TensorFlow prints of what it cannot pass on", file=sys.stderr)
            raise ImportError("a half-imported module") from None

    for main in (lambda: send(number), interrupted_import):
        code, stderr = ends_with(main, capsys)
        assert code == status and "interrupted" in one_line(stderr)
        signal.signal(number, signal.SIG_DFL)


@posix
@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupt_that_is_swallowed_is_raised_again(capsys, monkeypatch, number, status):
    """As TensorFlow does while it traces."""
    def swallow():
        with contextlib.suppress(KeyboardInterrupt):
            send(number)
        time.sleep(60)

    monkeypatch.setattr(cli, "SWALLOWED", 0.2)
    start = time.monotonic()
    code, stderr = ends_with(swallow, capsys)
    assert code == status and "interrupted" in one_line(stderr) and time.monotonic() - start < 30
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


@posix
def test_interrupt_waits_for_what_must_not_be_interrupted(capsys):
    done = []

    def work():
        with cli.interrupts_wait():
            send(signal.SIGINT)
            done.append("all of it")
        done.append("no more")

    code, stderr = ends_with(work, capsys)
    assert code == 130 and done == ["all of it"] and "interrupted" in one_line(stderr)


@posix
def test_ctrl_c_stays_ignored_in_the_background():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cli.run(lambda: os.kill(os.getpid(), signal.SIGINT))


@posix
def test_ctrl_c_during_the_first_imports_is_one_line():
    process = python("import os, signal, cli; os.kill(os.getpid(), signal.SIGINT); import data_prep")
    assert "interrupted" in one_line(process.communicate(timeout=60)[1])
    assert process.returncode == -signal.SIGINT  # which a shell shows as 130


def test_package_that_is_not_installed_is_one_line():
    process = python("import cli; import no_such_package")
    line = one_line(process.communicate(timeout=60)[1])
    assert "No module named 'no_such_package'; install what is needed with: pip install -r requirements.txt" in line


@pytest.mark.parametrize("error, text", [
    (ValueError("first\nsecond"), "first second"),
    (OSError(28, "No space left on device", "a.npz"), "No space left on device: 'a.npz'; free some space"),
    (PermissionError(13, "Permission denied", "a.npz"), "Permission denied: 'a.npz'; change its permissions"),
    (OSError(30, "Read-only file system", "a.npz"), "Read-only file system: 'a.npz'; choose another place"),
    (ModuleNotFoundError("No module named 'tensorflow'"), "install what is needed with: pip install -r requirements.txt"),
    (MemoryError(), "MemoryError"),
])
def test_error_is_one_line_with_what_to_do(capsys, monkeypatch, error, text):
    def fail():
        raise error

    code, stderr = ends_with(fail, capsys)
    assert code == 1 and text in one_line(stderr)
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--debug"])
    with pytest.raises(type(error)):
        cli.run(fail)


def test_a_mistake_of_ours_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        cli.run(lambda: 1 / 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_behind_stdout_is_one_line():
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "data_prep.py"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "No space left on device" in one_line(done.stderr)


@posix
def test_closed_pipe_ends_quietly():
    with subprocess.Popen([sys.executable, "data_prep.py"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait() == 1


@pytest.mark.parametrize("name", ["plots/hinge_robust.py", "report.py"])
def test_old_code_page_stops_nothing(script, tmp_path, name):
    """Windows gives a redirected output a code page without ε."""
    done = script(name, "--help", PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and done.stderr == ""


# --- full disk, read-only, a file in the way, something else in the way

@posix
@pytest.mark.slow  # at every moment of saving, but without TensorFlow, the disk is full above
@pytest.mark.parametrize("limit", [50_000, 3_000])
def test_full_disk_in_the_middle_of_a_run_leaves_the_old_one(tmp_path, limit):
    """Every write beyond a limit of bytes fails, as on a full disk: arrays.npz at the one, metrics.json at the other."""
    code = ("import resource, sys, experiment_regular, cli\nlimit = int(sys.argv.pop(1))\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))\ncli.run(experiment_regular.main)")
    with storage.write_run(tmp_path / "regular") as place:
        (place / "config.json").write_text("old")
    process = python(code, limit, "--epochs", 1, "--out-dir", tmp_path)
    stderr = process.communicate(timeout=120)[1]
    assert process.returncode == 1 and "File too large" in one_line(stderr)
    assert os.listdir(tmp_path) == ["regular"] and (tmp_path / "regular" / "config.json").read_text() == "old"


@pytest.fixture
def read_only():
    """A folder with a run that its user may not change; root, whom permissions do not stop, becomes nobody for it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with storage.write_run(folder / "results" / "regular") as place:
            (place / "config.json").write_text("old")
        for path, mode in ((folder, 0o755), (folder / "results", 0o555)):
            path.chmod(mode)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        yield folder / "results"
        if root:
            os.seteuid(0)
        (folder / "results").chmod(0o755)


@posix
@pytest.mark.parametrize("write", [
    lambda folder: storage.write_file(folder / "README.md", "text"),
    lambda folder: storage.write_run(folder / "regular").__enter__(),
    lambda folder: storage.write_run(folder / "new" / "regular").__enter__(),
])
def test_read_only_folder_is_one_line(read_only, capsys, write):
    code, stderr = ends_with(lambda: write(read_only), capsys)
    assert code == 1 and "Permission denied" in one_line(stderr) and str(read_only) in stderr and "choose another place" in stderr
    assert os.listdir(read_only) == ["regular"]


EXPERIMENTS = sorted(path.stem for path in ROOT.glob("experiment_*.py"))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_out_dir_that_is_a_file_is_one_line(tmp_path, capsys, name):
    import importlib
    (tmp_path / "file").write_text("mine")
    start = time.monotonic()
    code, stderr = ends_with(lambda: importlib.import_module(name).main(["--out-dir", str(tmp_path / "file")]), capsys)
    assert code == 1 and str(tmp_path / "file") in one_line(stderr)
    assert time.monotonic() - start < 60
    assert (tmp_path / "file").read_text() == "mine" and os.listdir(tmp_path) == ["file"]


def test_folder_of_something_else_is_not_replaced(tmp_path):
    (tmp_path / "regular").mkdir()
    (tmp_path / "regular" / "thesis.tex").write_text("years of work")
    (tmp_path / "regular" / "config.json").write_text("{}")  # a name that a run has, too
    with pytest.raises(FileExistsError, match="holds thesis.tex, which is not of a saved run; move it away"):
        storage.write_run(tmp_path / "regular").__enter__()
    assert (tmp_path / "regular" / "thesis.tex").read_text() == "years of work"
    assert os.listdir(tmp_path) == ["regular"] and len(os.listdir(tmp_path / "regular")) == 2


# --- two at once

@posix
def test_second_writer_of_a_run_is_told_and_the_first_one_finishes(tmp_path):
    with storage.write_run(tmp_path / "regular") as place:
        (place / "config.json").write_text("first")
        with pytest.raises(BlockingIOError, match=f"another process is writing {tmp_path / 'regular'}; wait for it"):
            storage.write_run(tmp_path / "regular").__enter__()
        with storage.write_run(tmp_path / "robust-0.1"):  # another run does not wait
            pass
    assert (tmp_path / "regular" / "config.json").read_text() == "first"
    assert sorted(os.listdir(tmp_path)) == ["regular", "robust-0.1"]


@posix
def test_reader_beside_two_racing_writers_always_sees_one_whole_run(tmp_path):
    code = SAVE + """
import time
end, refused = time.monotonic() + 2, 0
while time.monotonic() < end:
    try:
        save(int(sys.argv[2]))
    except BlockingIOError:
        refused += 1
    time.sleep(0.02)  # a run that takes less time to make than to read could not be read
print(refused)
"""
    writers = [python(code, tmp_path, version) for version in (1, 2)]
    while not (tmp_path / "regular").exists():
        time.sleep(0.01)
    seen = []
    while any(writer.poll() is None for writer in writers):
        run = storage.read_run(tmp_path / "regular")
        assert run.config == run.metrics and np.all(run.arrays["version"] == run.metrics["version"])
        seen.append(run.metrics["version"])
    for writer in writers:
        assert writer.communicate()[1] == ""
    assert set(seen) == {1, 2} and os.listdir(tmp_path) == ["regular"]


@posix
def test_two_writers_of_one_file_never_mix(tmp_path):
    code = """
import sys, time
from pathlib import Path
import storage
end = time.monotonic() + 1.5
while time.monotonic() < end:
    storage.write_file(Path(sys.argv[1]) / "file", sys.argv[2] * int(sys.argv[3]))
"""
    writers = [python(code, tmp_path, letter, length) for letter, length in (("a", 100_000), ("b", 30), ("c", 3_000_000))]
    while not (tmp_path / "file").exists():
        time.sleep(0.01)
    seen = set()
    while any(writer.poll() is None for writer in writers):
        text = (tmp_path / "file").read_text()
        seen.add((text[:1], len(text)))
        assert text == text[0] * len(text)
    assert all(writer.communicate()[1] == "" for writer in writers)
    assert seen == {("a", 100_000), ("b", 30), ("c", 3_000_000)} and os.listdir(tmp_path) == ["file"]


def test_number_added_to_a_run_waits_for_no_writer_and_disturbs_none(tmp_path):
    """The exact experiment adds optimality_gap to the robust run, which another process may be writing at that moment."""
    import runs
    for name in ("exact-0.1", "robust-0.1"):
        shutil.copytree(storage.RESULTS / name, tmp_path / name)
    metrics = json.loads((tmp_path / "robust-0.1" / "metrics.json").read_text())
    gap = metrics.pop("optimality_gap")
    storage.write_json(tmp_path / "robust-0.1" / "metrics.json", metrics)
    before = {path.name: path.read_bytes() for path in (tmp_path / "robust-0.1").iterdir()}
    if os.name == "posix":
        with pytest.raises(KeyboardInterrupt), storage.write_run(tmp_path / "robust-0.1"):
            runs.compare_with_optimum(tmp_path, 0.1)
            raise KeyboardInterrupt
        assert before == {path.name: path.read_bytes() for path in (tmp_path / "robust-0.1").iterdir()}
    runs.compare_with_optimum(tmp_path, 0.1)
    after = {path.name: path.read_bytes() for path in (tmp_path / "robust-0.1").iterdir()}
    assert json.loads(after.pop("metrics.json")) == metrics | {"optimality_gap": pytest.approx(gap)}
    assert after.items() <= before.items() and sorted(os.listdir(tmp_path)) == ["exact-0.1", "robust-0.1"]


# --- no network, and what is installed

def test_no_test_reaches_the_network():
    with pytest.raises(PermissionError, match="the tests are offline"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    process = python("import urllib.request; urllib.request.urlopen('http://example.org', timeout=1)")
    assert "the tests are offline" in process.communicate(timeout=60)[1] and process.returncode == 1
    left, right = multiprocessing.Pipe()  # which must still work
    threading.Thread(target=left.send, args=("hello",)).start()
    assert right.recv() == "hello"


def pins(name):
    """The versions that a requirements file pins, by the package's normal name."""
    lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    pinned = {}
    for line in lines:
        if line and not line.startswith("-r "):
            package, version = re.fullmatch(r"([\w.-]+)==([\w.]+)", line).groups()
            pinned[re.sub("[-_.]+", "-", package).lower()] = version
    return pinned


REQUIREMENTS = [path.name for path in ROOT.glob("requirements*.txt")]


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_requirement_is_pinned_to_one_version(name):
    assert pins(name).items() <= pins("constraints.txt").items()


@pytest.mark.skipif(os.environ.get("CI") != "true", reason="asks the package index; set CI=true")
def test_a_new_environment_would_get_exactly_the_versions_of_the_constraints(tmp_path):
    """From nothing: pip resolves everything for an empty environment, without installing it, which `make test` did."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "new"], check=True)
    online = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", tmp_path / "new" / "bin" / "python", "install", "--dry-run", "--quiet", "--report",
         tmp_path / "report.json", "--disable-pip-version-check", "-c", "constraints.txt",
         *(word for name in REQUIREMENTS for word in ("-r", name))],
        cwd=ROOT, env=online, text=True, capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr
    found = {re.sub("[-_.]+", "-", package["metadata"]["name"]).lower(): package["metadata"]["version"]
             for package in json.loads((tmp_path / "report.json").read_text())["install"]}
    assert found.keys() >= {"tensorflow", "numpy", "matplotlib", "scipy", "pytest", "hypothesis"}
    assert found.items() <= pins("constraints.txt").items()
