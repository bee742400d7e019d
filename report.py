"""Write results/README.md from the saved runs: the post's table beside ours, and the figures in the post's order.

    python report.py                 # under a second; reads results/*/metrics.json, writes results/README.md

No measured number in the report is typed by hand; the published ones are.
"""
import shlex

import cli  # first: installs the one-line Ctrl-C handler
import numpy as np

import storage
from figures import CLAIM_FIGURES, OPTIMUM_FIGURES, POST_FIGURES, SWEEP_FIGURES

# Accuracies in % as the post prints them: (train, test).
PUBLISHED = {
    "regular": (99.64, 99.90),
    "robust-0.1": (99.81, 99.85),
    "robust-0.2": (99.64, 99.90),
    "robust-0.3": (99.37, 99.76),
}
TITLES = ("Regular", "Robust ε = 0.1", "Robust ε = 0.2", "Robust ε = 0.3")
SHOWN_EPSILONS = (0.03, 0.1, 0.2, 0.3)  # attacks in the tables of accuracies under attack, in pixel units
PNG_WIDTH = slice(16, 20)  # where a PNG file says how wide it is, big endian


def table(header, rows, numbers=True):
    """A Markdown table: the first column is text, the others are numbers and right-aligned, or text as well."""
    lines = [header, ["---"] + ["---:" if numbers else "---"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", r"\|") for cell in line) + " |" for line in lines)


def percent(fraction):
    return f"{100 * fraction:.2f}"


def nearest(values, value):
    """The index of the value that is nearest to the given one."""
    return int(np.argmin(np.abs(np.subtract(values, value))))


def flag(results):
    """The --results of a command for a results folder, where it is not the default."""
    place = results.resolve()
    if place == storage.RESULTS:
        return ""
    shown = place.relative_to(storage.ROOT) if place.is_relative_to(storage.ROOT) else results
    return f" --results {shlex.quote(str(shown))}"


def accuracy_at(metrics, kind, epsilon):
    """The saved accuracy under attack at one of the saved epsilons, as a fraction."""
    curve = metrics["robust_accuracy"]
    return curve[kind][nearest(curve["epsilon"], epsilon)]


def read_metrics(results):
    """metrics.json of the post's four runs, by name. Raises FileNotFoundError or ValueError with the cure."""
    needed = ("train_accuracy_running", "train_accuracy", "test_accuracy", "weight_l1_norm",
              *(f"robust_accuracy.{name}" for name in ("epsilon", "unclipped", "clipped")))
    runs = {name: storage.read_run(results / name, metrics=needed) for name in PUBLISHED}
    if len({run.config["data_sha256"] for run in runs.values()}) > 1:
        raise storage.Unusable(f"{results} mixes runs of different data; make them anew with: python reproduce.py{storage.place_flags(results)}")
    return {name: run.metrics for name, run in runs.items()}


def of_the_post(results):
    """Whether the runs are of the post's digits."""
    return tuple(storage.read_run(results / "regular").config["arguments"]["digits"]) == cli.DIGITS


def post_table(metrics, published=True):
    """The post's table: accuracies in %, the published ones above the measured ones, unless the digits are others.

    Arguments:
        metrics: the metrics.json of each run in PUBLISHED, by the run's name.
    """
    def here(name):
        return [percent(metrics[run][name]) for run in PUBLISHED]

    rows = [["Train, here", *here("train_accuracy_running")], ["Train, here, final weights", *here("train_accuracy")],
            ["Test, here", *here("test_accuracy")]]
    if published:
        train, test = ([f"{values[column]:.2f}" for values in PUBLISHED.values()] for column in (0, 1))
        rows = [["Train, post", *train], *rows[:2], ["Test, post", *test], rows[2]]
    return table(["accuracy (%)", *TITLES], rows)


def attack_table(metrics):
    """Accuracy under the exact worst case at a few epsilons, in %, unclipped and clipped."""
    rows = [[f"attack ε = {epsilon:g}, {kind}", *(percent(accuracy_at(metrics[run], kind, epsilon)) for run in PUBLISHED)]
            for kind in ("unclipped", "clipped") for epsilon in SHOWN_EPSILONS]
    norms = ["‖w‖₁", *(f"{metrics[run]['weight_l1_norm']:.2f}" for run in PUBLISHED)]
    return table(["test accuracy (%)", *TITLES], [*rows, norms])


def figure_list(results, figures, numbered=False):
    """Figures with their captions and commands, all at half their pixels, so that their letters are of one size."""
    parts = []
    for number, (name, caption) in enumerate(figures.items(), 1):
        path = results / "figures" / f"{name}.png"
        width = f' width="{int.from_bytes(path.read_bytes()[PNG_WIDTH], "big") // 2}"' if path.exists() else ""
        parts.append(f"**{f'{number}. ' if numbered else ''}{caption}**  \n`python plots/{name}.py`\n\n"
                     f'<img src="figures/{name}.png" alt="{name}"{width}>')
    return "\n\n".join(parts)


def post_section(results):
    """The post's own table and figures."""
    metrics = read_metrics(results)
    return f"""\
## The post's table

{post_table(metrics, of_the_post(results))}

Train is what the post calls so: the running average over the last epoch, while the weights move. The row below it is the
accuracy of the final weights. Made by `python experiment_regular.py` and `python experiment_robust.py`.

## Under attack

{attack_table(metrics)}

The exact worst case on all test images: unclipped as in the post, and with the attacked pixels clipped to [0, 1].

## The post's figures

{figure_list(results, POST_FIGURES, numbered=True)}
"""


def optimum_section(results):
    """SGD compared with the proved optimum of the robust loss, for every ε of the post that has its exact run."""
    rows, at = [], {}
    epsilons = [epsilon for epsilon in storage.POST_EPSILONS if storage.exists(results / storage.run_name("exact", epsilon))]
    if not epsilons:
        return ""
    for epsilon in epsilons:
        exact = storage.read_run(results / storage.run_name("exact", epsilon), metrics=["objective", "gap", "separation_epsilon"])
        for name, kind, variant in (("the post's recipe", "robust", None), ("converged recipe", "robust", "converged"),
                                    ("the optimum", "exact", None)):
            folder = results / storage.run_name(kind, epsilon, variant)
            if variant and not storage.exists(folder):
                continue
            run = storage.read_run(folder, metrics=["train_loss", "test_accuracy", "robust_accuracy"], arrays=["weights"])
            at[name], objective = run, exact.metrics["objective"]
            rows.append([f"ε = {epsilon:g}, {name}", f"{run.metrics['train_loss']:.6f}",
                         f"{run.metrics['train_loss'] / objective:.4f}" if objective else "",
                         np.count_nonzero(run.arrays["weights"]), percent(run.metrics["test_accuracy"]),
                         percent(accuracy_at(run.metrics, "unclipped", epsilon)), percent(accuracy_at(run.metrics, "clipped", epsilon))])
    epsilon, sgd, best = epsilons[-1], at["the post's recipe"], at["the optimum"]  # of the largest ε
    used = np.flatnonzero(best.arrays["weights"])
    attacked = [accuracy_at(run.metrics, "unclipped", epsilon) for run in (sgd, best)]
    separation = best.metrics["separation_epsilon"]
    separable = (f"The training images can be separated with zero robust loss below ε = {separation:.4f}, and at no ε above." if separation
                 else "No linear model separates the training images.")
    strokes = ("The strokes visible in the post's weight pictures result from stopping SGD after ten epochs; the further the robust loss is "
               "minimised, the fewer remain. " if of_the_post(results) else "")
    places = ", at (row, column) " + " and ".join(f"({pixel // 28}, {pixel % 28})" for pixel in used) if 0 < len(used) <= 3 else ""
    return f"""\
## How far from the optimum?

Robust training of a linear model is convex, so the model of least robust loss on the training images can be computed, and proved
(`python experiment_exact.py`; [optimum.py](../optimum.py) says how). At ε = {epsilon:g} the proof leaves a gap of {best.metrics['gap']:.1g}.

{table(["", "robust loss", "loss / optimum", "non-zero weights", "clean test %", "attacked at that ε, unclipped %", "clipped %"], rows)}

**What follows.** At ε = {epsilon:g} the optimum uses {len(used)} of the 784 pixels{places}. Under the attack that it is trained for it
keeps {percent(attacked[1])} % of the test images, {100 * (attacked[1] - attacked[0]):.1f} points more than the post's model, whose loss is \
{sgd.metrics['train_loss'] / max(best.metrics['objective'], 1e-12):.1f} times as large;
for that it gives up {100 * (sgd.metrics['test_accuracy'] - best.metrics['test_accuracy']):.1f} points of clean accuracy. {strokes}{separable}

{figure_list(results, OPTIMUM_FIGURES)}
"""


def network_table(results):
    """The network under FGSM and PGD, and two linear models under the exact attack, all clipped."""
    network = storage.read_run(results / "network", metrics=["robust_accuracy"]).metrics
    linear = read_metrics(results)
    rows = [[f"ε = {epsilon:g}", percent(accuracy_at(network, "fgsm_clipped", epsilon)), percent(accuracy_at(network, "pgd_clipped", epsilon)),
             percent(accuracy_at(linear["regular"], "clipped", epsilon)), percent(accuracy_at(linear["robust-0.2"], "clipped", epsilon))]
            for epsilon in network["robust_accuracy"]["epsilon"]]
    return table(["test accuracy (%), clipped attack", "network, FGSM", "network, PGD", "regular, exact", "robust ε = 0.2, exact"], rows)


def transfer_table(results):
    """Source x target at one ε: the mean over the surrogates of a kind, and their range."""
    run = storage.read_run(results / "transfer", metrics=["accuracy", "epsilon", "draws"])
    accuracy, targets = run.metrics["accuracy"], run.config["run"]["targets"]

    def cell(source, target):
        mean, least, most = (100 * accuracy[key][source][target] for key in ("unclipped", "unclipped_least", "unclipped_most"))
        return f"{mean:.1f}" if least == most else f"{mean:.1f} ({least:.1f}–{most:.1f})"

    rows = [[source, *(cell(i, j) for j in range(len(targets)))] for i, source in enumerate(run.config["run"]["sources"])]
    return table([f"attack made for, at ε = {run.metrics['epsilon']:g}", *(f"accuracy of {target} (%)" for target in targets)], rows)


def claims_section(results):
    """Every claim of the post with its measurement and verdict, from claims.json."""
    path = results / "claims.json"
    if not path.exists():
        return ""
    with storage.blaming(path, f"python claims.py{flag(results)}"):
        rows = [[f"{entry['claim']} ({entry['section']})", entry["measured"], f"**{entry['verdict']}**", entry["why"]]
                for entry in storage.read_json(path)["claims"]]
    return f"""\
## The post's claims, measured

{table(["claim (section of the post)", "measured", "verdict", "why"], rows, numbers=False)}

Where four numbers are given, they are the regular model and robust ε = 0.1, 0.2, 0.3; where three, the robust ones. Computed by
`python claims.py` from the saved runs; all numbers are in [claims.json](claims.json).
"""


def beyond_section(results):
    """What the claims stand on: seeds, a network, surrogates, an L1 penalty."""
    if not all(storage.exists(results / name) for name in ("regular-seeds", "robust-seeds", "network", "transfer", "l1-0.2")):
        return ""
    seeds = [storage.read_run(results / name) for name in ("regular-seeds", "robust-seeds")]
    spread = [[title, *(f"{100 * mean:.3f} ± {100 * deviation:.3f}" for run in seeds
                        for mean, deviation in zip(run.metrics[name]["mean"], run.metrics[name]["standard_deviation"]))]
              for title, name in (("Train", "train_accuracy_running"), ("Test", "test_accuracy"))]
    draws = storage.read_run(results / "transfer", metrics=["draws"]).metrics["draws"]
    return f"""\
## Seeds, a network, surrogates, a penalty

Accuracy over {seeds[0].config["arguments"]["seeds"]} seeds, mean ± standard deviation (`--seeds` of both experiments):

{table(["accuracy (%)", *TITLES], spread)}

A network with two hidden layers has no exact worst case; its accuracy under PGD is an upper bound (`python experiment_network.py`):

{network_table(results)}

Black-box attacks, unclipped: mean (range) over {draws} surrogates of each kind (`python experiment_transfer.py`):

{transfer_table(results)}

{figure_list(results, CLAIM_FIGURES)}
"""


def sweep_section(results):
    """The phase diagram and the best training ε for a few attacks."""
    if not storage.exists(results / "sweep"):
        return ""
    run = storage.read_run(results / "sweep", metrics=["best_accuracy.epsilon", "epsilon"], arrays=["seeds"])
    best, rows = run.metrics["best_accuracy"], []
    for epsilon in SHOWN_EPSILONS + (0.4,):
        i = nearest(best["attack_epsilon"], epsilon)
        rows.append([f"ε = {epsilon:g}", f"{best['epsilon'][i]:.3f}", percent(best["accuracy"][i])])
    seeds = len(run.arrays["seeds"])
    return f"""\
## Every training ε against every attack ε

{table(["attack", "best training ε", "its accuracy (%)"], rows)}

{f"The mean of {seeds} seeds" if seeds > 1 else "One seed"} of the post's recipe: neighbours differ by chance. Made by `python experiment_sweep.py`.

{figure_list(results, SWEEP_FIGURES)}
"""


def benchmark_section(results):
    """Medians and ratios of the benchmarks, from their JSON files."""
    parts = []
    for path in sorted((results / "benchmarks").glob("*.json")):
        command = f"python benchmarks/{path.stem}.py"
        with storage.blaming(path, command):
            saved = storage.read_json(path)
            rows = [[case, f"{1e3 * row['median']:,.2f}", f"{row['ratio']:,.0f}" if row["ratio"] >= 100 else f"{row['ratio']:.3g}",
                     f"{1e3 * row['minimum']:,.2f} – {1e3 * row['maximum']:,.2f}"]
                    for case, row in saved["cases"].items()]
            more = [f"{name.replace('_', ' ')}: {', '.join(f'{key} {value:.3g}' for key, value in saved[name].items())}."
                    for name in ("exponent", "speedup", "peak_memory_mb") if name in saved]
            parts.append("\n\n".join([f"**{path.stem}** (`{command}`)",
                                      table(["case", "median ms", f"ratio to {saved['reference']}", "min – max ms"], rows), *more,
                                      *(f'<img src="benchmarks/{picture.name}" alt="{path.stem}" width="700">'
                                        for picture in [path.with_suffix(".png")] if picture.exists())]))
    return parts and "## Benchmarks\n\nEach ratio is measured in one run, the cases alternately (the attack libraries in a loop of their own); what follows from them is in " \
           "[benchmarks/README.md](../benchmarks/README.md).\n\n" + "\n\n".join(parts) + "\n"


def findings(results):
    """What came out, in a few lines, as the project's README has it."""
    runs = {name: storage.read_run(results / name, arrays=["weights"]) for name in (*PUBLISHED, "exact-0.3")}
    best, sgd = runs["exact-0.3"].metrics, runs["robust-0.3"].metrics
    verdicts = [entry["verdict"] for entry in storage.read_json(results / "claims.json")["claims"]]
    regular = [percent(accuracy_at(runs["regular"].metrics, kind, 0.2)) for kind in ("unclipped", "clipped")]
    return f"""\
- The linear classifier of least robust loss at ε = 0.3, computed with a proof of optimality, uses {np.count_nonzero(runs["exact-0.3"].arrays["weights"])} of the 784 pixels and
  classifies {percent(accuracy_at(best, "unclipped", 0.3))} % of the test images correctly under attack. The post's recipe reaches {percent(accuracy_at(sgd, "unclipped", 0.3))} %, and its
  robust loss is {sgd["optimality_gap"]:.1f} times the minimum.
- Of {len(verdicts)} claims of the post, {verdicts.count("holds")} hold, {verdicts.count("holds with a condition")} hold with a condition and {verdicts.count("does not hold")} do not hold as worded.
- At attack ε = 0.2 the regular model's accuracy is {regular[0]} %, or {regular[1]} % if the attacked pixels are clipped to [0, 1]."""


def write(results):
    """Write README.md into a results folder, with a section for what has been run; returns its path."""
    with storage.blaming(results):
        sections = [section(results) for section in (post_section, optimum_section, claims_section, beyond_section, sweep_section,
                                                     benchmark_section)]
    path = results / "README.md"
    place = storage.place_flags(results)
    here = f" The commands below are for the folder results; for this one, add `{place.strip()}` to those of experiments, and " \
           f"`{flag(results).strip()}` to those of figures." if place else ""
    storage.write_file(path, f"# Results\n\nWritten by `python report.py{flag(results)}` from the saved runs in this folder; "
                       f"`python reproduce.py{place}` regenerates everything.{here}\n\n" + "\n".join(filter(None, sections)))
    return path


def parse_args(argv=None):
    parser = cli.parser(__doc__)
    cli.add_results(parser)
    return parser.parse_args(argv)


def main(argv=None):
    print(write(parse_args(argv).results))


if __name__ == "__main__":
    cli.run(main)
