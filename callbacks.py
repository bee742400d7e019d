"""This project's callbacks; usable wherever Keras' own are."""
import numpy as np

import cli

with cli.without_chatter():
    import keras


class StepRecord(keras.callbacks.Callback):
    """Keeps the gradient of w before a step and w after it: `gradients` and `weights`, (steps, 784), of the steps `numbers`.

    `chosen` are the numbers, from 0, of the steps to keep; None keeps all of them.
    """

    def __init__(self, chosen=None):
        super().__init__()
        self.chosen = chosen

    def on_train_begin(self, logs=None):
        self._done, self._kept = 0, []

    def add(self, gradients, weights):
        """Called by `train` with the gradients and weights of one block, (steps, 784) each."""
        numbers = np.arange(self._done, self._done + len(weights))
        keep = np.isin(numbers, self.chosen) if self.chosen is not None else slice(None)
        self._done += len(weights)
        self._kept.append((numbers[keep], gradients[keep], weights[keep]))

    def on_train_end(self, logs=None):
        if self._kept:
            self.numbers, self.gradients, self.weights = map(np.concatenate, zip(*self._kept))


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
    """Print one line per epoch, for logs and pipes, where a progress bar would only clutter."""

    def on_epoch_end(self, epoch, logs=None):
        values = "  ".join(f"{name} {np.mean(value):.4f}" for name, value in logs.items())
        print(f"  epoch {epoch + 1:2}/{self.params['epochs']}  {values}", flush=True)
