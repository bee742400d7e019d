"""Every script as a user meets it: --help and a usage error; and every module."""

import json

import pytest
from conftest import ROOT

ROOMS = "common", "claims", "beyond", "report", "plots", "benchmarks"
FILES = [*ROOT.glob("*.py"), *(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))]
MODULES = {  # by the name for `python -m`; beyond.pairs is beyond/pairs/__main__.py
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__"): str(path)
    for path in sorted(FILES)
    if path.stem not in ("__init__", "lirpa")  # bounds.py starts lirpa.py with another Python
}
SCRIPTS = {
    name: path
    for name, path in MODULES.items()
    if "\nif __name__ ==" in open(path, encoding="utf-8").read()
    and name not in ("beyond.pairs.pairs", "beyond.threats.threats")  # by their __main__
}

# In a process where nothing has imported TensorFlow: its state before and after each import (the
# figures need Matplotlib), and then --help of every script.
CODE = """
import contextlib, importlib, io, json, os, runpy, signal, sys, warnings
import jinja2, numpy, scipy.ndimage, scipy.optimize, scipy.sparse
modules, scripts, root = json.loads(sys.argv[1])
sys.path[:0] = [root, root + "/benchmarks", root + "/plots"]
def state():
    return {"signals": [str(signal.getsignal(number)) for number in signal.valid_signals()],
            "hooks": [str(hook) for hook in (sys.excepthook, sys.unraisablehook, sys.displayhook)],
            "environment": dict(os.environ), "warnings": [str(entry) for entry in warnings.filters],
            "folder": os.getcwd(), "streams": [str(sys.stdout), str(sys.stderr), sys.stdout.errors],
            "imported": [name in sys.modules for name in ("matplotlib", "tensorflow")]}
draws = lambda name: name.startswith(("plots.", "benchmarks.")) or ".figures." in name
changed, helped = {}, {}
for name in sorted(modules, key=draws):
    if draws(name):
        import matplotlib.pyplot
    before = state() | {"path": list(sys.path)}
    importlib.import_module(name.removeprefix("plots.").removeprefix("benchmarks."))
    after = state() | {"path": before["path"] if draws(name) else sys.path}
    changed[name] = [key for key in after if after[key] != before[key]]
for name, path in scripts.items():
    sys.argv, text, status = [path, "--help"], io.StringIO(), None
    with contextlib.redirect_stdout(text):
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as error:
            status = error.code
    slow = [name for name in ("tensorflow", "keras", "art", "sklearn") if name in sys.modules]
    helped[name] = [status, text.getvalue(), slow]
    for name in slow:
        del sys.modules[name]
print(json.dumps([changed, helped]))
"""


@pytest.fixture(scope="module")
def reported(script):
    """What CODE prints: {module: what its import changes}, {script: [status, help, what is slow]}.

    common.callbacks is left out: its classes are Keras', so it imports TensorFlow.
    """
    names = [name for name in MODULES if name != "common.callbacks"]
    done = script("-c", CODE, json.dumps([names, SCRIPTS, str(ROOT)]))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def command(name):
    """What a user types after `python`."""
    if name.split(".")[0] in ("beyond", "claims", "report"):
        return f"-m {name}"
    return name if name == "plots" else name.replace(".", "/") + ".py"


def test_importing_a_module_changes_nothing_in_the_process(reported):
    changed, _ = reported
    assert len(changed) > 80 and not {name: what for name, what in changed.items() if what}


def test_help_of_every_script_is_instant_and_shows_the_command(reported):
    _, helped = reported
    assert len(helped) > 60
    for name, (status, text, slow) in helped.items():
        assert status == 0 and not slow, name
        assert f"python {command(name)}" in text and "--debug" in text, name


@pytest.mark.parametrize("name", SCRIPTS)
def test_bad_flag_is_a_usage_error_and_nothing_is_begun(here, monkeypatch, tmp_path, name):
    flag = {"data_prep": "--source", "report.compare": "RESULTS"}.get(name, "--results")
    monkeypatch.chdir(tmp_path)
    arguments = ["", "other"] if flag == "RESULTS" else [flag, ""]
    done = here(command(name).removeprefix("-m "), *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert f": error: argument {flag}: the path is empty" in done.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())
