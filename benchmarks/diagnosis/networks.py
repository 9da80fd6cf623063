"""Small networks in numpy: dense layers with ReLU, for images a convolution in front; mini-batches, momentum or Adam."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
_SIDE, _PATCH = 8, 3  # images of the digits, and what a filter sees


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """What is set of a training. `adam`: Adam in place of momentum; `filters`: of the convolution, none without."""

    rate: float
    batch: int = 32
    epochs: int = 20
    decay: float = 0.0
    hidden: Sequence[int] = (32,)
    dropout: float = 0.0
    adam: bool = False
    filters: int = 0


class Network:
    """A network of its weights; classes are one-hot rows, a regression's target is one column."""

    def __init__(self, inputs: int, outputs: int, given: Hyperparameters, rng: np.random.Generator, *, classes: bool) -> None:
        self._given, self._classes, self._rng = given, classes, rng
        width = given.filters * (_SIDE - _PATCH + 1) ** 2 // 4 if given.filters else inputs
        sizes = [width, *given.hidden, outputs]
        shapes = [*([(_PATCH**2, given.filters)] if given.filters else []), *pairwise(sizes)]
        self.weights = [rng.normal(0.0, np.sqrt(2.0 / rows), (rows, columns)) for rows, columns in shapes]
        self.weights[-1] *= 0.3  # begins near chance
        self.biases = [np.zeros(columns) for _, columns in shapes]
        parameters = [*self.weights, *self.biases]
        self._first, self._second = [np.zeros_like(p) for p in parameters], [np.zeros_like(p) for p in parameters]
        self._steps = 0

    # --- forwards and back ------------------------------------------------------------------------------------------------------

    def predict(self, inputs: Array) -> Array:
        """Probabilities of the classes, or the predictions of a regression."""
        return self._forward(inputs, training=False)[0]

    def _forward(self, inputs: Array, *, training: bool) -> tuple[Array, list[Array], tuple[Array, Array, Array] | None]:
        pooled, dense = None, 0
        values = inputs
        if self._given.filters:
            values, pooled = self._convolve(inputs)
            dense = 1
        layers = [values]
        for weights, biases in zip(self.weights[dense:-1], self.biases[dense:-1], strict=True):
            values = np.maximum(values @ weights + biases, 0.0)
            if training and self._given.dropout:
                keep = 1.0 - self._given.dropout
                values = values * (self._rng.random(values.shape) < keep) / keep
            layers.append(values)
        outputs = values @ self.weights[-1] + self.biases[-1]
        if self._classes:
            outputs = np.exp(outputs - outputs.max(axis=1, keepdims=True))
            outputs /= outputs.sum(axis=1, keepdims=True)
        return outputs, layers, pooled

    def _convolve(self, inputs: Array) -> tuple[Array, tuple[Array, Array, Array]]:
        """A convolution, ReLU, and the largest of each two by two."""
        images = inputs.reshape(-1, _SIDE, _SIDE)
        windows = np.lib.stride_tricks.sliding_window_view(images, (_PATCH, _PATCH), axis=(1, 2))
        side = windows.shape[1]
        patches = windows.reshape(len(inputs), side * side, _PATCH**2)
        maps = np.maximum(patches @ self.weights[0] + self.biases[0], 0.0)
        blocks = maps.reshape(len(inputs), side // 2, 2, side // 2, 2, -1)
        pooled = blocks.max(axis=(2, 4))
        chosen = (blocks == pooled[:, :, None, :, None, :]).reshape(maps.shape) & (maps > 0)
        return pooled.reshape(len(inputs), -1), (patches, chosen, np.array(pooled.shape, float))

    def gradients(self, inputs: Array, targets: Array, *, training: bool = False) -> list[Array]:
        """The gradients of the mean loss, of all weights and then of all biases; the penalty is not of it."""
        outputs, layers, pooled = self._forward(inputs, training=training)
        delta = (outputs - targets) / len(inputs) * (1.0 if self._classes else 2.0)
        weights: list[Array] = []
        biases: list[Array] = []
        keep = 1.0 - self._given.dropout if training else 1.0
        dense = self.weights[1:] if pooled is not None else self.weights
        for index in range(len(dense) - 1, -1, -1):
            weights.insert(0, layers[index].T @ delta)
            biases.insert(0, delta.sum(axis=0))
            if index or pooled is not None:
                delta = delta @ dense[index].T
            if index:
                delta = delta * (layers[index] > 0) / keep
        if pooled is not None:
            patches, chosen, shape = pooled
            rows, high, wide, filters = (int(size) for size in shape)
            spread = np.repeat(np.repeat(delta.reshape(rows, high, wide, filters), 2, axis=1), 2, axis=2)
            spread = spread.reshape(rows, -1, filters) * chosen
            weights.insert(0, np.einsum("bpi,bpf->if", patches, spread))
            biases.insert(0, spread.sum(axis=(0, 1)))
        return [*weights, *biases]

    # --- training ---------------------------------------------------------------------------------------------------------------

    def epochs(self, inputs: Array, targets: Array) -> Iterator[None]:
        """Train; pauses after each epoch."""
        for _ in range(self._given.epochs):
            order = self._rng.permutation(len(inputs))
            for start in range(0, len(order), self._given.batch):
                rows = order[start : start + self._given.batch]
                self._step(self.gradients(inputs[rows], targets[rows], training=True))
            yield

    def _step(self, gradients: Sequence[Array]) -> None:
        given = self._given
        self._steps += 1
        for weights in self.weights:
            np.multiply(weights, max(1.0 - given.rate * given.decay, 0.0), out=weights)
        for parameter, gradient, first, second in zip(
            [*self.weights, *self.biases], gradients, self._first, self._second, strict=True
        ):
            np.add(0.9 * first, 0.1 * gradient if given.adam else gradient, out=first)
            step = first
            if given.adam:
                np.add(0.999 * second, 0.001 * gradient**2, out=second)
                step = first / (1 - 0.9**self._steps) / (np.sqrt(second / (1 - 0.999**self._steps)) + 1e-8)
            np.subtract(parameter, given.rate * step, out=parameter)
