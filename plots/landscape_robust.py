"""The loss along a weight, regular and robust: where x_i < ε, the weight is driven to zero.

    python plots/landscape_robust.py     # figure 7 of the post; reads no run

While the hinge is active its slope is ∂L/∂w_i = −y x_i in regular and −y x_i + ε sign(w_i) in
robust training, which changes its sign at zero if x_i < ε. Green is what the attack adds, ε‖w‖₁;
the arrow heads show the way of gradient descent. The post labels the slope ∂L/∂x_i; by its own
formula it is ∂L/∂w_i.
"""

import style
import numpy as np

EPSILON = 0.4  # larger than in the experiments, so that the slopes show
CASES = (  # x_i, the title, the robust slope at w_i > 0
    (0.15, r"$x_i < \epsilon$: driven to zero", r"$-x_i + \epsilon > 0$"),
    (0.75, r"$x_i > \epsilon$: still grows, but slower", r"$-x_i + \epsilon < 0$"),
)
Y = 1
OTHERS = 2.0  # the regular loss at w_i = 0, from the bias and the other weights
OTHERS_L1 = 1.5  # what the other weights add to ‖w‖₁
DOWNHILL = dict(arrowstyle="-|>,head_width=0.3,head_length=0.6", facecolor="black", linewidth=0)


def draw(results):
    figure, panels = style.subplots(1, 3.6, 1, 2, sharey=True, gridspec_kw=dict(wspace=0.08))
    w = np.array([-2, 0, 2])
    for axes, (x_i, title, slope_right) in zip(panels, CASES):
        regular = OTHERS - Y * x_i * w
        robust = regular + EPSILON * (OTHERS_L1 + np.abs(w))
        axes.fill_between(w, regular, robust, color=style.GREEN, linewidth=0)
        axes.plot(w, regular, **style.THIN)
        axes.plot(w, robust, color="black")
        axes.text(2.05, regular[-1], "regular", va="center", color="0.4")
        axes.text(2.05, robust[-1], "robust", va="center")
        axes.set_title(title, pad=24)  # clear of the L
        style.sketch_axes(axes, (-2.3, 2.5), (-0.3, 5.5), "$w_i$", "$L$")
        formula = dict(ha="center", va="center", bbox=style.BOX)
        for side, text in ((-1, r"$-x_i - \epsilon$"), (1, slope_right)):
            slope = -Y * x_i + EPSILON * side
            middle = np.interp(side, w, robust)
            axes.text(side * 1.1, middle + 1.1, text, **formula)
            end = side - 0.2 * np.sign(slope), middle - 0.2 * abs(slope)
            axes.annotate("", end, (side, middle), arrowprops=DOWNHILL)
        axes.text(-1.1, OTHERS + x_i - 0.9, "$-x_i$", color="0.4", **formula)
    slope = r"$\partial L/\partial w_i = -y\,x_i + \epsilon\,\mathrm{sign}(w_i)$"
    figure.suptitle(f"robust slope {slope},  $y = 1$", fontsize=13)
    return figure


if __name__ == "__main__":
    style.main(__doc__, draw)
