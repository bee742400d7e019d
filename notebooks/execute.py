"""Runs post.ipynb in full, and writes it with its outputs, without times, counts and paths.

    python notebooks/execute.py     # needs requirements-dev.txt

The same versions give the same bytes, so that git shows what a change has changed.
"""

from pathlib import Path

NOTEBOOK = Path(__file__).with_name("post.ipynb")


def executed(path):
    """The notebook with its outputs, run in its folder by a kernel of this Python, as text."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    options = dict(record_timing=False, coalesce_streams=True, timeout=600)
    NotebookClient(notebook, resources={"metadata": {"path": path.parent}}, **options).execute()
    notebook.metadata.pop("language_info", None)  # the version of Python
    for cell in notebook.cells:
        for each in [cell, *cell.get("outputs", [])]:
            if "execution_count" in each:
                each.execution_count = None
    return nbformat.writes(notebook) + "\n"


if __name__ == "__main__":
    NOTEBOOK.write_text(executed(NOTEBOOK), encoding="utf-8")
