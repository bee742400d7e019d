"""What the post claims, measured: numbers and a verdict for each claim, into results/claims.json.

    python -m report.claims          # a second; reads what `python reproduce.py --all` makes

A function measures one claim; its docstring is the rule of the verdict. claims.toml has the words.
Every number comes from a saved run. The claims are about the post's digits; others are refused.
"""

import numpy as np
from scipy import ndimage

import attacks
import data_prep
from common import cli, runs

ROBUST = [runs.name("robust", epsilon) for epsilon in runs.EPSILONS]
EXACT = [runs.name("exact", epsilon) for epsilon in runs.EPSILONS]
HOLDS, CONDITION, FAILS = "holds", "holds with a condition", "does not hold"
RIDGES = np.linspace(0.025, 0.5, 20)  # the attack radii of figure 13
MADE_WEIGHT = 0.01  # a weight above it was made by training: SGD's steps around zero are smaller
PIXEL_COUNTS = np.arange(1, 41)  # that an attacker may change, anywhere in [0, 1]
DOT = 10  # pixels, of the smallest patch of ink that counts as a dot
STROKE = 50  # pixels: fewer are no digit that a person would read
LINEAR = (
    "train_loss",
    "train_accuracy",
    "test_accuracy",
    "weight_l1_norm",
    "misclassified_test",
    "robust_accuracy",
)
TRAINED = (
    (*LINEAR, "train_accuracy_running"),
    ("weights", "bias", "lit_pixels", "test_logits", "test_targets"),
)
PROVED = (
    (
        *LINEAR,
        "objective",
        "lower_bound",
        "gap",
        "l1_objective",
        "separation_epsilon",
        "separation_upper_bound",
    ),
    ("weights", "bias", "pixel_pull"),
)
SEEDS = ("test_accuracy", "train_accuracy_running"), ("test_accuracy",)
NETWORK = "robust_accuracy", "turns", "bend", "images", "turning_pixels", "turning_images"
NEEDED = {  # the metrics and arrays of each run that claims and report read
    **dict.fromkeys([*runs.POST_RUNS, "l1-0.2", "l1-0.2-equivalent"], TRAINED),
    **dict.fromkeys(EXACT, PROVED),
    **dict.fromkeys(["regular-seeds", "robust-seeds"], SEEDS),
    "network": (NETWORK, ()),
    "norms": (("models",), ()),
    "transfer": (("accuracy", "epsilon", "draws"), ()),
}


def verdict(holds, condition=False):
    return HOLDS if holds else CONDITION if condition else FAILS


def at(values, epsilons, epsilon):
    """The one of `values` whose ε is nearest to the given one."""
    return values[int(np.argmin(np.abs(np.subtract(epsilons, epsilon))))]


def accuracy_at(run, kind, epsilon):
    """A run's accuracy under attack, in 0..1, at the saved ε that is nearest to the given one."""
    curve = run.metrics["robust_accuracy"]
    return at(curve[kind], curve["epsilon"], epsilon)


def models(saved, metric=None):
    """The post's four runs, or one metric of each."""
    four = [saved[name] for name in runs.POST_RUNS]
    return [run.metrics[metric] for run in four] if metric else four


def margins_of(run):
    """y ŷ of every test image, (2115,)."""
    return run.arrays["test_targets"] * run.arrays["test_logits"]


def sizes_of(run):
    """|w_i| of every pixel, (784,)."""
    return np.abs(run.arrays["weights"])


def share(chosen, sizes):
    """Which part of ‖w‖₁ is on the chosen pixels."""
    return float(sizes[chosen].sum() / sizes.sum())


def accuracy(saved):
    """Holds if the regular model's accuracy, in the mean over seeds, is above 99 %, and each robust
    model loses more than two standard errors, seed by seed; with a condition if one of them does.
    """
    over_seeds = np.concatenate(
        [saved[name].arrays["test_accuracy"] for name in ("regular-seeds", "robust-seeds")]
    )
    mean, loss = over_seeds.mean(axis=1), over_seeds[0] - over_seeds[1:]  # (models, seeds)
    error = loss.std(axis=1, ddof=1) / np.sqrt(loss.shape[1])
    less = loss.mean(axis=1) > 2 * error
    return verdict(mean[0] > 0.99 and less.all(), mean[0] > 0.99 and less.any()), dict(
        test_accuracy=models(saved, "test_accuracy"),
        seeds=loss.shape[1],
        seeds_mean=mean.tolist(),
        seeds_standard_deviation=over_seeds.std(axis=1, ddof=1).tolist(),
        paired_loss=loss.mean(axis=1).tolist(),
        standard_error=error.tolist(),
        less_accurate=int(less.sum()),
    )


def overfitting(saved):
    """Holds if train and test accuracy of the final weights differ by less than half a point."""
    gaps = np.subtract(models(saved, "train_accuracy"), models(saved, "test_accuracy"))
    largest = float(np.abs(gaps).max())
    return verdict(largest < 0.005), dict(
        largest_gap=largest, test_above_train=int(np.sum(gaps < 0))
    )


def mistakes(saved):
    """Holds if every model misclassifies fewer than ten test images."""
    wrong = models(saved, "misclassified_test")
    return verdict(max(wrong) < 10), dict(
        misclassified_test=wrong, test_images=len(margins_of(saved["regular"]))
    )


def dots(saved):
    """Holds if every model misclassifies most images with a dot, a second patch of at least DOT
    pixels; with a condition if it errs on them more than ten times as often as on the others.
    """
    patches = [
        np.bincount(ndimage.label(image[..., 0] > 0, np.ones((3, 3)))[0].ravel())[1:]
        for image in data_prep.load("test")[0]
    ]
    dot = np.array([np.sum(sizes >= DOT) > 1 for sizes in patches])
    wrong = np.array([margins_of(run) <= 0 for run in models(saved)])  # (models, images)
    with_dot, without = wrong[:, dot].mean(axis=1), wrong[:, ~dot].mean(axis=1)
    return verdict(min(with_dot) > 0.5, np.all(with_dot > 10 * without)), dict(
        images_with_dot=int(dot.sum()),
        mistakes=wrong.sum(axis=1).tolist(),
        mistakes_with_dot=wrong[:, dot].sum(axis=1).tolist(),
        error_with_dot=with_dot.tolist(),
        error_without=without.tolist(),
    )


def brittleness(saved):
    """Holds if the regular model keeps under 1 % at ε = 0.2; with a condition if only unclipped."""
    kept = {kind: accuracy_at(saved["regular"], kind, 0.2) for kind in ("unclipped", "clipped")}
    return verdict(max(kept.values()) < 0.01, kept["unclipped"] < 0.01), dict(
        kept, network_pgd_clipped=accuracy_at(saved["network"], "pgd_clipped", 0.2)
    )


def robustness(saved):
    """Holds if each robust model falls below 90 % at more than twice the ε of the regular one."""

    def first_below(accuracy):
        return [
            next(
                (
                    epsilon
                    for epsilon, kept in zip(curve["epsilon"], curve["unclipped"])
                    if kept < accuracy
                ),
                0.5,
            )
            for curve in models(saved, "robust_accuracy")
        ]

    below_90 = first_below(0.9)
    return verdict(min(below_90[1:]) > 2 * below_90[0]), dict(
        below_90=below_90, below_50=first_below(0.5)
    )


def weak_features(saved):
    """Holds if robust models have more than ten times as many weights as the regular one within a
    step of SGD around zero, learning rate × ε, and over twice its share of ‖w‖₁ in the 50 largest.
    """
    sizes = list(map(sizes_of, models(saved)))
    top = [share(np.argsort(each)[-50:], each) for each in sizes]
    configs = [saved[name].config for name in ROBUST]
    steps = np.array(
        [[config["arguments"]["learning_rate"] * config["run"]["epsilon"]] for config in configs]
    )
    within, regular_within = np.mean(sizes[1:] <= steps, axis=1), np.mean(sizes[0] <= steps, axis=1)
    return verdict(np.all(within > 10 * regular_within) and min(top[1:]) > 2 * top[0]), dict(
        below_a_thousandth_of_the_largest=[
            float(np.mean(each < 1e-3 * each.max())) for each in sizes
        ],
        norm_in_50_largest=top,
        norm_in_50_by_ball={
            model["norm"]: model["norm_in_largest"] for model in saved["norms"].metrics["models"]
        },
        ball_as_strong_as=saved["norms"].metrics["models"][0]["as_epsilon"],
        regular_norm_on_blank_pixels=share(~saved["regular"].arrays["lit_pixels"], sizes[0]),
        within_one_step_of_zero=within.tolist(),
        regular_within_the_same=regular_within.tolist(),
    )


def aligned_features(saved):
    """Holds if robust models have more than twice the regular one's share of ‖w‖₁ on strong pixels,
    whose class means no attack of 0.2 can join, and the optimum at 0.3 uses STROKE pixels or more;
    with a condition if only the first is true.
    """
    x, y = data_prep.load("train")
    strong = np.abs(x[y > 0].mean(axis=0) - x[y < 0].mean(axis=0)).ravel() > 2 * 0.2
    on_strong = [share(strong, sizes_of(run)) for run in models(saved)]
    pixels = int(np.count_nonzero(saved["exact-0.3"].arrays["weights"]))
    more = min(on_strong[1:]) > 2 * on_strong[0]
    return verdict(more and pixels >= STROKE, more), dict(
        norm_on_strong_pixels=on_strong, optimum_pixels=pixels
    )


def small_weights(saved):
    """Holds if fewer than half of the weights that a robust model keeps are smaller than its ε."""
    below, best_below, pulled_less = [], [], 0
    for epsilon, robust, exact in zip(runs.EPSILONS, ROBUST, EXACT):
        kept, best = sizes_of(saved[robust]), sizes_of(saved[exact])
        below.append(float(np.mean(kept[kept > MADE_WEIGHT] < epsilon)))
        best_below.append(float(np.mean(best[best > 0] < epsilon)))
        pull = np.abs(saved[exact].arrays["pixel_pull"])
        pulled_less += int(np.sum((pull < epsilon * (1 - 1e-6)) & (best > 0)))
    return verdict(max(below) < 0.5), dict(
        made_weight=MADE_WEIGHT,
        kept_below_epsilon=below,
        optimum_kept_below_epsilon=best_below,
        optimum_kept_though_pulled_less=pulled_less,
    )


def tolerance(saved):
    """Holds if each robust model misclassifies a test image that has no loss."""
    least, distance = [], []
    for run in models(saved):
        epsilon, norm = run.config["run"].get("epsilon", 0), run.metrics["weight_l1_norm"]
        margins = margins_of(run)
        losses = 1 - attacks.robust_margins(margins, run.arrays["weights"], epsilon)
        # The least that any mistake costs stands for those of a model that makes none.
        least.append(float(min(losses[margins <= 0], default=1 + epsilon * norm)))
        distance.append((1 + epsilon * norm) / norm)
    return verdict(max(least[1:]) == 0), dict(
        least_loss_of_a_mistake=least, distance_without_loss=distance
    )


def l1_penalty(saved):
    """Holds if most test images have no robust loss at ε = 0.2, where the robust model keeps five
    points more than both L1 models; with a condition if only the first is true.
    """
    robust, same_norm, equivalent = three = [
        saved[name] for name in ("robust-0.2", "l1-0.2", "l1-0.2-equivalent")
    ]
    margins = attacks.robust_margins(margins_of(robust), robust.arrays["weights"], 0.2)
    idle, kept = float(np.mean(margins >= 1)), [accuracy_at(run, "unclipped", 0.2) for run in three]
    exact = saved["exact-0.2"].metrics
    return verdict(idle > 0.5 and kept[0] > max(kept[1:]) + 0.05, idle > 0.5), dict(
        test_images_without_robust_loss=idle,
        robust_accuracy=kept[0],
        same_norm_accuracy=kept[1],
        equivalent_accuracy=kept[2],
        penalty=equivalent.config["run"]["penalty"],
        norm_ratio=same_norm.metrics["weight_l1_norm"] / robust.metrics["weight_l1_norm"],
        optimum_gap=exact["l1_objective"] - exact["lower_bound"],
    )


def confidence(saved):
    """Holds if the mistakes of the regular model are farther from its boundary, in the median, than
    those of robust-0.2 at every ε, in |logit| and |logit| / ‖w‖₁; with a condition if at 0.2, 0.3
    and 0.5. The last ε of each model is the one that fools half of the images.
    """
    numbers = {}
    for name in runs.POST_RUNS:
        norm = attacks.dual_norm(saved[name].arrays["weights"])
        radii = margins_of(saved[name]) / norm  # the ε at which the worst case fools the model
        epsilons = [*RIDGES, float(np.median(radii))]
        distances = [epsilon - radii[radii <= epsilon] for epsilon in epsilons]  # |logit| / ‖w‖₁
        medians = [float(np.median(each)) if len(each) else None for each in distances]
        numbers[name] = dict(
            epsilon=list(map(float, epsilons)),
            median_distance=medians,
            median_logit=[None if each is None else each * float(norm) for each in medians],
        )
    regular, robust = (
        np.array([numbers[name][key] for key in ("median_logit", "median_distance")], float)
        for name in ("regular", "robust-0.2")
    )
    farther = ~(regular <= robust)  # a model without mistakes, NaN, does not count
    strong = [at(range(len(RIDGES)), RIDGES, epsilon) for epsilon in (0.2, 0.3, 0.5)]
    return verdict(farther.all(), farther[:, strong].all()), numbers


def reliability(saved):
    """Holds if every robust model keeps, to within a point, the regular one's accuracy at every ε
    of an attack on all pixels, clipped, and for every number of pixels changed; with a condition if
    only at every ε.
    """
    x, y = data_prep.load("test")
    every = np.array([curve["clipped"] for curve in models(saved, "robust_accuracy")])
    fewest = [
        attacks.fewest_pixels(run.arrays["weights"], run.arrays["bias"], x, y)
        for run in (*models(saved), *(saved[name] for name in EXACT))
    ]
    few = np.array([[np.mean(each > count) for count in PIXEL_COUNTS] for each in fewest])
    small = np.all(every[1:] >= every[0] - 0.01)
    brittle = np.any(few[1:4] < few[0] - 0.01, axis=0)
    return verdict(small and not brittle.any(), small), dict(
        median_pixels=[float(np.median(each)) for each in fewest],
        one_pixel=few[:, 0].tolist(),
        ten_pixels=few[:, 9].tolist(),
        all_pixels_kept=bool(small),
        robust_below_regular=int(brittle.sum()),
        counts=len(PIXEL_COUNTS),
    )


def transfer(saved):
    """Holds if attacks through every kind of surrogate leave the regular model, in the mean, under
    50 % at ε = 0.2; with a condition if those of one kind do. Numbers: mean, least, most of a kind.
    """
    run = saved["transfer"]
    sources, table = run.config["run"]["sources"], run.metrics["accuracy"]
    kept = {
        name: [table[key][row][0] for key in ("unclipped", "unclipped_least", "unclipped_most")]
        for row, name in enumerate(sources)
        if name not in runs.POST_RUNS
    }
    means = [mean for mean, _, _ in kept.values()]
    return verdict(max(means) < 0.5, min(means) < 0.5), dict(
        kept, white_box=table["unclipped"][sources.index("regular")][0], draws=run.metrics["draws"]
    )


def landscape(saved):
    """Holds if the network's loss turns twice along every kind of line, and once along most pixels;
    with a condition if only the second is true.
    """
    metrics = saved["network"].metrics
    turns, turning = metrics["turns"]["network"], metrics["turning_pixels"]
    return verdict(min(turns.values()) >= 2 and turning > 0.5, turning > 0.5), dict(
        images=metrics["images"],
        turns=turns,
        bend=metrics["bend"]["network"],
        turning_pixels=turning,
        turning_images=metrics["turning_images"],
    )


def margin(saved):
    """Holds if the training images cannot have the margin of the plain hinge, zero robust loss at
    ε = 0; with a condition if they can have that of the robust loss up to ε = 0.3.
    """
    metrics = saved["exact-0.3"].metrics
    epsilon, bound = metrics["separation_epsilon"], metrics["separation_upper_bound"]
    return verdict(epsilon == 0, bound > 0.3), dict(separation_epsilon=epsilon, upper_bound=bound)


CLAIMS = (
    accuracy,
    overfitting,
    mistakes,
    dots,
    brittleness,
    robustness,
    weak_features,
    aligned_features,
    small_weights,
    tolerance,
    l1_penalty,
    confidence,
    reliability,
    transfer,
    landscape,
    margin,
)


def read_runs(results, needed, required):
    """Saved runs by name: those of `needed` that are required or there.

    Raises FileNotFoundError or ValueError with the command that helps.
    """
    saved = {
        name: runs.read(results / name, *parts)
        for name, parts in needed.items()
        if name in required or (results / name).exists()
    }
    if len({run.config.get("data_sha256") for run in saved.values()}) > 1:
        raise ValueError(
            f"{results} mixes runs of different data; make them anew with: "
            f"{reproduce_command(results, saved)}"
        )
    return saved


def reproduce_command(results, saved):
    """The command that makes the saved runs anew, all of them."""
    everything = " --all" if set(saved) > set(runs.POST_RUNS) else ""
    return f"python reproduce.py{everything}{runs.flags(results)}"


def measure(results):
    """Verdict and numbers of each claim, by its function's name. Raises what `read_runs` does."""
    digits = runs.read(results / "regular").config["arguments"]["digits"]
    if tuple(digits) != runs.DIGITS:
        raise ValueError(
            "the claims are the post's, about the digits 0 and 1; the runs in "
            f"{results} are of {digits[0]} and {digits[1]}"
        )
    saved = read_runs(results, NEEDED, required=NEEDED)
    measured = {claim.__name__: claim(saved) for claim in CLAIMS}
    return {
        name: dict(verdict=verdict, numbers=numbers)
        for name, (verdict, numbers) in measured.items()
    }


def main(argv=None):
    parser = cli.parser(__doc__)
    cli.add_results(parser)
    results = cli.results_folder(parser.parse_args(argv))
    measured = measure(results)
    runs.write_json(results / "claims.json", {"claims": measured})
    for name, claim in measured.items():
        print(f"  {name:16}  {claim['verdict']}")
    print(results / "claims.json")


if __name__ == "__main__":
    cli.run(main)
