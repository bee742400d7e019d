"""Every script as a user runs it: --help, one short run, and one clear line for what is wrong."""
import pytest

import cli
from conftest import ROOT

SCRIPTS = sorted(path.name for path in ROOT.glob("*.py") if "__main__" in path.read_text())


@pytest.mark.parametrize("name", [*SCRIPTS, "plots", "plots/hinge_loss.py"])
def test_help_is_instant_and_shows_the_command(script, name):
    done = script(name, "--help", PYTHONPROFILEIMPORTTIME="1")  # the imports, on stderr
    assert done.returncode == 0 and f"python {name}" in done.stdout
    assert "tensorflow" not in done.stderr and "keras" not in done.stderr


@pytest.mark.slow  # test_determinism.py runs experiment_robust.py in the same way
def test_short_run_from_the_shell(script, tmp_path):
    done = script("experiment_regular.py", "--epochs", 1, "--out-dir", tmp_path, cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    assert "epoch  1/1" in done.stdout and "regular: test accuracy" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["regular"]


@pytest.mark.parametrize("name, arguments, complaint", [
    ("experiment_regular.py", ["--epochs", "0"], "'0' is not a whole number from 1"),
    ("experiment_regular.py", ["--learning-rate", "nan"], "'nan' is not a number above 0"),
    ("experiment_regular.py", ["--seed", "1", "--seeds", "3"], "--seeds: not allowed with argument --seed"),
    ("experiment_regular.py", ["--digits", "3", "3"], "3 is given twice"),
    ("experiment_robust.py", ["--epsilon", "-0.1"], "'-0.1' is not a number from 0"),
    ("experiment_robust.py", ["--epsilon", "0.1", "--epsilon", "0.10"], "0.1 is given twice"),
    ("experiment_robust.py", ["--epsilon", "0.12345678"], "more than six digits"),
    ("data_prep.py", ["--digits", "7", "7"], "7 is given twice"),
    ("plots", ["nonsense"], "there is no figure 'nonsense'; choose from"),
    ("report.py", ["--results", "nowhere"], "'nowhere' is not a folder"),
    ("plots/model_weights.py", ["--results", "nowhere"], "'nowhere' is not a folder"),
])
def test_bad_argument_is_a_usage_error(script, tmp_path, name, arguments, complaint):
    done = script(name, *arguments, cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert complaint in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name, arguments, complaint", [
    ("experiment_regular.py", ["--digits", "3", "8"], "python data_prep.py --digits 3 8"),
    ("data_prep.py", ["--source", "nowhere"], "--source nowhere does not exist"),
    ("report.py", ["--results", "."], "python experiment_regular.py --out-dir ."),
    ("plots/model_weights.py", ["--results", "."], "python experiment_regular.py --out-dir ."),
])
def test_what_cannot_be_done_is_one_line(script, tmp_path, name, arguments, complaint):
    done = script(name, *arguments, cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and complaint in done.stderr
    assert not list(tmp_path.iterdir())


def test_debug_shows_the_traceback(script, tmp_path):
    assert "Traceback" in script("report.py", "--debug", "--results", tmp_path).stderr


def test_interrupt_is_one_line_and_status_130(capsys):
    def interrupted():
        raise KeyboardInterrupt
    with pytest.raises(SystemExit) as caught:
        cli.run(interrupted)
    assert caught.value.code == 130 and capsys.readouterr().err.strip().count("\n") == 0
