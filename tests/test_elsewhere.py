"""On other people's machines: notebooks, their settings, their modules, no display, no .venv."""

import os
import subprocess
import sys

import pytest
from conftest import ROOT, words

import common
from common import cli

NOTEBOOK = "module://a_notebook_s_own.backend"  # as a kernel sets it, for a Python that lacks it
FOREIGN = ("cli", "common", "figures", "gallery", "report", "runs", "style")


def python(code, **environment):
    """Run a few lines in the checkout; returns what they print."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | environment,
        text=True,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_notebook_s_backend_stops_neither_training_nor_drawing(script, tmp_path):
    code = "from common.lazy import keras; print(keras.backend.backend())"
    assert python(code, MPLBACKEND=NOTEBOOK) == "tensorflow"
    done = script("plots/hinge_loss.py", "--results", tmp_path, MPLBACKEND=NOTEBOOK)
    assert done.returncode == 0 and done.stderr == ""


def test_backend_of_the_session_is_kept(tmp_path):
    code = (
        "import os, sys, pathlib; sys.path.insert(1, 'plots')\n"
        f"import style, hinge_loss; folder = pathlib.Path({str(tmp_path)!r})\n"
        "style.save(hinge_loss.draw, 'x', folder)\n"
        "import matplotlib; print(matplotlib.get_backend(), os.environ['MPLBACKEND'])"
    )
    assert python(code, MPLBACKEND="template") == "template template"
    assert (tmp_path / "figures" / "x.png").stat().st_size > 1000  # the template draws nothing


def test_settings_of_matplotlib_change_no_picture(script, tmp_path):
    (tmp_path / "matplotlibrc").write_text(
        "text.usetex: True\naxes.grid: True\nsavefig.bbox: tight\nlines.linestyle: --\n"
        "font.size: 20\nimage.cmap: viridis\nbackend: svg\nsavefig.format: svg\n"
    )
    pictures = []
    for folder, rc in ((tmp_path / "mine", tmp_path / "matplotlibrc"), (tmp_path / "none", "")):
        done = script("plots/hinge_margin.py", "--results", folder, MATPLOTLIBRC=str(rc))
        assert done.returncode == 0 and done.stderr == ""
        pictures.append((folder / "figures" / "hinge_margin.png").read_bytes())
    assert pictures[0] == pictures[1]


def test_show_without_a_display_is_one_line_after_the_picture(script, tmp_path):
    """Agg is what Matplotlib chooses where there is no display."""
    done = script("plots/hinge_loss.py", "--results", tmp_path, "--show", MPLBACKEND="agg")
    assert done.returncode == 1 and (tmp_path / "figures" / "hinge_loss.png").exists()
    assert done.stderr.count("\n") == 1 and "there is no display" in done.stderr


@pytest.mark.parametrize("start", [["plots/hinge_loss.py"], ["-m", "plots", "hinge_loss"]])
@pytest.mark.parametrize("after", ["", str(ROOT)])  # the checkout may be on PYTHONPATH, too
def test_modules_of_the_same_names_elsewhere_are_not_taken(tmp_path, start, after):
    for name in FOREIGN:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a foreign module')\n")
    path = os.pathsep.join([str(tmp_path), after])
    done = subprocess.run(
        [sys.executable, *start, "--results", tmp_path / "results"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path},
        text=True,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_reproduction_takes_its_own_gallery(tmp_path):
    (tmp_path / "gallery.py").write_text("raise SystemExit('a foreign module')\n")
    code = (
        "import pathlib, reproduce\n"
        f"reproduce.draw_figures(['hinge_loss'], pathlib.Path({str(tmp_path)!r}))"
    )
    assert "hinge_loss.png" in python(code, PYTHONPATH=str(tmp_path))


def test_two_processes_draw_without_shared_memory(tmp_path):
    """As where /dev/shm is read-only: there are no semaphores."""
    code = (
        "import _multiprocessing, pathlib, sys\n"
        "def refuse(*_): raise OSError(30, 'Read-only file system')\n"
        "_multiprocessing.SemLock = refuse\n"
        "sys.path.insert(1, 'plots'); import gallery\n"
        f"gallery.draw_all(['hinge_loss', 'hinge_margin'], pathlib.Path({str(tmp_path)!r}))"
    )
    python(code)
    assert len(list((tmp_path / "figures").iterdir())) == 2


def test_settings_of_keras_change_no_byte(script, quick, tmp_path):
    """A keras.json, and a global policy set before the script's main is called."""
    (tmp_path / "keras.json").write_text(
        '{"image_data_format": "channels_first", "floatx": "float64", "epsilon": 0.1,'
        ' "backend": "jax"}'
    )
    code = (
        "import os; from common.lazy import keras; import experiment_robust as robust\n"
        "assert keras.config.image_data_format() == 'channels_first'\n"
        "assert keras.config.floatx() == 'float64'\n"
        "keras.config.set_dtype_policy('mixed_float16')\n"
        "from beyond import certified; network = certified.network('convolutional')\n"
        "assert network.layers[0].data_format == 'channels_last'\n"
        "assert {layer.compute_dtype for layer in network.layers} == {'float32'}\n"
        f"robust.main(['--epochs', '1', '--epsilon', '0.2', '--results', {str(tmp_path)!r}])"
    )
    python(code, KERAS_HOME=str(tmp_path))
    for path in (quick / "robust-0.2").iterdir():
        assert path.read_bytes() == (tmp_path / "robust-0.2" / path.name).read_bytes(), path.name


def test_importing_changes_nothing():
    modules = [path.stem for path in ROOT.glob("*.py")]
    for package in ("common", "claims", "beyond", "report"):
        modules += [f"{package}.{path.stem}" for path in ROOT.glob(f"{package}/[a-z]*.py")]
    assert len(modules) > 20
    code = (
        "import os, signal, sys, warnings, numpy, scipy.optimize, scipy.ndimage, jinja2\n"
        "def state(): return ([signal.getsignal(n) for n in signal.valid_signals()],\n"
        "    sys.excepthook, sys.displayhook, list(sys.path), dict(os.environ),\n"
        "    sys.stdout.errors, list(warnings.filters), os.getcwd())\n"
        "before = state()\n"
        f"for name in {sorted(set(modules) - {'common.callbacks'})!r}: __import__(name)\n"
        "assert state() == before\n"
        "print('tensorflow' in sys.modules, 'matplotlib' in sys.modules)"
    )
    assert python(code) == "False False"


def test_missing_package_names_the_environment_that_has_it(tmp_path, monkeypatch):
    monkeypatch.setattr(common, "ROOT", tmp_path)
    (tmp_path / "constraints.txt").write_text("# all\nkeras==3.15.1\nJinja2==3.1.6\n")
    assert "pip install -r requirements.txt" in common.cure("keras")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "activate").touch()
    assert common.cure("jinja2").endswith("source .venv/bin/activate")
    assert common.cure("pandas") == ""  # none of this project's
    keras = ModuleNotFoundError("No module named 'keras.src'", name="keras.src")
    assert cli.message(keras).endswith("source .venv/bin/activate")
    assert cli.message(ModuleNotFoundError("No module named 'pandas'", name="pandas")) == (
        "No module named 'pandas'"
    )
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))  # it is active, and lacks keras
    assert "pip install -r requirements.txt" in common.cure("keras")


@pytest.mark.parametrize(
    "name", ["experiment_regular.py", "plots/hinge_loss.py", "reproduce.py", "beyond.linear.exact"]
)
def test_python_without_numpy_is_told_in_one_line(name):
    program, *rest = words(name)
    done = subprocess.run(  # -S: no site-packages
        [program, "-S", *rest], cwd=ROOT, text=True, capture_output=True, timeout=60
    )
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "No module named 'numpy'" in done.stderr
    assert "activate" in done.stderr or "pip install" in done.stderr
