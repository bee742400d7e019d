"""Is the regular model brittle because of its weak pixels, and do these generalise? (the post)

    python -m beyond.linear.weak                        # ten seconds

A pixel is weak if the means of the two classes on it, over the training images, differ by at most
0.2: an attack of half of that makes them equal. The regular model loses the weights of its weak
pixels, or of them the random start or what was learned, or all others; the regular recipe trains on
the weak pixels alone, without them, and from zero. As a control the model loses as many pixels
drawn at random. Reads results/regular/ and writes results/weak/: config.json, metrics.json
(accuracy at EPSILONS; also where weak means 0.1 or 0.3), arrays.npz (for 0.2: the signed radius of
every test image for each model, unclipped).
"""

import numpy as np

import attacks
import data_prep
from common import cli, runs, training
from common.many import compiled_epoch, train_many
from experiment_regular import BATCH_SIZE, EPOCHS, LEARNING_RATE, hinge_loss

RUN = "weak"
DIFFERENCES = (0.1, 0.2, 0.3)  # of the class means, up to which a pixel is weak
CHOSEN = 0.2  # the one that the docstring speaks of
EPSILONS = (0.0, 0.1, 0.2, 0.3)  # of the attack, in pixel units
DRAWS = 20  # of random pixels
ARRAYS = ["weights", "bias", "lit_pixels"]


def fitted_bias(scores, y):
    """The bias of fewest mistakes on training images; of several, the one amid the widest gap.

    scores: w·x, (n,); y: (n,) in {-1, +1}. What is said of weak features is that they generalise,
    so the bias is the best one without an attack. It also decides which class an attack breaks
    first: make_models has two other choices.
    """
    order = np.argsort(scores)
    edges = np.r_[scores[order[0]] - 1, scores[order], scores[order[-1]] + 1]
    right, gaps = np.r_[0, np.cumsum(-y[order])], np.diff(edges)  # right: but for a constant
    cut = np.lexsort((gaps, np.where(gaps > 0, right, -np.inf)))[-1]
    return -(edges[cut] + edges[cut + 1]) / 2


def make_models(weights, bias, start, weak, x, y):
    """Pairs (w, b) by name; the control, without_random, has DRAWS of them, the others one.

    weights, bias: of the regular model; start: the random weights that its training began with;
    weak: (784,) bool; x: (n, 784) and y: (n,) to train with. Of its weak pixels without_start loses
    the random start alone, without_learned what training added.
    """
    generator, strong = np.random.default_rng(0), ~weak
    left = {
        "without_start": [weights - start * weak],
        "without_learned": [weights - (weights - start) * weak],
        "without_weak": [weights * strong],
        "weak_alone": [weights * weak],
        "without_blank": [weights * x.any(axis=0)],  # in every training image: weak, and untrained
        "without_random": [weights * generator.permutation(strong) for _ in range(DRAWS)],
    }
    models = {"regular": [(weights, bias)]}
    for name, found in left.items():
        models[name] = [(each, fitted_bias(x @ each, y)) for each in found]
    middle = -(x[y > 0].mean(axis=0) + x[y < 0].mean(axis=0)) @ (weights * strong) / 2
    models["without_weak_own_bias"] = [(weights * strong, bias)]
    models["without_weak_middle_bias"] = [(weights * strong, middle)]  # between the class means
    hinge = lambda targets, logits, weights: hinge_loss(targets, logits)
    epoch = compiled_epoch(hinge, BATCH_SIZE, LEARNING_RATE)
    trained = {"trained_on_weak": weak, "trained_without_weak": strong, "trained_from_zero": 1}
    for name, mask in trained.items():
        kernel, offset = training.initial_weights(0)
        # What is left out has no weight, not an untrained one.
        kernel *= 0 if name == "trained_from_zero" else mask[:, np.newaxis]
        kernel, offset, *_ = train_many(epoch, kernel, offset, x * mask, y, EPOCHS)
        models[name] = [(kernel[:, 0], offset[0])]
    return models


def main(argv=None):
    args = cli.pair_parser(__doc__).parse_args(argv)
    data, results = data_prep.load_pair(args.digits), cli.results_folder(args)
    run = runs.read(results / "regular", arrays=ARRAYS)
    regular, seed = run.arrays, run.config["arguments"]["seed"]
    weights, bias, blank = regular["weights"], regular["bias"], ~regular["lit_pixels"]
    start = training.initial_weights(seed)[0][:, 0]
    x, y = data.training_matrix()
    difference = np.abs(x[y > 0].mean(axis=0) - x[y < 0].mean(axis=0))
    share = lambda pixels: float(np.abs(weights[pixels]).sum() / np.abs(weights).sum())
    metrics = dict(epsilons=list(EPSILONS), differences=list(DIFFERENCES), draws=DRAWS)
    metrics |= dict(blank_pixels=int(blank.sum()), norm_on_blank=share(blank))
    metrics |= dict(weak_pixels=[], norm_on_weak=[], unclipped={}, clipped={})
    training.seed_everything(0)
    for largest in DIFFERENCES:
        weak = difference <= largest
        metrics["weak_pixels"].append(int(weak.sum()))
        metrics["norm_on_weak"].append(share(weak))
        models = make_models(weights, bias, start, weak, x, y)
        for attack in ("clipped", "unclipped"):
            test = data.x_test, data.y_test, attack == "clipped"
            radii = {  # (models of the name, images)
                name: np.array([attacks.signed_radius(*each, *test) for each in pairs])
                for name, pairs in models.items()
            }
            metrics[attack][f"{largest:g}"] = {
                name: [float(np.mean(each > epsilon)) for epsilon in EPSILONS]
                for name, each in radii.items()
            }
        if largest == CHOSEN:
            arrays = {name: np.squeeze(each) for name, each in radii.items()}
    arrays |= {"class_difference": difference}
    runs.save(results / RUN, args, data, metrics, arrays, chosen=CHOSEN)
    clean, attacked, *_ = metrics["unclipped"][f"{CHOSEN:g}"]["without_weak"]
    print(
        f"{results / RUN}: without its weak pixels the regular model is right on {clean:.2%}, "
        f"and on {attacked:.2%} under the attack of {EPSILONS[1]}"
    )


if __name__ == "__main__":
    cli.run(main)
