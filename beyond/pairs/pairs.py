"""Which of the post's claims are about robust training, and which about 0 and 1? All 45 pairs.

    python data_prep.py --digits all     # once
    python -m beyond.pairs               # on this machine, a worker a core; minutes
    python -m beyond.pairs --pairs 3-8 4-9 --seeds 5
    python -m beyond.pairs --scheduler tcp://host:8786    # on a Dask cluster that is there
    python -m beyond.pairs --scheduler-file scheduler.json

For each pair of digits: the post's four recipes, the proved optimum at ε = 0.1, 0.2, 0.3, and every
rule of claims/post.py that these models are enough for. Seed s is, to the bit, what
experiment_regular.py and experiment_robust.py train with `--seed s`. Writes a run a pair,
results/pairs/3-8/ and so on: config.json, metrics.json, arrays.npz. A finished pair is saved at
once, and a second start takes up what is missing. Needs Dask, requirements-cluster.txt.
"""

import argparse
import functools
import itertools
import time
from types import SimpleNamespace

import numpy as np

import attacks
import data_prep
import experiment_regular as regular
import experiment_robust as robust
from beyond.linear import diagram, optimum
from beyond.linear.exact import pixel_pull
from beyond.pairs import cluster, code
from beyond.threats import few_pixels
from claims import post, rules
from common import cli, evaluation, runs, training
from common.lazy import tf
from common.many import compiled_epoch, train_many

RUN = "pairs"
MODULE = "beyond.pairs.pairs"  # by which workers import measure_pair
PAIRS = tuple(itertools.combinations(range(10), 2))
NEVER = np.inf, None  # as an end for diagram.optima: it need not know where the constant begins
LARGEST = 0.5  # ε beyond which nothing is separable: it joins a black pixel and a white one
# The rules for which the linear models and optima of a pair are enough. The others need networks,
# folds, surrogates, shifted images or L1 models.
RULES = (
    post.overfitting,
    post.mistakes,
    post.dots,
    post.brittleness,
    post.robustness,
    post.weak_features,
    post.aligned_features,
    post.small_weights,
    post.confidence,
    post.reliability,
    post.margin,
)


def train_models(data, seeds):
    """The post's four models for each seed: weights (4, seeds, 784) and biases (4, seeds).

    It is TensorFlow, though NumPy would take half of the time: rounding decides the signs of
    weights near zero, and at ε = 0.3 NumPy's models keep up to half a percent more or less of the
    images under attack than those of experiment_robust.py. These are the same to the bit.
    """
    training.seed_everything(0)
    hinge = lambda targets, logits, weights: regular.hinge_loss(targets, logits)
    radius = tf.Variable(0.0)  # so that one compiled epoch serves every ε
    robust_hinge = functools.partial(robust.robust_hinge_loss, epsilon=radius)
    epochs = [
        compiled_epoch(loss_fn, it.BATCH_SIZE, it.LEARNING_RATE)
        for loss_fn, it in ((hinge, regular), (robust_hinge, robust))
    ]
    starts, models = list(map(training.initial_weights, range(seeds))), []
    for epsilon in (0, *runs.EPSILONS):
        radius.assign(epsilon)
        train = data.x_train, data.y_train, robust.EPOCHS if epsilon else regular.EPOCHS
        epoch = epochs[epsilon > 0]
        models.append([train_many(epoch, *start, *train)[:2] for start in starts])
    weights, biases = ([[each[part] for each in row] for row in models] for part in (0, 1))
    return np.array(weights)[..., 0], np.array(biases)[..., 0]


def prove(x, y, start):
    """The proved Optimum of each of the post's ε, and two bounds of the ε of separation.

    Arguments:
        x: (n, pixels) and y: (n,), floats; start: (weights, bias) of a rough model.

    Below the first bound zero robust loss is possible (0 if the classes overlap), above the second
    it is not. Raises ValueError for an ε that is not proved.
    """
    model, separation = optimum.separator(x, y, start), None
    possible = 1 / float(np.abs(model[0]).sum()) if model else 0.0
    if possible > runs.EPSILONS[0] / 10:  # the largest may be among ours, where it has to be known
        separation = optimum.separate(x, y)
        possible = separation.epsilon
    found = diagram.optima(x, y, runs.EPSILONS, separation, NEVER)
    impossible = [
        epsilon for epsilon, best in zip(runs.EPSILONS, found) if best.lower_bound > 0
    ] or [LARGEST]
    return found, (possible, separation.upper_bound if separation else impossible[0])


def model_run(weights, bias, data, arguments=(), epsilon=None, metrics=(), arrays=()):
    """A linear model as the rules want it: like a saved run, in memory."""
    x, logits = data.x_test, attacks.linear_logits(weights, bias, data.x_test)
    run = {} if epsilon is None else {"epsilon": epsilon}
    return runs.Run(
        {"arguments": dict(arguments), "run": run},
        evaluation.evaluate(weights, bias, data) | dict(metrics),
        dict(weights=weights, bias=bias, test_logits=logits, test_targets=data.y_test)
        | dict(lit_pixels=data.x_train.reshape(-1, x[0].size).any(axis=0))
        | dict(arrays),
    )


def measure_pair(arrays, digits, seeds=1):
    """Train, prove and judge one pair: the metrics and the arrays that its run saves.

    Arguments:
        arrays: the four uint8 arrays of all ten digits, data_prep.read_all.
        digits: (A, B); seeds: train with the seeds 0 ... seeds - 1.

    Raises ValueError if an optimum is not proved.
    """
    data = data_prep.prepared(data_prep.select_pair(arrays, digits), "")
    weights, biases = train_models(data, seeds)
    x, y = data.x_train.reshape(len(data.y_train), -1).astype(float), data.y_train.astype(float)
    best, (possible, impossible) = prove(x, y, (weights[0, 0], biases[0, 0]))
    bounds = dict(separation_epsilon=possible, separation_upper_bound=impossible)
    saved = {}
    for name, epsilon, it in zip(rules.EXACT, runs.EPSILONS, best):
        saved[name] = model_run(
            it.weights,
            it.bias,
            data,
            (),
            epsilon,
            bounds,
            dict(pixel_pull=pixel_pull(x, y, it.alpha)),
        )
    rates, epsilons = [regular.LEARNING_RATE] + 3 * [robust.LEARNING_RATE], (None, *runs.EPSILONS)
    verdicts = {rule.__name__: [] for rule in RULES}
    numbers, trained = {}, []
    for seed in range(seeds):
        for name, rate, epsilon, *model in zip(
            runs.POST_RUNS, rates, epsilons, weights[:, seed], biases[:, seed]
        ):
            saved[name] = model_run(*model, data, dict(learning_rate=rate), epsilon)
        fewest = few_pixels.fewest_of_models(saved, data)
        saved["few_pixels"] = runs.Run({}, {}, {"fewest": fewest})
        for rule in RULES:
            found, judged = rule(saved, data)
            verdicts[rule.__name__].append(found)
            numbers.setdefault(rule.__name__, judged)  # of the first seed
        trained.append(rules.models(saved))
    exact = [saved[name] for name in rules.EXACT]
    of_seeds = lambda key: [[run.metrics[key] for run in row] for row in zip(*trained)]
    curves = lambda kind, rows: np.array(
        [[run.metrics["robust_accuracy"][kind] for run in row] for row in rows]
    )
    metrics = (
        dict(
            train_images=len(y),
            test_images=len(data.y_test),
            test_accuracy=of_seeds("test_accuracy"),  # (models, seeds)
            train_accuracy=of_seeds("train_accuracy"),
            weight_l1_norm=of_seeds("weight_l1_norm"),
            robust_accuracy=[  # of the robust models, under the attack that they are trained for
                [rules.accuracy_at(run, "unclipped", epsilon) for run in row]
                for epsilon, row in zip(runs.EPSILONS, list(zip(*trained))[1:])
            ],
            optimum=dict(
                epsilon=list(runs.EPSILONS),
                objective=[it.objective for it in best],
                lower_bound=[it.lower_bound for it in best],
                gap=[it.objective - it.lower_bound for it in best],
                test_accuracy=[run.metrics["test_accuracy"] for run in exact],
                robust_accuracy=[
                    rules.accuracy_at(run, "unclipped", epsilon)
                    for epsilon, run in zip(runs.EPSILONS, exact)
                ],
                pixels=[diagram.used_pixels(it.weights) for it in best],
                constant=[not it.weights.any() for it in best],
            ),
            claims={
                name: dict(
                    verdict=min(found, key=rules.VERDICTS.index),
                    verdicts=found,
                    numbers=numbers[name],
                )
                for name, found in verdicts.items()
            },
        )
        | bounds
    )
    return metrics, dict(
        weights=weights,
        bias=biases,
        attack_epsilons=evaluation.ATTACK_EPSILONS,
        unclipped=curves("unclipped", zip(*trained)),  # (models, seeds, ε)
        clipped=curves("clipped", zip(*trained)),
        optimum_weights=np.array([it.weights for it in best]),
        optimum_bias=np.array([it.bias for it in best]),
        optimum_alpha=np.array([it.alpha for it in best]),  # the proof: (ε, train_images)
        optimum_unclipped=curves("unclipped", [exact])[0],
    )


def pair_name(digits):
    return "{}-{}".format(*digits)


def pair(text):
    """An argparse type: two digits, 3-8; the smaller is -1."""
    first, _, second = text.partition("-")
    if not (len(text) == 3 and first.isdecimal() and second.isdecimal() and first < second):
        raise argparse.ArgumentTypeError(f"{text!r} is not a pair of digits as 3-8, smaller first")
    return int(first), int(second)


def is_saved(folder, digest, arguments, code_digest):
    """Whether a pair is saved already: of the same data, arguments, versions and code."""
    try:
        config = runs.read(folder, ["claims"], ["weights"]).config
    except (OSError, ValueError):
        return False
    saved = [config.get(key) for key in ("data_sha256", "arguments", "versions")]
    saved.append(config.get("run", {}).get("code_sha256"))
    return saved == [digest, arguments, runs.versions(), code_digest]


def save(results, digits, digest, arguments, code_digest, metrics, arrays):
    """Save what measure_pair gives, with the digest of the code that measured it."""
    args, data = SimpleNamespace(**arguments), SimpleNamespace(digest=digest)
    folder = results / RUN / pair_name(digits)
    runs.save(folder, args, data, metrics, arrays, digits=digits, code_sha256=code_digest)


def line_of(digits, metrics):
    """A line about a pair."""
    kept, best = np.mean(metrics["robust_accuracy"][1]), metrics["optimum"]
    constant = " (the constant classifier at {})".format(
        " / ".join(f"{it:g}" for it, one in zip(best["epsilon"], best["constant"]) if one)
    )
    return (
        f"{pair_name(digits)}: under attack at ε = 0.2 SGD keeps {kept:.1%}, the optimum "
        f"{best['robust_accuracy'][1]:.1%}{constant if any(best['constant']) else ''}"
    )


def measure_missing(client, sources, code_digest, arrays, missing, args, results):
    """Measure pairs on a cluster and save each at once; returns what failed, {pair: error}."""
    start, done, failed, arguments = time.perf_counter(), 0, {}, dict(seeds=args.seeds)
    work = cluster.each(client, sources, MODULE, "measure_pair", arrays, list(missing), arguments)
    for digits, found, error in work:
        done += 1
        if error is None:
            save(results, digits, missing[digits], arguments, code_digest, *found)
            line = line_of(digits, found[0])
        else:
            failed[digits] = error
            line = f"{pair_name(digits)}: failed twice"
        left = (time.perf_counter() - start) / done * (len(missing) - done)
        print(f"  {line}; {done} of {len(missing)}, about {left:.0f} s left", flush=True)
    return failed


def parse_args(argv=None):
    parser = cli.parser(__doc__, results=True)
    parser.add_argument(
        "--pairs",
        type=pair,
        nargs="+",
        action=cli.Distinct,
        default=list(PAIRS),
        metavar="A-B",
        help="pairs of digits, as 3-8 4-9 (default: all 45)",
    )
    parser.add_argument(
        "--seeds",
        type=cli.number(int, 1, 1000),
        default=1,
        metavar="N",
        help="train with the seeds 0 ... N-1 (default: %(default)s, the post's)",
    )
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--scheduler",
        type=cluster.address,
        metavar="ADDRESS",
        help="of a Dask cluster, as tcp://host:8786 (default: workers on this machine)",
    )
    place.add_argument(
        "--scheduler-file",
        type=cluster.scheduler_file,
        dest="scheduler",
        metavar="FILE",
        help="in which dask scheduler --scheduler-file left its address",
    )
    parser.add_argument(
        "--workers",
        type=cli.number(int, 1, 1024),
        help="on this machine (default: one a core, as far as the memory goes)",
    )
    return parser.parse_args(argv)


def main(argv=None):
    args = parse_args(argv)
    results, arrays, missing = cli.results_folder(args), data_prep.read_all(), {}
    sources, arguments = code.sources(), dict(seeds=args.seeds)  # read once: the digest is theirs
    code_digest = code.digest(sources, MODULE)
    for digits in args.pairs:
        digest = data_prep.digest(data_prep.select_pair(arrays, digits))
        folder = results / RUN / pair_name(digits)
        if not is_saved(folder, digest, arguments, code_digest):
            missing[digits] = digest
    print(
        f"{len(args.pairs) - len(missing)} of {len(args.pairs)} pairs are saved already", flush=True
    )
    failed = {}
    if missing:
        with cluster.connected(sources, args.scheduler, args.workers) as client:
            print(cluster.described(client), flush=True)
            failed = measure_missing(client, sources, code_digest, arrays, missing, args, results)
    if failed:
        named = "; ".join(f"{pair_name(digits)}: {error}" for digits, error in failed.items())
        raise ValueError(
            f"{len(failed)} of {len(missing)} pairs failed twice, the others are saved: {named}"
        )
    print(results / RUN)


if __name__ == "__main__":
    cli.run(main)
