"""A Gaussian process on numpy and scipy: Matérn-5/2 with one length scale a parameter, learned scale and noise.

Inputs are rows in the unit cube; a categorical column holds the index of its value, and two rows are 0 or 1 apart in it. Outputs
are to be minimised and should have about zero mean and unit variance. The hyperparameters are the most probable ones under broad
log-normal priors (the prior on length scales grows with the square root of the dimension, after Hvarfner et al. 2024, "Vanilla
Bayesian Optimization Performs Great in High Dimensions"), found by L-BFGS-B with analytic gradients.

Everything is done on embedded rows, in which a categorical column stands as one column a value, so that distances are Euclidean
and all that is quadratic in the number of rows is a product of matrices.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.optimize import OptimizeResult, minimize
from scipy.special import erfcx, ndtr

Array = npt.NDArray[np.float64]

_ROOT5 = math.sqrt(5.0)
_JITTER = 1e-9
_LEFT_OF_NOISE = 1e-6  # in shares of the variance, where the truth is known
_SMALLEST_VARIANCE = 1e-12
_LOG_LENGTH_PRIOR = (-0.7, 1.0)  # for one dimension: in the square root of the dimension more
_LOG_LENGTH_BOUNDS = (math.log(0.02), math.log(60.0))
_LOG_SCALE_PRIOR = (0.0, 1.0)
_LOG_SCALE_BOUNDS = (-4.0, 4.0)
_LOG_NOISE_PRIOR = (-8.0, 2.0)
_LOG_NOISE_BOUNDS = (math.log(1e-7), math.log(0.5))
_START = (math.log(0.5), 0.0, math.log(1e-2))
_FEATURES = 256  # of a function that is drawn
_FREEDOM = 5  # twice the smoothness
_THIN = 3  # steps of the sampler for each kernel


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """Hyperparameters: weights are one over the squared length scales (one a column), scale and noise are variances."""

    weights: Array
    scale: float
    noise: float


class Embedding:
    """How rows become points in a Euclidean space. `values` says of each column how many it has, 0 for a number."""

    def __init__(self, values: Sequence[int]) -> None:
        self._values = values
        self.owner = np.repeat(np.arange(len(values)), [max(count, 1) for count in values])
        self.numeric = np.repeat([count == 0 for count in values], [max(count, 1) for count in values])

    def __call__(self, rows: Array) -> Array:
        """Rows of shape (n, columns) as points of shape (n, embedded columns)."""
        parts = [
            rows[:, [column]] if count == 0 else (rows[:, [column]] == np.arange(count)) / math.sqrt(2.0)
            for column, count in enumerate(self._values)
        ]
        return np.hstack(parts)


def _squared_distances(left: Array, right: Array) -> Array:
    """Squared distances of points, of shape (rows of left, rows of right)."""
    squared: Array = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2.0 * (left @ right.T)
    squared.clip(min=0.0, out=squared)
    return squared


def _own_distances(points: Array) -> Array:
    """Squared distances of points among themselves, exactly zero from each to itself."""
    squared = _squared_distances(points, points)
    np.fill_diagonal(squared, 0.0)
    return squared


def _matern(scale: float, squared: Array) -> tuple[Array, Array]:
    """Covariances, and their derivatives by the squared distance."""
    distance = _ROOT5 * np.sqrt(squared)
    decay = scale * np.exp(-distance)
    slope = 1.0 + distance
    return (slope + (5.0 / 3.0) * squared) * decay, -(5.0 / 6.0) * slope * decay


def _loss(theta: Array, points: Array, owner: npt.NDArray[np.intp], outputs: Array) -> tuple[float, Array]:
    """Negative log posterior of (log length scales, log scale, log noise), and its gradient."""
    columns = len(theta) - 2
    scale, noise = math.exp(theta[-2]), math.exp(theta[-1])
    scaled = points * np.exp(-theta[owner])
    covariance, slope = _matern(scale, _own_distances(scaled))
    noisy = covariance.copy()
    noisy.flat[:: len(outputs) + 1] += noise + _JITTER
    lower, failed = dpotrf(noisy, lower=1, overwrite_a=1)
    if failed:
        return 1e10, np.zeros_like(theta)
    value = float(np.log(np.diag(lower)).sum())
    inverse, _ = dpotri(lower, lower=1, overwrite_c=1)
    inverse = np.tril(inverse)
    inverse += np.tril(inverse, -1).T
    alpha = inverse @ outputs
    value += 0.5 * float(outputs @ alpha)
    pull = inverse - np.outer(alpha, alpha)
    # The sum over pairs of pull * slope * squared difference, column by column, as products of matrices.
    bent = pull * slope
    by_column = 2.0 * (bent.sum(axis=1) @ scaled**2 - np.einsum("ij,ij->j", scaled, bent @ scaled))
    gradient = np.empty_like(theta)
    gradient[:columns] = -np.bincount(owner, weights=by_column, minlength=columns)
    gradient[-2] = 0.5 * float((pull * covariance).sum())
    gradient[-1] = 0.5 * noise * float(np.trace(pull))
    means, deviations = _prior(columns)
    off = (theta - means) / deviations
    return value + 0.5 * float(off @ off), gradient + off / deviations


def _prior(columns: int) -> tuple[Array, Array]:
    """Means and standard deviations of the normal priors on (log length scales, log scale, log noise)."""
    length = _LOG_LENGTH_PRIOR[0] + 0.5 * math.log(columns)
    means = [length] * columns + [_LOG_SCALE_PRIOR[0], _LOG_NOISE_PRIOR[0]]
    return np.array(means), np.array([_LOG_LENGTH_PRIOR[1]] * columns + [_LOG_SCALE_PRIOR[1], _LOG_NOISE_PRIOR[1]])


def fit(inputs: Array, outputs: Array, embedding: Embedding) -> Kernel:
    """The most probable kernel."""
    return _kernel(_most_probable(inputs, outputs, embedding).x)


def fit_alike(inputs: Array, outputs: Array, embedding: Embedding) -> Kernel:
    """The most probable kernel of those with the same length scale for every parameter."""
    columns = inputs.shape[1]
    spread = np.zeros((columns + 2, 3))
    spread[:columns, 0] = spread[columns, 1] = spread[columns + 1, 2] = 1.0
    return _kernel(spread @ _most_probable(inputs, outputs, embedding, spread).x)


def log_evidence(inputs: Array, outputs: Array, embedding: Embedding) -> float:
    """The logarithm of how probable the outputs and their most probable kernel are, up to a constant."""
    return -float(_most_probable(inputs, outputs, embedding).fun)


def _most_probable(inputs: Array, outputs: Array, embedding: Embedding, spread: Array | None = None) -> OptimizeResult:
    """Of all kernels, or of those that `spread`, of shape (logarithms of a kernel, numbers to find), makes of fewer numbers."""
    points, free = embedding(inputs), np.eye(inputs.shape[1] + 2) if spread is None else spread

    def loss(numbers: Array) -> tuple[float, Array]:
        value, gradient = _loss(free @ numbers, points, embedding.owner, outputs)
        return value, gradient @ free

    lengths = free.shape[1] - 2
    return minimize(
        loss,
        np.array([*[_START[0]] * lengths, *_START[1:]]),
        jac=True,
        method="L-BFGS-B",
        bounds=[*[_LOG_LENGTH_BOUNDS] * lengths, _LOG_SCALE_BOUNDS, _LOG_NOISE_BOUNDS],
        options={"maxiter": 40, "ftol": 1e-7},
    )


def _kernel(theta: Array) -> Kernel:
    return Kernel(weights=np.exp(-2.0 * theta[:-2]), scale=math.exp(theta[-2]), noise=math.exp(theta[-1]))


def sample(inputs: Array, outputs: Array, embedding: Embedding, count: int, rng: np.random.Generator) -> Sequence[Kernel]:
    """Kernels as probable as the outputs make them, by elliptical slice sampling (Murray, Adams and MacKay 2010)."""
    points = embedding(inputs)
    means, deviations = _prior(inputs.shape[1])

    def log_likelihood(off: Array) -> float:
        return 0.5 * float(off @ off) - _loss(means + deviations * off, points, embedding.owner, outputs)[0]

    off = (_most_probable(inputs, outputs, embedding).x - means) / deviations
    now = log_likelihood(off)
    kernels = []
    for step in range(_THIN * count):
        other, least = rng.normal(size=len(off)), now + math.log(1.0 - rng.random())
        high = rng.uniform(0.0, 2.0 * math.pi)
        low, angle = high - 2.0 * math.pi, high
        while True:
            moved = off * math.cos(angle) + other * math.sin(angle)
            likely = log_likelihood(moved)
            if likely > least:
                off, now = moved, likely
                break
            low, high = (angle, high) if angle < 0 else (low, angle)
            angle = rng.uniform(low, high)
        if step % _THIN == _THIN - 1:
            kernels.append(_kernel(means + deviations * off))
    return kernels


class GaussianProcess:
    """A kernel conditioned on observations."""

    def __init__(self, kernel: Kernel, inputs: Array, outputs: Array, embedding: Embedding) -> None:
        self.kernel = kernel
        self.inputs = inputs
        self.outputs = outputs
        self._embedding = embedding
        self._stretch = np.sqrt(kernel.weights)[embedding.owner]
        self._points = embedding(inputs) * self._stretch
        noisy = self._covariance(self._points)
        self._lower = cholesky(noisy, lower=True, check_finite=False, overwrite_a=True)
        self._alpha = cho_solve((self._lower, True), outputs, check_finite=False)

    def _covariance(self, points: Array) -> Array:
        """Covariance of points among themselves, noise included."""
        covariance, _ = _matern(self.kernel.scale, _own_distances(points))
        covariance.flat[:: len(points) + 1] += self.kernel.noise + _JITTER
        return covariance

    @property
    def means(self) -> Array:
        """Mean at the inputs: shape (inputs,)."""
        return np.asarray(self.outputs - (self.kernel.noise + _JITTER) * self._alpha)

    def predict(self, rows: Array) -> tuple[Array, Array]:
        """Mean and standard deviation (without noise) at each row."""
        cross, _ = _matern(self.kernel.scale, _squared_distances(self._points, self._embedding(rows) * self._stretch))
        spread = solve_triangular(self._lower, cross, lower=True, check_finite=False)
        variance = self.kernel.scale - np.einsum("ij,ij->j", spread, spread)
        return cross.T @ self._alpha, np.sqrt(np.maximum(variance, _SMALLEST_VARIANCE))

    def left_out(self) -> tuple[Array, Array]:
        """Mean and standard deviation (with noise) at each input if its own output were not known."""
        inverse = cho_solve((self._lower, True), np.eye(len(self.outputs)), check_finite=False)
        variance = 1.0 / np.diag(inverse)
        return self.outputs - self._alpha * variance, np.sqrt(variance)

    def draw(self, rng: np.random.Generator) -> Callable[[Array], Array]:
        """A function of rows drawn from the process, without noise: `draw(rng)(rows)` has shape (rows,).

        It is drawn from the kernel by random Fourier features, then corrected by what was observed (Wilson et al. 2020, "Efficiently
        Sampling Functions from Gaussian Process Posteriors").
        """
        columns = self._points.shape[1]
        widths = np.sqrt(_FREEDOM / rng.chisquare(_FREEDOM, size=(_FEATURES, 1)))  # the Matérn kernel's spectrum is Student's t
        waves, shifts = rng.normal(size=(_FEATURES, columns)) * widths, rng.uniform(0.0, 2.0 * math.pi, _FEATURES)
        weights = rng.normal(size=_FEATURES) * math.sqrt(2.0 * self.kernel.scale / _FEATURES)

        def prior(points: Array) -> Array:
            return np.asarray(np.cos(points @ waves.T + shifts) @ weights)

        noise = rng.normal(size=len(self.outputs)) * math.sqrt(self.kernel.noise + _JITTER)
        correction = cho_solve((self._lower, True), self.outputs - prior(self._points) - noise, check_finite=False)

        def function(rows: Array) -> Array:
            points = self._embedding(rows) * self._stretch
            cross, _ = _matern(self.kernel.scale, _squared_distances(points, self._points))
            return np.asarray(prior(points) + cross @ correction)

        return function

    def without_noise(self, rng: np.random.Generator) -> "GaussianProcess":
        """The process as if the truth at the inputs were known: drawn from what is probable (Letham et al. 2019).

        "Constrained Bayesian Optimization with Noisy Experiments" averages over many draws; each proposal has its own here.
        """
        kernel = replace(self.kernel, noise=_LEFT_OF_NOISE * self.kernel.scale)
        covariance, _ = _matern(self.kernel.scale, _own_distances(self._points))
        sure = covariance.copy()
        sure.flat[:: len(sure) + 1] += kernel.noise
        truth = cholesky(sure, lower=True, check_finite=False) @ rng.normal(size=len(sure))
        noise = rng.normal(size=len(sure)) * math.sqrt(self.kernel.noise)
        # As probable a truth as any, moved by what was observed (Matheron's rule).
        truth += covariance @ cho_solve((self._lower, True), self.outputs - truth - noise, check_finite=False)
        return GaussianProcess(kernel, self.inputs, truth, self._embedding)

    def with_expected(self, rows: Array) -> "GaussianProcess":
        """The same process as if the rows had been observed with their expected values."""
        extended = object.__new__(GaussianProcess)
        extended.kernel, extended._embedding, extended._stretch = self.kernel, self._embedding, self._stretch
        points = self._embedding(rows) * self._stretch
        cross, _ = _matern(self.kernel.scale, _squared_distances(self._points, points))
        below = solve_triangular(self._lower, cross, lower=True, check_finite=False)
        corner = cholesky(self._covariance(points) - below.T @ below, lower=True, check_finite=False)
        extended._lower = np.block([[self._lower, np.zeros_like(below)], [below.T, corner]])
        # An expected value changes no expectation.
        extended._alpha = np.concatenate([self._alpha, np.zeros(len(rows))])
        extended._points = np.vstack([self._points, points])
        extended.inputs = np.vstack([self.inputs, rows])
        extended.outputs = np.concatenate([self.outputs, cross.T @ self._alpha])
        return extended

    def log_improvements(self, rows: Array, best: float) -> Array:
        """Logarithm of the expected improvement below `best` at each row."""
        mean, deviation = self.predict(rows)
        return np.asarray(np.log(deviation) + _log_h((best - mean) / deviation)[0])

    def log_improvement_slopes(self, points: Array, best: float) -> tuple[Array, Array]:
        """Logarithm of the expected improvement at embedded points, and its gradient by their columns."""
        scaled = points * self._stretch
        cross, slope = _matern(self.kernel.scale, _squared_distances(self._points, scaled))
        mean = cross.T @ self._alpha
        weighted = cho_solve((self._lower, True), cross, check_finite=False)
        variance = self.kernel.scale - np.einsum("ij,ij->j", cross, weighted)
        deviation = np.sqrt(np.maximum(variance, _SMALLEST_VARIANCE))
        mean_slope = self._pull(slope * self._alpha[:, None], scaled)
        deviation_slope = -self._pull(slope * weighted, scaled) / deviation[:, None]
        gap = (best - mean) / deviation
        value, pull = _log_h(gap)
        toward = pull[:, None] * (-mean_slope - gap[:, None] * deviation_slope)
        return np.log(deviation) + value, (deviation_slope + toward) / deviation[:, None]

    def _pull(self, bent: Array, scaled: Array) -> Array:
        """The sum over observations of bent * the gradient of the squared distance to them: shape (points, columns)."""
        return np.asarray(2.0 * (bent.sum(axis=0)[:, None] * scaled - bent.T @ self._points) * self._stretch)


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
