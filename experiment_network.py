"""A small network on the same digits: what carries over from the linear case, and how irregular its loss really is.

    python experiment_network.py                 # about 10 s, a third of it TensorFlow's import

Two hidden layers, trained with the hinge loss like experiment_regular.py and attacked with FGSM and PGD: no exact worst case
is known here, and accuracy under PGD is an upper bound on the robust accuracy. The loss along a pixel, a random and
an adversarial direction is measured for it and for the regular linear model. Reads results/regular/, writes
results/network/: config.json, metrics.json, history.csv, arrays.npz, model.keras.
"""
import cli  # first: installs the one-line Ctrl-C handler
import numpy as np

import attacks
import data_prep
import storage
from experiment_regular import BATCH_SIZE, EPOCHS, LEARNING_RATE, hinge_loss

HIDDEN = (64, 64)  # units of the two hidden layers
EPSILONS = np.linspace(0, 0.3, 7)  # attacks, in pixel units; beyond them nothing is left of the accuracy
PGD_STEPS = 10
IMAGES = 50  # test images whose landscapes are measured; the first one is drawn
OFFSETS = np.linspace(-0.5, 0.5, 201)  # along each direction, in pixel units
VALUES = np.linspace(0, 1, 21)  # of one pixel after the other, its whole range
TURNING_IMAGES = 20  # test images of which every pixel is varied
DIRECTIONS = ("pixel", "random", "adversarial")


def network(seed):
    """Flatten, two hidden layers of ReLU, one logit; Keras' default initialisation."""
    from training import keras
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(),
                             *(layers.Dense(units, activation="relu") for units in HIDDEN), layers.Dense(1)])


def landscapes(model, x, y, directions):
    """1 - y ŷ, the hinge without its flat part, along directions, (images, directions, offsets).

    Arguments:
        x: (images, 28, 28, 1); y: (images,); directions: (images, directions, 28, 28, 1).
    """
    steps = OFFSETS[:, np.newaxis, np.newaxis, np.newaxis] * directions[:, :, np.newaxis]
    points = (x[:, np.newaxis, np.newaxis] + steps).astype(np.float32)
    logits = model.predict(points.reshape(-1, 28, 28, 1), batch_size=10_000, verbose=0).reshape(points.shape[:3])
    return 1 + attacks.margin_loss(y[:, np.newaxis, np.newaxis], logits)


def measured_directions(model, x, y, seed):
    """For each image: the pixel that matters most to the model, a random sign, and the sign of the gradient, as (28, 28, 1)."""
    gradient = attacks.loss_gradient(model, attacks.margin_loss, x, y).numpy()
    pixel = np.abs(gradient) == np.abs(gradient).max(axis=(1, 2, 3), keepdims=True)
    noise = np.random.default_rng(seed).choice([-1.0, 1.0], x.shape)
    return np.stack([pixel, noise, np.sign(gradient)], axis=1)


def turns(losses):
    """How often the slope changes its sign along the last axis, flat parts aside: 0 for whatever only rises or only falls."""
    def count(line):
        slope = np.sign(np.round(np.diff(line), 6))
        slope = slope[slope != 0]
        return np.sum(slope[1:] != slope[:-1])

    return np.apply_along_axis(count, -1, losses)


def turning_pixels(model, x):
    """The share of pixels, over all images, along which the logit turns while the pixel goes from 0 to 1; x: (images, 28, 28, 1)."""
    turning = []
    for image in x:
        points = np.tile(image.ravel(), (image.size, len(VALUES), 1))
        points[np.arange(image.size), :, np.arange(image.size)] = VALUES
        logits = model.predict(points.reshape(-1, *image.shape), batch_size=10_000, verbose=0)
        turning.append(turns(logits.reshape(image.size, len(VALUES))) > 0)
    return float(np.mean(turning))


def bend(losses):
    """The largest distance from the straight line between the two ends, over the whole range of values: 0 for a straight line."""
    straight = np.linspace(losses[..., 0], losses[..., -1], losses.shape[-1], axis=-1)
    return np.abs(losses - straight).max(axis=-1) / np.maximum(np.ptp(losses, axis=-1), 1e-9)


def attack_curves(model, x, y):
    """Accuracy under FGSM and PGD, clipped and not, at each of EPSILONS: {name: list}."""
    curves = {name: [] for name in ("fgsm", "pgd", "fgsm_clipped", "pgd_clipped")}
    for epsilon in EPSILONS:
        for clip, end in ((False, ""), (True, "_clipped")):
            with cli.interrupts_wait():
                attacked = {"fgsm": attacks.fgsm(model, x, y, epsilon, clip=clip),
                            "pgd": attacks.pgd(model, x, y, epsilon, step_size=epsilon / 4, steps=PGD_STEPS, clip=clip)}
                for name, images in attacked.items():
                    logits = model.predict(images, batch_size=10_000, verbose=0)[:, 0]
                    curves[name + end].append(float(np.mean(y * logits > 0)))
        print(f"  epsilon {epsilon:.2f}: " + "  ".join(f"{name} {values[-1]:.2%}" for name, values in curves.items()), flush=True)
    return curves


def parse_args(argv=None):
    parser = cli.parser(__doc__)
    cli.add_training(parser, EPOCHS, BATCH_SIZE, LEARNING_RATE)
    return parser.parse_args(argv)


def main(argv=None):
    args = parse_args(argv)
    data = data_prep.load_pair(args.digits)
    linear_run = storage.read_run(cli.out_dir(args) / "regular", arrays={"weights": (784,), "bias": ()}).arrays
    import runs
    import training
    training.seed_everything(args.seed)
    model = network(args.seed)
    model.compile(optimizer=training.keras.optimizers.SGD(args.learning_rate))
    folder = cli.out_dir(args) / storage.run_name("network")
    with storage.write_run(folder) as place:
        blocks = training.resident(data.x_train, data.y_train, args.shuffle, args.seed)
        history = training.train(model, hinge_loss, blocks, args.epochs, min(args.batch_size, len(data.y_train)),
                                 [training.keras.callbacks.CSVLogger(place / "history.csv")]).history
        logits = model.predict(data.x_test, batch_size=10_000, verbose=0)[:, 0]
        (train_loss, train_accuracy), (test_loss, test_accuracy) = (training.measure(model, hinge_loss, *split) for split in (
            (data.x_train, data.y_train), (data.x_test, data.y_test)))
        metrics = dict(train_accuracy=train_accuracy, test_accuracy=test_accuracy, train_loss=train_loss, test_loss=test_loss,
                       train_accuracy_running=float(history["accuracy"][-1]),
                       misclassified_test=int(np.sum(data.y_test * logits <= 0)), images=IMAGES, turns={}, bend={},
                       turning_pixels=turning_pixels(model, data.x_test[:TURNING_IMAGES]), turning_images=TURNING_IMAGES,
                       robust_accuracy={"epsilon": EPSILONS.tolist(), **attack_curves(model, data.x_test, data.y_test)})
        arrays = dict(offsets=OFFSETS, test_logits=logits, test_targets=data.y_test.astype(np.int8))
        x, y = data.x_test[:IMAGES], data.y_test[:IMAGES]
        directions = measured_directions(model, x, y, args.seed)  # the same ones for both models
        for name, either in (("network", model), ("linear", runs.model_of(linear_run["weights"], linear_run["bias"]))):
            losses = landscapes(either, x, y, directions)
            arrays[f"loss_{name}"] = losses[0]
            for measured, function in (("turns", turns), ("bend", bend)):
                metrics[measured][name] = dict(zip(DIRECTIONS, function(losses).mean(axis=0).tolist()))
        runs.save(place, args, data, metrics, arrays, model)
    print(f"{folder}: test accuracy {metrics['test_accuracy']:.2%}")


if __name__ == "__main__":
    cli.run(main)
