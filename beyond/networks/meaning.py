"""Are robust networks more meaningful, as the post's end promises? Gradients and turned images.

    python -m beyond.networks.meaning            # half a minute; reads the run certified

For each of the six networks, of one seed each, and each test image: the gradient g of the logit
along the pixels x, its alignment with the image |⟨x, g⟩| / ‖g‖₂, whatever the scale of the logit
(Etmann et al., arXiv:1905.04172), the share of ‖g‖₁ on or beside ink, and on how many pixels half
of ‖g‖₁ lies. For the first IMAGES of them: the least ε at which PGD turns the decision, found by
bisection, and whether most of the NEIGHBOURS training images that are nearest to the turned image
are of the other class; the same for random signs of that ε, which change as much. Writes
results/meaning/: config.json, metrics.json, arrays.npz (what the figure shows).
"""

import os

import numpy as np
from scipy import ndimage

import attacks
import data_prep
from beyond.networks import certified
from common import beside, cli, runs
from common.runs import NETWORK_NAMES

RUN = "meaning"
IMAGES = 300  # test images whose decisions are turned
STEPS = 20  # of PGD, from one start
HALVINGS = 8  # of ε from 0 to 1, in pixel units: to 1/256
INK = 0.5  # pixels above it are ink, and those that touch one are beside it
NEIGHBOURS = 5
SHOWN = 3  # images of each class: the first that all networks have right


def quartiles(values):
    """The lower quartile, the median and the upper one."""
    return np.quantile(values, [0.25, 0.5, 0.75]).tolist()


def beside_ink(x):
    """Which pixels are ink or touch some, (batch, 784)."""
    ink = ndimage.binary_dilation(x[..., 0] > INK, np.ones((1, 3, 3)))
    return ink.reshape(len(x), -1)


def of_gradients(gradients, x):
    """What is measured of gradients g and images x, (batch, 28, 28, 1) both: quartiles over images.

    A network may be flat around an image; of that one there is nothing but the count.
    """
    flat = ~gradients.any(axis=(1, 2, 3))
    g, pixels = (each[~flat].reshape(-1, 784) for each in (gradients, x))
    sizes, ink = np.abs(g), beside_ink(x[~flat])
    shares = np.sort(sizes / sizes.sum(axis=1, keepdims=True))[:, ::-1]
    return dict(
        flat=int(flat.sum()),
        alignment=quartiles(np.abs((pixels * g).sum(axis=1)) / np.linalg.norm(g, axis=1)),
        share_on_ink=quartiles((sizes * ink).sum(axis=1) / sizes.sum(axis=1)),
        pixels_of_half=quartiles(1 + np.sum(np.cumsum(shares, axis=1) < 0.5, axis=1)),
    )


def least_attack(model, x, y):
    """The least ε at which PGD turns each decision, (batch,), and the turned images.

    Bisection, which takes it that a larger ε turns what a smaller one does. It is an upper bound,
    as PGD may miss an attack; where it finds none at all, ε is infinite and the image as it was.
    """
    attack, found, turned = certified.compiled_attack(model), np.full(len(y), np.inf), x.copy()
    low, high = np.zeros(len(y)), np.ones(len(y))
    for _ in range(HALVINGS):
        epsilon = (low + high) / 2
        images = attack(x, y, epsilon, STEPS)
        wrong = y * certified.logits_of(model, images) <= 0
        found[wrong], turned[wrong] = epsilon[wrong], images[wrong]
        low, high = np.where(wrong, low, epsilon), np.where(wrong, epsilon, high)
    return found, turned


def nearer(images, y, data):
    """Whether most of the NEIGHBOURS nearest training images (ℓ2) are of the other class, (batch,).

    images: (batch, 28, 28, 1); y: the labels of the test images that they were.
    """
    train, x = data.x_train.reshape(len(data.x_train), -1), images.reshape(len(images), -1)
    distances = (train**2).sum(axis=1) - 2 * x @ train.T  # squared, less what is the same for all
    nearest = np.argpartition(distances, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    return y * data.y_train[nearest].sum(axis=1) < 0


def main(argv=None):
    args = cli.pair_parser(__doc__).parse_args(argv)
    os.environ.update(beside.ONEDNN)  # before TensorFlow
    data, folder = data_prep.load_pair(args.digits), cli.results_folder(args) / RUN
    saved = runs.read(folder.with_name(certified.RUN), metrics=NETWORK_NAMES)
    models = {name: certified.load(saved, name) for name in NETWORK_NAMES}
    x, y = data.x_test, data.y_test
    some, labels = x[:IMAGES], y[:IMAGES]
    right = [labels * certified.logits_of(model, some) > 0 for model in models.values()]
    right = np.all(right, axis=0)
    shown = np.concatenate([np.flatnonzero(right & (labels == it))[:SHOWN] for it in (-1, 1)])
    metrics = {"share_of_pixels_on_ink": quartiles(beside_ink(x).mean(axis=1))}
    arrays = dict(images=some[shown], gradients=[], turned=[], epsilon=[])
    for name, model in models.items():
        gradients, _ = attacks.loss_gradient(model, lambda _, logits: logits, x, y)
        metrics[name] = of_gradients(gradients, x)
        epsilon, turned = least_attack(model, some, labels)
        done = np.isfinite(epsilon)
        signs = np.random.default_rng(0).choice([-1.0, 1.0], some.shape)
        random = np.clip(some + np.where(done, epsilon, 0)[:, None, None, None] * signs, 0, 1)
        metrics[name] |= dict(
            turned=int(done.sum()),
            epsilon=quartiles(epsilon[done]),
            nearer=int(nearer(turned[done], labels[done], data).sum()),
            nearer_by_random_signs=int(nearer(random[done], labels[done], data).sum()),
        )
        found = dict(gradients=gradients[shown], turned=turned[shown], epsilon=epsilon[shown])
        for key, values in found.items():
            arrays[key].append(values)
        print(f"  {name}: " + ", ".join(f"{key} {it}" for key, it in metrics[name].items()))
    arrays = {key: np.array(values, np.float32) for key, values in arrays.items()}
    about = dict(networks=NETWORK_NAMES, images=len(x), turned_images=IMAGES)
    about |= dict(neighbours=NEIGHBOURS, ink=INK, certified=saved.config["arguments"])
    runs.save(folder, args, data, metrics, arrays, **about)
    print(folder)


if __name__ == "__main__":
    cli.run(main)
