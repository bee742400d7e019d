"""That the code stays what it is for: short, read from top to bottom, the post's point in view."""

import difflib
import sys

from conftest import ROOT

import experiment_regular


def test_the_two_experiments_differ_in_what_the_post_is_about():
    texts = [
        (ROOT / f"experiment_{name}.py").read_text().splitlines() for name in ("regular", "robust")
    ]
    changed = [line for line in difflib.ndiff(*texts) if line.startswith(("+ ", "- "))]
    assert len(changed) <= 45, len(changed)


def test_a_run_enters_few_functions(tmp_path):
    """So many of the project a reader of one run meets; the import of TensorFlow aside."""
    entered = set()

    def note(frame, event, argument):
        code = frame.f_code
        place = code.co_filename.removeprefix(f"{ROOT}/")
        others = ".venv", "tests", "common/lazy.py"
        ours = place != code.co_filename and not place.startswith(others)
        if event == "call" and code.co_flags & 1 and ours and "<" not in code.co_name:
            entered.add((place, code.co_qualname))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        experiment_regular.main([*"--epochs 1 --batch-size 1000 --results".split(), str(tmp_path)])
    finally:
        sys.setprofile(before)
    assert 20 <= len(entered) <= 50, sorted(entered)
