"""A model of how long training jobs take: what starting costs, and what an epoch costs by hyperparameters."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from local_emulator.strategies.gaussian_process import Array, Embedding, GaussianProcess, fit, log_evidence
from sm_tuning.simulation.curve_model import explained

_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 0.95)  # of the shortest training job that may have gone into starting
_VARIED = 1.5  # as often as the fewest epochs: then start and epochs can be told apart
_LEAST_SECONDS = 1e-3


class DurationModel:
    """Seconds by rows of hyperparameters.

    Args:
        rows: A row of each training job.
        embedding: How near two rows are.
        epochs: Of each training job the epochs that it made.
        seconds: Of each training job the seconds from start to end.
        pending: Seconds from creation to start, of those that tell.
    """

    def __init__(
        self, rows: Array, embedding: Embedding, epochs: Sequence[int], seconds: Sequence[float], pending: Sequence[float]
    ) -> None:
        self._rows, self._embedding = rows, embedding
        self._pending = sorted(max(value, 0.0) for value in pending) or [0.0]
        made, taken = np.maximum(np.array(epochs, dtype=np.float64), 1.0), np.maximum(np.array(seconds), _LEAST_SECONDS)
        self.tells_start = bool(made.max() >= _VARIED * made.min())
        self.startup = self._likely_start(made, taken) if self.tells_start else 0.0
        values = np.log((taken - self.startup) / made)
        self._mean, spread = float(values.mean()), float(values.std())
        self._spread, standard = spread, (values - self._mean) / (spread or 1.0)
        self._kernel = fit(rows, standard, embedding)
        self._process = GaussianProcess(self._kernel, rows, standard, embedding)
        self.explained = explained(rows, embedding, values) if spread > 0.0 else 0.0

    def _likely_start(self, epochs: Array, seconds: Array) -> float:
        """The start-up with which the seconds of an epoch are the most probable, as a Gaussian process of the hyperparameters."""

        def log_likelihood(start: float) -> float:
            values = np.log((seconds - start) / epochs)
            spread = float(values.std())
            if not spread > 0.0:
                return math.inf
            evidence = log_evidence(self._rows, (values - values.mean()) / spread, self._embedding)
            return evidence - len(values) * math.log(spread) - float(np.log(seconds - start).sum())

        return max((share * float(seconds.min()) for share in _SHARES), key=log_likelihood)

    def draw(self, rng: np.random.Generator) -> Callable[[Array, np.random.Generator], tuple[float, float]]:
        """One way things may be: a function of a row and a generator, to seconds of waiting and seconds of an epoch."""
        noise = math.sqrt(self._kernel.noise)
        # Where hyperparameters say nothing about it, the mean with all that it varies.
        function = self._process.draw(rng) if self.explained > 0.0 else None

        def seconds(row: Array, training: np.random.Generator) -> tuple[float, float]:
            value = training.normal() if function is None else float(function(row[None, :])[0]) + noise * training.normal()
            waiting = self._pending[int(training.integers(len(self._pending)))]
            return waiting, math.exp(self._mean + self._spread * value)

        return seconds
