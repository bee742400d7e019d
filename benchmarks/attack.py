"""The accuracy curve of 101 ε under the ℓ∞ worst case: here, in two libraries, and the floor.

    python benchmarks/attack.py      # a few minutes; needs requirements-bench.txt

The floor is one matrix-vector product and a sort. ART and Foolbox attack every image at every ε, as
they must for a model that is not known to be linear. That the curves agree is checked first.
"""

import bench
import numpy as np

import attacks
import data_prep
from common import runs
from common.evaluation import ATTACK_EPSILONS
from common.lazy import keras, tf


def peers(weights, bias, x, y, epsilons, clip):
    """The same curve from ART's and Foolbox's FGSM, as two functions."""
    import foolbox
    from art.attacks.evasion import FastGradientMethod
    from art.estimators.classification import TensorFlowV2Classifier

    # Both libraries want a logit for each class: (0, ŷ) is the same classifier.
    layers = [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    model.layers[-1].set_weights([np.c_[0 * weights, weights], np.array([0, bias])])
    labels = (y > 0).astype(np.int64)
    classifier = TensorFlowV2Classifier(
        model,
        nb_classes=2,
        input_shape=(28, 28, 1),
        clip_values=(0, 1) if clip else None,
        loss_object=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )

    def accuracy(attacked):
        logits = classifier.predict(attacked, batch_size=len(x))[:, 1]
        return np.mean((logits > 0) == labels)

    def art():
        attack = FastGradientMethod(classifier, norm=np.inf, batch_size=len(x))
        curve = []
        for epsilon in epsilons:
            if epsilon > 0:  # ART refuses ε = 0
                attack.set_params(eps=epsilon, eps_step=epsilon)
            curve.append(accuracy(attack.generate(x, y=labels) if epsilon > 0 else x))
        return np.array(curve)

    bounds = (0, 1) if clip else (-1, 2)  # wide enough that the largest ε is never clipped
    foolbox_model = foolbox.TensorFlowModel(model, bounds=bounds)
    images, targets = tf.constant(x), tf.constant(labels)

    def foolbox_curve():
        attack = foolbox.attacks.LinfFastGradientAttack(random_start=False)
        _, _, fooled = attack(foolbox_model, images, targets, epsilons=list(epsilons))
        return 1 - fooled.numpy().mean(axis=1)

    return {"ART": art, "Foolbox": foolbox_curve}


def main():
    args = bench.arguments(__doc__, repeat=5)
    x, y = data_prep.load("test")
    epsilons = ATTACK_EPSILONS[::25] if args.quick else ATTACK_EPSILONS
    saved = runs.read(runs.RESULTS / "regular", arrays=["weights", "bias"]).arrays
    weights, bias = saved["weights"], saved["bias"]
    flat = x.reshape(len(x), -1)
    fast = {"floor": lambda: np.sort(y * (flat @ weights + bias))}
    slow = {}
    for name, clip in (("unclipped", False), ("clipped", True)):

        def here(clip=clip):
            return attacks.robust_accuracy(weights, bias, x, y, epsilons, clip=clip)

        fast[f"here, {name}"] = here
        for library, curve in peers(weights, bias, x, y, epsilons, clip).items():
            np.testing.assert_allclose(curve(), here(), atol=2 / len(y), err_msg=library)
            slow[f"{library}, {name}"] = curve
    seconds = bench.in_turn(fast, 50 * args.repeat)
    seconds |= bench.in_turn(slow, args.repeat, warm_up=False)
    bench.finish("attack", args, seconds, "floor")


if __name__ == "__main__":
    bench.cli.run(main)
