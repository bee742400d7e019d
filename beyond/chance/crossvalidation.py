"""Are robust models less accurate on other images, too? Ten-fold cross-validation on all of them.

    python -m beyond.chance.crossvalidation             # 40 models; a few seconds

Seeds share one test set, so their spread (`python -m beyond.chance.seeds`) says nothing about other
images. Here the training and the test images, 14,780 together, are shuffled and split in ten; each
tenth is predicted by the post's four recipes, trained on the other nine. Writes
results/crossvalidation/.
"""

import functools

import numpy as np

import attacks
import data_prep
import experiment_regular as regular
import experiment_robust as robust
from common import cli, runs, training
from common.many import compiled_epoch, train_many

RUN = "crossvalidation"
FOLDS = 10


def splits(count, seed):
    """Pairs of indices (train, test), one for each fold: every image is in one test part."""
    parts = np.array_split(np.random.default_rng(seed).permutation(count), FOLDS)
    for fold, test in enumerate(parts):
        yield np.concatenate(parts[:fold] + parts[fold + 1 :]), test


def main(argv=None):
    args = cli.pair_parser(__doc__, epochs=regular.EPOCHS).parse_args(argv)
    data, seed = data_prep.load_pair(args.digits), 0
    x = np.concatenate([data.x_train, data.x_test])
    y = np.concatenate([data.y_train, data.y_test])
    training.seed_everything(seed)
    recipes = []  # a compiled epoch, and how many models it trains side by side
    for recipe, epsilons in ((regular, [0]), (robust, runs.EPSILONS)):  # at 0 it is the hinge
        epsilons = np.array(epsilons, np.float32)
        loss_fn = functools.partial(robust.robust_hinge_loss, epsilon=epsilons)
        epoch = compiled_epoch(loss_fn, recipe.BATCH_SIZE, recipe.LEARNING_RATE)
        recipes.append((epoch, len(epsilons)))
    found, sizes = [], []
    for train, test in splits(len(y), seed):
        right = []
        for epoch, columns in recipes:
            start = (np.repeat(each, columns, axis=-1) for each in training.initial_weights(seed))
            weights, biases, *_ = train_many(epoch, *start, x[train], y[train], args.epochs)
            for model in zip(weights.T, biases):
                right.append(np.mean(attacks.signed_radius(*model, x[test], y[test]) > 0))
        found.append(right)
        sizes.append(len(test))
    accuracy = np.array(found).T  # (models, folds)
    lost = accuracy[0] - accuracy[1:]
    # The folds share training images: Nadeau and Bengio (2003) add the ratio of test to training.
    error = lost.std(axis=1, ddof=1) * np.sqrt(1 / FOLDS + 1 / (FOLDS - 1))
    metrics = dict(
        folds=FOLDS,
        images=len(y),
        accuracy=accuracy.mean(axis=1).tolist(),
        points_lost=(100 * lost.mean(axis=1)).tolist(),
        standard_error=(100 * error).tolist(),
    )
    folder = cli.results_folder(args) / RUN
    arrays = dict(accuracy=accuracy, fold_images=np.array(sizes))
    runs.save(folder, args, data, metrics, arrays, models=list(runs.POST_RUNS))
    parts = zip(metrics["points_lost"], metrics["standard_error"])
    print(f"{folder}: points lost " + ", ".join(f"{mean:.3f} ± {se:.3f}" for mean, se in parts))


if __name__ == "__main__":
    cli.run(main)
