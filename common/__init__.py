"""What scripts share. Says what to do if this Python has no NumPy: usually, to activate .venv."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def remedy(package):
    """What to do about a package that is missing, or nothing if it is none of this project's."""
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower().split("\n")
    if package.lower() not in {line.partition("==")[0] for line in constraints}:
        return ""
    for activate in (".venv/bin/activate", r".venv\Scripts\activate"):
        if (ROOT / activate).is_file() and Path(sys.prefix).resolve() != (ROOT / ".venv").resolve():
            command = activate if "\\" in activate else f"source {activate}"
            notebook = "in a notebook write !{sys.executable} instead of !python"
            return f"; it is in .venv: {notebook}, in a shell use it after: {command}"
    return "; install what is needed with: pip install -r requirements.txt -c constraints.txt"


if importlib.util.find_spec("numpy") is None:
    text = f"No module named 'numpy'{remedy('numpy')}"
    started = Path(getattr(sys.modules["__main__"], "__file__", None) or "")
    if sys.argv[0] == "-m" or ROOT in started.resolve().parents:  # one of our scripts: one line
        sys.exit(f"{started.name or 'python -m'}: {text}")
    raise ModuleNotFoundError(text, name="numpy")
