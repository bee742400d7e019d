"""That the code stays what it is for: short, read from top to bottom, the post's point in view."""

import sys

from conftest import ROOT

import experiment_regular


def test_a_run_enters_few_functions(quick, tmp_path):
    """A reader who follows one run from main has this many functions of the project to read.

    Other runs have been before, `quick`, so that TensorFlow's import is not followed.
    """
    entered = set()

    def note(frame, event, argument):
        code = frame.f_code
        place = code.co_filename.removeprefix(f"{ROOT}/")
        ours = place != code.co_filename and not place.startswith((".venv", "tests"))
        if event == "call" and code.co_flags & 1 and ours and "<" not in code.co_name:
            entered.add((place, code.co_qualname))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        experiment_regular.main([*"--epochs 1 --batch-size 1000 --results".split(), str(tmp_path)])
    finally:
        sys.setprofile(before)
    assert 20 <= len(entered) <= 50, sorted(entered)
