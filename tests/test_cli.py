"""Argument types, and how a script ends: its status, its one line, and a process left as it was."""

import io
import os
import shlex
import signal
import sys
import threading
import time

import pytest

import experiment_robust
from common import cli, runs

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")

WHOLE = ["-1", "1.5", "nan", "inf", "ten", "", " ", "1e3", "0x10", "9" * 5000]
REAL = ["-1", "nan", "inf", "-inf", "1e999", "fast", "", " ", "0,1"]
BAD = {
    "--batch-size": [*WHOLE, "0", "60001"],
    "--digits": ["3", "3 3", "3 12", "-1 3", "a b", "1.5 2", "nan 1", "0x1 2"],
    "--epsilon": [*REAL, "1000.1", "8/0", "8/-255", "1/inf", "1/2/3", "0 --epsilon -0.0"],
    "--learning-rate": REAL,
    "--results": ["", " "],
    "--seed": [*WHOLE, "2147483648"],
}


def usage_error(capsys, parse_args, *words):
    """The last line of what is printed when a script is given bad arguments."""
    with pytest.raises(SystemExit) as caught:
        parse_args(words)
    assert caught.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("flag", BAD)
def test_bad_value_is_a_usage_error(capsys, flag):
    for value in BAD[flag]:
        words = value.split(" ") if value.strip() else [value]
        error = usage_error(capsys, experiment_robust.parse_args, flag, *words)
        assert f"error: argument {flag}: " in error, value


def test_usage_error_says_what_is_wrong(capsys):
    for arguments, complaint in (
        ("--epochs 0", "'0' is not a whole number from 1 to 10000"),
        ("--epsilon -0.1", "'-0.1' is not a number from 0 to 1000"),
        ("--epsilon 1/2 --epsilon 0.5", "0.5 is given twice"),
        ("--epoch 3", "unrecognized arguments"),  # a new flag would change what it means
    ):
        words = arguments.split()
        assert complaint in usage_error(capsys, experiment_robust.parse_args, *words)


def test_smallest_and_largest_values_pass():
    args = experiment_robust.parse_args(
        "--epsilon 0.000001 --epsilon 1000 --epsilon -0.0 --epochs 10000 --batch-size 60000 "
        "--seed 2147483647 --learning-rate 1e-300 --digits 9 0".split()
    )
    assert args.epsilons == [1e-6, 1000, 0] and args.digits == [9, 0]
    assert (args.seed, args.learning_rate) == (2147483647, 1e-300)


@pytest.mark.parametrize(
    "arguments, folder, flags",
    [
        ("", runs.RESULTS, ""),
        ("--digits 0 1", runs.RESULTS, ""),
        ("--digits 3 8", runs.ROOT / "results-3-8", " --digits 3 8"),
        ("--results /a/results-3-8", runs.Path("/a/results-3-8"), " --results /a/results-3-8"),
        ("--digits 3 8 --results mine", runs.Path("mine"), " --results mine"),
        ("--results my\\ own", runs.Path("my own"), " --results 'my own'"),
    ],
)
def test_folder_of_results_and_the_flags_that_name_it(arguments, folder, flags):
    assert cli.results_folder(experiment_robust.parse_args(shlex.split(arguments))) == folder
    assert runs.flags(folder) == flags


# --- how a script ends


def ends_with(main, capsys):
    """The status and the stderr of a main under cli.run."""
    with pytest.raises(SystemExit) as caught:
        cli.run(main)
    return caught.value.code, capsys.readouterr().err


def one_line(text):
    assert text.count("\n") == 1 and text.endswith("\n") and "Traceback" not in text, text
    return text


def raises(error):
    def main():
        raise error

    return main


ERRORS = [
    (ValueError("first\nsecond"), "first second"),
    (OSError(28, "No space left on device", "a.npz"), "No space left on device: 'a.npz'; free"),
    (
        PermissionError(13, "Permission denied", "here/regular"),
        "make here a folder that you may write",
    ),
    (FileNotFoundError("regular is missing; make it"), "regular is missing; make it\n"),
    (ModuleNotFoundError("No module named 'keras'"), "pip install -r requirements.txt"),
    (MemoryError(), "MemoryError"),
]


@pytest.mark.parametrize("error, text", ERRORS, ids=lambda value: type(value).__name__)
def test_error_is_one_line_and_debug_shows_the_traceback(capsys, monkeypatch, error, text):
    monkeypatch.setattr(sys, "prefix", str(runs.ROOT / ".venv"))  # whichever Python runs the tests
    monkeypatch.setattr(sys, "argv", ["folder/script.py"])
    status, stderr = ends_with(raises(error), capsys)
    assert status == 1 and text in one_line(stderr) and stderr.startswith("script.py: ")
    monkeypatch.setattr(sys, "argv", ["script.py", "--debug"])
    with pytest.raises(type(error)):
        cli.run(raises(error))


def test_a_mistake_of_ours_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        cli.run(lambda: 1 / 0)


@posix
@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_is_one_line_even_if_an_import_makes_something_else_of_it(capsys, number, status):
    """And the handlers are those of before."""

    def interrupted_import():
        try:
            os.kill(os.getpid(), number)
            time.sleep(1)  # for the signal to arrive
        except KeyboardInterrupt:
            raise ImportError("a half-imported module") from None

    before = signal.getsignal(number)
    code, stderr = ends_with(interrupted_import, capsys)
    assert code == status and signal.getsignal(number) == before
    assert one_line(stderr).endswith("interrupted; what was saved before is whole\n")


@posix
def test_ctrl_c_stays_ignored_in_the_background(monkeypatch):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        cli.run(lambda: os.kill(os.getpid(), signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, before)


def test_old_code_page_stops_nothing(monkeypatch):
    """Windows gives a redirected output a code page without ε."""
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    cli.run(lambda: print("ε = 0.1"))
    stream.flush()
    assert stream.buffer.getvalue().split() == [b"\\u03b5", b"=", b"0.1"]


def test_a_script_runs_without_streams_and_in_a_thread(monkeypatch):
    """As after 2>&-, in services, and under what runs scripts in threads of its own."""
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    done = []
    thread = threading.Thread(target=cli.run, args=(lambda: print("unread") or done.append(1),))
    thread.start()
    thread.join()
    sys.stdout.close()
    sys.stderr.close()
    assert done == [1]
