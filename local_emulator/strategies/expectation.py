"""What Bayesian search expected of a point: why it was proposed, in the objective's own numbers."""

import math
from dataclasses import dataclass

import numpy as np

from local_emulator.strategies.gaussian_process import Array, GaussianProcess

COVERED = 0.8  # what the interval holds
_DEVIATIONS = 1.2815515655446004  # of a normal distribution, that hold it
_LITTLE_KNOWN = 0.15  # of the results' standard deviation: a point whose own is larger explores


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What the model expected of a training job, as objectives.

    Attributes:
        mean: The expected objective.
        low: Lower end of the interval that by the model holds 80 % of what may be reported, the noise of a training included. It
            holds fewer: a search goes where its model hopes for too much.
        high: Its upper end.
        best: The best expected objective among the points that had been tried or ran then; noise makes a best result better.
        gain: Expected improvement on `best`, at least 0: what a worse result would lose does not count.
        explores: Whether little was known there: the standard deviation of its expected objective, without the noise of a
            training, was more than 0.15 of that of the results.
    """

    mean: float
    low: float
    high: float
    best: float
    gain: float
    explores: bool


class Scale:
    """Turns outputs of the model back to objectives.

    Args:
        objectives: Observed objectives times `sign`, so that the lowest is the best.
        outputs: What the model learnt in their place; the same order.
        sign: -1 where the objective is maximised, else 1.
    """

    def __init__(self, objectives: Array, outputs: Array, sign: float) -> None:
        order = np.argsort(objectives, kind="stable")
        self._objectives, self._outputs, self._sign = objectives[order], outputs[order], sign
        middle = (len(order) - 1) // 2  # the last that is not bent
        width = float(self._outputs[middle] - self._outputs[0])
        self.slope = float(self._objectives[middle] - self._objectives[0]) / width if width > 0.0 else 0.0

    def objective(self, output: float) -> float:
        """The objective of an output: beyond the best on the slope of the better half, never worse than the worst."""
        below = min(output - float(self._outputs[0]), 0.0)
        return self._sign * (float(np.interp(output, self._outputs, self._objectives)) + below * self.slope)


def expected(process: GaussianProcess, row: Array, scale: Scale) -> Expectation:
    """What a process expects at a row (shape (1, columns))."""
    best = float(process.means.min())
    means, deviations = process.predict(row)
    mean, deviation = float(means[0]), float(deviations[0])
    reach = _DEVIATIONS * math.hypot(deviation, math.sqrt(process.kernel.noise))
    ends = sorted(scale.objective(mean + side * reach) for side in (-1.0, 1.0))
    return Expectation(
        mean=scale.objective(mean),
        low=ends[0],
        high=ends[1],
        best=scale.objective(best),
        gain=scale.slope * math.exp(float(process.log_improvements(row, best)[0])),
        explores=deviation > _LITTLE_KNOWN,
    )
