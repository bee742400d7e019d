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
BEYOND_FIGURES = (
    "robust_accuracy_exact",
    "model_weights_exact",
    "weight_threshold",
    "weight_trajectories",
    "stopped",
    "weak",
    "confidence",
    "robust_vs_l1",
    "model_weights_norms",
    "phase_diagram",
    "few_pixels",
    "transfer_attacks",
    "shifts",
    "robust_accuracy_seeds",
    "certified",
    "meaning",
)
FIGURES = POST_FIGURES + BEYOND_FIGURES
# Of all ten digits: not drawn by reproduce.py.
PAIR_FIGURES = ("pairs", "claims_over_pairs")
TEN_FIGURES = ("ten_linear", "ten_network")
ALL_FIGURES = FIGURES + PAIR_FIGURES + TEN_FIGURES


def caption(name):
    """The docstring of a figure's script, which is read and not run, without the usage.

    Returns its first sentence, which can stand in for the picture, and the rest.
    """
    folders = runs.ROOT / "plots", *runs.ROOT.glob("beyond/*/figures")
    (path,) = (folder / f"{name}.py" for folder in folders if (folder / f"{name}.py").exists())
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    text = " ".join(each for each in paragraphs if not each.startswith("python "))
    first, *rest = re.split(r"(?<=[.?)]) (?=[A-Z(“])", text, maxsplit=1)
    return first, "".join(rest)
