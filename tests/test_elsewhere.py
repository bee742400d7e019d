"""On other people's machines: notebooks, their settings, their modules, no display, no .venv."""

import sys
import webbrowser

import style
import hinge_loss
import hinge_margin
import pytest
from conftest import words

import common
import experiment_robust
from beyond.networks import certified
from common import cli
from common.lazy import keras


def test_settings_of_a_session_and_foreign_modules_change_no_picture(script, tmp_path):
    """And without shared memory, as where /dev/shm is read-only: there are no semaphores."""
    foreign, settings = tmp_path / "foreign", tmp_path / "matplotlibrc"
    foreign.mkdir()
    for name in ("cli", "common", "figures", "gallery", "report", "runs", "style"):
        (foreign / f"{name}.py").write_text("raise SystemExit('a foreign module')\n")
    settings.write_text(
        "text.usetex: True\naxes.grid: True\nsavefig.bbox: tight\nlines.linestyle: --\n"
        "font.size: 20\nimage.cmap: viridis\nbackend: svg\nsavefig.format: svg\n"
    )
    code = f"""
import _multiprocessing, os, pathlib, reproduce
from common import beside
def refuse(*_): raise OSError(30, 'Read-only file system')
refuse.SEM_VALUE_MAX = 1
_multiprocessing.SemLock = refuse
gallery = reproduce.gallery()
with beside.processes(1) as artist:
    gallery.draw_all(['hinge_loss', 'hinge_margin'], pathlib.Path({str(tmp_path)!r}), artist)
import matplotlib; print(matplotlib.get_backend(), os.environ['MPLBACKEND'])
"""
    session = dict(PYTHONPATH=str(foreign), MATPLOTLIBRC=str(settings), MPLBACKEND="template")
    done = script("-c", code, **session)
    assert done.returncode == 0, done.stderr
    assert "hinge_loss.png" in done.stdout and done.stdout.endswith("template template\n")
    for figure in (hinge_loss, hinge_margin):
        ours = style.save(figure.draw, figure.__name__, tmp_path / "ours")
        assert ours.read_bytes() == (tmp_path / "figures" / ours.name).read_bytes()


def test_show_without_a_display_is_one_line_after_the_picture(here, tmp_path, monkeypatch):
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    done = here("plots/hinge_loss.py", "--results", tmp_path, "--show")
    assert done.returncode == 1 and (tmp_path / "figures" / "hinge_loss.png").exists()
    assert done.stderr.count("\n") == 1 and "nothing here can open" in done.stderr


def test_settings_of_keras_in_the_session_change_no_byte(quick, tmp_path):
    """What a notebook may have set before it calls main; keras.json: test_determinism.py."""
    config, before = keras.config, (keras.config.floatx(), keras.config.epsilon())
    try:
        config.set_image_data_format("channels_first")
        config.set_floatx("float64")
        config.set_epsilon(0.1)
        config.set_dtype_policy("mixed_float16")
        network = certified.network("convolutional")
        assert network.layers[0].data_format == "channels_last"
        assert {layer.compute_dtype for layer in network.layers} == {"float32"}
        experiment_robust.main(["--epochs", "1", "--epsilon", "0.2", "--results", str(tmp_path)])
    finally:
        config.set_image_data_format("channels_last")
        config.set_floatx(before[0])
        config.set_epsilon(before[1])
        config.set_dtype_policy("float32")
    for path in (quick / "robust-0.2").iterdir():
        assert path.read_bytes() == (tmp_path / "robust-0.2" / path.name).read_bytes(), path.name


def test_missing_package_names_the_environment_that_has_it(tmp_path, monkeypatch):
    monkeypatch.setattr(common, "ROOT", tmp_path)
    (tmp_path / "constraints.txt").write_text("# all\nkeras==3.15.1\nJinja2==3.1.6\n")
    assert "pip install -r requirements.txt" in common.remedy("keras")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "activate").touch()
    assert common.remedy("jinja2").endswith("source .venv/bin/activate")
    assert common.remedy("pandas") == ""  # none of this project's
    keras = ModuleNotFoundError("No module named 'keras.src'", name="keras.src")
    assert cli.message(keras).endswith("source .venv/bin/activate")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))  # it is active, and lacks keras
    assert "pip install -r requirements.txt" in common.remedy("keras")


@pytest.mark.parametrize(
    "name", ["experiment_regular.py", "plots/hinge_loss.py", "reproduce.py", "beyond.linear.exact"]
)
def test_python_without_numpy_says_so_in_one_line(script, name):
    done = script("-S", *words(name)[1:])  # no site-packages
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "No module named 'numpy'" in done.stderr
    assert "activate" in done.stderr or "pip install" in done.stderr
