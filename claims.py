"""What the post claims, measured: claim, numbers and verdict, into results/claims.json.

    python claims.py                 # a second; reads the saved runs that `python reproduce.py` makes

Every number comes from a run. A verdict follows from the numbers by the rule that stands beside it; what it says in words was
written for the post's digits, and other digits are refused.
"""
import cli  # first: installs the one-line Ctrl-C handler
import numpy as np

import data_prep
import storage
from report import accuracy_at

MODELS = storage.POST_RUNS
ROBUST = MODELS[1:]
HOLDS, CONDITION, FAILS = "holds", "holds with a condition", "does not hold"
RESULTS, TOWARDS = "Results", "Towards Robust Binary Classification"  # sections of the post
RIDGES = np.linspace(0.025, 0.5, 20)  # the attack radii of figure 13
MADE_WEIGHT = 0.01  # a weight above it was made by training: SGD's steps around zero are smaller
DOT = 10  # pixels, of the smallest patch of ink that counts as a dot
STROKE = 50  # pixels: fewer are no digit that a person would read


def percent(value, digits=2):
    return f"{100 * value:.{digits}f} %"


def listed(values, form="{:.3g}"):
    """Several numbers as one text, in the order of MODELS."""
    return " / ".join(form.format(value) for value in values)


def percents(values, digits=1):
    return listed([100 * value for value in values], f"{{:.{digits}f}}") + " %"


def row(claim, section, numbers, measured, verdict, why):
    return dict(claim=claim, section=section, numbers=numbers, measured=measured, verdict=verdict, why=why)


def verdict(holds, condition=False):
    return HOLDS if holds else CONDITION if condition else FAILS


def margins_and_radii(arrays):
    """y ŷ of every test image, and the signed radius that it stands for, y ŷ / ‖w‖₁: (2115,) both."""
    margins = arrays["test_targets"] * arrays["test_logits"]
    return margins, margins / np.abs(arrays["weights"]).sum()


def accuracy(runs, seeds):
    test, train = ([runs[name].metrics[f"{split}_accuracy"] for name in MODELS] for split in ("test", "train"))
    wrong = [runs[name].metrics["misclassified_test"] for name in MODELS]
    total, gap = len(runs["regular"].arrays["test_logits"]), max(abs(a - b) for a, b in zip(train, test))
    over_seeds = np.concatenate([run.arrays["test_accuracy"] for run in seeds])  # (models, seeds)
    mean, spread = over_seeds.mean(axis=1), over_seeds.std(axis=1, ddof=1)
    loss = over_seeds[0] - over_seeds[1:]  # of each robust model against the regular one of the same seed
    error = loss.std(axis=1, ddof=1) / np.sqrt(loss.shape[1])
    less = loss.mean(axis=1) > 2 * error
    yield row("Regular training reaches almost perfect accuracy, robust models slightly less", RESULTS,
              dict(test_accuracy=test, seeds_mean=mean.tolist(), seeds_standard_deviation=spread.tolist(),
                   paired_loss=loss.mean(axis=1).tolist(), standard_error=error.tolist()),
              f"test {percents(test, 2)}; over {loss.shape[1]} seeds {percents(mean, 3)}; lost against the regular model of the same seed: "
              + listed([f"{100 * a:.3f} ± {100 * b:.3f}" for a, b in zip(loss.mean(axis=1), error)], "{}") + " points (standard error)",
              verdict(mean[0] > 0.99 and less.all(), mean[0] > 0.99 and less.any()),
              "By more than two standard errors over seeds, on these test images: " + (", ".join(np.array(ROBUST)[less]) or "none of them") + ".")
    yield row("There is no overfitting: train and test are nearly equal", RESULTS, dict(largest_gap=gap),
              f"largest difference {100 * gap:.2f} points", verdict(gap < 0.005),
              "Final weights for both. Test is above train for " + ", ".join(name for name, a, b in zip(MODELS, test, train) if a > b) + ".")
    yield row("Only single mistakes", RESULTS, dict(misclassified_test=wrong), f"{listed(wrong)} of {total:,} test images",
              verdict(max(wrong) < 10), "Figure 9 shows them, up to four per model.")


def dots(runs, data):
    from scipy import ndimage
    parts = [np.bincount(ndimage.label(image[..., 0] > 0, np.ones((3, 3)))[0].ravel())[1:] for image in data.x_test]
    dot = np.array([np.sum(sizes >= DOT) > 1 for sizes in parts])
    wrong = [margins_and_radii(runs[name].arrays)[0] <= 0 for name in MODELS]
    have_one, mistakes = ([int(np.sum(chosen)) for chosen in lists] for lists in ([dot & each for each in wrong], wrong))
    with_dot, without = ([float(np.mean(each[chosen])) for each in wrong] for chosen in (dot, ~dot))
    yield row("A dot around a digit causes general confusion", RESULTS,
              dict(images_with_dot=int(dot.sum()), mistakes_with_dot=have_one, error_with_dot=with_dot, error_without=without),
              "mistakes that have a patch of ink apart from the digit: " + listed([f"{a} of {b}" for a, b in zip(have_one, mistakes)], "{}")
              + f"; errors among the {dot.sum()} images that have one: {percents(with_dot, 0)}, among the others {percents(without, 2)}",
              verdict(min(with_dot) > 0.5, all(a > 10 * b for a, b in zip(with_dot, without))),
              "Mistakes are far more frequent with a dot, but most digits with one are still recognised.")


def brittleness(runs, network):
    both = {kind: accuracy_at(runs["regular"].metrics, kind, 0.2) for kind in ("unclipped", "clipped")}
    pgd = accuracy_at(network.metrics, "pgd_clipped", 0.2)
    yield row("The regular model is brittle: accuracy around zero at ε = 0.2", RESULTS, dict(both, network_pgd_clipped=pgd),
              f"{percent(both['unclipped'])} unclipped, {percent(both['clipped'])} clipped; "
              f"a network with two hidden layers: at most {percent(pgd)} (PGD, clipped)",
              verdict(max(both.values()) < 0.01, both["unclipped"] < 0.01),
              "The post's attack leaves the range of a pixel; clipped to it, the attack is weaker but still exact.")
    below = {share: [next((e for e, a in zip(curve["epsilon"], curve["unclipped"]) if a < share), 0.5)
                     for curve in (runs[name].metrics["robust_accuracy"] for name in MODELS)] for share in (0.9, 0.5)}
    yield row("Robust models hold where the regular one breaks", RESULTS, {"below_90": below[0.9], "below_50": below[0.5]},
              f"accuracy falls below 90 % at ε = {listed(below[0.9])} and below 50 % at {listed(below[0.5])}",
              verdict(min(below[0.9][1:]) > 2 * below[0.9][0]), "Unclipped; the curve has a point every 0.005.")


def weak_features(runs, exact, data):
    weights = {name: np.abs(run.arrays["weights"]) for name, run in runs.items()}
    tiny = [float(np.mean(weights[name] < 1e-3 * weights[name].max())) for name in MODELS]
    top = [float(np.sort(weights[name])[-50:].sum() / weights[name].sum()) for name in MODELS]
    blank = float(weights["regular"][~runs["regular"].arrays["lit_pixels"]].sum() / weights["regular"].sum())
    step = [runs[name].config["arguments"]["learning_rate"] * runs[name].config["run"]["epsilon"] for name in ROBUST]
    within, regular = ([float(np.mean(weights[name] <= size)) for name, size in zip(names, step)] for names in (ROBUST, 3 * ["regular"]))
    yield row("Robust models wipe out weak features, the regular one keeps many", RESULTS,
              dict(below_a_thousandth_of_the_largest=tiny, norm_in_50_largest=top, regular_norm_on_blank_pixels=blank,
                   within_one_step_of_zero=within, regular_within_the_same=regular),
              f"weights below 1/1000 of the largest: {percents(tiny)}; within one step of SGD around zero, learning rate × ε, the robust ones: "
              f"{percents(within)}, the regular one {percents(regular)}; share of ‖w‖₁ in the 50 largest: {percents(top)}",
              verdict(all(a > 10 * b for a, b in zip(within, regular)) and min(top[1:]) > 2 * top[0]),
              f"Part of what is wiped out was never learned: {percent(blank, 0)} of the regular model's ‖w‖₁ is random initialisation on "
              "pixels that are blank in every training image.")
    x, y = data.x_train, data.y_train
    difference = np.abs(x[y > 0].mean(axis=0) - x[y < 0].mean(axis=0)).ravel()
    strong = [float(weights[name][difference > 2 * 0.2].sum() / weights[name].sum()) for name in MODELS]
    pixels = int(np.count_nonzero(exact["exact-0.3"].arrays["weights"]))
    yield row("Robust models stick with more robust and human-aligned features", RESULTS, dict(norm_on_strong_pixels=strong, optimum_pixels=pixels),
              f"share of ‖w‖₁ on pixels whose class means differ by more than 2 × 0.2, so that no attack of 0.2 closes the gap: {percents(strong, 0)}",
              verdict(min(strong[1:]) > 2 * strong[0] and pixels >= STROKE, min(strong[1:]) > 2 * strong[0]),
              "More robust, yes. How human they are is not measured, but the closer to the least robust loss, the less they resemble strokes: at "
              f"ε = 0.3 the optimum asks {pixels} pixels in the middle whether they are inked.")
    below, best_below, pulled_less = [], [], 0
    for epsilon in storage.POST_EPSILONS:
        kept, run = weights[f"robust-{epsilon:g}"], exact[f"exact-{epsilon:g}"].arrays
        best, pull = np.abs(run["weights"]), np.abs(run["pixel_pull"])
        below.append(float(np.mean(kept[kept > MADE_WEIGHT] < epsilon)))
        best_below.append(float(np.mean(best[best > 0] < epsilon)))
        pulled_less += int(np.sum((pull < epsilon * (1 - 1e-6)) & (best > 0)))
    yield row("Weights smaller than ε are gently wiped off", TOWARDS,
              dict(kept_below_epsilon=below, optimum_kept_below_epsilon=best_below, optimum_kept_though_pulled_less=pulled_less),
              f"of the weights that the robust models keep (above {MADE_WEIGHT}), {percents(below, 0)} are smaller than their ε; of those that the "
              f"optima keep, {percents(best_below, 0)}", verdict(max(below) < 0.5),
              "The sentence before it in the post is right: it is the gradient, the mean of y x_i over the active examples, that is compared with "
              f"ε. Of all pixels pulled with less than ε, {pulled_less} have a weight at the optimum. Figure weight_trajectories shows the weights "
              "being driven to zero.")


def tolerance(runs):
    needed = {name: 1 + runs[name].config["run"].get("epsilon", 0) * runs[name].metrics["weight_l1_norm"] for name in MODELS}
    least = []
    for name in MODELS:
        margins, _ = margins_and_radii(runs[name].arrays)
        least.append(float((needed[name] - margins[margins <= 0]).min(initial=2 * needed[name])))  # if there is no mistake
    distance = [needed[name] / runs[name].metrics["weight_l1_norm"] for name in MODELS]
    yield row("The robust loss does not penalise a mistake close to the decision boundary", TOWARDS,
              dict(least_loss_of_a_mistake=least, distance_without_loss=distance),
              f"least loss of a misclassified test image: {listed(least)}; distance from the boundary at which the loss ends: {listed(distance)}",
              verdict(max(least[1:]) == 0),
              "The kink moves outward by ε‖w‖₁: a mistake costs at least 1 + ε‖w‖₁, more than with the plain hinge, and examples must be "
              "farther away before the loss leaves them alone.")


def l1_penalty(runs, l1, exact):
    robust, (same_norm, equivalent) = runs["robust-0.2"], l1
    margins, _ = margins_and_radii(robust.arrays)
    idle = float(np.mean(margins - 0.2 * robust.metrics["weight_l1_norm"] >= 1))
    at = [accuracy_at(run.metrics, "unclipped", 0.2) for run in (robust, same_norm, equivalent)]
    ratio = same_norm.metrics["weight_l1_norm"] / robust.metrics["weight_l1_norm"]
    gap = exact["exact-0.2"].metrics["l1_objective"] - exact["exact-0.2"].metrics["lower_bound"]
    penalty = equivalent.config["run"]["penalty"]
    yield row("Unlike an L1 penalty, the robust loss ignores examples far enough from the boundary", TOWARDS,
              dict(test_images_without_robust_loss=idle, robust_accuracy=at[0], same_norm_accuracy=at[1], equivalent_accuracy=at[2],
                   norm_ratio=ratio, penalty=penalty, optimum_gap=gap),
              f"{percent(idle, 0)} of the test images have no robust loss at ε = 0.2, where the robust model keeps {percent(at[0], 1)}; an L1 "
              f"model with the same ‖w‖₁ {percent(at[1], 1)}, one with λ = {penalty:.4f} {percent(at[2], 1)}",
              verdict(idle > 0.5 and at[0] > max(at[1:]) + 0.05, idle > 0.5),
              "So it is example by example. Yet divided by 1 + ε‖w‖₁, the robust optimum is also an optimum with an L1 penalty, λ = ε × its loss "
              f"(proved in optimum.py, here to {gap:.0e}): the two find the same boundary. The same ‖w‖₁ is no fair match, since the scale of w "
              "means something else in the two losses.")


def confidence(runs):
    numbers = {}
    for name in MODELS:
        _, radii = margins_and_radii(runs[name].arrays)
        norm, curve = runs[name].metrics["weight_l1_norm"], []
        half = float(np.median(radii))  # the ε that fools half of the images
        for epsilon in (*RIDGES, half):
            distances = epsilon - radii[radii <= epsilon]  # |attacked logit| / ‖w‖₁ of the misclassified
            curve.append(float(np.median(distances)) if len(distances) else None)
        numbers[name] = dict(epsilon=[*RIDGES.tolist(), half], median_distance=curve,
                             median_logit=[None if value is None else value * norm for value in curve])
    regular, robust = numbers["regular"], numbers["robust-0.2"]
    shown = [int(np.argmin(np.abs(RIDGES - epsilon))) for epsilon in (0.1, 0.2, 0.3, 0.5)]
    logits, distances = ([[model[key][i] for i in shown] for model in (regular, robust)] for key in ("median_logit", "median_distance"))
    half_logits, halves = ([model[key][-1] for model in (regular, robust)] for key in ("median_logit", "median_distance"))
    always = all(a > b for key in ("median_logit", "median_distance") for a, b in zip(regular[key], robust[key]) if None not in (a, b))
    yield row("Wrong predictions of the regular model are confident, those of the robust one are not", RESULTS, numbers,
              f"median |logit| of the misclassified at ε = 0.1 / 0.2 / 0.3 / 0.5: regular {listed(logits[0])}, robust-0.2 {listed(logits[1])}; "
              f"|logit| / ‖w‖₁: {listed(distances[0])}, {listed(distances[1])}; at the ε that fools half of the images: |logit| {listed(half_logits)}, "
              f"|logit| / ‖w‖₁ {listed(halves)}",
              verdict(always, all(a > b for a, b in zip(logits[0][1:] + distances[0][1:], logits[1][1:] + distances[1][1:]))),
              "True for strong attacks, even relative to ‖w‖₁, since the regular model is then far past its boundary. At weak attacks, or when "
              "both models are fooled equally often, the robust model's mistakes lie farther from its boundary, though their logits are smaller.")


def transfer(run):
    sources, table = run.config["run"]["sources"], run.metrics["accuracy"]
    kept = {name: [table[key][sources.index(name)][0] for key in ("unclipped", "unclipped_least", "unclipped_most")]
            for name in sources if name not in MODELS}
    white, means = table["unclipped"][sources.index("regular")][0], [values[0] for values in kept.values()]
    yield row("A rough approximation of the model is enough to fool it", "Overview", dict(kept, white_box=white),
              f"accuracy of the regular model at ε = 0.2, mean (range) of {run.metrics['draws']} surrogates: "
              + ", ".join(f"{name} {percent(a, 0)} ({100 * b:.0f}–{100 * c:.0f})" for name, (a, b, c) in kept.items())
              + f"; white box {percent(white, 1)}", verdict(max(means) < 0.5, min(means) < 0.5),
              "A randomly initialised surrogate wastes its attack on the noise that is left in its weights; one that starts from zero does "
              f"better on the same images. The best of them leaves {percent(min(means), 0)}, the white box {percent(white, 0)}.")


def landscape(network):
    turns, bend, turning = network.metrics["turns"]["network"], network.metrics["bend"]["network"], network.metrics["turning_pixels"]
    yield row("The loss of a non-linear model along an input is highly irregular", "Regular Binary Classification", 
              dict(turns=turns, bend=bend, turning_pixels=turning),
              f"the network's loss, mean over {network.metrics['images']} images; turning points: "
              + ", ".join(f"{name} {value:.2g}" for name, value in turns.items())
              + "; largest distance from a straight line, relative to its range: " + ", ".join(f"{name} {percent(value, 0)}" for name, value in bend.items()),
              verdict(min(turns.values()) >= 2 and turning > 0.5, turning > 0.5),
              "Not of this network, with two hidden layers: along the pixel that matters most its loss only rises or only falls, and of all pixels "
              f"of {network.metrics['turning_images']} images, {percent(turning, 0)} have a turning point. Along random signs it turns a few times.")


def margin(exact):
    epsilon, bound = (exact["exact-0.3"].metrics[f"separation_{name}"] for name in ("epsilon", "upper_bound"))
    yield row("Regular training forces a margin that sometimes cannot be achieved, robust training does not", TOWARDS,
              dict(separation_epsilon=epsilon, upper_bound=bound),
              f"zero robust loss on the training images is possible below ε = {epsilon:.6f}, so at ε = 0, and proved impossible above {bound:.6f}",
              verdict(epsilon == 0, bound > 0.3),
              "Here it is the other way round: all training images can have the margin of the plain hinge, but not that of the robust loss, "
              "1 + ε‖w‖₁, at any ε of the post.")


def measure(results):
    """All rows, from the saved runs. Raises FileNotFoundError or ValueError that names the run and its command."""
    def read(name, metrics=(), arrays=()):
        return storage.read_run(results / name, metrics=metrics, arrays=arrays)

    linear = dict(metrics=("test_accuracy", "weight_l1_norm", "robust_accuracy"), arrays=("weights", "test_logits", "test_targets"))
    runs = {name: read(name, **linear) for name in MODELS}
    digits = runs["regular"].config["arguments"]["digits"]
    if tuple(digits) != cli.DIGITS:
        raise storage.Unusable(f"the claims are the post's, about the digits 0 and 1; the runs in {results} are of {digits[0]} and {digits[1]}")
    exact = {name: read(name, ["separation_upper_bound", "l1_objective"], ["weights", "pixel_pull"])
             for name in (storage.run_name("exact", epsilon) for epsilon in storage.POST_EPSILONS)}
    data = data_prep.load_pair(digits)
    network = read("network", ["turns", "bend", "turning_pixels", "robust_accuracy"])
    return [
        *accuracy(runs, [read(name, arrays=["test_accuracy"]) for name in ("regular-seeds", "robust-seeds")]),
        *dots(runs, data),
        *brittleness(runs, network),
        *weak_features(runs, exact, data),
        *tolerance(runs),
        *l1_penalty(runs, [read("l1-0.2", **linear), read("l1-0.2-equivalent", **linear)], exact),
        *confidence(runs),
        *transfer(read("transfer", ["accuracy", "draws"])),
        *landscape(network),
        *margin(exact),
    ]


def main(argv=None):
    parser = cli.parser(__doc__)
    cli.add_results(parser)
    results = parser.parse_args(argv).results
    with storage.blaming(results):
        rows = measure(results)
    storage.write_json(results / "claims.json", {"claims": rows})
    for entry in rows:
        print(f"  {entry['verdict']:22}  {entry['claim']}")
    print(results / "claims.json")


if __name__ == "__main__":
    cli.run(main)
