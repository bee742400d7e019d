"""notebooks/post.ipynb: run in full on a copy, it gives the outputs that it is committed with."""

import base64
import importlib.util
import io
import json
import re
import shutil

import numpy as np
import pytest
from conftest import ROOT

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")


@pytest.fixture
def copied(tmp_path):
    ignore = shutil.ignore_patterns("__pycache__", "results*", "tests", ".*", "docs", "data")
    shutil.copytree(ROOT, tmp_path / "copy", ignore=ignore)
    for name in ("data", "results"):
        (tmp_path / "copy" / name).symlink_to(ROOT / name)
    return tmp_path / "copy"


def split(text):
    """A notebook without its pictures, and the pictures."""
    from matplotlib.image import imread

    pictures = re.findall(r'"image/png": "([^"]*)"', text)
    shown = [imread(io.BytesIO(base64.b64decode(each.replace("\\n", "")))) for each in pictures]
    return re.sub(r'("image/png": )"[^"]*"', r"\1", text), shown


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Jupyter's own
def test_the_notebook_gives_what_it_is_committed_with(copied):
    path = copied / "notebooks" / "post.ipynb"
    spec = importlib.util.spec_from_file_location("execute", path.with_name("execute.py"))
    execute = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(execute)
    committed = path.read_text(encoding="utf-8")
    (text, shown), (wanted, pictures) = split(execute.executed(path)), split(committed)
    assert text == wanted and len(shown) == len(pictures) >= 5
    for each, picture in zip(shown, pictures):  # curves of another machine may differ in a pixel
        np.testing.assert_allclose(each.mean(), picture.mean(), atol=1e-3)
        assert np.mean(np.abs(each - picture)) < 0.005
    assert path.read_text(encoding="utf-8") == committed and len(committed) < 200_000


def test_the_notebook_repeats_no_sentence_of_the_results():
    cells = json.loads((ROOT / "notebooks" / "post.ipynb").read_text(encoding="utf-8"))["cells"]
    pages = " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "results").glob("*.md"))
    pages = " ".join(pages.split())
    prose = " ".join("".join(each["source"]) for each in cells if each["cell_type"] == "markdown")
    sentences = re.split(r"(?<=[.:;]) ", " ".join(prose.split()))
    assert len(sentences) > 20
    assert [each for each in sentences if len(each) > 30 and each in pages] == []
