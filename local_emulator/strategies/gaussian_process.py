"""A Gaussian process on numpy and scipy: Matérn-5/2 with one length scale a parameter, learned scale and noise.

Inputs are rows in the unit cube; a categorical column holds the index of its value, and two rows are 0 or 1 apart in it. Outputs
are to be minimised and should have about zero mean and unit variance. The hyperparameters are the most probable ones under broad
log-normal priors (the prior on length scales grows with the square root of the dimension, after Hvarfner et al. 2024, "Vanilla
Bayesian Optimization Performs Great in High Dimensions"), found by L-BFGS-B with analytic gradients.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.special import erfcx, ndtr

Array = npt.NDArray[np.float64]

_ROOT5 = math.sqrt(5.0)
_JITTER = 1e-9
_LOG_LENGTH_BOUNDS = (math.log(0.02), math.log(60.0))
_LOG_SCALE_PRIOR = (0.0, 1.0)
_LOG_SCALE_BOUNDS = (-4.0, 4.0)
_LOG_NOISE_PRIOR = (-5.0, 1.5)
_LOG_NOISE_BOUNDS = (math.log(1e-7), math.log(0.5))
_LOG_LENGTH_DEVIATION = math.sqrt(3.0)


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """Hyperparameters: weights are one over the squared length scales (one a column), scale and noise are variances."""

    weights: Array
    scale: float
    noise: float


def squared_differences(left: Array, right: Array, categorical: npt.NDArray[np.bool_]) -> Array:
    """Squared differences by column: shape (columns, rows of left, rows of right)."""
    difference = left.T[:, :, None] - right.T[:, None, :]
    squared = difference**2
    squared[categorical] = (difference[categorical] != 0.0).astype(np.float64)
    return squared


def matern(kernel: Kernel, squared: Array) -> tuple[Array, Array]:
    """Covariances, and their derivatives by the weighted squared distance."""
    distance2 = np.tensordot(kernel.weights, squared, axes=1)
    distance = _ROOT5 * np.sqrt(distance2)
    decay = kernel.scale * np.exp(-distance)
    return (1.0 + distance + (5.0 / 3.0) * distance2) * decay, -(5.0 / 6.0) * (1.0 + distance) * decay


def _loss(theta: Array, squared: Array, outputs: Array, length_mean: float) -> tuple[float, Array]:
    """Negative log posterior of (log length scales, log scale, log noise), and its gradient."""
    columns = len(squared)
    kernel = Kernel(weights=np.exp(-2.0 * theta[:columns]), scale=math.exp(theta[-2]), noise=math.exp(theta[-1]))
    covariance, slope = matern(kernel, squared)
    rows = len(outputs)
    noisy = covariance + (kernel.noise + _JITTER) * np.eye(rows)
    try:
        lower = cholesky(noisy, lower=True, check_finite=False)
    except np.linalg.LinAlgError:
        return 1e10, np.zeros_like(theta)
    alpha = cho_solve((lower, True), outputs, check_finite=False)
    inverse = cho_solve((lower, True), np.eye(rows), check_finite=False)
    value = 0.5 * float(outputs @ alpha) + float(np.log(np.diag(lower)).sum())
    pull = inverse - np.outer(alpha, alpha)
    by_weight = squared.reshape(columns, -1) @ (pull * slope).ravel()
    gradient = np.empty_like(theta)
    gradient[:columns] = 0.5 * by_weight * kernel.weights * -2.0
    gradient[-2] = 0.5 * float((pull * covariance).sum())
    gradient[-1] = 0.5 * kernel.noise * float(np.trace(pull))
    for place, mean, deviation in (
        (slice(0, columns), length_mean, _LOG_LENGTH_DEVIATION),
        (slice(columns, columns + 1), *_LOG_SCALE_PRIOR),
        (slice(columns + 1, columns + 2), *_LOG_NOISE_PRIOR),
    ):
        off = (theta[place] - mean) / deviation
        value += 0.5 * float(off @ off)
        gradient[place] += off / deviation
    return value, gradient


def fit(inputs: Array, outputs: Array, categorical: npt.NDArray[np.bool_], starts: Sequence[Kernel] = ()) -> Kernel:
    """The most probable kernel, from a default start and the given ones."""
    columns = inputs.shape[1]
    squared = squared_differences(inputs, inputs, categorical)
    length_mean = math.sqrt(2.0) + 0.5 * math.log(columns)
    thetas = [np.array([*[math.log(0.5)] * columns, 0.0, math.log(1e-2)])]
    thetas += [np.array([*(-0.5 * np.log(one.weights)), math.log(one.scale), math.log(one.noise)]) for one in starts]
    bounds = [*[_LOG_LENGTH_BOUNDS] * columns, _LOG_SCALE_BOUNDS, _LOG_NOISE_BOUNDS]
    found = [
        minimize(
            _loss,
            theta,
            args=(squared, outputs, length_mean),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": 40, "ftol": 1e-7},
        )
        for theta in thetas
    ]
    best = min(found, key=lambda one: float(one.fun)).x
    return Kernel(weights=np.exp(-2.0 * best[:columns]), scale=math.exp(best[-2]), noise=math.exp(best[-1]))


class GaussianProcess:
    """A kernel conditioned on observations."""

    def __init__(self, kernel: Kernel, inputs: Array, outputs: Array, categorical: npt.NDArray[np.bool_]) -> None:
        self.kernel = kernel
        self.inputs = inputs
        self.outputs = outputs
        self._categorical = categorical
        covariance, _ = matern(kernel, squared_differences(inputs, inputs, categorical))
        self._lower = cholesky(covariance + (kernel.noise + _JITTER) * np.eye(len(outputs)), lower=True, check_finite=False)
        self._alpha = cho_solve((self._lower, True), outputs, check_finite=False)

    def predict(self, rows: Array) -> tuple[Array, Array]:
        """Mean and standard deviation (without noise) at each row."""
        cross, _ = matern(self.kernel, squared_differences(self.inputs, rows, self._categorical))
        spread = solve_triangular(self._lower, cross, lower=True, check_finite=False)
        variance = self.kernel.scale - np.einsum("ij,ij->j", spread, spread)
        return cross.T @ self._alpha, np.sqrt(np.maximum(variance, 1e-12))

    def believing(self, rows: Array) -> "GaussianProcess":
        """The same process as if the rows had been observed with their expected values."""
        mean, _ = self.predict(rows)
        return GaussianProcess(
            self.kernel, np.vstack([self.inputs, rows]), np.concatenate([self.outputs, mean]), self._categorical
        )

    def log_improvement(self, row: Array, best: float) -> tuple[float, Array]:
        """Logarithm of the expected improvement below `best` at one row, and its gradient by the numeric columns."""
        squared = squared_differences(self.inputs, row[None, :], self._categorical)
        cross, slope = (part[:, 0] for part in matern(self.kernel, squared))
        mean = float(cross @ self._alpha)
        weighted = cho_solve((self._lower, True), cross, check_finite=False)
        deviation = math.sqrt(max(self.kernel.scale - float(cross @ weighted), 1e-12))
        steps = 2.0 * (slope[:, None] * (row[None, :] - self.inputs)) * self.kernel.weights
        steps[:, self._categorical] = 0.0
        mean_slope = steps.T @ self._alpha
        deviation_slope = -(steps.T @ weighted) / deviation
        gap = (best - mean) / deviation
        value, pull = (float(part[0]) for part in _log_h(np.array([gap])))
        gradient = deviation_slope / deviation + pull * (-mean_slope - gap * deviation_slope) / deviation
        return math.log(deviation) + value, gradient

    def log_improvements(self, rows: Array, best: float) -> Array:
        """Logarithm of the expected improvement below `best` at many rows."""
        mean, deviation = self.predict(rows)
        return np.asarray(np.log(deviation) + _log_h((best - mean) / deviation)[0])


def _log_h(gap: Array) -> tuple[Array, Array]:
    """Logarithm of h(z) = phi(z) + z Phi(z), and h'(z) / h(z), without underflow for very negative z."""
    log_phi = -0.5 * gap**2 - 0.5 * math.log(2.0 * math.pi)
    high = gap > -1.0
    safe_high = np.where(high, gap, 0.0)
    direct = np.exp(-0.5 * safe_high**2) / math.sqrt(2.0 * math.pi) + safe_high * ndtr(safe_high)
    safe_low = np.clip(np.where(high, -1.0, gap), -1e4, None)
    mills = math.sqrt(math.pi / 2.0) * erfcx(-safe_low / math.sqrt(2.0))  # Phi / phi
    # 1 + z Phi/phi loses its digits below about -100, where it is 1 / z^2 to all that matters.
    bracket = np.where(safe_low > -100.0, 1.0 + safe_low * mills, safe_low**-2.0)  # noqa: PLR2004 - see above
    bracket = np.maximum(bracket, 1e-300)
    log_h = np.where(high, np.log(np.maximum(direct, 1e-300)), log_phi + np.log(bracket))
    pull = np.where(high, ndtr(safe_high) / np.maximum(direct, 1e-300), mills / bracket)
    return log_h, pull
