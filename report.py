"""Write results/README.md from the saved runs: the post's table beside ours, and the figures in the post's order.

    python report.py                 # under a second; reads results/*/metrics.json, writes results/README.md

No number in the report is typed by hand, but the ones that the post published.
"""

import cli  # first: installs the one-line Ctrl-C handler
import numpy as np

import storage

# Accuracies in % as the post prints them: (train, test).
PUBLISHED = {
    "regular": (99.64, 99.90),
    "robust-0.1": (99.81, 99.85),
    "robust-0.2": (99.64, 99.90),
    "robust-0.3": (99.37, 99.76),
}
TITLES = {"regular": "Regular", "robust-0.1": "Robust ε = 0.1", "robust-0.2": "Robust ε = 0.2", "robust-0.3": "Robust ε = 0.3"}
SHOWN_EPSILONS = (0.03, 0.1, 0.2, 0.3)  # attacks in the table of accuracies under attack

EPSILONS = (0.1, 0.2, 0.3)  # of the robust runs, in pixel units

# Script and caption of every figure of the post, in its order.
POST_FIGURES = {
    "hinge_loss": "The hinge loss against the margin y·ŷ.",
    "hinge_margin": "The hinge loss of both classes against the logit, and the soft margin between their kinks.",
    "landscape_nonlinear": "The loss along one input of a non-linear model: the post's sketch, and measured beside it.",
    "landscape_linear": "The loss along one input of the linear model: a straight line.",
    "perturbation_boxes": "The ℓ∞ neighbourhoods: a box of side 2ε around every example.",
    "hinge_robust": "The robust hinge: both kinks move outward by ε‖w‖₁.",
    "landscape_robust": "The loss along a weight, regular and robust. Where x_i < ε the slope changes its sign, and the weight "
                        "is driven to zero. (The post labels this slope ∂L/∂x_i; by its own formula it is ∂L/∂w_i.)",
    "accuracy_table": "Accuracy of the four models.",
    "misclassified_clean": "All mistakes without an attack, up to four a model, nearest to the boundary first.",
    "model_weights": "The weights as pictures: dark pushes to “one”, light to “zero”.",
    "robust_accuracy": "Accuracy under the exact worst case, unclipped as in the post.",
    "misclassified_attacked": "Attacked images that are misclassified, nearest to the boundary.",
    "misclassified_logits": "Attacked logits of the misclassified images.",
}
OPTIMUM_FIGURES = {
    "robust_accuracy_exact": "Accuracy under the exact worst case: the post's recipe against the optimum. Thin lines: clipped.",
    "model_weights_exact": "The weights of the post's recipe and of the optimum, with the number of pixels that they use.",
    "weight_threshold": "“Weights smaller than ε are wiped off”, exactly: a pixel keeps a weight only where the active examples "
                        "pull at it with ε.",
}
CLAIM_FIGURES = {
    "robust_accuracy_seeds": "Figure 11 over seeds that differ in initial weights and in the order of the images.",
    "weight_trajectories": "Every weight through training: most are driven to zero within a hundred steps of robust training.",
    "robust_vs_l1": "Robust training beside an L1 penalty with the same ‖w‖₁.",
    "transfer_attacks": "Black-box attacks: accuracy under the worst case of a surrogate.",
}
SWEEP_FIGURES = {
    "phase_diagram": "Accuracy for every training ε against every attack ε.",
}
FIGURES = POST_FIGURES | OPTIMUM_FIGURES | CLAIM_FIGURES | SWEEP_FIGURES


def table(header, rows, numbers=True):
    """A Markdown table; the first column is text, the others are numbers and stand to the right, or are text as well."""
    lines = [header, ["---"] + ["---:" if numbers else "---"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def percent(fraction):
    return f"{100 * fraction:.2f}"


def post_table(metrics):
    """The post's table with the published numbers and the measured ones, in %.

    Arguments:
        metrics: the metrics.json of each run in PUBLISHED, by the run's name.
    """
    def published(column):
        return [f"{PUBLISHED[run][column]:.2f}" for run in PUBLISHED]

    def here(name):
        return [percent(metrics[run][name]) for run in PUBLISHED]

    return table(["accuracy (%)", *TITLES.values()], [
        ["Train, post", *published(0)],
        ["Train, here", *here("train_accuracy_running")],
        ["Test, post", *published(1)],
        ["Test, here", *here("test_accuracy")],
        ["Train, here, final weights", *here("train_accuracy")],
    ])


def accuracy_at(metrics, kind, epsilon):
    """The saved accuracy under attack at one of the saved epsilons, as a fraction."""
    curve = metrics["robust_accuracy"]
    return curve[kind][min(range(len(curve[kind])), key=lambda i: abs(curve["epsilon"][i] - epsilon))]


def attack_table(metrics):
    """Accuracy under the exact worst case at a few epsilons, in %, unclipped and clipped."""
    rows = [[f"attack ε = {epsilon:g}, {kind}", *(percent(accuracy_at(metrics[run], kind, epsilon)) for run in PUBLISHED)]
            for kind in ("unclipped", "clipped") for epsilon in SHOWN_EPSILONS]
    norms = ["‖w‖₁", *(f"{metrics[run]['weight_l1_norm']:.2f}" for run in PUBLISHED)]
    return table(["test accuracy (%)", *TITLES.values()], [*rows, norms])


def figure_list(figures, numbered=False):
    """Figures with their captions and commands."""
    parts = [f"**{f'{number}. ' if numbered else ''}{caption}**  \n`python plots/{name}.py`\n\n![{name}](figures/{name}.png)"
             for number, (name, caption) in enumerate(figures.items(), 1)]
    return "\n\n".join(parts)


def read_metrics(results):
    """metrics.json of the post's four runs, by name. Raises FileNotFoundError or ValueError with the cure."""
    needed = ("train_accuracy_running", "train_accuracy", "test_accuracy", "weight_l1_norm",
              *(f"robust_accuracy.{name}" for name in ("epsilon", "unclipped", "clipped")))
    return {run: storage.read_run(results / run, metrics=needed).metrics for run in PUBLISHED}


def post_section(results):
    """The post's own table and figures."""
    metrics = read_metrics(results)
    return f"""\
## The post's table

{post_table(metrics)}

Train is the post's number: the running average over the last epoch, while the weights move. The last row is the
accuracy of the final weights. Made by `python experiment_regular.py` and `python experiment_robust.py`.

## Under attack

{attack_table(metrics)}

The exact worst case on all test images: unclipped as in the post, and with the attacked pixels kept in [0, 1].

## The post's figures

{figure_list(POST_FIGURES, numbered=True)}
"""


def optimum_section(results):
    """SGD beside the proved optimum of the robust loss."""
    rows, at = [], {}
    for epsilon in EPSILONS:
        exact = storage.read_run(results / f"exact-{epsilon:g}", metrics=["objective", "gap", "separation_epsilon"])
        for name, folder in (("the post's recipe", f"robust-{epsilon:g}"), ("converged recipe", f"robust-{epsilon:g}-converged"),
                             ("the optimum", f"exact-{epsilon:g}")):
            run = storage.read_run(results / folder, metrics=["train_loss", "test_accuracy", "robust_accuracy"], arrays=["weights"])
            at[name, epsilon] = run, accuracy_at(run.metrics, "unclipped", epsilon)
            rows.append([f"ε = {epsilon:g}, {name}", f"{run.metrics['train_loss']:.6f}",
                         f"{run.metrics['train_loss'] / exact.metrics['objective']:.4f}",
                         np.count_nonzero(run.arrays["weights"]), percent(run.metrics["test_accuracy"]),
                         percent(at[name, epsilon][1]), percent(accuracy_at(run.metrics, "clipped", epsilon))])
    largest = max(EPSILONS)
    (sgd, sgd_accuracy), (best, best_accuracy) = at["the post's recipe", largest], at["the optimum", largest]
    gap = max(run.metrics["gap"] for (name, _), (run, _) in at.items() if name == "the optimum")
    pixels = np.count_nonzero(best.arrays["weights"])
    return f"""\
## How far from the best robust classifier?

Robust training of a linear model is convex, so the best model there is can be computed, and proved to be the best to
{gap:.0e} in the objective (`python experiment_exact.py`; [optimum.py](../optimum.py) says how).

{table(["", "objective", "over optimum", "non-zero weights", "clean test %", "at that ε, unclipped %", "clipped %"], rows)}

**What follows.** At ε = {largest:g} the optimum looks at {pixels} of the 784 pixels. Under the attack that it is
trained for it keeps {percent(best_accuracy)} % of the test images, {100 * (best_accuracy - sgd_accuracy):.1f} points
more than the post's model, whose loss is {sgd.metrics['train_loss'] / best.metrics['objective']:.1f} times as large; for that it gives up
{100 * (sgd.metrics['test_accuracy'] - best.metrics['test_accuracy']):.1f} points of clean accuracy. The strokes that can be recognised in
the post's weight pictures are what SGD has after ten epochs: they come from stopping early, and the more completely
the robust loss is minimised, the fewer of them are left. The training images can be separated with zero robust
loss below ε = {best.metrics['separation_epsilon']:.4f}, and at no ε above.

{figure_list(OPTIMUM_FIGURES)}
"""


def claims_section(results):
    """Every claim of the post with its measurement and verdict, from claims.json."""
    rows = [[f"{entry['claim']} ({entry['section']})", entry["measured"], f"**{entry['verdict']}**", entry["why"]]
            for entry in storage.read_json(results / "claims.json")["claims"]]
    seeds = [storage.read_run(results / name).metrics for name in ("regular-seeds", "robust-seeds")]
    spread = [[title, *(f"{100 * mean:.3f} ± {100 * deviation:.3f}" for run in seeds
                        for mean, deviation in zip(run[name]["mean"], run[name]["standard_deviation"]))]
              for title, name in (("Train", "train_accuracy_running"), ("Test", "test_accuracy"))]
    return f"""\
## The post's claims, measured

{table(["claim (section of the post)", "measured", "verdict", "why"], rows, numbers=False)}

Four numbers in a row are the regular model and the robust ones of ε = 0.1, 0.2, 0.3. Computed by `python claims.py` from the saved
runs, all numbers in [claims.json](claims.json).

Accuracy over seeds, mean ± standard deviation (`--seeds 20` of both experiments):

{table(["accuracy (%)", *TITLES.values()], spread)}

{figure_list(CLAIM_FIGURES)}
"""


def sweep_section(results):
    """The phase diagram and the best training ε for a few attacks."""
    best = storage.read_run(results / "sweep", metrics=["best_accuracy.epsilon", "epsilon"]).metrics["best_accuracy"]
    rows = [[f"ε = {epsilon:g}", f"{best['epsilon'][i]:.3f}", percent(best["accuracy"][i])]
            for epsilon in SHOWN_EPSILONS + (0.4,)
            for i in [min(range(len(best["epsilon"])), key=lambda i: abs(best["attack_epsilon"][i] - epsilon))]]
    return f"""\
## Every training ε against every attack ε

{table(["attack", "best training ε", "its accuracy (%)"], rows)}

One seed and the post's recipe: neighbours differ by chance. Made by `python experiment_sweep.py`.

{figure_list(SWEEP_FIGURES)}
"""


def benchmark_section(results):
    """Medians and ratios of the benchmarks, from their JSON files."""
    parts = []
    for path in sorted((results / "benchmarks").glob("*.json")):
        saved = storage.read_json(path)
        rows = [[case, f"{1e3 * row['median']:,.2f}", f"{row['ratio']:.3g}", f"{1e3 * row['minimum']:,.2f} – {1e3 * row['maximum']:,.2f}"]
                for case, row in saved["cases"].items()]
        more = [f"{name.replace('_', ' ')}: {', '.join(f'{key} {value:.3g}' for key, value in saved[name].items())}."
                for name in ("exponent", "speedup", "peak_memory_mb") if name in saved]
        parts.append("\n\n".join([f"**{path.stem}** (`python benchmarks/{path.stem}.py`)",
                                  table(["case", "median ms", f"ratio to {saved['reference']}", "min – max ms"], rows), *more]))
    return "## Benchmarks\n\nEach ratio is measured in one run, the cases in turn; what follows from them is in " \
           "[benchmarks/README.md](../benchmarks/README.md).\n\n" + "\n\n".join(parts) + "\n"


def findings(results):
    """What came out, in a few lines for the project's README."""
    runs = {name: storage.read_run(results / name, arrays=["weights"]) for name in (*PUBLISHED, "exact-0.3")}
    best, sgd = runs["exact-0.3"].metrics, runs["robust-0.3"].metrics
    verdicts = [entry["verdict"] for entry in storage.read_json(results / "claims.json")["claims"]]
    regular = [percent(accuracy_at(runs["regular"].metrics, kind, 0.2)) for kind in ("unclipped", "clipped")]
    return f"""\
- The best robust classifier there is at ε = 0.3, computed and proved, uses {np.count_nonzero(runs["exact-0.3"].arrays["weights"])} of 784 pixels and keeps
  {percent(accuracy_at(best, "unclipped", 0.3))} % of the test images under its attack; the post's recipe keeps {percent(accuracy_at(sgd, "unclipped", 0.3))} %, and stops at {sgd["optimality_gap"]:.1f} times the least loss.
- Of {len(verdicts)} claims of the post {verdicts.count("holds")} hold, {verdicts.count("holds with a condition")} hold with a condition and {verdicts.count("does not hold")} do not hold as they are worded.
- At ε = 0.2 the regular model keeps {regular[0]} %; with the attacked pixels kept in [0, 1], {regular[1]} %."""


def write(results):
    """Write README.md into a results folder, with a section for what has been run; returns its path."""
    with storage.blaming(results):
        sections = [post_section(results)]
        if (results / "exact-0.1").exists():
            sections.append(optimum_section(results))
        if (results / "claims.json").exists():
            sections.append(claims_section(results))
        if (results / "sweep").exists():
            sections.append(sweep_section(results))
        if (results / "benchmarks").exists():
            sections.append(benchmark_section(results))
    path = results / "README.md"
    storage.write_file(path, "# Results\n\nWritten by `python report.py` from the saved runs in this folder; "
                       "`python reproduce.py` makes everything anew.\n\n" + "\n".join(sections))
    return path


def parse_args(argv=None):
    parser = cli.parser(__doc__)
    cli.add_results(parser)
    return parser.parse_args(argv)


def main(argv=None):
    print(write(parse_args(argv).results))


if __name__ == "__main__":
    cli.run(main)
