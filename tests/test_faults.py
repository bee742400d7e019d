"""Interrupts, full disks, read-only folders, two writers: what was saved stays whole."""

import contextlib
import functools
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, words
from test_cli import ends_with, one_line, posix
from test_runs import whole

import experiment_regular
from common import files, runs
from common.lazy import callbacks

WRITER = """
import sys, time
from pathlib import Path
sys.path.append("tests")
from test_runs import whole

end = time.monotonic() + 0.5
while time.monotonic() < end:
    try:
        whole(Path(sys.argv[1]), int(sys.argv[2]))
    except OSError as error:  # one line for the user, who then tries again
        print(error)
"""


# --- interrupts


@posix
@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_experiment_leaves_the_old_run(tmp_path, monkeypatch, capsys, number, status):
    """Stopped while it trains, by Ctrl-C or politely."""
    whole(tmp_path / "regular", 1)
    stop = lambda self, epoch, logs: os.kill(os.getpid(), number)
    monkeypatch.setattr(callbacks.Evaluation, "on_epoch_end", stop)
    flags = "--epochs", "3", "--results", str(tmp_path)
    code, stderr = ends_with(lambda: experiment_regular.main(flags), capsys)
    assert code == status
    assert one_line(stderr).endswith("interrupted; what was saved before is whole\n")
    assert runs.read(tmp_path / "regular").metrics == {"number": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["regular"]


# --- disks and folders


@contextlib.contextmanager
def full_after(size):
    """Every write beyond so many bytes of a file fails."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@posix
@pytest.mark.parametrize("size", [10, 10_000])  # in config.json, and in arrays.npz
def test_full_disk_leaves_the_old_run_and_file(tmp_path, capsys, size):
    whole(tmp_path / "regular", 1)
    (tmp_path / "file").write_text("old")
    for save in (
        lambda: whole(tmp_path / "regular", 2),
        lambda: files.write_file(tmp_path / "file", 20_000 * "x"),
    ):
        with full_after(size):
            status, stderr = ends_with(save, capsys)
        assert status == 1 and "File too large" in one_line(stderr)
    assert runs.read(tmp_path / "regular").metrics == {"number": 1}
    assert (tmp_path / "file").read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} == {"regular", "file"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_behind_stdout_is_one_line():
    with open("/dev/full", "w") as full:
        done = subprocess.run(words("data_prep.py"), stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "No space left on device" in one_line(done.stderr)


@posix
def test_closed_pipe_ends_quietly():
    with subprocess.Popen(
        words("data_prep.py"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait() == 1


# --- two at once


@posix
def test_two_processes_that_write_one_run_end_with_a_whole_run_or_one_line(tmp_path):
    start = functools.partial(subprocess.Popen, cwd=ROOT, text=True, stdout=subprocess.PIPE)
    writers = [start(words("-c", WRITER, tmp_path / "regular", number)) for number in (1, 2)]
    for writer in writers:
        errors = writer.communicate(timeout=60)[0].splitlines()
        assert writer.returncode == 0 and all("regular" in line for line in errors)
    run = runs.read(tmp_path / "regular", arrays=["number"])
    assert run.config["run"] == run.metrics and run.metrics["number"] in (1, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["regular"]


# --- no network


def test_no_test_reaches_the_network(script):
    with pytest.raises(PermissionError, match="the tests are offline"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    done = script("-c", "import urllib.request; urllib.request.urlopen('http://example.org')")
    assert "the tests are offline" in done.stderr and done.returncode == 1
