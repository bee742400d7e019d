"""Every script as a user meets it: --help, a usage error, what cannot be done; and every module."""

import json
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

# The state of a process before and after each import; the figures need Matplotlib.
IMPORT = """
import importlib, json, os, signal, sys, warnings
import jinja2, numpy, scipy.ndimage, scipy.optimize, scipy.sparse
sys.path[:0] = [ROOT, ROOT + "/benchmarks", ROOT + "/plots"]
def state():
    return {"signals": [str(signal.getsignal(number)) for number in signal.valid_signals()],
            "hooks": [str(hook) for hook in (sys.excepthook, sys.unraisablehook, sys.displayhook)],
            "environment": dict(os.environ), "warnings": [str(entry) for entry in warnings.filters],
            "folder": os.getcwd(), "streams": [str(sys.stdout), str(sys.stderr), sys.stdout.errors],
            "imported": [name in sys.modules for name in ("matplotlib", "tensorflow")]}
result = {}
MODULES.sort(key=lambda module: module.startswith(("plots.", "benchmarks.")))
for module in MODULES:
    if module.startswith(("plots.", "benchmarks.")):
        import matplotlib.pyplot
    before = state() | {"path": list(sys.path)}
    importlib.import_module(module.removeprefix("plots.").removeprefix("benchmarks."))
    after = state() | {"path": before["path"] if "matplotlib" in sys.modules else sys.path}
    result[module] = [key for key in after if after[key] != before[key]]
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
def test_bad_flag_is_a_usage_error_and_nothing_is_begun(here, monkeypatch, tmp_path, name):
    flag = {"data_prep": "--source", "report.compare": "RESULTS"}.get(name, "--results")
    monkeypatch.chdir(tmp_path)
    done = here(name, *(["", "other"] if flag == "RESULTS" else [flag, ""]))
    assert done.returncode == 2 and done.stdout == ""
    assert f": error: argument {flag}: the path is empty" in done.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name, arguments, complaint",
    [
        (
            "data_prep.py",
            ["--source", "nowhere"],
            "nowhere has no train-images-idx3-ubyte[.gz]; --source takes",
        ),
        ("report.report", ["--results", "EMPTY"], "python experiment_regular.py --results EMPTY"),
        (
            "plots/model_weights.py",
            ["--results", "EMPTY"],
            "python experiment_regular.py --results EMPTY",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(here, tmp_path, name, arguments, complaint):
    arguments = [word.replace("EMPTY", str(tmp_path)) for word in arguments]
    done = here(name, *arguments)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert complaint.replace("EMPTY", str(tmp_path)) in done.stderr
    assert not list(tmp_path.iterdir())
