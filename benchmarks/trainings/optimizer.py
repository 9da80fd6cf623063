"""How networks in plain arrays follow their slopes."""

from collections.abc import Sequence

import numpy as np

from benchmarks.trainings.data import Values


class Optimizer:
    """Follows slopes in one of seven ways, with weight decay that is not of the slope."""

    def __init__(self, kind: str, weights: Sequence[Values], rate: float, decay: float = 0.0, momentum: float = 0.9) -> None:
        self._kind, self._weights, self._rate, self._decay, self._momentum = kind, weights, rate, decay, momentum
        self._first, self._second = ([np.zeros_like(weight) for weight in weights] for _ in range(2))
        self._steps = 0

    def step(self, slopes: Sequence[Values], share: float = 1.0) -> None:
        """Move all weights, with a share of the rate."""
        self._steps += 1
        rate = self._rate * share
        for weight, slope, first, second in zip(self._weights, slopes, self._first, self._second, strict=True):
            np.subtract(weight, rate * (self._move(slope, first, second) + self._decay * weight), out=weight)

    def _move(self, slope: Values, first: Values, second: Values) -> Values:
        if self._kind == "sgd":
            return slope
        if self._kind in {"momentum", "nesterov"}:
            first *= self._momentum
            first += slope
            return first if self._kind == "momentum" else slope + self._momentum * first
        if self._kind == "lion":
            sign = np.sign(0.9 * first + 0.1 * slope)
            first += 0.01 * (slope - first)
            return np.asarray(sign)
        if self._kind == "adagrad":
            second += slope**2
            return np.asarray(slope / (np.sqrt(second) + 1e-10))
        second += (0.01 if self._kind == "rmsprop" else 0.001) * (slope**2 - second)
        if self._kind == "rmsprop":
            return np.asarray(slope / (np.sqrt(second) + 1e-8))
        first += 0.1 * (slope - first)
        scale = np.sqrt(second / (1 - 0.999**self._steps)) + 1e-8
        return np.asarray(first / (1 - 0.9**self._steps) / scale)
