"""The optimizers of AWS's algorithms beside Adam, with MXNet's constants."""

from collections.abc import Mapping

import numpy as np

from local_emulator.algorithms.contract import Floats

_KEPT = 0.9  # of the past squares, in rmsprop and adadelta
_LEAST = {"adagrad": 1e-7, "rmsprop": 1e-8, "adadelta": 1e-5}


class Optimizer:
    """Moves named arrays, in place, against their gradients: `sgd`, `adagrad`, `rmsprop` or `adadelta`."""

    def __init__(self, kind: str, weights: Mapping[str, Floats], rate: float) -> None:
        self._kind = kind
        self._weights = weights
        self._rate = rate
        self._squares = {name: np.zeros_like(weight) for name, weight in weights.items()}
        self._changes = {name: np.zeros_like(weight) for name, weight in weights.items()}

    def step(self, gradients: Mapping[str, Floats]) -> None:
        """One step."""
        for name, gradient in gradients.items():
            self._weights[name] -= self._change(name, gradient)

    def _change(self, name: str, gradient: Floats) -> Floats:
        if self._kind == "sgd":
            return self._rate * gradient
        squares, least = self._squares[name], _LEAST[self._kind]
        if self._kind == "adagrad":
            squares += gradient**2
            return self._rate * gradient / np.sqrt(squares + least)
        squares += (1 - _KEPT) * (gradient**2 - squares)
        if self._kind == "rmsprop":
            return self._rate * gradient / np.sqrt(squares + least)
        changes = self._changes[name]
        change: Floats = np.sqrt((changes + least) / (squares + least)) * gradient  # adadelta finds its own rate
        changes += (1 - _KEPT) * (change**2 - changes)
        return change
