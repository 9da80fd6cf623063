"""Slopes of what networks in plain arrays compute, by the chain rule; and how those of the seventh series are trained with them."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.trainings.data import Values
from benchmarks.trainings.fourth_networks import Rows, batches, sigmoid
from benchmarks.trainings.losses import softmax
from benchmarks.trainings.optimizer import Optimizer

_SERIALS = itertools.count()
_BENDS: Mapping[str, Callable[[Values], tuple[Values, Values]]] = {
    "relu": lambda sums: (np.maximum(sums, 0.0), (sums > 0).astype(float)),
    "tanh": lambda sums: (np.tanh(sums), 1 - np.tanh(sums) ** 2),
    "sigmoid": lambda sums: (sigmoid(sums), sigmoid(sums) * (1 - sigmoid(sums))),
    "softplus": lambda sums: (np.logaddexp(0.0, sums), sigmoid(sums)),
    "exp": lambda sums: (np.exp(sums), np.exp(sums)),
}
"""Values and slopes."""


class Tensor:
    """An array that knows what it was computed of, and how its slopes pass on to that."""

    def __init__(self, value: Values, *parents: "tuple[Tensor, Callable[[Values], Values]]") -> None:
        self.value, self.slope = value, np.zeros_like(value)
        self.parents, self.serial = parents, next(_SERIALS)

    def __add__(self, other: "Tensor") -> "Tensor":
        return Tensor(self.value + other.value, (self, lambda up: up), (other, lambda up: up))

    def __mul__(self, other: "Tensor | Values | float") -> "Tensor":
        if not isinstance(other, Tensor):
            return Tensor(self.value * other, (self, lambda up: up * other))
        return Tensor(self.value * other.value, (self, lambda up: up * other.value), (other, lambda up: up * self.value))

    def __matmul__(self, other: "Tensor") -> "Tensor":
        sides = np.swapaxes(self.value, -1, -2), np.swapaxes(other.value, -1, -2)
        return Tensor(self.value @ other.value, (self, lambda up: up @ sides[1]), (other, lambda up: sides[0] @ up))

    def __getitem__(self, index: Any) -> "Tensor":  # noqa: ANN401 - whatever numpy indexes with
        def spread(up: Values) -> Values:
            slope = np.zeros_like(self.value)
            np.add.at(slope, index, up)
            return slope

        return Tensor(self.value[index], (self, spread))

    def bent(self, kind: str) -> "Tensor":
        """Through an activation."""
        value, slope = _BENDS[kind](self.value)
        return Tensor(value, (self, lambda up: up * slope))

    def sum(self, axis: int) -> "Tensor":
        """The sum over an axis."""
        return Tensor(self.value.sum(axis=axis), (self, lambda up: np.expand_dims(up, axis) + np.zeros_like(self.value)))

    def max(self, axis: int) -> "Tensor":
        """The largest along an axis."""
        top = self.value.max(axis=axis, keepdims=True)
        return Tensor(top.squeeze(axis), (self, lambda up: np.expand_dims(up, axis) * (self.value == top)))

    def reshape(self, *shape: int) -> "Tensor":
        """The same values in another shape."""
        return Tensor(self.value.reshape(shape), (self, lambda up: up.reshape(self.value.shape)))

    def back(self) -> None:
        """Set the slopes of all that this was computed of, to be those of its sum."""
        reached, waiting = {self}, [self]
        while waiting:
            for parent, _ in waiting.pop().parents:
                if parent not in reached:
                    parent.slope = np.zeros_like(parent.value)
                    reached.add(parent)
                    waiting.append(parent)
        self.slope = np.ones_like(self.value)
        for tensor in sorted(reached, key=lambda tensor: -tensor.serial):
            for parent, pull in tensor.parents:
                slope, shape = pull(tensor.slope), parent.value.shape
                if slope.shape != shape:  # what was broadcast
                    slope = slope.sum(axis=tuple(range(slope.ndim - len(shape))))
                    slope = slope.sum(axis=tuple(axis for axis, size in enumerate(shape) if size == 1), keepdims=True)
                parent.slope = parent.slope + slope


def cross_entropy(logits: Tensor, wanted: Values) -> Tensor:
    """Mean cross entropy of rows of logits and wanted shares of classes."""
    chances = softmax(logits.value)
    loss = -(wanted * np.log(np.maximum(chances, 1e-12))).sum(axis=-1).mean()
    share = 1 / max(len(wanted), 1)
    return Tensor(np.asarray(loss), (logits, lambda up: up * (chances * wanted.sum(axis=-1, keepdims=True) - wanted) * share))


def dense(rng: np.random.Generator, *sizes: int) -> list[Tensor]:
    """Weights and shifts of layers of so many units."""
    arrays = [(rng.normal(size=pair) * math.sqrt(2 / pair[0]), np.zeros(pair[1])) for pair in pairwise(sizes)]
    return [Tensor(array) for pair in arrays for array in pair]


def through(
    layers: Sequence[Tensor], inputs: Tensor, activation: str, rng: np.random.Generator | None = None, dropout: float = 0.0
) -> Tensor:
    """What comes out of layers; with `rng` as in training, with dropout of what they pass to each other."""
    for index in range(0, len(layers), 2):
        if index:
            inputs = inputs.bent(activation)
            if rng is not None:
                inputs *= (rng.random(inputs.value.shape) >= dropout) / (1 - dropout)
        inputs = inputs @ layers[index] + layers[index + 1]
    return inputs


@np.errstate(all="ignore")
def descend(
    rng: np.random.Generator, weights: Sequence[Tensor], loss: Callable[[Rows], Tensor], count: int, p: Mapping[str, Any]
) -> None:
    """Train on batches of so many rows as the settings say; slopes that are longer than `clip` are shortened."""
    optimizer = Optimizer(p.get("optimizer", "adam"), [weight.value for weight in weights], p["lr"], p.get("weight_decay", 0.0))
    for rows, _ in batches(rng, count, p.get("batch_size", count), p["epochs"]):
        loss(rows).back()
        length = math.sqrt(sum(float((weight.slope**2).sum()) for weight in weights))
        share = min(1.0, p.get("clip", math.inf) / (length + 1e-12))
        optimizer.step([weight.slope * share for weight in weights])
