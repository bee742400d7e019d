"""The figures in the order of the report. A figure has the name of its script."""

import ast

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
OPTIMUM_FIGURES = ("robust_accuracy_exact", "model_weights_exact", "weight_threshold")
CLAIM_FIGURES = (
    "weight_trajectories",
    "stopped",
    "weak",
    "confidence",
    "robust_accuracy_seeds",
    "transfer_attacks",
    "robust_vs_l1",
    "shifts",
)
ATTACK_FIGURES = ("few_pixels", "model_weights_norms")
SWEEP_FIGURES = ("phase_diagram",)
DIAGRAM_FIGURES = ("phase_diagram_exact",)
NETWORK_FIGURES = ("certified",)
FIGURES = POST_FIGURES + OPTIMUM_FIGURES + CLAIM_FIGURES + ATTACK_FIGURES
FIGURES += SWEEP_FIGURES + DIAGRAM_FIGURES + NETWORK_FIGURES
PAIR_FIGURES = ("pairs", "claims_over_pairs")  # of all ten digits: not drawn by reproduce.py


def caption(name):
    """The first paragraph of the docstring of a figure's script, which is read and not run."""
    folders = runs.ROOT / "plots", *runs.ROOT.glob("beyond/*/figures")
    (path,) = (folder / f"{name}.py" for folder in folders if (folder / f"{name}.py").exists())
    script = path.read_text(encoding="utf-8")
    return " ".join(ast.get_docstring(ast.parse(script)).split("\n\n")[0].split())
