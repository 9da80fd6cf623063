#!/usr/bin/env python3
"""Train scikit-learn's multi-layer perceptron on images, epoch by epoch: a container-ready script.

    python mlp.py --epochs 3                          by hand, on scikit-learn's digits; saves nothing unless told where
    python mlp.py --train data/ --model-dir model/    by hand, on .npz or .csv files
    SM_CHANNEL_TRAIN=… SM_MODEL_DIR=… python mlp.py   script mode (the sagemaker-training toolkit sets these)
    train                                             as a container's program: everything below /opt/ml

An endpoint serves it too: model_fn and predict_fn at the end.

contract.py, beside it, is SageMaker's side of it: arguments, folders, SIGTERM, checkpoints, failures; images.py
reads the images, network.py saves the weights.
They come from the channels `train` (or `training`) and `validation`; without a validation channel a fifth of each class is held
back, without channels the digits are used. Pixels are scaled by the least and the greatest value of the training images.

One line per epoch, of the weights as they are at its end, on unaugmented images and without the penalty:
    epoch=3 train:loss=0.1234 train:accuracy=0.9812 validation:loss=0.2345 validation:accuracy=0.9567 seconds=0.12
The losses are mean cross-entropies. With early stopping the model saved is the best epoch's, while SageMaker takes the last line
for the job's objective. Remedies for overfitting are hyperparameters: regularization, early stopping, augmentation, more data.

Runs on Python 3.8 and scikit-learn 1.0 too, for AWS's older images.
"""

from __future__ import annotations

import json
import math
import sys
import time
from typing import TYPE_CHECKING, Any

import contract
from contract import METRICS, Hyperparameter, TrainingError, choice, number, say, whole

with contract.guarded():  # takes half a second, or is missing
    try:
        import numpy as np
        from images import Data, augmented, load_data
        from network import judged, load_model, packed, save_model, set_solver_state, solver_state, unpacked
        from sklearn.neural_network import MLPClassifier
    except ImportError as error:
        raise TrainingError(f"{error}: this script needs numpy and scikit-learn.") from error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[Any]

IMAGES_AT_ONCE, STEPS_AT_ONCE = 1024, 128  # the most that is trained between two looks at SIGTERM, but for one batch
SHOWN = ("learning_rate", "solver", "batch_size", "regularization")


def layers(text: str) -> tuple[int, ...]:
    """Units per hidden layer: 64, 128,64 or [128, 64]; raises ValueError."""
    return tuple(contract.to_int(part) for part in text.strip("[]() ").split(","))


UNITS = "whole numbers from 1 to 65536 with commas, such as 128,64"
PENALTY = "L2 penalty p: p/2 times the sum of the squared weights is added to the loss, whatever the batch size"
PATIENCE = "stop after so many epochs without a better validation loss and keep the best weights; 0: never"
AUGMENTED = "images are moved by up to half of so many pixels; a fifth of it is the standard deviation of added noise"
SEED = "of weights, order, augmentation, subset"
SECONDS = "least time between checkpoints; 0: every epoch"
HYPERPARAMETERS = {
    "learning_rate": number(0.003, "step size of the solver", above=0),
    "batch_size": whole(32, "images per step", least=1),
    "epochs": whole(15, "passes over the training images", least=1),
    "regularization": number(1e-4, PENALTY, least=0),
    "early_stopping_patience": whole(0, PATIENCE, least=0),
    "augmentation": number(0, AUGMENTED, least=0, most=1),
    "train_fraction": number(1, "share of the training images used", above=0, most=1),
    "hidden": Hyperparameter(64, layers, lambda v: all(1 <= units <= 2**16 for units in v), UNITS, "units per hidden layer"),
    "solver": choice("adam", "adam", "sgd", about="how steps are made"),
    "momentum": number(0.9, "of the solver sgd", least=0, below=1),
    "seed": Hyperparameter(0, contract.to_int, lambda v: 0 <= v < 2**32, "a whole number from 0, below 2**32", SEED),
    "checkpoint_seconds": Hyperparameter(0, float, lambda v: v >= 0, "a number from 0", SECONDS),
}


class Training:
    """A network on its way: `epoch` whole epochs are behind it, and `done` images of the next."""

    def __init__(self, settings: Any, data: Data) -> None:  # noqa: ANN401 - hyperparameters have the types of the table above
        self.settings = settings
        self.data = data
        self.epoch = self.done = 0
        self.history: list[dict[str, float]] = []
        self.best: tuple[int, list[Array], list[Array]] | None = None
        self.batch = min(settings.batch_size, len(data.x))
        self.model = MLPClassifier(
            hidden_layer_sizes=settings.hidden,
            solver=settings.solver,
            momentum=settings.momentum,
            learning_rate_init=settings.learning_rate,
            shuffle=False,
            random_state=settings.seed,
        )

    def fit(self, x: Array, y: Array) -> None:
        """Steps over consecutive batches. scikit-learn divides alpha by the images in a batch; that is undone."""
        self.model.batch_size = min(self.batch, len(x))
        self.model.alpha = self.settings.regularization * self.model.batch_size
        try:
            self.model.partial_fit(x, y, classes=np.arange(len(self.data.classes)))
        except ValueError as error:
            if "non-finite" not in str(error):
                raise
            raise self.diverged() from error

    def diverged(self) -> TrainingError:
        """The end of a training whose numbers ran away."""
        rate, *others = (f"{name}={getattr(self.settings, name)}" for name in SHOWN)
        return TrainingError(f"The loss is not a number in epoch {self.epoch + 1}: {rate} is too high ({', '.join(others)}).")

    def pieces(self) -> Iterator[tuple[int, int]]:
        """An epoch in runs of whole batches; a last, smaller batch goes alone."""
        size, step = len(self.data.x), self.batch * max(1, min(STEPS_AT_ONCE, IMAGES_AT_ONCE // self.batch))
        full = size - size % self.batch
        yield from ((start, min(start + step, full)) for start in range(0, full, step))
        if full < size:
            yield full, size

    def run_epoch(self, stop: contract.Stop) -> bool:
        """The rest of an epoch; False if stopped before its end. Chance hangs on seed, epoch and index: resuming is exact."""
        settings, data, begin = self.settings, self.data, time.perf_counter()
        order = np.random.default_rng([settings.seed, 2, self.epoch]).permutation(len(data.x))
        for start, end in self.pieces():
            if start < self.done:
                continue
            if stop.asked:
                return False
            x = data.x[order[start:end]]
            if settings.augmentation:
                rng = np.random.default_rng([settings.seed, 3, self.epoch, start])
                x = augmented(x, data.shape, settings.augmentation, rng)
            self.fit(x, data.y[order[start:end]])
            self.done = end
        self.measure(begin)
        return True

    def measure(self, begin: float) -> None:
        """Close an epoch: its metrics, and whether it is the best."""
        weights = (self.model.coefs_, self.model.intercepts_)
        loss, accuracy = judged(self.data.x, self.data.y, *weights)
        validation_loss, validation_accuracy = judged(self.data.validation_x, self.data.validation_y, *weights)
        if not math.isfinite(loss + validation_loss):
            raise self.diverged()
        self.epoch, self.done = self.epoch + 1, 0
        values = dict(zip(METRICS, (loss, accuracy, validation_loss, validation_accuracy)))  # noqa: B905 - Python 3.9 has no strict
        better = self.best is None or validation_loss < self.history[self.best[0] - 1]["validation:loss"]
        self.history.append({"epoch": self.epoch, **values, "seconds": time.perf_counter() - begin})
        if self.settings.early_stopping_patience and better:
            self.best = (self.epoch, [array.copy() for array in weights[0]], [array.copy() for array in weights[1]])

    def over(self) -> bool:
        """Whether all epochs are done, or early stopping has had enough."""
        patience = self.settings.early_stopping_patience
        early = bool(patience) and self.best is not None and self.epoch - self.best[0] >= patience
        return early or bool(self.epoch >= self.settings.epochs)

    def kept(self) -> tuple[int, list[Array], list[Array]]:
        """Epoch and weights worth saving: with early stopping the best epoch's, else the last."""
        return self.best or (self.epoch, self.model.coefs_, self.model.intercepts_)

    def state(self) -> bytes:
        """All that `restore` needs to go on exactly."""
        epoch, coefs, intercepts = self.best or (0, [], [])
        steps, memory = solver_state(self.model)
        about = {"epoch": self.epoch, "done": self.done, "history": self.history, "steps": steps, "best": epoch}
        model = self.model
        return packed(about, coef=model.coefs_, intercept=model.intercepts_, best_coef=coefs, best_intercept=intercepts, **memory)

    def restore(self, content: bytes) -> None:
        """Go on where `state` was taken."""
        about, groups = unpacked(content)
        self.fit(self.data.x[:1], self.data.y[:1])  # makes the optimizer; what it learns is overwritten
        self.model.coefs_, self.model.intercepts_ = groups["coef"], groups["intercept"]
        set_solver_state(self.model, about["steps"], groups)
        self.epoch, self.done, self.history = about["epoch"], about["done"], about["history"]
        self.best = (about["best"], groups["best_coef"], groups["best_intercept"]) if about["best"] else None
        say(f"note: resumed after epoch {self.epoch}" + (f", {self.done} images into the next" if self.done else ""))

    def save(self, folder: Path) -> None:
        """The model, with what is needed to use and to judge it."""
        epoch, coefs, intercepts = self.kept()
        data, metrics = self.data, self.history[epoch - 1] if epoch else None
        about = {"classes": data.classes.tolist(), "low": data.low, "high": data.high, "shape": data.shape}
        save_model(
            folder, coefs, intercepts, {**about, "hyperparameters": vars(self.settings), "epoch": epoch, "metrics": metrics}
        )


def tell(training: Training) -> None:
    """What is about to be trained, and what differs from what was asked."""
    data, settings = training.data, training.settings
    shown = ", ".join(f"{name} {getattr(settings, name)}" for name in ("learning_rate", "batch_size", "epochs", "regularization"))
    say(f"{len(data.x)} images to train, {len(data.validation_x)} to validate, {len(data.classes)} classes; {shown}")
    if training.batch < settings.batch_size:
        say(f"note: batch_size {settings.batch_size} is more than the training images; {training.batch} is used")
    if settings.augmentation and data.shape is None:
        say(f"note: rows of {data.x.shape[1]} pixels are no square images; augmentation only adds noise")


def train(job: contract.Job) -> None:
    """Train, and save what came of it, also when stopped or diverged; raises TrainingError."""
    try:
        run(job)
    except MemoryError as error:
        raise TrainingError(f"Not enough memory for these images, hidden layers and batch_size: {error}.") from error


def run(job: contract.Job) -> None:
    """Read the images, resume, train, save."""
    settings = job.hyperparameters
    training = Training(settings, load_data(job.channels, settings.train_fraction, settings.seed))
    tell(training)
    free = {"epochs", "early_stopping_patience", "checkpoint_seconds"}  # may change between two runs of a training
    same = {name: value for name, value in vars(settings).items() if name not in free}
    checkpoint = contract.Checkpoint(job.checkpoints, {**same, "data": training.data.digest()}, settings.checkpoint_seconds)
    content = checkpoint.load()
    if content is not None:
        training.restore(content)
    job.stop.training = True
    if training.over() and training.history:
        contract.report(training.epoch, training.history[-1])  # whoever reads this run's log only still finds the objective
    try:
        with np.errstate(all="ignore"):  # a loss that overflows is told as diverged
            while not training.over() and training.run_epoch(job.stop):
                contract.report(training.epoch, training.history[-1])
                if checkpoint.due():
                    checkpoint.save(training.state())
    finally:
        if job.output:
            record = {"hyperparameters": vars(settings), "epochs": training.history}
            contract.write_whole(job.output / "metrics.json", json.dumps(record, indent=1).encode())
    trained = hasattr(training.model, "coefs_")
    if trained:
        checkpoint.save(training.state())
    if not training.over():
        say(f"note: stopped by SIGTERM after epoch {training.epoch} of {settings.epochs}")
    elif training.epoch < settings.epochs:
        say(f"note: early stopping after epoch {training.epoch}, the best was epoch {training.kept()[0]}")
    if job.model and trained:
        training.save(job.model)


def model_fn(folder: str) -> Callable[[Array], Array]:
    """What AWS's inference toolkit calls for the model when it serves this script."""
    return load_model(folder)


def predict_fn(images: Array, model: Callable[[Array], Array]) -> Array:
    """What it calls for each request: the labels of images."""
    return model(images)


if __name__ == "__main__":
    sys.exit(contract.main(train, HYPERPARAMETERS, about=__doc__))
