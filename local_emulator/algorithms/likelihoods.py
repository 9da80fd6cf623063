"""DeepAR's likelihoods: the loss of values under a distribution, its gradient, and values drawn from it.

A distribution's parameters come from two or three numbers of the network (rows x `width`), for values that are divided by the scale
of their series.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from scipy.special import betaln, digamma, expit, gammaln

from local_emulator.algorithms.contract import Floats

_LEAST = 1e-3  # of a standard deviation, and of what else must be above 0


class Likelihood(Protocol):
    """A distribution."""

    width: int
    """How many numbers of the network it takes."""

    def losses(self, raw: Floats, values: Floats, scale: Floats) -> tuple[Floats, Floats]:
        """Loss of each value (rows) and its gradient (rows x width). The scale is of each value's series."""

    def draw(self, raw: Floats, scale: Floats, chance: np.random.Generator) -> Floats:
        """A value of each row, still divided by the scale."""


class Gaussian:
    """The normal distribution."""

    width = 2

    def losses(self, raw: Floats, values: Floats, scale: Floats) -> tuple[Floats, Floats]:
        """See Likelihood."""
        sigma, slope = _positive(raw[:, 1])
        error = (raw[:, 0] - values) / sigma
        losses = np.log(sigma * scale) + (error**2 + np.log(2 * np.pi)) / 2
        return losses, np.column_stack([error / sigma, (1 - error**2) / sigma * slope])

    def draw(self, raw: Floats, scale: Floats, chance: np.random.Generator) -> Floats:  # noqa: ARG002 - Likelihood's
        """See Likelihood."""
        return chance.normal(raw[:, 0], _positive(raw[:, 1])[0])


class StudentT:
    """Student's t distribution, of more than 2 degrees of freedom."""

    width = 3

    def losses(self, raw: Floats, values: Floats, scale: Floats) -> tuple[Floats, Floats]:
        """See Likelihood."""
        (sigma, slope), (extra, freedom_slope) = _positive(raw[:, 1]), _positive(raw[:, 2])
        freedom, error = extra + 2, (raw[:, 0] - values) / sigma
        spread = 1 + error**2 / freedom
        losses = np.log(sigma * scale) + np.log(np.pi * freedom) / 2 + gammaln(freedom / 2) - gammaln((freedom + 1) / 2)
        losses += (freedom + 1) / 2 * np.log(spread)
        pull = (freedom + 1) / freedom * error / spread
        of_freedom = (digamma(freedom / 2) - digamma((freedom + 1) / 2) + 1 / freedom + np.log(spread)) / 2
        of_freedom -= (freedom + 1) / 2 * error**2 / freedom**2 / spread
        return losses, np.column_stack([pull / sigma, (1 - pull * error) / sigma * slope, of_freedom * freedom_slope])

    def draw(self, raw: Floats, scale: Floats, chance: np.random.Generator) -> Floats:  # noqa: ARG002 - Likelihood's
        """See Likelihood."""
        return raw[:, 0] + _positive(raw[:, 1])[0] * chance.standard_t(_positive(raw[:, 2])[0] + 2)


class NegativeBinomial:
    """Counts, of a mean and a dispersion."""

    width = 2

    def losses(self, raw: Floats, values: Floats, scale: Floats) -> tuple[Floats, Floats]:
        """See Likelihood."""
        (mean, slope), (alpha, alpha_slope) = _positive(raw[:, 0]), _positive(raw[:, 1])
        mean, count, inverse = mean * scale, values * scale, 1 / alpha
        losses = gammaln(inverse) + gammaln(count + 1) - gammaln(count + inverse)
        losses += inverse * np.log1p(alpha * mean) - count * (np.log(alpha * mean) - np.log1p(alpha * mean))
        of_mean = (mean - count) / (mean * (1 + alpha * mean))
        of_alpha = inverse**2 * (digamma(count + inverse) - digamma(inverse) - np.log1p(alpha * mean))
        of_alpha += (mean - count) / (alpha * (1 + alpha * mean))
        return losses, np.column_stack([of_mean * scale * slope, of_alpha * alpha_slope])

    def draw(self, raw: Floats, scale: Floats, chance: np.random.Generator) -> Floats:
        """See Likelihood."""
        mean, alpha = _positive(raw[:, 0])[0] * scale, _positive(raw[:, 1])[0]
        return chance.poisson(np.minimum(chance.gamma(1 / alpha, alpha * mean), 1e15)) / scale


class Beta:
    """Values between 0 and 1, which have no scale."""

    width = 2

    def losses(self, raw: Floats, values: Floats, scale: Floats) -> tuple[Floats, Floats]:  # noqa: ARG002 - Likelihood's
        """See Likelihood."""
        (first, first_slope), (second, second_slope) = _positive(raw[:, 0]), _positive(raw[:, 1])
        inside = np.clip(values, 1e-6, 1 - 1e-6)
        losses = betaln(first, second) - (first - 1) * np.log(inside) - (second - 1) * np.log1p(-inside)
        both = digamma(first + second)
        of_first = (digamma(first) - both - np.log(inside)) * first_slope
        return losses, np.column_stack([of_first, (digamma(second) - both - np.log1p(-inside)) * second_slope])

    def draw(self, raw: Floats, scale: Floats, chance: np.random.Generator) -> Floats:  # noqa: ARG002 - Likelihood's
        """See Likelihood."""
        return chance.beta(_positive(raw[:, 0])[0], _positive(raw[:, 1])[0])


class DeterministicL1:
    """A point forecast: nothing is drawn by chance."""

    width = 1

    def losses(self, raw: Floats, values: Floats, scale: Floats) -> tuple[Floats, Floats]:  # noqa: ARG002 - Likelihood's
        """See Likelihood."""
        error = raw[:, 0] - values
        return np.abs(error), np.sign(error)[:, None]

    def draw(self, raw: Floats, scale: Floats, chance: np.random.Generator) -> Floats:  # noqa: ARG002 - Likelihood's
        """See Likelihood."""
        return raw[:, 0]


LIKELIHOODS: Mapping[str, Likelihood] = {
    "gaussian": Gaussian(),
    "student-T": StudentT(),
    "negative-binomial": NegativeBinomial(),
    "beta": Beta(),
    "deterministic-L1": DeterministicL1(),
}
"""By the values of the hyperparameter."""


def _positive(raw: Floats) -> tuple[Floats, Floats]:
    """Softplus, so that it is above 0, and its derivative."""
    return np.logaddexp(0, raw) + _LEAST, expit(raw)
