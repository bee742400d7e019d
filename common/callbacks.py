"""Two Keras callbacks, for training.train and for Keras' own fit."""

import numpy as np

from common.lazy import keras


class StepRecord(keras.callbacks.Callback):
    """Keeps the first kernel after chosen steps and, in training.train, the gradient of each.

    Arguments:
        keep: how many steps are kept, densest at the start, where most happens; None keeps all.

    `steps` are their numbers from 0; `weights` and `gradients`, (pixels,) each, belong to them.
    Keras' fit shows its callbacks no gradients: there `gradients` stays empty.
    """

    def __init__(self, keep=None):
        super().__init__()
        self.keep = keep

    def on_train_begin(self, logs=None):
        self.steps, self.weights, self.gradients, self.seen = [], [], [], 0
        last = self.params["epochs"] * self.params["steps"] - 1
        self.chosen = {int(last * share**2) for share in np.linspace(0, 1, self.keep or last + 1)}

    def on_train_batch_end(self, batch, logs=None):
        if self.keep is None or self.seen in self.chosen:
            self.steps.append(self.seen)
            self.weights.append(np.ravel(self.model.trainable_variables[0]))
            if getattr(self.model, "last_batch", None):
                self.gradients.append(np.ravel(self.model.last_batch.gradients[0]))
        self.seen += 1


class Evaluation(keras.callbacks.Callback):
    """Adds loss and accuracy on other data to every epoch's logs: test_loss and test_accuracy.

    Arguments:
        losses_and_logits: a function of (x, y) that gives both, (batch,).
        x, y: the data, without which nothing is added; name: what their numbers are called.
    """

    def __init__(self, losses_and_logits, x, y, name="test"):
        super().__init__()
        self.losses_and_logits, self.x, self.y, self.name = losses_and_logits, x, y, name

    def on_epoch_end(self, epoch, logs=None):
        if not len(self.y):
            return
        losses, logits = self.losses_and_logits(self.x, self.y)
        logs[f"{self.name}_loss"] = float(np.mean(losses))
        logs[f"{self.name}_accuracy"] = float(np.mean(self.y * np.array(logits) > 0))
