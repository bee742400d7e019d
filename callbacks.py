"""The callbacks of this project; they go wherever Keras' own go."""
import numpy as np

import cli

with cli.without_chatter():
    import keras


class StepRecord(keras.callbacks.Callback):
    """Keeps the gradient of w before every step and w after it: `gradients` and `weights`, (steps, 784)."""

    def on_train_begin(self, logs=None):
        self._gradients, self._weights = [], []

    def add(self, gradients, weights):
        """Called by `train` with the steps of one block, (steps, 784) each."""
        self._gradients.append(gradients)
        self._weights.append(weights)

    def on_train_end(self, logs=None):
        if self._weights:
            self.gradients, self.weights = np.concatenate(self._gradients), np.concatenate(self._weights)


class Evaluation(keras.callbacks.Callback):
    """Adds val_loss and val_accuracy to every epoch's logs, where Keras' EarlyStopping and CSVLogger look for them.

    `measure` is a function from the model to (loss, accuracy). Pass it before the callbacks that read its values.
    """

    def __init__(self, measure):
        super().__init__()
        self.measure = measure

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"], logs["val_accuracy"] = self.measure(self.model)


class EpochLine(keras.callbacks.Callback):
    """Prints one line an epoch, for logs and pipes, where a progress bar would be noise."""

    def on_epoch_end(self, epoch, logs=None):
        values = "  ".join(f"{name} {np.mean(value):.4f}" for name, value in logs.items())
        print(f"  epoch {epoch + 1:2}/{self.params['epochs']}  {values}", flush=True)
