"""Bad values for every flag of every script: a usage error of argparse, status 2, nothing begun and nothing written.

The scripts and their flags are found, not listed: a new script is tested as it stands, a new flag needs a row in BAD.
"""
import argparse
import runpy
import signal
import sys

import pytest

import data_prep
import files
import storage
from conftest import ROOT

sys.path.append(str(ROOT / "benchmarks"))  # where Python finds bench, if it runs one of them

SCRIPTS = sorted(str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.py"), *ROOT.glob("plots/*.py"), *ROOT.glob("benchmarks/*.py"))
                 if path.stem != "__main__" and "\nif __name__ ==" in path.read_text()) + ["plots"]

WHOLE = ["-1", "1.5", "nan", "inf", "-inf", "ten", "", " ", "1e3", "0x10", "9" * 30, "9" * 5000]
REAL = ["-1", "nan", "inf", "-inf", "1e999", "fast", "", " ", "0,1", "0.1.2"]
PATHS = ["", " ", "x" * 5000, []]

# Each value is what follows the flag on the command line: one word, or a list of words.
BAD = {
    "--batch-size": [*WHOLE, "0", "60001"],
    "--debug": [["=1"]],
    "--digits": [[], ["3"], ["3", "3"], ["3", "12"], ["-1", "3"], ["a", "b"], ["", "1"], ["1.5", "2"], ["nan", "1"], ["0x1", "2"]],
    "--dtype": ["", "float16", "Float32", "32", []],
    "--epochs": [*WHOLE, "0", "10001"],
    "--epsilon": [*REAL, "1000.1", "1e6", "-0.1", "-1e-9", "0.1234567", "1e-7", "0.30000000000000004", [], ["0.1", "--epsilon", "0.1"],
                  ["0.1", "--epsilon", "0.10"], ["0", "--epsilon", "-0.0"], ["0.1", "--epsilon", "1e-1"]],
    "--largest-epsilon": [*REAL, "0", "-0.0", "1.1"],
    "--learning-rate": [*REAL, "0", "-0.0"],
    "--models": [*WHOLE, "0", "1"],
    "--out-dir": PATHS,
    "--post": [["=1"]],
    "--recipe": ["", "Post", "nonsense", "post ", []],
    "--quick": [["=1"]],
    "--repeat": [*WHOLE, "0", "1001"],
    "--results": [*PATHS, "nowhere", __file__],
    "--seed": [*WHOLE, "2147483648"],
    "--seeds": [*WHOLE, "0", "1"],
    "--show": [["=1"]],
    "--shuffle": [["=1"]],
    "--source": PATHS,
    "NAME": ["nonsense", "", "hinge_loss.py", ["hinge_loss", "Hinge_Loss"]],
}


class Parser(BaseException):
    """Carries a script's parser out of it."""


def run(script, arguments):
    """A script in this process, as Python runs it from the shell."""
    sys.argv = [str(ROOT / script / "__main__.py" if script == "plots" else ROOT / script), *arguments]
    runpy.run_path(str(ROOT / script), run_name="__main__")


def flags(script):
    """The flags of a script, from its own parser; positional arguments by the name that --help gives them."""
    def stop(parser, argv=None, namespace=None):
        raise Parser(parser)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", stop)
        patch.setattr(signal, "signal", lambda *arguments: None)
        patch.setattr(sys, "argv", sys.argv)
        try:
            run(script, [])
        except Parser as caught:
            actions = caught.args[0]._actions
    return [action.option_strings[-1] if action.option_strings else action.metavar for action in actions if action.dest != "help"]


def cases():
    for script in SCRIPTS:
        for flag in flags(script):
            for value in BAD.get(flag, [None]):
                words = value if isinstance(value, list) else [value]
                if value is None:
                    yield pytest.param(script, flag, None, id=f"{script} {flag} has no row in BAD")
                elif words and words[0].startswith("="):
                    yield script, flag, [flag + words[0], *words[1:]]
                else:
                    yield script, flag, words if flag == "NAME" else [flag, *words]
        yield script, "unrecognized", ["--nonsense"]
        yield script, "unrecognized", ["--debu"]  # no abbreviations: a new flag would change what they mean


CASES = list(cases())


@pytest.fixture
def idle(tmp_path, monkeypatch):
    """An empty folder to be in, and nothing that the scripts could do."""
    def begun(*arguments, **flags):
        raise AssertionError(f"began to work: {arguments} {flags}")

    for module, names in ((storage, ("write_run", "write_file", "write_arrays", "write_json", "read_run")), (files, ("write_file",)),
                          (data_prep, ("load_pair", "read_pair", "main"))):
        for name in names:
            monkeypatch.setattr(module, name, begun)
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("script, flag, arguments", CASES, ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else value)
def test_bad_value_is_a_usage_error_and_nothing_is_begun(idle, capsys, script, flag, arguments):
    assert arguments is not None, f"{script} has a flag, {flag}, that BAD has no values for"
    with pytest.raises(SystemExit) as caught:
        run(script, arguments)
    printed = capsys.readouterr()
    last = printed.err.splitlines()[-1]
    assert caught.value.code == 2 and printed.out == ""
    assert ": error: " in last and (flag in last or "unrecognized arguments" in last) and "Traceback" not in printed.err
    assert not list(idle.iterdir())


def test_there_are_enough_of_them():
    assert len(CASES) >= 300
    assert {script for script, *_ in CASES if isinstance(script, str)} == set(SCRIPTS)


@pytest.mark.parametrize("script", [name for name in SCRIPTS if name.startswith("experiment_")])
def test_good_values_pass(idle, script):
    """What the table refuses is not refused for another reason: with the defaults the script begins to work."""
    with pytest.raises(AssertionError, match="began to work"):
        run(script, [])


def test_smallest_and_largest_values_pass():
    import experiment_robust
    arguments = experiment_robust.parse_args(["--epsilon", "0.000001", "--epsilon", "1", "--epsilon", "-0.0", "--epochs", "10000",
                                              "--batch-size", "60000", "--seed", "2147483647", "--learning-rate", "1e-300"])
    names = [storage.run_name("robust", epsilon) for epsilon in arguments.epsilons]
    assert names == ["robust-0.000001", "robust-1", "robust-0"]
    for name, epsilon in zip(names, ("0.000001", "1", "0")):
        assert storage.rebuild_command(storage.RESULTS / name) == f"python experiment_robust.py --epsilon {epsilon}"


@pytest.mark.parametrize("folder, command", [
    (storage.RESULTS / "regular", "python experiment_regular.py"),
    (storage.RESULTS / "robust-0.1-converged", "python experiment_robust.py --epsilon 0.1 --recipe converged"),
    (storage.ROOT / "results-3-8" / "regular", "python experiment_regular.py --digits 3 8"),
    (storage.ROOT / "elsewhere" / "regular", f"python experiment_regular.py --out-dir {storage.ROOT / 'elsewhere'}"),
    ("my results/regular", 'python experiment_regular.py --out-dir \'my results\''),
])
def test_command_that_rebuilds_a_run(folder, command):
    assert storage.rebuild_command(folder) == command
