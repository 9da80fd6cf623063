"""How much of the objective each hyperparameter decides, by itself and together with others, and how sure that is.

A Gaussian process explains the objective by some of the hyperparameters: an effect of each, the more alike the nearer two settings
are, and products of them for what they do together. Which ones is not known, nor how much they do together, so all sets of
hyperparameters that are worth it are tried with several sizes of those products, and averaged by the probability of the objectives
under each. Effects are centred over the training jobs, so the variance of what is explained splits exactly (Sobol's indices).
Nothing is drawn at random: the same training jobs give the same numbers.
"""

import itertools
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from operator import mul

from sm_tuning.analysis.confidence import Confidence

MOST_TRIALS = 60  # the time grows with the third power; of more, as many are taken evenly

_SIZES = (0.25, 4.0)  # variances of a hyperparameter's effect beside 1: of what two do together it is the square
_STEPS = 12  # settings that stand for a range of numbers
_LEAST = 1e-9  # variance of settings that differ
_NOISES = (0.05, 0.2)  # share of the objective's variance that no hyperparameter decides
_PRIOR = 0.3  # probability that a hyperparameter matters, before anything is seen
_WORTH = 0.001  # as probable as the best set: one that is less so is not extended
_NEGLIGIBLE = 0.003  # probability of a set whose shares do not count
_MOST_MODELS, _WORK = 200, 150_000  # a model takes some 2 microseconds times the square of the training jobs' number
_SURE, _LIKELY = 0.97, 0.93
_NOTABLE = 0.1  # probability that it is one and not the other

Triangle = list[float]
"""A symmetric matrix: the rows of its lower triangle, one after the other."""


@dataclass(frozen=True, kw_only=True)
class Importance:
    """What one hyperparameter decides.

    Attributes:
        share: Of the objective's differences over the ranges, 0 to 1. What hyperparameters do together counts for each of them.
        probability: That it decides anything at all.
        rivals: Others that may decide in its place: one of both does, but which does not show.
    """

    share: float
    probability: float
    rivals: Sequence[str] = ()

    @property
    def confidence(self) -> Confidence:
        """The probability in words. Of hyperparameters that do nothing about one in a hundred is called more than LOW."""
        if self.probability >= _SURE:
            return Confidence.HIGH
        return Confidence.MEDIUM if self.probability >= _LIKELY else Confidence.LOW


@dataclass(frozen=True)
class _Sized:
    """How alike a hyperparameter's effects are if it has some size.

    Attributes:
        alike: Covariance of the effect at two training jobs, plus 1.
        overlap: Mean over the range of the product of both covariances with it, each plus 1.
        means: Product of the two means over the range of those covariances, plus 1.
    """

    alike: Triangle
    overlap: Triangle
    means: Triangle


class Column:
    """One hyperparameter's settings: how alike its effects are at two training jobs, by the size of the effects."""

    def __init__(self, near: Sequence[Sequence[float]], across: Sequence[Sequence[float]]) -> None:
        """Of how near two training jobs are, and how near each training job (row) is to settings spread over the range."""
        means = [math.fsum(row) / len(row) for row in near]
        mean = math.fsum(means) / len(means)
        rows = [[value - a - b + mean for value, b in zip(row, means, strict=True)] for row, a in zip(near, means, strict=True)]
        variance = math.fsum(row[at] for at, row in enumerate(rows)) / len(rows)
        scale = 1.0 / variance if variance > _LEAST else 0.0
        there = [math.fsum(column) / len(column) for column in zip(*across, strict=True)]
        spread = [
            [scale * (value - a - b + mean) for value, b in zip(row, there, strict=True)]
            for row, a in zip(across, means, strict=True)
        ]
        self._alike: Triangle = [scale * value for at, row in enumerate(rows) for value in row[: at + 1]]
        self._averages = [math.fsum(row) / len(row) for row in spread]
        self._overlap: Triangle = [
            sum(map(mul, row, other)) / len(row) for at, row in enumerate(spread) for other in spread[: at + 1]
        ]

    def sized(self, size: float) -> _Sized:
        """With effects whose variance over the training jobs is `size`."""
        pairs = [(first, second) for at, first in enumerate(self._averages) for second in self._averages[: at + 1]]
        return _Sized(
            alike=[1.0 + size * value for value in self._alike],
            overlap=[
                1.0 + size * (first + second + size * value) for (first, second), value in zip(pairs, self._overlap, strict=True)
            ],
            means=[(1.0 + size * first) * (1.0 + size * second) for first, second in pairs],
        )

    @classmethod
    def ordered(cls, settings: Sequence[float]) -> "Column":
        """Of numbers: the nearer, the more alike. Their unit does not matter."""
        low, width = min(settings), max(settings) - min(settings)
        grid = [low + width * (step + 0.5) / _STEPS for step in range(_STEPS)]
        return cls(*([[-abs(first - second) for second in others] for first in settings] for others in (settings, grid)))

    @classmethod
    def categories(cls, settings: Sequence[Hashable]) -> "Column":
        """Of categories in no order."""
        kinds = list(dict.fromkeys(settings))
        return cls(*([[float(first == second) for second in others] for first in settings] for others in (settings, kinds)))


def importances(columns: Mapping[str, Column], objectives: Sequence[float]) -> dict[str, Importance]:
    """The importance of each hyperparameter.

    Args:
        columns: For each hyperparameter its settings.
        objectives: One for each of the same training jobs, at least one and at most about `MOST_TRIALS`.
    """
    mean = math.fsum(objectives) / len(objectives)
    values = [objective - mean for objective in objectives]
    spread = math.sqrt(math.fsum(map(mul, values, values)) / len(values))
    if not spread > 0:
        return {name: Importance(share=0.0, probability=0.0) for name in columns}
    process = _Process(list(columns.values()), [value / spread for value in values])
    models = _explored(process)
    weights = _weights([model.log for model in models])
    shares = [0.0] * len(columns)
    for model, weight in zip(models, weights, strict=True):
        for index, share in (process.shares(model) if weight > _NEGLIGIBLE else {}).items():
            shares[index] += weight * share

    def probability(*some: int) -> float:
        """That at least one of some decides anything."""
        return math.fsum(weight for model, weight in zip(models, weights, strict=True) if not model.chosen.isdisjoint(some))

    likely = list(map(probability, range(len(columns))))
    rivals = _rivals(list(columns), likely, probability)
    return {
        name: Importance(share=min(max(share, 0.0), 1.0), probability=probability, rivals=rivals[name])
        for name, share, probability in zip(columns, shares, likely, strict=True)
    }


def _rivals(names: Sequence[str], likely: Sequence[float], either: Callable[[int, int], float]) -> Mapping[str, list[str]]:
    """Of hyperparameters that may be chance, those of which one is none though neither shows: settings that go together.

    A search that moves towards good settings moves several hyperparameters at once.
    """
    rivals: dict[str, list[str]] = {name: [] for name in names}
    open_ = [index for index, probability in enumerate(likely) if probability < _LIKELY]
    for first, second in itertools.combinations(open_, 2):
        together = either(first, second)
        if together >= _LIKELY and together - max(likely[first], likely[second]) >= _NOTABLE:
            rivals[names[first]].append(names[second])
            rivals[names[second]].append(names[first])
    return rivals


def _weights(logs: Sequence[float]) -> list[float]:
    """Probabilities that add up to 1."""
    most = max(logs)
    weights = [math.exp(log - most) for log in logs]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


_Chosen = frozenset[int]


@dataclass(frozen=True)
class _Solution:
    """How well a size and a share of noise explain the objectives: a log probability, and what covariance @ it = objectives."""

    size: float
    noise: float
    log: float
    values: Sequence[float]


@dataclass(frozen=True)
class _Model:
    """How well some hyperparameters explain the objectives: a log probability, and the solutions it is the mean of."""

    chosen: _Chosen
    log: float
    solutions: Sequence[_Solution] = ()


def _explored(process: "_Process") -> list[_Model]:
    """Sets of hyperparameters: from the empty one on the neighbours of the most probable ones, while there is time."""
    empty = process.model(_Chosen())
    models, waiting = {empty.chosen: empty}, [empty]
    width = process.width
    most = max(min(_MOST_MODELS, _WORK // len(process.values) ** 2), 2 * width)
    while waiting and len(models) < most:
        model = max(waiting, key=lambda model: model.log)
        waiting.remove(model)
        if model.log < max(model.log for model in models.values()) + math.log(_WORTH):
            break
        neighbours = [model.chosen ^ {index} for index in range(width)]
        new = [process.model(chosen) for chosen in neighbours if chosen not in models]
        models.update((model.chosen, model) for model in new)
        waiting += new
    return list(models.values())


class _Process:
    """Gaussian processes of objectives whose mean is 0 and whose variance is 1."""

    def __init__(self, columns: Sequence[Column], values: Sequence[float]) -> None:
        self.width, self.values = len(columns), values
        self.sized = {size: [column.sized(size) for column in columns] for size in _SIZES}
        self.ends = [row * (row + 1) // 2 for row in range(len(values) + 1)]

    def model(self, chosen: _Chosen) -> _Model:
        """The model with some of the hyperparameters."""
        prior = len(chosen) * math.log(_PRIOR) + (self.width - len(chosen)) * math.log(1 - _PRIOR)
        if not chosen:
            return _Model(chosen, prior)
        sizes = _SIZES if len(chosen) > 1 else _SIZES[:1]  # the size of one by itself changes nothing
        solutions = [solution for size in sizes for solution in self._solutions(chosen, size)]
        most = max(solution.log for solution in solutions)
        evidence = most + math.log(math.fsum(math.exp(solution.log - most) for solution in solutions) / len(solutions))
        return _Model(chosen, prior + evidence, solutions)

    def _solutions(self, chosen: _Chosen, size: float) -> list[_Solution]:
        """One for each share of noise."""
        alike = _product([self.sized[size][index].alike for index in chosen])
        scales = [(1 - noise) / _variance(chosen, size) for noise in _NOISES]
        return [_Solution(size, noise, *self._solved(alike, scale, noise)) for scale, noise in zip(scales, _NOISES, strict=True)]

    def _solved(self, alike: Triangle, scale: float, noise: float) -> tuple[float, list[float]]:
        """Log probability of the objectives, whatever their scale, and the solution of covariance @ solution = objectives."""
        solution: list[float] = []
        rows: list[list[float]] = []  # of Cholesky's factor
        for value, start, end in zip(self.values, self.ends, self.ends[1:], strict=False):
            row: list[float] = []
            for entry, other in zip(alike[start : end - 1], rows, strict=True):
                row.append((scale * (entry - 1.0) - sum(map(mul, row, other))) / other[-1])
            rest = scale * (alike[end - 1] - 1.0) + noise - sum(map(mul, row, row))
            solution.append((value - sum(map(mul, row, solution))) / math.sqrt(rest))
            row.append(math.sqrt(rest))
            rows.append(row)
        unexplained = sum(map(mul, solution, solution)) / len(rows)
        log = -math.fsum(math.log(row[-1]) for row in rows) - (len(rows) - 1) / 2 * math.log(unexplained)
        for at in range(len(rows) - 1, -1, -1):
            row = rows[at]
            last = solution[at] = solution[at] / row[at]
            solution[:at] = [entry - factor * last for entry, factor in zip(solution, row[:at], strict=False)]
        return log, solution

    def shares(self, model: _Model) -> dict[int, float]:
        """Of each hyperparameter of a model the variance of its effect and of its products with others, as a share of everything."""
        shares = dict.fromkeys(model.chosen, 0.0)
        weights = _weights([solution.log for solution in model.solutions]) if model.solutions else []
        for size, columns in self.sized.items():
            weighty = [
                (weight, solution)
                for weight, solution in zip(weights, model.solutions, strict=True)
                if solution.size == size and weight > _NEGLIGIBLE
            ]
            for index, share in (_shares(model.chosen, columns, weighty, self.values) if weighty else {}).items():
                shares[index] += share
        return shares


def _shares(
    chosen: _Chosen, columns: Sequence[_Sized], weighty: Sequence[tuple[float, _Solution]], objectives: Sequence[float]
) -> dict[int, float]:
    """What solutions of the same size, each with its weight, add to the shares of a model."""
    shares = dict.fromkeys(chosen, 0.0)
    wholes, means = _product([columns[at].overlap for at in chosen]), _product([columns[at].means for at in chosen])
    withouts = {index: _product([columns[at].means if at == index else columns[at].overlap for at in chosen]) for index in chosen}
    for weight, solution in weighty:
        scale = (1 - solution.noise) / _variance(chosen, solution.size)
        values = [scale * value for value in solution.values]
        pairs = [2 * first * second for at, first in enumerate(values) for second in values[: at + 1]]
        for row in range(len(values)):
            pairs[row * (row + 3) // 2] /= 2  # the triangle holds all others once, the matrix twice
        whole = sum(map(mul, pairs, wholes))
        random = solution.noise * sum(map(mul, solution.values, objectives)) / len(objectives)
        everything = whole - sum(map(mul, pairs, means)) + random
        for index, without in withouts.items():
            shares[index] += weight * (whole - sum(map(mul, pairs, without))) / everything
    return shares


def _product(factors: Sequence[Triangle]) -> Triangle:
    """The product entry by entry; empty without factors."""
    product = list(factors[0]) if factors else []
    for factor in factors[1:]:
        product = list(map(mul, product, factor))
    return product


def _variance(chosen: _Chosen, size: float) -> float:
    """Variance of the effects of some hyperparameters and of all products of them."""
    return (1 + size) ** len(chosen) - 1
