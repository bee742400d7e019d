"""What the post claims, measured: a row of claim, numbers and verdict for each, into results/claims.json.

    python claims.py                 # under a second; reads the saved runs that `python reproduce.py` makes

Every number comes from a run; verdicts follow from the numbers by the rule that stands beside them.
"""
import cli  # first: installs the one-line Ctrl-C handler
import numpy as np

import storage
from report import accuracy_at

MODELS = ("regular", "robust-0.1", "robust-0.2", "robust-0.3")
ROBUST = MODELS[1:]
HOLDS, CONDITION, FAILS = "holds", "holds with a condition", "does not hold"


def percent(value, digits=2):
    return f"{100 * value:.{digits}f} %"


def listed(values, form="{:.3g}"):
    """Several numbers as one text, in the order of MODELS."""
    return " / ".join(form.format(value) for value in values)


def row(claim, section, numbers, measured, verdict, why):
    return dict(claim=claim, section=section, numbers=numbers, measured=measured, verdict=verdict, why=why)


def margins_and_radii(arrays):
    """y ŷ of every test image, and the ℓ∞ distance to the boundary that it stands for: (2115,) both."""
    margins = arrays["test_targets"] * arrays["test_logits"]
    return margins, margins / np.abs(arrays["weights"]).sum()


def accuracy(runs, seeds):
    test, train = ([runs[name].metrics[f"{split}_accuracy"] for name in MODELS] for split in ("test", "train"))
    mean = [value for run in seeds for value in run.metrics["test_accuracy"]["mean"]]
    spread = [value for run in seeds for value in run.metrics["test_accuracy"]["standard_deviation"]]
    wrong = [runs[name].metrics["misclassified_test"] for name in MODELS]
    gap = max(abs(a - b) for a, b in zip(train, test))
    yield row("Regular training reaches almost perfect accuracy, robust models slightly less", "Results",
              dict(test_accuracy=test, seeds_mean=mean, seeds_standard_deviation=spread),
              f"test {listed([100 * value for value in test], '{:.2f}')} %; over seeds {listed([100 * value for value in mean], '{:.3f}')} "
              f"± {listed([100 * value for value in spread], '{:.3f}')} %",
              HOLDS if mean[0] > 0.99 and all(value < mean[0] for value in mean[1:]) else CONDITION,
              f"The largest loss of clean accuracy is {100 * (mean[0] - min(mean)):.2f} points; a single run cannot order the first three.")
    yield row("There is no overfitting: train and test are nearly equal", "Results", dict(largest_gap=gap),
              f"largest difference {100 * gap:.2f} points", HOLDS if gap < 0.005 else FAILS,
              "Final weights on both sides; a linear model on 12,665 images has little to overfit with.")
    yield row("Only single mistakes", "Results", dict(misclassified_test=wrong), f"{listed(wrong)} of 2,115 test images",
              HOLDS if max(wrong) < 10 else FAILS, "Figure 9 shows them, up to four a model.")


def brittleness(runs, network):
    both = {kind: accuracy_at(runs["regular"].metrics, kind, 0.2) for kind in ("unclipped", "clipped")}
    pgd = accuracy_at(network.metrics, "pgd_clipped", 0.2)
    yield row("The regular model is brittle: accuracy around zero at ε = 0.2", "Results", dict(both, network_pgd_clipped=pgd),
              f"{percent(both['unclipped'])} unclipped, {percent(both['clipped'])} with valid pixels; "
              f"a network with two hidden layers: at most {percent(pgd)} (PGD, valid pixels)",
              HOLDS if max(both.values()) < 0.01 else CONDITION if both["unclipped"] < 0.01 else FAILS,
              "The post's attack leaves the range of pixels; kept inside it the attack is weaker, and as exact.")
    below = {share: [next((e for e, a in zip(curve["epsilon"], curve["unclipped"]) if a < share), 0.5)
                     for curve in (runs[name].metrics["robust_accuracy"] for name in MODELS)] for share in (0.9, 0.5)}
    yield row("Robust models hold where the regular one breaks", "Results", {"below_90": below[0.9], "below_50": below[0.5]},
              f"accuracy falls below 90 % at ε = {listed(below[0.9])} and below 50 % at {listed(below[0.5])}",
              HOLDS if min(below[0.9][1:]) > 2 * below[0.9][0] else FAILS,
              "Regular, then robust 0.1, 0.2, 0.3; unclipped, in steps of 0.005.")


def weak_features(runs, exact):
    weights = {name: np.abs(run.arrays["weights"]) for name, run in runs.items()}
    tiny = [float(np.mean(weights[name] < 1e-3 * weights[name].max())) for name in MODELS]
    top = [float(np.sort(weights[name])[-50:].sum() / weights[name].sum()) for name in MODELS]
    dark = float(weights["regular"][~runs["regular"].arrays["lit_pixels"]].sum() / weights["regular"].sum())
    yield row("Robust models wipe out weak features, the regular one keeps many", "Results",
              dict(below_a_thousandth_of_the_largest=tiny, norm_in_50_largest=top, regular_norm_on_dark_pixels=dark),
              f"weights below 1/1000 of the largest: {listed([100 * value for value in tiny])} %; share of ‖w‖₁ in the 50 largest: "
              f"{listed([100 * value for value in top])} %",
              HOLDS if min(tiny[1:]) > 10 * tiny[0] and min(top[1:]) > 2 * top[0] else FAILS,
              f"Part of the regular model's weak features are none: {percent(dark, 0)} of its ‖w‖₁ is left over from the random start, "
              "on pixels that no training image lights.")
    kept = weights["robust-0.2"][weights["robust-0.2"] > 0.01]
    best = np.abs(exact["exact-0.2"].arrays["weights"])
    below, best_below = float(np.mean(kept < 0.2)), float(np.mean(best[best > 0] < 0.2))
    pull = np.abs(exact["exact-0.2"].arrays["pixel_pull"])
    wiped = int(np.sum((pull < 0.2 * (1 - 1e-6)) & (best > 0)))
    yield row("Weights smaller than ε are gently wiped off", "Towards Robust Binary Classification",
              dict(kept_below_epsilon=below, optimum_kept_below_epsilon=best_below, optimum_kept_though_pulled_less=wiped),
              f"of the weights that robust-0.2 keeps (above 0.01), {percent(below, 0)} are smaller than ε = 0.2; of those that the optimum "
              f"keeps, {percent(best_below, 0)}", FAILS if below > 0.5 else HOLDS,
              "What ε is compared with is not the weight but the pull at it, |mean y x_i| of the active examples: "
              f"at the optimum {wiped} pixels pulled less than ε have a weight. That weights are driven to zero is seen in weight_trajectories.")


def l1_penalty(runs, l1):
    robust = runs["robust-0.2"]
    margins, _ = margins_and_radii(robust.arrays)
    idle = float(np.mean(margins - 0.2 * robust.metrics["weight_l1_norm"] >= 1))
    at = [accuracy_at(run.metrics, "unclipped", 0.2) for run in (robust, l1)]
    ratio = l1.metrics["weight_l1_norm"] / robust.metrics["weight_l1_norm"]
    yield row("Unlike an L1 penalty, the robust loss leaves examples alone that are far enough", "Towards Robust Binary Classification",
              dict(test_images_without_robust_loss=idle, robust_accuracy=at[0], l1_accuracy=at[1], norm_ratio=ratio),
              f"{percent(idle, 0)} of the test images have no robust loss at ε = 0.2; with the same ‖w‖₁ (ratio {ratio:.3f}) the L1 model keeps "
              f"{percent(at[1], 1)} at ε = 0.2, the robust one {percent(at[0], 1)}",
              HOLDS if idle > 0.5 and at[0] > at[1] else FAILS,
              "The penalty shrinks the weights while the examples no longer hold them, the robust loss moves them to strong pixels.")


def confidence(runs):
    numbers = {}
    for name in ("regular", "robust-0.2"):
        _, radii = margins_and_radii(runs[name].arrays)
        half = float(np.median(radii))  # the ε that fools half of the images
        for label, epsilon in [("0.1", 0.1), ("0.2", 0.2), ("0.3", 0.3), ("0.5", 0.5), ("half", half)]:
            distance = float(np.median(epsilon - radii[radii <= epsilon]))
            numbers[f"{name}_{label}"] = dict(epsilon=epsilon, median_logit=distance * runs[name].metrics["weight_l1_norm"],
                                              median_distance=distance)
    regular, robust = ([numbers[f"{name}_{label}"] for label in ("0.1", "0.2", "0.3", "0.5", "half")] for name in ("regular", "robust-0.2"))
    logits, distances = ([[values[key] for values in model[:4]] for model in (regular, robust)] for key in ("median_logit", "median_distance"))
    half = [model[-1] for model in (regular, robust)]
    always = all(a > b for a, b in zip(logits[0] + distances[0], logits[1] + distances[1]))
    yield row("Wrong predictions of the regular model are confident, those of the robust one are not", "Results", numbers,
              f"median |logit| of the misclassified at ε = 0.1 / 0.2 / 0.3 / 0.5: regular {listed(logits[0])}, robust-0.2 {listed(logits[1])}; "
              f"|logit| / ‖w‖₁: {listed(distances[0])}, {listed(distances[1])}; at the ε that fools half of the images: "
              f"{listed([half[0]['median_distance'], half[1]['median_distance']])}",
              HOLDS if always and half[0]["median_distance"] > half[1]["median_distance"] else CONDITION,
              "It holds for strong attacks, and then also without the scale of the weights, because the regular model is far beyond its "
              "boundary there. At a weak attack, and where both models are fooled equally often, the robust model's mistakes lie farther "
              "from its boundary.")


def transfer(run):
    sources = run.config["run"]["sources"]
    kept = {name: run.metrics["accuracy"]["unclipped"][sources.index(name)][0] for name in sources if name not in MODELS}
    white = run.metrics["accuracy"]["unclipped"][sources.index("regular")][0]
    yield row("A rough approximation of the model is enough to fool it", "Overview", dict(kept, white_box=white),
              "accuracy of the regular model at ε = 0.2: " + ", ".join(f"{name} {percent(value, 1)}" for name, value in kept.items())
              + f"; white box {percent(white, 1)}", HOLDS if max(kept.values()) < 0.5 else CONDITION if min(kept.values()) < 0.5 else FAILS,
              "A surrogate with Keras' random start spends its attack on the noise that is left in its weights; one that starts from "
              "zero does better on as few images, and best on all of them. None comes near the white box.")


def landscape(network):
    turns = network.metrics["turns"]["network"]
    yield row("The loss of a non-linear model along an input is highly irregular", "Regular Binary Classification",
              turns, "turns of the network's loss, mean over 50 images: " + ", ".join(f"{name} {value:.2g}" for name, value in turns.items()),
              HOLDS if min(turns.values()) >= 2 else FAILS if turns["pixel"] < 1 else CONDITION,
              "A small network with two hidden layers bends along random directions, but along a pixel, and along its own attack, its loss is "
              "close to a straight line and not like the sketch.")


def margin(exact):
    epsilon = exact["exact-0.3"].metrics["separation_epsilon"]
    yield row("A strictly defined margin cannot always be reached", "Towards Robust Binary Classification", dict(separation_epsilon=epsilon),
              f"zero robust loss on the training images is possible below ε = {epsilon:.4f} and at no ε above (a proved optimum)",
              HOLDS if epsilon < 0.1 else FAILS, "At every ε of the post some examples must keep a loss.")


def measure(results):
    """All rows, from the saved runs. Raises FileNotFoundError or ValueError that names the run and its command."""
    def read(name, metrics=(), arrays=()):
        return storage.read_run(results / name, metrics=metrics, arrays=arrays)

    linear = dict(metrics=("test_accuracy", "weight_l1_norm", "robust_accuracy"), arrays=("weights", "test_logits", "test_targets"))
    runs = {name: read(name, **linear) for name in MODELS}
    exact = {name: read(name, ["separation_epsilon"], ["weights", "pixel_pull"]) for name in ("exact-0.2", "exact-0.3")}
    network = read("network", ["turns", "robust_accuracy"])
    return [
        *accuracy(runs, [read("regular-seeds"), read("robust-seeds")]),
        *brittleness(runs, network),
        *weak_features(runs, exact),
        *l1_penalty(runs, read("l1-0.2", **linear)),
        *confidence(runs),
        *transfer(read("transfer", ["accuracy"])),
        *landscape(network),
        *margin(exact),
    ]


def main(argv=None):
    parser = cli.parser(__doc__)
    cli.add_results(parser)
    results = parser.parse_args(argv).results
    rows = measure(results)
    storage.write_json(results / "claims.json", {"claims": rows})
    for entry in rows:
        print(f"  {entry['verdict']:22}  {entry['claim']}")
    print(results / "claims.json")


if __name__ == "__main__":
    cli.run(main)
