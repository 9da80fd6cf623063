"""A network of fully connected layers in numpy alone: at these sizes several times as fast as torch."""

import itertools
from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.diagnosis.random_data import Array

Settings = Mapping[str, float | int | str]
_ACTIVATIONS: Mapping[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {  # and the slope, from what came out
    "relu": (lambda x: np.maximum(x, 0.0), lambda out: (out > 0).astype(float)),
    "tanh": (np.tanh, lambda out: 1 - out * out),
}


def softmax(x: Array) -> Array:
    """Rows of numbers -> rows of probabilities."""
    e = np.exp(x - x.max(1, keepdims=True))
    return np.asarray(e / e.sum(1, keepdims=True))


class Layers:
    """A classifier (cross-entropy) or a regression (mean squared error), trained by SGD, with momentum, or by AdamW.

    Weights begin as torch's do: uniform, up to one by the root of the inputs.
    """

    def __init__(self, features: int, classes: int, settings: Settings, rng: np.random.Generator) -> None:
        self.classes, self.rng = classes, rng
        self.rate, self.decay = float(settings["rate"]), float(settings["decay"])
        self.kept, self.optimizer = 1 - float(settings["dropout"]), str(settings["optimizer"])
        self.activation, self.slope = _ACTIVATIONS[str(settings["activation"])]
        sizes = [features, *[int(settings["width"])] * int(settings["depth"]), classes or 1]
        shapes = list(itertools.pairwise(sizes))
        self.flat = np.concatenate([rng.uniform(-1, 1, (n + 1) * m) / np.sqrt(n) for n, m in shapes])
        self.gradient, self.first, self.second = (np.zeros_like(self.flat) for _ in range(3))
        self.steps = 0
        self.weights, self.slopes = self._views(self.flat, shapes), self._views(self.gradient, shapes)

    @staticmethod
    def _views(flat: Array, shapes: list[tuple[int, int]]) -> list[tuple[Array, Array]]:
        """Each layer's weights and biases, within the one vector."""
        views, at = [], 0
        for n, m in shapes:
            views.append((flat[at : at + n * m].reshape(n, m), flat[at + n * m : at + (n + 1) * m]))
            at += (n + 1) * m
        return views

    def answer(self, x: Array) -> Array:
        """Probabilities of each class, or values."""
        for weights, biases in self.weights[:-1]:
            x = self.activation(x @ weights + biases)
        out = x @ self.weights[-1][0] + self.weights[-1][1]
        return softmax(out) if self.classes else out[:, 0]

    def step(self, x: Array, y: Array) -> tuple[float, int]:
        """One step on a batch: its mean loss before it and how many were right, with dropout."""
        outs, masks = [x], []
        for weights, biases in self.weights[:-1]:
            out = self.activation(outs[-1] @ weights + biases)
            mask = (self.rng.random(out.shape) < self.kept) / self.kept if self.kept < 1 else np.ones(1)
            masks.append((self.slope(out), mask))
            outs.append(out * mask)
        out = outs[-1] @ self.weights[-1][0] + self.weights[-1][1]
        if self.classes:
            chances, labels = softmax(out), y.astype(int)
            loss = float(-np.log(np.maximum(chances[np.arange(len(y)), labels], 1e-30)).mean())
            right = int((chances.argmax(1) == labels).sum())
            error = chances
            error[np.arange(len(y)), labels] -= 1
        else:
            error = 2 * (out - y[:, None])
            loss, right = float((error**2).mean()) / 4, 0
        self._back(error / len(y), outs, masks)
        self._update()
        return loss, right

    def _back(self, error: Array, outs: list[Array], masks: list[tuple[Array, Array]]) -> None:
        for number in range(len(self.weights) - 1, -1, -1):
            np.matmul(outs[number].T, error, out=self.slopes[number][0])
            error.sum(0, out=self.slopes[number][1])
            if number:
                slope, mask = masks[number - 1]
                error = (error @ self.weights[number][0].T) * slope * mask

    def _update(self) -> None:
        self.steps += 1
        if self.optimizer == "adam":
            self.first += 0.1 * (self.gradient - self.first)
            self.second += 0.001 * (self.gradient * self.gradient - self.second)
            scale = np.sqrt(self.second / (1 - 0.999**self.steps)) + 1e-8
            self.flat *= 1 - self.rate * self.decay
            self.flat -= self.rate / (1 - 0.9**self.steps) * self.first / scale
            return
        self.first *= 0.9 if self.optimizer == "momentum" else 0.0
        self.first += self.gradient + self.decay * self.flat
        self.flat -= self.rate * self.first
