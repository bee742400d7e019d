"""Every figure in the order of the report: the stem of its script and of its picture, and its caption."""

# The post's thirteen, in its order.
POST_FIGURES = {
    "hinge_loss": "The hinge loss against the margin y·ŷ.",
    "hinge_margin": "The hinge loss of both classes against the logit, and the soft margin between their kinks.",
    "landscape_nonlinear": "The loss along one input of a non-linear model: the post's sketch, next to measured curves if the network was trained.",
    "landscape_linear": "The loss along one input of the linear model: a straight line.",
    "perturbation_boxes": "The ℓ∞ neighbourhoods: a box of side 2ε around every example.",
    "hinge_robust": "The robust hinge: both kinks move outward by ε‖w‖₁.",
    "landscape_robust": "The loss along a weight, regular and robust. Where x_i < ε the slope changes its sign, and the weight "
                        "is driven to zero. (The post labels this slope ∂L/∂x_i; by its own formula it is ∂L/∂w_i.)",
    "accuracy_table": "Accuracy of the four models.",
    "misclassified_clean": "Test images misclassified without an attack: up to four per model, nearest to the boundary first.",
    "model_weights": "The weights as pictures: dark pushes to +1 (in the post, the digit one), light to −1.",
    "robust_accuracy": "Accuracy under the exact worst case, unclipped as in the post.",
    "misclassified_attacked": "Attacked images that are misclassified, nearest to the boundary.",
    "misclassified_logits": "Attacked logits of the misclassified images, and how many there are.",
}
OPTIMUM_FIGURES = {
    "robust_accuracy_exact": "Accuracy under the exact worst case: the post's recipe and the optimum. Thin lines: clipped.",
    "model_weights_exact": "The weights of the post's recipe and of the optimum; frames mark the pixels that the optimum uses.",
    "weight_threshold": "“Weights smaller than ε are wiped off”, exactly: a pixel has a weight only where "
                        "|mean y x_i| of the active examples equals ε.",
}
CLAIM_FIGURES = {
    "robust_accuracy_seeds": "Figure 11 over seeds that differ in initial weights and in the order of the images.",
    "weight_trajectories": "Every weight through training. Blue: on pixels that are blank in every training image.",
    "robust_vs_l1": "Robust training and two L1 penalties: one with the same ‖w‖₁, one with the λ whose optima are the same.",
    "transfer_attacks": "Black-box attacks: accuracy under the worst case of a surrogate.",
}
SWEEP_FIGURES = {
    "phase_diagram": "Accuracy for every training ε against every attack ε.",
}
FIGURES = POST_FIGURES | OPTIMUM_FIGURES | CLAIM_FIGURES | SWEEP_FIGURES
