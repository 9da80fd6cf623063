"""Adam, the optimizer of AWS's linear learner and factorization machines."""

from collections.abc import Iterator, Mapping

import numpy as np

from local_emulator.algorithms.contract import Floats

_FIRST, _SECOND, _LEAST = 0.9, 0.999, 1e-8


class Adam:
    """Moves named arrays, in place, against their gradients; each has a learning rate of its own."""

    def __init__(self, weights: Mapping[str, Floats], rates: Mapping[str, float]) -> None:
        self._weights = weights
        self._rates = rates
        self._moments = {name: (np.zeros_like(weight), np.zeros_like(weight)) for name, weight in weights.items()}
        self._step = 0

    def step(self, gradients: Mapping[str, Floats]) -> None:
        """One step."""
        self._step += 1
        first_bias, second_bias = 1 - _FIRST**self._step, 1 - _SECOND**self._step
        for name, gradient in gradients.items():
            first, second = self._moments[name]
            first += (1 - _FIRST) * (gradient - first)
            second += (1 - _SECOND) * (gradient**2 - second)
            self._weights[name] -= self._rates[name] * (first / first_bias) / (np.sqrt(second / second_bias) + _LEAST)


def batches(rows: int, size: int, chance: np.random.Generator) -> Iterator[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """The rows of an epoch in chance order, so many at a time."""
    order = chance.permutation(rows)
    for start in range(0, rows, size):
        yield order[start : start + size]
