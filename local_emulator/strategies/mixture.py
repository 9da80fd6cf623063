"""Several Gaussian processes of the same results, each as likely to be right: what is proposed should be good by all of them.

With few results it is not known what each hyperparameter's length scale is, and the most probable ones are wrong together.
"""

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from scipy.optimize import minimize

from local_emulator.strategies.gaussian_process import Array, Embedding, GaussianProcess


class Preference(Protocol):
    """Which rows are looked at first."""

    def log_density(self, rows: Array) -> Array:
        """Of each row."""

    def slope(self, rows: Array) -> Array:
        """The gradient of that by columns."""


class Mixture:
    """Processes of the same inputs."""

    def __init__(self, processes: Sequence[GaussianProcess], embedding: Embedding) -> None:
        self.processes = processes
        self._embedding = embedding

    @property
    def inputs(self) -> Array:
        """Rows of what was observed or is expected."""
        return self.processes[0].inputs

    @property
    def means(self) -> Array:
        """Mean at the inputs: shape (inputs,)."""
        return np.asarray(np.mean([process.means for process in self.processes], axis=0))

    def with_expected(self, rows: Array) -> "Mixture":
        """As if the rows had been observed with the values that each process expects."""
        return Mixture([process.with_expected(rows) for process in self.processes], self._embedding)

    def without_noise(self, rng: np.random.Generator) -> "Mixture":
        """As if the truth at the inputs were known, drawn for each process from what it holds for probable."""
        return Mixture([process.without_noise(rng) for process in self.processes], self._embedding)

    def log_improvements(self, rows: Array) -> Array:
        """Logarithm of the expected improvement at each row, below the lowest output that each process has."""
        return self._mean([process.log_improvements(rows, float(process.outputs.min())) for process in self.processes])

    def climb(self, starts: Array, steps: int, preference: Preference, trust: float) -> Array:
        """Rows that in all are better than the starts: numbers moved, categories kept.

        Better is more of the logarithm of the expected improvement, and `trust` times the preference's log density.
        """
        free = self._embedding.numeric
        columns = self._embedding.owner[free]
        if not len(columns):
            return starts
        fixed = self._embedding(starts)

        def loss(values: Array) -> tuple[float, Array]:
            points = fixed.copy()
            points[:, free] = values.reshape(len(starts), -1)
            improvements, gradient = self._log_improvement_slopes(points)
            rows = starts.copy()
            rows[:, columns] = points[:, free]
            scores = improvements + trust * preference.log_density(rows)
            return -float(scores.sum()), -(gradient[:, free] + trust * preference.slope(rows)[:, columns]).ravel()

        # All at once: the sum of independent functions has its optimum where each has its own, and a step of all costs hardly more
        # than a step of one.
        bounds = [(0.0, 1.0)] * (len(starts) * len(columns))
        options = {"maxiter": steps, "maxfun": 2 * steps}
        optimum = minimize(loss, fixed[:, free].ravel(), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        rows = starts.copy()
        rows[:, columns] = optimum.x.reshape(len(starts), -1)
        return rows

    def _log_improvement_slopes(self, points: Array) -> tuple[Array, Array]:
        """Logarithm of the expected improvement at embedded points, and its gradient by their columns."""
        parts = [process.log_improvement_slopes(points, float(process.outputs.min())) for process in self.processes]
        mean = self._mean([values for values, _ in parts])
        return mean, np.asarray(sum(np.exp(values - mean)[:, None] * slopes for values, slopes in parts)) / len(parts)

    @staticmethod
    def _mean(logarithms: Sequence[Array]) -> Array:
        """The logarithm of the mean."""
        return np.asarray(np.logaddexp.reduce(logarithms) - math.log(len(logarithms)))
