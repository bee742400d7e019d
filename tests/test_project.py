"""What a maintainer relies on: the Makefile's choice of Python, versions, and the workflow."""

import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
from conftest import ROOT


def write_python(path, version):
    """A program that runs `-c CODE` as that version of Python does, and installs nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = tuple(map(int, version.split(".")))
    lines = f"#!{sys.executable} -IS", "import sys", f"sys.version_info = {numbers}"
    path.write_text("\n".join((*lines, "exec(sys.argv[2])")))
    path.chmod(0o755)


@pytest.fixture
def make(tmp_path):
    """Run make in a folder with the given Pythons, {command: version}, and no other ones."""
    if not shutil.which("make"):
        pytest.skip("needs make")
    shutil.copy(ROOT / "Makefile", tmp_path)
    for path in (*ROOT.glob("requirements*.txt"), ROOT / "constraints.txt"):
        shutil.copy(path, tmp_path)

    def run(pythons, *arguments):
        for name in ("python3.13", "python3.12", "python3.11", "python3"):
            write_python(tmp_path / "bin" / name, pythons.get(name, "3.10"))
        # None of the variables of a make that runs the tests.
        environment = {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        words = ["make", *arguments]
        return subprocess.run(words, cwd=tmp_path, env=environment, text=True, capture_output=True)

    return run


@pytest.mark.parametrize(
    "pythons, arguments, chosen",
    [
        ({"python3": "3.14", "python3.12": "3.12", "python3.11": "3.11"}, [], "python3.12"),
        ({"python3.13": "3.13", "python3.12": "3.12"}, [], "python3.13"),
        ({"python3": "3.11"}, [], "python3"),
        ({"python3.13": "3.13", "python3.11": "3.11"}, ["PYTHON=python3.11"], "python3.11"),
    ],
)
def test_make_takes_the_first_python_that_tensorflow_supports(make, pythons, arguments, chosen):
    done = make(pythons, "-n", "reproduce", *arguments)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^(\S+) -m venv .venv$", done.stdout, re.M) == [chosen]


@pytest.mark.parametrize("named", [[], ["PYTHON=/nowhere"]])
def test_make_without_such_a_python_says_what_to_do(make, named):
    """One that is named is taken or nothing is, whatever else is there."""
    done = make({"python3": "3.14", "python3.12": "3.12" if named else "3.10"}, "test", *named)
    assert done.returncode == 2 and "uv python install 3.13" in done.stdout


def test_make_for_another_python_than_the_one_installed_stops(make, tmp_path):
    write_python(tmp_path / ".venv" / "bin" / "python", "3.11")
    (tmp_path / ".venv" / "installed").touch()
    done = make({"python3.13": "3.13"}, "PYTHON=python3.13", "reproduce")
    assert done.returncode == 2 and ".venv has Python 3.11, and python3.13 is 3.13" in done.stderr
    assert "reproduce.py" in make({"python3.11": "3.11"}, "PYTHON=python3.11", "-n").stdout
    assert make({"python3.13": "3.13"}, "PYTHON=python3.13", "clean").returncode == 0
    assert not (tmp_path / ".venv").exists()


def test_one_version_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = (ROOT / "CITATION.cff").read_text()
    version, date = re.search(
        r"^## (\S+) – (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.M
    ).groups()
    assert project["version"] == version
    assert f"\nversion: {version}\ndate-released: {date}\n" in citation
    assert project["requires-python"] == ">=3.11,<3.14"


def test_workflow_and_documents_name_what_is_there():
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text()
    assert re.search(r'python: \["3.11", "3.13"\]', workflow)
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    readme = re.findall(r"^make (\S+)", (ROOT / "README.md").read_text(), re.M)
    assert readme == re.findall(r"run: make PYTHON=python (\S+)", workflow) == ["reproduce", "test"]
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    assert set(re.findall(r"`make ([a-z-]+)[^a-z`]*`", contributing)) <= set(targets)


def test_every_requirement_is_pinned_to_one_version():
    pinned = (ROOT / "constraints.txt").read_text().lower().splitlines()
    for path in ROOT.glob("requirements*.txt"):
        for line in path.read_text().lower().splitlines():
            assert line.startswith(("#", "-r ")) or line in pinned, line
