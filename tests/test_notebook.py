"""notebooks/post.ipynb: run in full on a copy, it gives the outputs that it is committed with.

python tests/test_notebook.py writes them, without times, counts and paths, so that a run changes
nothing that git sees.
"""

import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = Path("notebooks", "post.ipynb")


def executed(path):
    """The notebook with its outputs, run in its folder by a kernel of this Python, as text."""
    client, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(path, as_version=4)
    options = dict(record_timing=False, coalesce_streams=True, timeout=600)
    options |= dict(resources={"metadata": {"path": path.parent}})
    client.NotebookClient(notebook, **options).execute()
    notebook.metadata.pop("language_info")  # the version of Python
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count = None
    return nbformat.writes(notebook) + "\n"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Jupyter's own
def test_the_notebook_gives_what_it_is_committed_with(tmp_path):
    ignore = shutil.ignore_patterns("__pycache__", "results*", "tests", ".*", "docs", "data")
    shutil.copytree(ROOT, tmp_path, ignore=ignore, dirs_exist_ok=True)
    for name in ("data", "results"):
        (tmp_path / name).symlink_to(ROOT / name)
    committed = (ROOT / NOTEBOOK).read_text(encoding="utf-8")
    # A pixel of a picture may differ on another machine.
    text, wanted = (
        re.sub(r'(?<="image/png": )"[^"]{5000,}"', "", each)
        for each in (executed(tmp_path / NOTEBOOK), committed)
    )
    assert text == wanted and wanted.count('"image/png": ') >= 5 and len(committed) < 200_000


if __name__ == "__main__":
    (ROOT / NOTEBOOK).write_text(executed(ROOT / NOTEBOOK), encoding="utf-8")
