"""The networks of certified.py under other threats than their own, beside the linear models.

    python -m beyond.threats

Attacks that were made for another model, a few pixels set to anything in [0, 1], the shifts of
shifts.py, and how sure the mistakes under attack are. Attacks on networks are searched for (PGD;
pixel after pixel), so that accuracy under them is an upper bound. Reads results/certified/ and the
post's four models; writes results/threats/.
"""

import os

import numpy as np

import attacks
import data_prep
from beyond.networks import certified
from beyond.networks.certified import load, logits_of
from beyond.threats import few_pixels, shifts
from claims import rules
from common import beside, cli, runs
from common.lazy import tf
from common.runs import NETWORK_NAMES

RUN = "threats"
EPSILONS = (0.1, 0.2, 0.3, 0.4)  # of the attacks, tried on all models, in pixel units
STEPS = 10  # of PGD
PIXELS = 5  # changed at most
IMAGES = 100  # test images of each digit whose pixels are changed, the first ones


def greedy_pixels(model, x, y, most=PIXELS):
    """How many pixels, one after the other, make a prediction wrong: (batch,), at least the fewest.

    Each change is the best of all: every pixel is tried at both ends of [0, 1]. (Gradients would be
    quicker, and miss most of it: a certified network is flat around an image.) 0 if the prediction
    is wrong already, most + 1 if no change up to `most` is enough.
    """
    shape = np.shape(x)[1:]
    logits = tf.function(
        lambda images: model(images)[:, 0], input_signature=[tf.TensorSpec([None, *shape])]
    ).get_concrete_function()

    def margins(images, label):
        return label * logits(tf.constant(images.reshape(-1, *shape))).numpy()

    found = np.full(len(x), most + 1)
    for number, (image, label) in enumerate(zip(np.asarray(x, np.float32), y)):
        image = image.ravel()
        margin = margins(image, label)[0]
        for count in range(most + 1):
            if margin <= 0:
                found[number] = count
            if margin <= 0 or count == most:
                break
            lit, dark = np.flatnonzero(image > 0), np.flatnonzero(image < 1)
            tried = np.repeat(image[np.newaxis], len(lit) + len(dark), axis=0)
            tried[np.arange(len(tried)), np.r_[lit, dark]] = np.arange(len(tried)) >= len(lit)
            left = margins(tried, label)
            image, margin = tried[np.argmin(left)], left.min()
    return found


def main(argv=None):
    args = cli.pair_parser(__doc__).parse_args(argv)
    os.environ.update(beside.ONEDNN)  # before TensorFlow
    data, results = data_prep.load_pair(args.digits), cli.results_folder(args)
    x, y = data.x_test, data.y_test
    saved = runs.read(results / certified.RUN, metrics=NETWORK_NAMES)
    needed = ("weights", "bias")
    linear = [rules.linear(runs.read(results / name, arrays=needed)) for name in runs.POST_RUNS]
    networks = [load(saved, name) for name in NETWORK_NAMES]

    def accuracies(images):
        """Of every model, on images that were attacked or not."""
        logits = [attacks.linear_logits(*model, images) for model in linear]
        logits += [logits_of(model, images) for model in networks]
        return [float(np.mean(y * each > 0)) for each in logits]

    transfer = [  # (ε, sources, targets)
        [accuracies(attacks.attack_linear(model[0], x, y, epsilon, clip=True)) for model in linear]
        for epsilon in EPSILONS
    ]
    sure, mistakes = [], []  # for each network a row of EPSILONS
    for model in networks:
        attack, clean = certified.compiled_attack(model), logits_of(model, x)
        usual = {sign: np.median(np.abs(clean[np.sign(clean) == sign])) for sign in (-1, 1)}
        sure.append([])
        mistakes.append([])
        for epsilon, table in zip(EPSILONS, transfer):
            images = attack(x, y, epsilon, STEPS)
            table.append(accuracies(images))
            logits = logits_of(model, images)
            wrong = logits[y * logits <= 0]
            mistakes[-1].append(len(wrong))
            ratios = [abs(each) / usual[1 if each > 0 else -1] for each in wrong]
            sure[-1].append(float(np.median(ratios)) if ratios else None)
    rows = np.concatenate([np.flatnonzero(y == sign)[:IMAGES] for sign in (-1, 1)])
    few, counts = (x[rows], y[rows]), range(PIXELS + 1)
    fewest = [greedy_pixels(model, *few) for model in networks]
    fewest += [few_pixels.fewest_pixels(*model, *few) for model in linear]
    fewest = dict(zip((*NETWORK_NAMES, *runs.POST_RUNS), fewest))
    kept = lambda each: few_pixels.accuracy(each, counts)

    def of_networks(models, x, y):
        x = x[..., np.newaxis].astype(np.float32)
        return [np.mean(y * logits_of(model, x) > 0) for model in models]

    shifted = shifts.measure(networks, x[..., 0], y, seed=0, accuracies=of_networks)
    metrics = dict(
        transfer=transfer,
        sure=dict(zip(NETWORK_NAMES, sure)),
        mistakes=dict(zip(NETWORK_NAMES, mistakes)),
        few_pixels={name: kept(each) for name, each in fewest.items()},
        few_pixels_by_digit={
            name: few_pixels.by_digit(each, y[rows], args.digits, kept)
            for name, each in fewest.items()
        },
        clean=dict(zip((*runs.POST_RUNS, *NETWORK_NAMES), accuracies(x))),
        shifts={name: accuracy.tolist() for name, accuracy in shifted.items()},
    )
    about = dict(
        models=[*runs.POST_RUNS, *NETWORK_NAMES],
        networks=NETWORK_NAMES,
        epsilons=list(EPSILONS),
        images=len(rows),
        counts=list(counts),
    )
    runs.save(results / RUN, args, data, metrics, {}, **about)
    few = [f"{name} {kept[-1]:.1%}" for name, kept in metrics["few_pixels"].items()]
    print(f"{results / RUN}: with {PIXELS} pixels changed, " + ", ".join(few))


if __name__ == "__main__":
    cli.run(main)
