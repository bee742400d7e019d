"""The networks of certified.py under other threats than their own, beside the linear models.

    python -m beyond.threats

Attacks that were made for another model, a few pixels set to anything in [0, 1], the shifts of
shifts.py, and how sure the mistakes under attack are. Attacks on networks are searched for (PGD;
pixel after pixel), so that accuracy under them is an upper bound. Reads results/certified/ and the
post's four models; writes results/threats/.
"""

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


def few(x, y):
    """The first IMAGES of each digit: x and y."""
    rows = np.concatenate([np.flatnonzero(y == sign)[:IMAGES] for sign in (-1, 1)])
    return x[rows], y[rows]


class Models:
    """The post's four linear models and the six networks, and the test images."""

    def __init__(self, args):
        results = cli.results_folder(args)
        saved = runs.read(results / certified.RUN, metrics=NETWORK_NAMES)
        self.linear = [rules.linear(runs.read(results / name)) for name in runs.POST_RUNS]
        self.networks = {name: load(saved, name) for name in NETWORK_NAMES}
        data = data_prep.load_pair(args.digits)
        self.x, self.y = data.x_test, data.y_test

    def accuracies(self, images):
        """Of every model, on images that were attacked or not."""
        logits = [attacks.linear_logits(*model, images) for model in self.linear]
        logits += [logits_of(model, images) for model in self.networks.values()]
        return [float(np.mean(self.y * each > 0)) for each in logits]


def of_all(args):
    """What all models keep, clean and under the linear models' attacks, (ε, sources, targets), the
    pixels that fool these, and the accuracy of the networks under every shift.
    """
    models = Models(args)
    attacked = lambda weights, epsilon: attacks.attack_linear(
        weights, models.x, models.y, epsilon, clip=True
    )

    def accuracies(networks, x, y):
        x = x[..., np.newaxis].astype(np.float32)
        return [np.mean(y * logits_of(each, x) > 0) for each in networks]

    return dict(
        clean=models.accuracies(models.x),
        transfer=[
            [models.accuracies(attacked(weights, epsilon)) for weights, _ in models.linear]
            for epsilon in EPSILONS
        ],
        fewest=[
            few_pixels.fewest_pixels(*model, *few(models.x, models.y)) for model in models.linear
        ],
        shifts=shifts.measure(
            list(models.networks.values()), models.x[..., 0], models.y, 0, accuracies
        ),
    )


def of_network(args, name):
    """What all models keep under a network's attacks, (ε, 1, targets), how sure its mistakes are,
    and the pixels that fool it.
    """
    models = Models(args)
    model, x, y = models.networks[name], models.x, models.y
    attack, clean = certified.compiled_attack(model), logits_of(model, x)
    usual = {sign: np.median(np.abs(clean[np.sign(clean) == sign])) for sign in (-1, 1)}
    found = dict(transfer=[], mistakes=[], sure=[])
    for epsilon in EPSILONS:
        images = attack(x, y, epsilon, STEPS)
        logits = logits_of(model, images)
        wrong = logits[y * logits <= 0]
        ratios = [abs(each) / usual[1 if each > 0 else -1] for each in wrong]
        found["transfer"].append([models.accuracies(images)])
        found["mistakes"].append(len(wrong))
        found["sure"].append(float(np.median(ratios)) if ratios else None)
    return found | dict(fewest=greedy_pixels(model, *few(x, y)))


def submitted(executor, args):
    """What is measured, as tasks of an executor: of all models at once, and of each network."""
    tasks = {"all": executor.submit(of_all, args)}
    return tasks | {name: executor.submit(of_network, args, name) for name in NETWORK_NAMES[::-1]}


def save(args, tasks):
    """Wait for the tasks, and save what they give."""
    of_models, *found = [tasks[name].result() for name in ("all", *NETWORK_NAMES)]
    data, results = data_prep.load_pair(args.digits), cli.results_folder(args)
    _, labels = few(data.x_test, data.y_test)
    fewest = [each["fewest"] for each in found] + of_models["fewest"]
    fewest = dict(zip((*NETWORK_NAMES, *runs.POST_RUNS), fewest))
    counts, of_each = range(PIXELS + 1), lambda key: [each[key] for each in found]
    kept = lambda each: few_pixels.accuracy(each, counts)
    metrics = dict(
        transfer=np.concatenate([of_models["transfer"], *of_each("transfer")], axis=1).tolist(),
        sure=dict(zip(NETWORK_NAMES, of_each("sure"))),
        mistakes=dict(zip(NETWORK_NAMES, of_each("mistakes"))),
        few_pixels={name: kept(each) for name, each in fewest.items()},
        few_pixels_by_digit={
            name: few_pixels.by_digit(each, labels, args.digits, kept)
            for name, each in fewest.items()
        },
        clean=dict(zip((*runs.POST_RUNS, *NETWORK_NAMES), of_models["clean"])),
        shifts={name: kept.tolist() for name, kept in of_models["shifts"].items()},
    )
    about = dict(
        models=[*runs.POST_RUNS, *NETWORK_NAMES],
        networks=NETWORK_NAMES,
        epsilons=list(EPSILONS),
        images=len(labels),
        counts=list(counts),
    )
    runs.save(results / RUN, args, data, metrics, {}, **about)
    last = [f"{name} {kept[-1]:.1%}" for name, kept in metrics["few_pixels"].items()]
    print(f"{results / RUN}: with {PIXELS} pixels changed, " + ", ".join(last))


def parse_args(argv=None):
    return cli.pair_parser(__doc__).parse_args(argv)


def main(argv=None):
    args = parse_args(argv)
    runs.read(cli.results_folder(args) / certified.RUN, NETWORK_NAMES)  # before processes start
    with beside.networks() as executor:
        save(args, submitted(executor, args))


if __name__ == "__main__":
    cli.run(main)
