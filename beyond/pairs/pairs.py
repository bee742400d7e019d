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
MODULE = "beyond.pairs.pairs"  # by which workers import what is below
SEEDS_AT_ONCE = 5  # in a task, four models each; to trace their steps costs as much as two
PAIRS = tuple(itertools.combinations(range(10), 2))
RECIPES = regular, robust, robust, robust  # of the post's four models, with their ε
RADII = 0, *runs.EPSILONS
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


def pair_data(arrays, digits):
    """The data_prep.Data of a pair, from the arrays of all ten digits."""
    return data_prep.prepared(data_prep.select_pair(arrays, digits), "")


def train_models(arrays, digits, seeds):
    """The post's four models for each of some seeds: weights (4, seeds, 784), biases (4, seeds).

    It is TensorFlow, though NumPy would take half of the time: rounding decides the signs of
    weights near zero, and at ε = 0.3 NumPy's models keep up to half a percent more or less of the
    images under attack than those of experiment_robust.py. These are the same to the bit.
    """
    training.seed_everything(0)
    data = pair_data(arrays, digits)
    radius = tf.Variable(0.0)  # so that a compiled epoch serves every ε; at 0 it is the hinge
    loss_fn = functools.partial(robust.robust_hinge_loss, epsilon=radius)
    recipes, models = (regular, robust), []
    epochs = {it: compiled_epoch(loss_fn, it.BATCH_SIZE, it.LEARNING_RATE) for it in recipes}
    starts = [training.initial_weights(seed) for seed in seeds]
    for recipe, epsilon in zip(RECIPES, RADII):
        radius.assign(epsilon)
        train = data.x_train, data.y_train, recipe.EPOCHS
        models.append([train_many(epochs[recipe], *start, *train)[:2] for start in starts])
    weights, biases = ([[each[part] for each in row] for row in models] for part in (0, 1))
    return np.array(weights)[..., 0], np.array(biases)[..., 0]


def prove(arrays, digits):
    """The proved Optimum of each of the post's ε, and their runs as the rules read them, by name.

    Raises ValueError for an ε that is not proved.
    """
    data, found = pair_data(arrays, digits), {}
    x, y = data.training_matrix()
    best, (possible, impossible) = optima(x, y)
    bounds = dict(separation_epsilon=possible, separation_upper_bound=impossible)
    for name, epsilon, it in zip(rules.EXACT, runs.EPSILONS, best):
        pull = dict(pixel_pull=pixel_pull(x, y, it.alpha))
        config = dict(run=dict(epsilon=epsilon))
        found[name] = model_run(it.weights, it.bias, data, config, bounds, pull)
    return best, found


def optima(x, y):
    """The proved Optimum of each of the post's ε, and two bounds of the ε of separation.

    Below the first bound zero robust loss is possible (0 if the classes overlap), above the second
    it is not. x: (images, pixels), y: (images,), -1 or +1.
    """
    program = optimum.Program(x, y)
    model = optimum.separator(program.x, y)
    found = diagram.optima(program, runs.EPSILONS)
    positive = [epsilon for epsilon, best in zip(runs.EPSILONS, found) if best.lower_bound > 0]
    if model and len(positive) < len(found):  # the largest is among ours, and has to be known
        separation = optimum.separate(x, y)
        found = diagram.optima(program, runs.EPSILONS, separation)
        return found, (separation.epsilon, separation.upper_bound)
    possible = 1 / float(np.abs(model[0]).sum()) if model else 0.0
    return found, (possible, min(positive, default=LARGEST))


def stages(seeds):
    """What is done before measure_pair, as tasks: the proofs of a pair, then some seeds each."""
    first = range(0, seeds, SEEDS_AT_ONCE)
    some = [range(seeds)[start : start + SEEDS_AT_ONCE] for start in first]
    return [[("prove",)], [("measure_seeds", each) for each in some]]


def model_run(weights, bias, data, config, metrics=(), arrays=()):
    """A linear model as the rules want it: like a saved run, in memory."""
    numbers = evaluation.evaluate(weights, bias, data) | dict(metrics)
    of_images = dict(
        test_logits=attacks.linear_logits(weights, bias, data.x_test),
        test_targets=data.y_test,
        lit_pixels=data.x_train.any(axis=0).ravel(),
    )
    return runs.Run(config, numbers, dict(weights=weights, bias=bias) | of_images | dict(arrays))


def measure_seeds(arrays, digits, seeds, proofs):
    """Train a pair's models with some seeds and judge those of each seed.

    proofs: [what `prove` gave]. Returns the weights (4, seeds, 784), the biases (4, seeds), the
    metrics of the four models of each seed, and for each seed verdict and numbers of every rule.
    """
    data, ((_, exact),) = pair_data(arrays, digits), proofs
    weights, biases = train_models(arrays, digits, seeds)
    saved, trained, judged = dict(exact), [], []
    for seed in range(len(seeds)):
        for row, (name, recipe, epsilon) in enumerate(zip(runs.POST_RUNS, RECIPES, RADII)):
            arguments = dict(learning_rate=recipe.LEARNING_RATE)
            config = dict(arguments=arguments, run=dict(epsilon=epsilon))
            saved[name] = model_run(weights[row, seed], biases[row, seed], data, config)
        fewest = few_pixels.fewest_of_models(saved, data)
        saved["few_pixels"] = runs.Run({}, {}, {"fewest": fewest})
        judged.append({rule.__name__: rule(saved, data) for rule in RULES})
        trained.append([run.metrics for run in rules.models(saved)])
    return weights, biases, trained, judged


def claims_of(judged):
    """The verdict of each rule, the worst of those of the seeds, and the first seed's numbers."""
    found = {}
    for name, (_, numbers) in judged[0].items():
        verdicts = [of_seed[name][0] for of_seed in judged]
        worst = min(verdicts, key=rules.VERDICTS.index)
        found[name] = dict(verdict=worst, verdicts=verdicts, numbers=numbers)
    return found


def measure_pair(arrays, digits, proofs, measured):
    """The metrics and the arrays that the run of a pair saves.

    Arguments:
        arrays: the four uint8 arrays of all ten digits, data_prep.read_all.
        digits: (A, B); proofs, measured: what its `stages` gave.
    """
    data, ((best, proved),) = pair_data(arrays, digits), proofs
    weights, biases, trained, judged = zip(*measured)
    models = list(zip(*itertools.chain(*trained)))  # metrics, (4, seeds)
    exact, radii = [run.metrics for run in proved.values()], evaluation.ATTACK_EPSILONS

    def of_models(key):
        return [[metrics[key] for metrics in row] for row in models]

    def curves(row, attack):
        return [metrics["robust_accuracy"][attack] for metrics in row]

    def kept(row, epsilon):  # under the attack that a model is trained for
        return [rules.at(curve, radii, epsilon) for curve in curves(row, "unclipped")]

    metrics = dict(
        train_images=len(data.y_train),
        test_images=len(data.y_test),
        test_accuracy=of_models("test_accuracy"),
        train_accuracy=of_models("train_accuracy"),
        weight_l1_norm=of_models("weight_l1_norm"),
        robust_accuracy=[kept(row, epsilon) for row, epsilon in zip(models[1:], runs.EPSILONS)],
        optimum=dict(
            epsilon=list(runs.EPSILONS),
            objective=[it.objective for it in best],
            lower_bound=[it.lower_bound for it in best],
            gap=[it.gap for it in best],
            test_accuracy=[metrics["test_accuracy"] for metrics in exact],
            robust_accuracy=[kept([it], epsilon)[0] for it, epsilon in zip(exact, runs.EPSILONS)],
            pixels=[diagram.used_pixels(it.weights) for it in best],
            constant=[not it.weights.any() for it in best],
        ),
        claims=claims_of(list(itertools.chain(*judged))),
        separation_epsilon=exact[0]["separation_epsilon"],
        separation_upper_bound=exact[0]["separation_upper_bound"],
    )
    return metrics, dict(
        weights=np.concatenate(weights, axis=1),
        bias=np.concatenate(biases, axis=1),
        attack_epsilons=radii,
        unclipped=np.array([curves(row, "unclipped") for row in models]),  # (models, seeds, ε)
        clipped=np.array([curves(row, "clipped") for row in models]),
        optimum_weights=np.array([it.weights for it in best]),
        optimum_bias=np.array([it.bias for it in best]),
        optimum_alpha=np.array([it.alpha for it in best]),  # the proof: (ε, train_images)
        optimum_unclipped=np.array(curves(exact, "unclipped")),
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
        saved = [config[key] for key in ("data_sha256", "arguments", "versions")]
        saved.append(config["run"]["code_sha256"])
    except (OSError, ValueError, LookupError):
        return False
    return saved == [digest, arguments, runs.versions(), code_digest]


def save(results, digits, digest, arguments, code_digest, metrics, arrays):
    """Save what measure_pair gives, with the digest of the code that measured it."""
    args, data = SimpleNamespace(**arguments), SimpleNamespace(digest=digest)
    folder = results / RUN / pair_name(digits)
    runs.save(folder, args, data, metrics, arrays, digits=digits, code_sha256=code_digest)


def line_of(digits, metrics):
    """A line about a pair."""
    kept, best = np.mean(metrics["robust_accuracy"][1]), metrics["optimum"]
    constant = " / ".join(f"{it:g}" for it, one in zip(best["epsilon"], best["constant"]) if one)
    return (
        f"{pair_name(digits)}: under attack at ε = 0.2 SGD keeps {kept:.1%}, the optimum "
        f"{best['robust_accuracy'][1]:.1%}"
        + (f" (the constant classifier at {constant})" if constant else "")
    )


def measure_missing(client, sources, code_digest, arrays, missing, args, results):
    """Measure pairs on a cluster and save each at once. Raises ValueError with those that failed.

    missing: {pair: digest of its data}.
    """
    start, failed, arguments = time.perf_counter(), {}, dict(seeds=args.seeds)
    work = cluster.each(
        client, sources, MODULE, "measure_pair", arrays, list(missing), stages(args.seeds)
    )
    for done, (digits, found, error) in enumerate(work, 1):
        line = f"{pair_name(digits)}: failed twice" if error else line_of(digits, found[0])
        if error:
            failed[digits] = error
        else:
            save(results, digits, missing[digits], arguments, code_digest, *found)
        left = (time.perf_counter() - start) / done * (len(missing) - done)
        print(f"  {line}; {done} of {len(missing)}, about {left:.0f} s left", flush=True)
    if failed:
        named = "; ".join(f"{pair_name(digits)}: {error}" for digits, error in failed.items())
        raise ValueError(
            f"{len(failed)} of {len(missing)} pairs failed twice, the others are saved: {named}"
        )


def parse_args(argv=None):
    parser = cli.parser(__doc__, results=None)
    help = "pairs of digits, as 3-8 4-9 (default: all 45)"
    chosen = dict(type=pair, nargs="+", action=cli.Distinct, default=PAIRS)
    parser.add_argument("--pairs", **chosen, metavar="A-B", help=help)
    cli.add(parser, seeds=1)
    place = parser.add_mutually_exclusive_group()
    help = "of a Dask cluster, as tcp://host:8786 (default: workers on this machine)"
    place.add_argument("--scheduler", metavar="ADDRESS", help=help)
    file = dict(type=cluster.scheduler_file, dest="scheduler", metavar="FILE")
    help = "in which dask scheduler --scheduler-file left its address"
    place.add_argument("--scheduler-file", **file, help=help)
    help = "on this machine (default: one a core, as far as the memory goes)"
    parser.add_argument("--workers", type=cli.number(int, 1, 1024), help=help)
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
    saved = len(args.pairs) - len(missing)
    print(f"{saved} of {len(args.pairs)} pairs are saved already", flush=True)
    if missing:
        with cluster.connected(sources, args.scheduler, args.workers) as client:
            print(cluster.described(client), flush=True)
            measure_missing(client, sources, code_digest, arrays, missing, args, results)
    print(results / RUN)


if __name__ == "__main__":
    cli.run(main)
