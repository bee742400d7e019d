"""The figures in the order of the report. A figure has the name of its script."""

import ast
import re

from common import runs

POST_FIGURES = (  # the post's thirteen, in its order
    "hinge_loss",
    "hinge_margin",
    "landscape_nonlinear",
    "landscape_linear",
    "perturbation_boxes",
    "hinge_robust",
    "landscape_robust",
    "accuracy_table",
    "misclassified_clean",
    "model_weights",
    "robust_accuracy",
    "misclassified_attacked",
    "misclassified_logits",
)
# The others, each with its room of beyond/.
ROOMS = {path.stem: path.parts[-3] for path in sorted(runs.ROOT.glob("beyond/*/figures/*.py"))}
# Of all ten digits: not drawn by reproduce.py.
PAIR_FIGURES, TEN_FIGURES = (
    tuple(name for name in ROOMS if ROOMS[name] == room) for room in ("pairs", "ten")
)
ALL_FIGURES = POST_FIGURES + tuple(ROOMS)
FIGURES = tuple(name for name in ALL_FIGURES if name not in PAIR_FIGURES + TEN_FIGURES)


def caption(name):
    """The docstring of a figure's script, which is read and not run, without the usage.

    Returns its first sentence, which can stand in for the picture, and the rest.
    """
    folder = f"beyond/{ROOMS[name]}/figures" if name in ROOMS else "plots"
    script = (runs.ROOT / folder / f"{name}.py").read_text(encoding="utf-8")
    text = ast.get_docstring(ast.parse(script))
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    text = " ".join(each for each in paragraphs if not each.startswith("python "))
    first, *rest = re.split(r"(?<=[.?)]) (?=[A-Z(“])", text, maxsplit=1)
    return first, "".join(rest)
