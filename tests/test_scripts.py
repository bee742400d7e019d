"""Every script as a user meets it: --help, a usage error, what cannot be done; and every module."""

import json
import runpy
import subprocess
import sys

import pytest
from conftest import ROOT

MODULES = sorted(
    str(path.relative_to(ROOT).with_suffix("")).replace("/", ".")
    for folder in (".", "common", "claims", "beyond", "report", "plots", "benchmarks")
    for path in ROOT.glob(f"{folder}/*.py")
    if path.stem not in ("__init__", "__main__")
)


def source(module):
    main = ROOT / module / "__main__.py"
    return main if main.exists() else ROOT / (module.replace(".", "/") + ".py")


SCRIPTS = [name for name in MODULES if "\nif __name__ ==" in source(name).read_text()]
SCRIPTS += ["claims", "plots"]

# --help of every script in one process, where nothing has imported TensorFlow.
HELP = """
import contextlib, io, json, runpy, sys
sys.path[:0] = [ROOT, ROOT + "/benchmarks", ROOT + "/plots"]
result = {}
for module, path in SCRIPTS.items():
    sys.argv, text, status = [path, "--help"], io.StringIO(), None
    with contextlib.redirect_stdout(text):
        try:
            if module.split(".")[0] in ("beyond", "claims", "report"):
                runpy.run_module(module, run_name="__main__", alter_sys=True)
            else:
                runpy.run_path(path, run_name="__main__")
        except SystemExit as error:
            status = error.code
    slow = [name for name in ("tensorflow", "keras", "art", "sklearn") if name in sys.modules]
    result[module] = [status, text.getvalue(), slow]
    for name in slow:
        del sys.modules[name]
print(json.dumps(result))
"""

# The state of a process before and after each import.
IMPORT = """
import importlib, json, os, signal, sys, warnings
import matplotlib.pyplot, numpy, scipy.optimize, scipy.sparse
sys.path[:0] = [ROOT, ROOT + "/benchmarks", ROOT + "/plots"]
def state():
    return {"signals": [str(signal.getsignal(number)) for number in signal.valid_signals()],
            "hooks": [str(hook) for hook in (sys.excepthook, sys.unraisablehook, sys.displayhook)],
            "environment": dict(os.environ), "warnings": [str(entry) for entry in warnings.filters],
            "folder": os.getcwd(), "streams": [str(sys.stdout), str(sys.stderr), sys.stdout.errors],
            "tensorflow": "tensorflow" in sys.modules}
result, before = {}, state()
for module in MODULES:
    importlib.import_module(module.removeprefix("plots.").removeprefix("benchmarks."))
    after = state()
    result[module] = [key for key in after if after[key] != before[key]]
    before = after
print(json.dumps(result))
"""


def in_a_process(code, **names):
    head = "".join(f"{name} = {value!r}\n" for name, value in names.items())
    done = subprocess.run(
        [sys.executable, "-c", head + code], cwd=ROOT, text=True, timeout=120, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def command(name):
    """What a user types after `python`."""
    if name.split(".")[0] in ("beyond", "claims", "report"):
        return f"-m {name}"
    return name if name == "plots" else name.replace(".", "/") + ".py"


def test_help_of_every_script_is_instant_and_shows_the_command():
    paths = {name: str(ROOT / "plots" if name == "plots" else source(name)) for name in SCRIPTS}
    helped = in_a_process(HELP, ROOT=str(ROOT), SCRIPTS=paths)
    assert len(helped) > 30 and helped.keys() == set(SCRIPTS)
    for name, (status, text, slow) in helped.items():
        assert status == 0 and not slow, name
        assert f"python {command(name)}" in text and "--debug" in text, name


def test_importing_a_module_changes_nothing_in_the_process():
    """common.callbacks is the exception: its classes are Keras', so it imports TensorFlow."""
    changed = in_a_process(
        IMPORT, ROOT=str(ROOT), MODULES=[name for name in MODULES if name != "common.callbacks"]
    )
    assert len(changed) > 40 and not {name: what for name, what in changed.items() if what}


@pytest.mark.parametrize("name", SCRIPTS)
def test_bad_flag_is_a_usage_error_and_nothing_is_begun(monkeypatch, capsys, tmp_path, name):
    flag = {"data_prep": "--source", "report.compare": "RESULTS"}.get(name, "--results")
    path = source(name)
    monkeypatch.chdir(tmp_path)
    words = ["", "other"] if flag == "RESULTS" else [flag, ""]
    monkeypatch.setattr(sys, "argv", [str(path), *words])
    here = ROOT if command(name).startswith("-m") else path.parent
    monkeypatch.setattr(sys, "path", [str(here), *sys.path])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(path), run_name="__main__")
    printed = capsys.readouterr()
    assert caught.value.code == 2 and printed.out == ""
    assert f": error: argument {flag}: the path is empty" in printed.err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name, arguments, complaint",
    [
        ("data_prep.py", ["--source", "nowhere"], "--source nowhere does not exist"),
        ("report.report", ["--results", "EMPTY"], "python experiment_regular.py --results EMPTY"),
        (
            "plots/model_weights.py",
            ["--results", "EMPTY"],
            "python experiment_regular.py --results EMPTY",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(script, tmp_path, name, arguments, complaint):
    arguments = [word.replace("EMPTY", str(tmp_path)) for word in arguments]
    done = script(name, *arguments)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert complaint.replace("EMPTY", str(tmp_path)) in done.stderr
    assert not list(tmp_path.iterdir())


def test_debug_shows_the_traceback(script, tmp_path):
    done = script("report.report", "--debug", "--results", tmp_path)
    assert done.returncode == 1 and "Traceback" in done.stderr


@pytest.mark.slow  # test_determinism.py runs experiment_robust.py in the same way
def test_short_run_from_the_shell_of_another_folder(script, tmp_path):
    done = script("experiment_regular.py", "--epochs", 1, "--results", "mine", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    assert "127/127" in done.stdout and "mine/regular: test accuracy" in done.stdout
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["regular"]
