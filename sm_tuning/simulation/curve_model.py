"""A model of learning curves over the hyperparameters, learnt from training jobs; each draw from it is one way things may be.

Objectives are to be minimised here. They are taken as square roots or logarithms of their distance from a bound that is better than
the best value seen, so nothing that is drawn is better than the bound. Which, and how much better it is, is drawn too: by how well
each explains the good training jobs. A curve is its last value, which has a Gaussian process of its own, and a few shapes, whose
sizes have others; what is left of each epoch is noise. The processes are the emulator's own (those of its Bayesian search): their
priors were made for few observations.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from local_emulator.strategies.gaussian_process import Array, Embedding, GaussianProcess, Kernel, fit, sample

_BOUNDS = (0.1, 0.25, 1.0, 4.0)  # how far a bound is beyond the best, in distances from there to the best quarter
_TEMPER = 0.3  # what training jobs say of the bound counts as much: they are few, and it decides everything
_GOOD = 0.5  # of the training jobs: those that tell of the bound
_LEAST_GOOD = 5
_FENCE = 4.0  # values are brought as near to the median, in distances from there to the best tenth
_KNOTS = 48  # epochs that stand for longer curves
_MOST_SHAPES = 3
_ENOUGH = 0.95  # of what the last values leave unexplained
_KERNELS = 12  # that stand for what is not known of lengths and noise
_FOLDS = 10
_LEAST_OTHERS = 3
_NEGLIGIBLE = 0.05  # as probable as the best bound
_TINY = 1e-12


@dataclass(frozen=True)
class Scale:
    """Objectives by their distance from a bound.

    As its square root, for near its optimum a function grows with the square of the distance; or as its logarithm, for on a plateau
    what is good differs by less and less.
    """

    bound: float
    unit: float
    root: bool
    limit: float = -math.inf

    def to(self, values: Array) -> Array:
        """Objectives on the scale."""
        distance = np.maximum((values - self.bound) / self.unit, _TINY)
        return np.asarray(np.sqrt(distance) if self.root else np.log(distance))

    def back(self, values: Array) -> Array:
        """Objectives of values on the scale."""
        return np.maximum(self.bound + self.unit * (values**2 if self.root else np.exp(values)), self.limit)


@dataclass(frozen=True)
class _Part:
    """A number of every curve, and what is known of it: it is `mean + spread * process`."""

    mean: float
    spread: float
    outputs: Array
    kernels: Sequence[Kernel]


@dataclass(frozen=True)
class _Shapes:
    """How curves differ beside their last values: `mean + slope * (last - mean of the last) + sizes @ shapes`, and noise."""

    mean: Array
    slope: Array
    shapes: Array
    noise: Array


class CurveModel:
    """Curves by rows of hyperparameters.

    Args:
        rows: A row of each training job, of shape (training jobs, columns), as the embedding takes them.
        embedding: How near two rows are.
        curves: Of each training job the objective after each epoch, to be minimised; not all need be equally long.
        lengths: The number of epochs that each would have made if nobody had stopped it.
        seed: Of the draws that stand for what is not known.
        limit: No objective is below it; None where nobody knows such a limit.
    """

    def __init__(
        self,
        rows: Array,
        embedding: Embedding,
        curves: Sequence[Sequence[float]],
        lengths: Sequence[int],
        seed: int,
        limit: float | None = None,
    ) -> None:
        self._rows, self._embedding = rows, embedding
        self.knots = knots(max(lengths))
        seen = np.array([_at(curve, self.knots) for curve in curves])
        ends = np.array([np.searchsorted(self.knots, length) for length in lengths])
        rng = np.random.default_rng(seed)
        scaled = [
            _Scaled(scale, rows, embedding, seen, ends) for scale in _scales(seen, ends, -math.inf if limit is None else limit)
        ]
        logs = _TEMPER * np.array([scale.log_likelihood for scale in scaled])
        weights = np.exp(logs - logs.max())
        self._scaled = [scale for scale, weight in zip(scaled, weights, strict=True) if weight > _NEGLIGIBLE]
        self._weights: Array = weights[weights > _NEGLIGIBLE] / weights[weights > _NEGLIGIBLE].sum()
        for scale in self._scaled:
            scale.learn(rows, embedding, rng)

    def cross_validated(self) -> float:
        """Share of the variance of last values that is explained where they were left out; below 0: worse than their mean."""
        return explained(self._rows, self._embedding, self._scaled[int(np.argmax(self._weights))].last)

    def draw(self, rng: np.random.Generator) -> "DrawnCurves":
        """One way things may be."""
        scaled = self._scaled[int(rng.choice(len(self._scaled), p=self._weights))]
        functions, noises = [], []
        for part in scaled.parts:
            kernel = part.kernels[int(rng.integers(len(part.kernels)))]
            function = GaussianProcess(kernel, self._rows, part.outputs, self._embedding).draw(rng)
            functions.append((part.mean, part.spread, function))
            noises.append(part.spread * math.sqrt(kernel.noise))
        return DrawnCurves(self.knots, scaled.scale, scaled.shapes, functions, noises)


class _Scaled:
    """The model on one scale."""

    def __init__(self, scale: Scale, rows: Array, embedding: Embedding, seen: Array, ends: Array) -> None:
        self.scale = scale
        whole, self.shapes, sizes = _decomposed(_fenced(scale.to(seen)))
        self.last: Array = whole[np.arange(len(whole)), ends]
        self.parts: Sequence[_Part] = ()
        self._columns = [whole[:, -1], *sizes.T]
        self.log_likelihood = self._log_likelihood(rows, embedding)

    def learn(self, rows: Array, embedding: Embedding, rng: np.random.Generator) -> None:
        """Learn the processes."""
        self.parts = [_part(rows, embedding, column, rng) for column in self._columns]

    def _log_slope(self) -> Array:
        """The logarithm of how far the objective moves where its value on the scale moves, at each training job."""
        return np.log(2.0 * np.maximum(self.last, _TINY)) if self.scale.root else self.last

    def _log_likelihood(self, rows: Array, embedding: Embedding) -> float:
        """How probable the objective of the good training jobs is, each if it were not known: it is they that say what lies ahead."""
        spread = float(self.last.std())
        if not spread > 0.0:
            return 0.0
        standard = (self.last - self.last.mean()) / spread
        mean, deviation = GaussianProcess(fit(rows, standard, embedding), rows, standard, embedding).left_out()
        good = np.argsort(self.last)[: max(_LEAST_GOOD, int(len(rows) * _GOOD))]
        logs = -0.5 * ((standard - mean) / deviation) ** 2 - np.log(deviation * spread) - self._log_slope()
        return float(logs[good].sum())


class DrawnCurves:
    """Curves of any row, drawn from a model."""

    def __init__(
        self,
        epochs: Array,
        scale: Scale,
        shapes: _Shapes,
        functions: Sequence[tuple[float, float, Callable[[Array], Array]]],
        noises: Sequence[float],
    ) -> None:
        self._knots, self._scale, self._shapes = epochs, scale, shapes
        self._functions, self._noises = functions, np.array(noises)
        self._whole = np.arange(1, int(epochs[-1]) + 1)

    def curve(self, row: Array, epochs: int, rng: np.random.Generator) -> tuple[Array, float]:
        """A curve of so many epochs with noise, and its last value without."""
        parts = np.array([mean + spread * float(function(row[None, :])[0]) for mean, spread, function in self._functions])
        quiet = self._at_knots(parts)
        noise = rng.normal(size=len(self._noises)) * self._noises
        noisy = self._at_knots(parts + noise) + rng.normal(size=len(quiet)) * self._shapes.noise
        both = self._scale.back(np.array([quiet, noisy]))
        wanted = np.arange(1, epochs + 1)
        if len(self._knots) == len(self._whole) and epochs <= len(self._knots):
            return both[1][:epochs], float(both[0][epochs - 1])
        return np.interp(wanted, self._knots, both[1]), float(np.interp(epochs, self._knots, both[0]))

    def _at_knots(self, parts: Array) -> Array:
        shapes = self._shapes
        return np.asarray(shapes.mean + shapes.slope * (parts[0] - shapes.mean[-1]) + parts[1:] @ shapes.shapes)


def explained(rows: Array, embedding: Embedding, outputs: Array) -> float:
    """Share of the variance of outputs that a process explains of those that were left out, a tenth at a time."""
    error = rest = 0.0
    for fold in range(_FOLDS):
        held = np.arange(len(outputs)) % _FOLDS == fold
        if not held.any():
            continue
        mean, spread = outputs[~held].mean(), outputs[~held].std() or 1.0
        standard = (outputs[~held] - mean) / spread
        process = GaussianProcess(fit(rows[~held], standard, embedding), rows[~held], standard, embedding)
        predicted = mean + spread * process.predict(rows[held])[0]
        error += float(((outputs[held] - predicted) ** 2).sum())
        rest += float(((outputs[held] - mean) ** 2).sum())
    return 1.0 - error / rest if rest > _TINY * len(outputs) else 0.0


def knots(epochs: int) -> Array:
    """Epochs that stand for all: each of few, of many the earlier the closer together."""
    if epochs <= _KNOTS:
        return np.arange(1.0, epochs + 1.0)
    return np.unique(np.round(np.geomspace(1, epochs, _KNOTS)))


def _at(curve: Sequence[float], epochs: Array) -> Array:
    """A curve at some epochs; not a number after its end. What is not finite in it is far worse than anything."""
    values = np.nan_to_num(np.asarray(curve, dtype=np.float64), nan=np.inf, posinf=np.inf, neginf=np.inf)
    at = np.full(len(epochs), np.nan)
    reached = epochs <= len(values)
    at[reached] = values[epochs[reached].astype(int) - 1]
    return at


def _scales(seen: Array, ends: Array, limit: float) -> list[Scale]:
    """The scales on which the objective may be, which is never below a limit."""
    last = np.array([row[min(end, int(np.flatnonzero(~np.isnan(row))[-1]))] for row, end in zip(seen, ends, strict=True)])
    finite = seen[np.isfinite(seen)]
    best, living = float(finite.min()), last[np.isfinite(last)]
    distance = float(np.quantile(living, 0.25)) - best or float(np.ptp(finite)) or 1.0
    bounds = [best - share * distance for share in _BOUNDS]
    nearest = bounds[0]  # a little beyond the limit, where the best has reached it: the scale has no end there
    possible = sorted({min(max(bound, limit), nearest) for bound in bounds}, reverse=True)
    return [Scale(bound, distance, root, limit) for bound in possible for root in (False, True)]


def _fenced(values: Array) -> Array:
    """Values of each epoch no worse than a fence: how bad the bad are is of no interest, and any size may come of divergence."""
    fenced = values.copy()
    for epoch in range(values.shape[1]):
        column = values[:, epoch]
        known = column[~np.isnan(column)]
        if not len(known):
            continue
        middle, good = np.quantile(known, [0.5, 0.1], method="lower")
        reach = middle - good or float(np.ptp(known[np.isfinite(known)])) or 1.0
        fenced[:, epoch] = np.minimum(column, middle + _FENCE * reach)
    return fenced


def _decomposed(values: Array) -> tuple[Array, _Shapes, Array]:
    """Curves to their ends, the shapes that they have in common, and how much of each a curve has."""
    whole = _completed(values)
    mean, last = whole.mean(axis=0), whole[:, -1] - whole[:, -1].mean()
    variance = float(last @ last)
    slope = last @ (whole - mean) / variance if variance > 0.0 else np.zeros(len(mean))
    rest = whole - mean - np.outer(last, slope)
    _, strengths, shapes = np.linalg.svd(rest, full_matrices=False)
    shares = np.cumsum(strengths**2) / max(float((strengths**2).sum()), _TINY)
    count = min(int(np.searchsorted(shares, _ENOUGH)) + 1, _MOST_SHAPES, len(mean) - 1)
    sizes = rest @ shapes[:count].T
    left = np.where(np.isnan(values), np.nan, rest - sizes @ shapes[:count])
    known = np.maximum((~np.isnan(left)).sum(axis=0) - 1, 1)
    noise = np.sqrt(np.nansum(left**2, axis=0) / known)
    return whole, _Shapes(mean, slope, shapes[:count], noise), sizes


def _completed(values: Array) -> Array:
    """Curves to the last epoch: those that ended before go on as the others did that had come as far as they."""
    missing = np.isnan(values)
    whole = values.copy()
    for epoch in range(1, values.shape[1]):
        gaps = missing[:, epoch]
        both = ~gaps
        if not gaps.any():
            continue
        if both.sum() < _LEAST_OTHERS:  # too few to learn from: as it was
            whole[gaps, epoch] = whole[gaps, epoch - 1]
            continue
        before, after = whole[both, epoch - 1], values[both, epoch]
        spread = float(before.var())
        slope = float(((before - before.mean()) * (after - after.mean())).mean()) / spread if spread > 0.0 else 1.0
        whole[gaps, epoch] = after.mean() + slope * (whole[gaps, epoch - 1] - before.mean())
    return whole


def _part(rows: Array, embedding: Embedding, values: Array, rng: np.random.Generator) -> _Part:
    mean, spread = float(values.mean()), float(values.std())
    outputs = (values - mean) / spread if spread > 0.0 else values - mean
    return _Part(mean, spread, outputs, sample(rows, outputs, embedding, _KERNELS, rng))
