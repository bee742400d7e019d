"""The accuracy curve of 101 ε under the ℓ∞ worst case: here, in two attack libraries, and the least it could cost.

    python benchmarks/attack.py      # a few minutes; needs requirements-bench.txt

The floor is one matrix-vector product and a sort. ART and Foolbox attack every image at every ε, as they must for a model
that is not known to be linear; that the curves agree is checked before they are timed.
"""
import bench  # first: installs the one-line Ctrl-C handler
import numpy as np

import attacks
import data_prep
import storage

EPSILONS = np.linspace(0, 0.5, 101)  # pixel units


def peers(keras_model, x, y, epsilons, clip):
    """The same curve from ART's and Foolbox's FGSM, as two functions."""
    import foolbox
    import training
    from art.attacks.evasion import FastGradientMethod
    from art.estimators.classification import TensorFlowV2Classifier
    keras, tf = training.keras, training.tf
    weights, bias = training.linear_weights(keras_model)
    # Both libraries want a logit per class: (0, ŷ) is the same classifier.
    two = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    two.layers[-1].set_weights([np.c_[0 * weights, weights], np.array([0, bias])])
    labels = (y > 0).astype(np.int64)
    classifier = TensorFlowV2Classifier(two, nb_classes=2, input_shape=(28, 28, 1), clip_values=(0, 1) if clip else None,
                                        loss_object=keras.losses.SparseCategoricalCrossentropy(from_logits=True))

    def accuracy(attacked):
        return np.mean((classifier.predict(attacked, batch_size=len(x))[:, 1] > 0) == labels)

    def art():
        attack = FastGradientMethod(classifier, norm=np.inf, batch_size=len(x))
        curve = []
        for epsilon in epsilons:
            if epsilon > 0:  # ART refuses ε = 0
                attack.set_params(eps=epsilon, eps_step=epsilon)
            curve.append(accuracy(attack.generate(x, y=labels) if epsilon > 0 else x))
        return np.array(curve)

    bounds = (0, 1) if clip else (-1, 2)  # wide enough that the largest ε is never clipped
    model = foolbox.TensorFlowModel(two, bounds=bounds)
    images, targets = tf.constant(x), tf.constant(labels)

    def foolbox_curve():
        _, _, fooled = foolbox.attacks.LinfFastGradientAttack(random_start=False)(model, images, targets, epsilons=list(epsilons))
        return 1 - fooled.numpy().mean(axis=1)

    return art, foolbox_curve


def main():
    args = bench.arguments(__doc__, repeat=5)
    import runs
    import training
    x, y = data_prep.load("test")
    epsilons = EPSILONS[::25] if args.quick else EPSILONS
    saved = storage.read_run(storage.RESULTS / "regular", arrays={"weights": (784,), "bias": ()}).arrays
    weights, bias, model = saved["weights"], saved["bias"], runs.model_of(saved["weights"], saved["bias"])
    flat = x.reshape(len(x), -1)
    cases = {
        "floor": lambda: np.sort(y * (flat @ weights + bias)),
        "here, unclipped": lambda: attacks.robust_accuracy(weights, bias, x, y, epsilons),
        "here, clipped": lambda: attacks.robust_accuracy(weights, bias, x, y, epsilons, clip=True),
    }
    fast = bench.in_turn(cases, 50 * args.repeat)
    slow = {}
    for kind in ("unclipped", "clipped"):
        ours = attacks.robust_accuracy(weights, bias, x, y, epsilons, clip=kind == "clipped")
        for name, curve in zip(("ART", "Foolbox"), peers(model, x, y, epsilons, kind == "clipped")):
            np.testing.assert_allclose(curve(), ours, atol=2 / len(y), err_msg=f"{name}, {kind}")
            slow[f"{name}, {kind}"] = curve
    slow = bench.in_turn(slow, args.repeat, warm_up=False)
    bench.finish("attack", args, fast | slow, "floor")


if __name__ == "__main__":
    bench.cli.run(main)
