"""Networks with a certificate: every accuracy under attack between two proved sides.

    python -m beyond.networks.certified

A network of two hidden layers and a convolutional one, each trained regularly, adversarially (PGD
in the step) and with a certificate (the loss of the interval bound). For each attack ε an attack
that succeeds (PGD) gives the upper side, and bounds.py the lower one. Attacked pixels stay in
[0, 1]. Learning rate, batch size and clipping were chosen on 2,000 held-out training images. The
small network with a certificate is trained for --epochs, the convolutional one for half of them
(more proved no more of the 2,000), the others for a quarter.

Writes results/certified/: config.json, metrics.json, arrays.npz (weights), and two of the networks
as Keras models.
"""

import functools

import numpy as np

import data_prep
from beyond.networks import bounds
from common import beside, cli, runs, training
from common.lazy import keras, tf
from common.runs import NETWORK_NAMES

RUN = "certified"
EPOCHS = 20
BATCH_SIZE = 50  # images
LEARNING_RATE = 0.003  # of Adam until the end of the ramp; then it falls to zero along a cosine
CLIP_NORM = 1.0  # of each variable's gradient: a batch with a large bound would spoil Adam's memory
SHARES = {"small-certified": 1, "convolutional-certified": 1 / 2}  # of EPOCHS
OTHERS = 1 / 4  # the share of the four others
RAMP = 0.5  # of the steps, in which ε rises from 0
EPSILON = 1.05 * 0.4  # of certified training after the ramp, in pixel units
ADVERSARIAL_EPSILON, ADVERSARIAL_STEPS = 0.2, 5  # of PGD in the step
ATTACKS = np.sort([*np.linspace(0, 0.5, 11), EPSILON])  # radii, in pixel units
MOMENTUM = 0.6  # of PGD: what a step keeps of the direction of the one before
# Images at most, how many starts in a row, after a first one, must break too few, and their steps.
SEARCHES = (300, 3, 12), (100, 8, 12), (300, 1, 40)
FEW = 3  # images
MOVED = 0.2  # of the pixels, around the best image so far
HOPELESS = 64  # images in a row that CROWN does not prove
IMAGES_AT_ONCE, ATTACKED_AT_ONCE = 2_500, 256  # of a forward pass, and of PGD: in the cache
MILP_IMAGES, MILP_NODES = 10, 50  # at most, for each ε, and of the solver's tree for each


def network(architecture, logits=1):
    """small: two hidden layers of 64; convolutional: two convolutions and a layer of 64."""
    layers, options = keras.layers, dict(data_format="channels_last", dtype="float32")
    convolutions = [
        layers.Conv2D(16, 5, 2, activation="relu", **options),
        layers.Conv2D(32, 4, 2, activation="relu", **options),
    ]
    units = (64, 64) if architecture == "small" else (64,)
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), dtype="float32"),
            *(convolutions if architecture == "convolutional" else []),
            layers.Flatten(**options),
            *(layers.Dense(each, activation="relu", dtype="float32") for each in units),
            layers.Dense(logits, dtype="float32"),
        ]
    )


def load(saved, name):
    """A network of the run certified, by its name."""
    model = network(name.split("-")[0])
    model.set_weights([saved.arrays[f"{name}-{n}"] for n in range(len(model.weights))])
    return model


def keras_models(saved):
    """Those networks of the run that are saved as Keras models as well, by their names."""
    models = {}
    for name in filter(saved.metrics.get, runs.KERAS_NETWORKS):
        keras.utils.clear_session()  # so that the names of layers are always the same
        models[name] = load(saved, name)
    return models


def interval_layers(layers, x, epsilon):
    """The interval bounds behind some layers, in float32 and differentiable: for training only."""
    low, high = tf.maximum(x - epsilon, 0.0), tf.minimum(x + epsilon, 1.0)
    for layer in layers:
        if not layer.weights:
            low, high = layer(low), layer(high)
            continue
        centre, radius, kernel = (low + high) / 2, (high - low) / 2, layer.kernel
        if len(kernel.shape) == 2:
            centre, radius = centre @ kernel + layer.bias, radius @ tf.abs(kernel)
        else:
            centre = tf.nn.conv2d(centre, kernel, 2, "VALID") + layer.bias
            radius = tf.nn.conv2d(radius, tf.abs(kernel), 2, "VALID")
        low, high = layer.activation(centre - radius), layer.activation(centre + radius)
    return low, high


def interval_margin(model, x, y, epsilon):
    """The interval bound of y·logit, (batch,)."""
    low, high = interval_layers(model.layers, x, epsilon)
    return y * (low + high)[:, 0] / 2 - (high - low)[:, 0] / 2


def for_pixels(model):
    """The model as a function whose gradient with respect to the pixels takes less time.

    Its 5 x 5 convolution of one channel, every two pixels, is a 3 x 3 convolution of four channels,
    those of two by two pixels. With a single channel TensorFlow's gradient takes twice as long.
    """
    first, *rest = model.layers
    if type(first) is not keras.layers.Conv2D:
        return model
    kernel = tf.pad(first.kernel, ((0, 1), (0, 1), (0, 0), (0, 0)))
    kernel = tf.transpose(tf.reshape(kernel, (3, 2, 3, 2, -1)), (0, 2, 1, 3, 4))
    kernel = tf.reshape(kernel, (3, 3, 4, -1))

    def outputs(x):
        x = tf.nn.conv2d(tf.nn.space_to_depth(x, 2), kernel, 1, "VALID") + first.bias
        x = first.activation(x)
        for layer in rest:
            x = layer(x)
        return x

    return outputs


def attacked(model, x, y, epsilon, steps, start, size, momentum=0.0):
    """PGD in [0, 1], of float32 tensors: for the training step and, compiled, for the upper side.

    start: the images that it starts from, within ε of x. size: of a step, by its number, in pixel
    units. momentum: how much of the direction stays for the next step (Dong et al.,
    arXiv:1710.06081).
    """
    low, high = tf.maximum(x - epsilon, 0.0), tf.minimum(x + epsilon, 1.0)
    outputs = for_pixels(model)

    def move(step, found, direction):
        with tf.GradientTape() as tape:
            tape.watch(found)
            loss = -y * outputs(found)[:, 0]
        gradient = tape.gradient(loss, found)
        mean = tf.reduce_mean(tf.abs(gradient), (1, 2, 3), keepdims=True)
        direction = momentum * direction + tf.math.divide_no_nan(gradient, mean)
        found = found + size(step) * tf.sign(direction)
        return step + 1, tf.clip_by_value(found, low, high), direction

    first = 0, tf.clip_by_value(start, low, high), tf.zeros_like(start)
    return tf.while_loop(lambda step, *_: step < steps, move, first)[1]


def compiled_attack(model):
    """`attacked` as a compiled call: (x, y, epsilon, steps, start, first) to images, in NumPy.

    The first step is of `first` · ε, and the others fall to zero along a line: with 2 ε an image
    goes from any corner of its box to any other, and PGD searches far before it searches near.
    epsilon: one, or one for each image. start: random corners, if None. Images whose gradient
    vanishes stay where they started: the certificate does not depend on them.
    """
    images, radii = tf.TensorSpec([None, 28, 28, 1]), tf.TensorSpec([None, 1, 1, 1])
    labels, number, count = tf.TensorSpec([None]), tf.TensorSpec([]), tf.TensorSpec([], tf.int32)

    @tf.function(input_signature=[images, labels, radii, count, images, number])
    def search(x, y, epsilon, steps, start, first):
        size = lambda step: first * epsilon * tf.cast(1 - step / steps, tf.float32)
        return attacked(model, x, y, epsilon, steps, start, size, MOMENTUM)

    search = search.get_concrete_function()

    def attack(x, y, epsilon, steps, start=None, first=2.0):
        radii = np.broadcast_to(np.reshape(epsilon, (-1, 1, 1, 1)), (len(x), 1, 1, 1))
        if start is None:
            start = x + radii * np.random.default_rng(0).choice([-1.0, 1.0], np.shape(x))
        number, found = lambda value: tf.constant(value, tf.float32), np.empty(x.shape, np.float32)
        for begin in range(0, len(x), ATTACKED_AT_ONCE):
            part = slice(begin, begin + ATTACKED_AT_ONCE)
            some = number(x[part]), number(y[part]), number(radii[part]), tf.constant(steps)
            found[part] = search(*some, number(start[part]), number(first))
        return found

    return attack


def train_step(model, x, y, batch_size, method, steps):
    """One step of Adam on the logistic loss of one batch, regular, adversarial or certified.

    steps: of the whole training, of which RAMP is the ramp. x: (batch, 28, 28, 1), y: (batch,).
    """
    y, rise = tf.cast(y, tf.float32), risen(model, steps)
    if method == "adversarial":
        epsilon = rise * ADVERSARIAL_EPSILON
        size = 2.5 * epsilon / ADVERSARIAL_STEPS
        x = attacked(model, x, y, epsilon, ADVERSARIAL_STEPS, x, lambda step: size)
    with tf.GradientTape() as tape:
        if method == "certified":  # the logits of the worst case that intervals allow
            logits = y * interval_margin(model, x, y, rise * EPSILON)
        else:
            logits = model(x, training=True)[:, 0]
        losses = tf.nn.softplus(-y * logits)
        loss = model.optimizer.scale_loss(tf.reduce_sum(losses) / batch_size)
    gradients = tape.gradient(loss, model.trainable_variables)
    model.optimizer.apply(gradients, model.trainable_variables)
    return losses, logits, gradients


def risen(model, steps):
    """The part of the ramp that is done, in 0..1; steps: of the whole training."""
    return tf.minimum(tf.cast(model.optimizer.iterations, tf.float32) / (RAMP * steps), 1.0)


def compiled(architecture, learning_rate, steps, logits=1):
    """A new network with its Adam: the rate stays until the ramp ends, then falls to zero."""
    model, rise = network(architecture, logits), round(RAMP * steps)
    rate = keras.optimizers.schedules.CosineDecay(
        learning_rate, steps - rise, warmup_target=learning_rate, warmup_steps=rise
    )
    model.compile(optimizer=keras.optimizers.Adam(rate, clipnorm=CLIP_NORM))
    return model


def trained(args, data, name):
    """A network, trained as its name says."""
    training.seed_everything(args.seed)
    architecture, method = name.split("-")
    epochs = max(1, round(SHARES.get(name, OTHERS) * args.epochs))
    steps = epochs * -(-len(data.y_train) // args.batch_size)
    model = compiled(architecture, args.learning_rate, steps)
    step = functools.partial(
        train_step, model, batch_size=args.batch_size, method=method, steps=steps
    )
    order = dict(shuffle=args.shuffle, seed=args.seed, verbose=0)
    training.train(step, model, data.x_train, data.y_train, epochs, args.batch_size, **order)
    return model


def logits_of(model, x):
    """Of a network, (batch,), called directly: Keras' predict takes longer to begin than to end."""
    parts = np.array_split(x, -(-len(x) // IMAGES_AT_ONCE)) if len(x) else []
    return np.concatenate([np.zeros(0, np.float32), *(model(part).numpy()[:, 0] for part in parts)])


def broken(attack, model, x, y, epsilon, others, best):
    """Which images PGD makes wrong, (batch,), from one start after the other, and the best images.

    The first start is `best`, those of a smaller ε, sent on to the corners of their new boxes, by
    chance where they are x. Then come the corner towards an image of the other class (others:
    images by the label that they do not have), a random one, and from there on the best image so
    far with a fifth of its pixels sent to random corners: a search around it. After the first
    start, of all images, come the 300 that are nearest to the boundary, until three starts in a row
    have broken fewer than three; then the nearest 100, until eight in a row have after a first one;
    and then 300 once more, with more steps, until one has after a first one.
    """
    generator, number = np.random.default_rng(0), 0
    margins, best = np.full(len(y), np.inf), best.copy()
    for most, patience, steps in SEARCHES:
        counts = []  # of the images that each start breaks
        while len(counts) <= patience or sum(counts[-patience:]) >= FEW:
            left = np.flatnonzero(margins > 0)
            left = left[np.argsort(margins[left], kind="stable")][: most if number else len(y)]
            if not len(left):
                return margins <= 0, best
            image, known, first = x[left], best[left], 2.0
            start = image + epsilon * generator.choice([-1.0, 1.0], image.shape)
            if number == 0:
                ahead, first = image + epsilon * np.sign(known - image), 1.0
                start = np.where(known == image, start, ahead)
            elif number == 1:
                towards = [generator.choice(others[label]) for label in y[left]]
                start = image + epsilon * np.sign(np.array(towards) - 0.5)
            elif number > 2:
                start = np.where(generator.random(image.shape) < MOVED, start, known)
                first = 0.5
            images = attack(image, y[left], epsilon, steps, start, first)
            found = y[left] * logits_of(model, images)
            better = found < margins[left]
            best[left[better]], margins[left[better]] = images[better], found[better]
            counts.append(int(np.sum(found <= 0)))
            number += 1
    return margins <= 0, best


def lower_bounds(network, x, y, epsilon, before, slopes=0):
    """Linear bounds of the margins, (batch,): CROWN-IBP, CROWN for what it leaves, and with slopes,
    as in bounds.crown, the same with optimised lines for what is left then.

    before: those of a smaller ε, (batch,), infinite if CROWN was not needed; only then CROWN-IBP is
    asked. CROWN takes the images in the order of these bounds, until it has proved none of HOPELESS
    in a row.
    """
    easy, bound = np.isinf(before), np.full(len(y), -np.inf)
    bound[easy] = bounds.crown(network, x[easy], y[easy], epsilon, refine=False, verbose=0)
    order = np.lexsort((-bound, -before, bound <= 0))
    bound[bound > 0] = np.inf
    for start in range(np.sum(bound > 0), len(y), HOPELESS):
        part = order[start : start + HOPELESS]
        bound[part] = bounds.crown(network, x[part], y[part], epsilon, verbose=0)
        if not np.any(bound[part] > 0):
            break
    rest = np.flatnonzero(bound <= 0)
    if slopes and len(rest):
        bound[rest] = bounds.crown(network, x[rest], y[rest], epsilon, slopes=slopes, verbose=0)
    return bound


def by_program(model, proved_by, x, y, epsilon):
    """By MILP, which images are proved and which are broken, (batch,) both."""
    safe, wrong = np.zeros(len(y), bool), np.zeros(len(y), bool)
    for number in range(len(y)):
        one = slice(number, number + 1)
        bound, image = bounds.milp(proved_by, x[one], y[one], epsilon, nodes=MILP_NODES)
        safe[number] = bound > 0
        if image is not None:
            image = np.clip(image, x[one] - np.float32(epsilon), x[one] + np.float32(epsilon))
            wrong[number] = (y[one] * logits_of(model, image))[0] <= 0
    return safe, wrong


def bracket(model, x, y, by_milp):
    """Accuracy at each of ATTACKS: certified (lower side), attacked (upper), images between.

    by_milp: whether MILP is tried on the last images.
    """
    network, attack = bounds.Network(model), compiled_attack(model)
    others, best = {label: x[y != label] for label in (-1, 1)}, x.copy()
    boxed, safe, wrong = np.ones(len(y), bool), np.ones(len(y), bool), np.zeros(len(y), bool)
    bound = np.full(len(y), np.inf)  # of each image, the last one
    found = {"epsilon": ATTACKS.tolist(), "images": len(y)}
    for epsilon in ATTACKS:
        # A bound only falls with ε: what one does not prove at a smaller ε it is not asked again.
        # What is broken once is so at every larger ε.
        rest = np.flatnonzero(boxed)
        boxed[rest] = bounds.interval(network, x[rest], y[rest], epsilon) > 0
        before, rest = safe.copy(), np.flatnonzero(safe & ~boxed)
        bound[rest] = lower_bounds(network, x[rest], y[rest], epsilon, bound[rest])
        safe[rest] = bound[rest] > 0
        rest = np.flatnonzero(~safe & ~wrong)
        wrong[rest], best[rest] = broken(
            attack, model, x[rest], y[rest], epsilon, others, best[rest]
        )
        rest, solved = np.flatnonzero(before & ~safe & ~wrong), 0
        if by_milp and len(rest) <= MILP_IMAGES:
            safe[rest], wrong[rest] = by_program(model, network, x[rest], y[rest], epsilon)
            solved = int(np.sum(safe[rest] | wrong[rest]))
        row = dict(
            intervals=float(np.mean(boxed)),
            certified=float(np.mean(safe)),
            certified_images=int(np.sum(safe)),
            attacked=float(np.mean(~wrong)),
            attacked_images=int(np.sum(~wrong)),
            between=int(np.sum(~safe & ~wrong)),
            by_milp=solved,
        )
        for name, value in row.items():
            found.setdefault(name, []).append(value)
    return found


def class_distance(x, y):
    """The least ℓ∞ distance between two images of different classes.

    Below half of it some classifier makes no mistake under attack; from there on every one does.
    """
    flat = x.reshape(len(x), -1)
    return float(min(np.abs(flat[y < 0] - image).max(axis=1).min() for image in flat[y > 0]))


def train_and_bracket(args, name):
    """One network: its weights, arrays, and its `bracket`."""
    data = data_prep.load_pair(args.digits)
    model = trained(args, data, name)
    # In the others too many units may switch: minutes for each image.
    by_milp = name == "small-certified"
    return model.get_weights(), bracket(model, data.x_test, data.y_test, by_milp)


def submitted(executor, args):
    """The networks as tasks of an executor, by their names; what takes longest comes first."""
    return {name: executor.submit(train_and_bracket, args, name) for name in NETWORK_NAMES[::-1]}


def save(args, tasks):
    """Wait for the tasks, and save what they give."""
    data = data_prep.load_pair(args.digits)
    folder, arrays = cli.results_folder(args) / runs.name(RUN), {}
    metrics = {"class_distance": class_distance(data.x_test, data.y_test)}
    for name in NETWORK_NAMES:
        weights, found = tasks[name].result()
        metrics[name] = found
        arrays |= {f"{name}-{number}": each for number, each in enumerate(weights)}
        sides = zip(ATTACKS, found["certified_images"], found["attacked_images"])
        cells = [f"{epsilon:.2f}: {low}–{high}" for epsilon, low, high in sides]
        print(f"  {name}, images: " + "  ".join(cells), flush=True)
    models = keras_models(runs.Run({}, metrics, arrays))
    runs.save(folder, args, data, metrics, arrays, models, epsilon=EPSILON)
    print(folder)


def parse_args(argv=None):
    flags = dict(epochs=EPOCHS, batch_size=BATCH_SIZE, learning_rate=LEARNING_RATE, seed=0)
    return cli.pair_parser(__doc__, **flags, shuffle=True).parse_args(argv)


def main(argv=None):
    args = parse_args(argv)
    with beside.networks() as executor:
        save(args, submitted(executor, args))


if __name__ == "__main__":
    cli.run(main)
