"""How much of the objective each hyperparameter decides, by itself and together with others, and how sure that is.

A Gaussian process explains the objective by some of the hyperparameters: an effect of each, the more alike the nearer two settings
are, and products of them for what they do together. Which ones is not known, so all sets of hyperparameters that are worth it are
tried, and averaged by the probability of the objectives under each. Effects are centred over the training jobs, so the variance of
what is explained splits exactly (Sobol's indices). Nothing is drawn at random: the same training jobs give the same numbers.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from operator import mul

from sm_tuning.analysis.confidence import Confidence

MOST_TRIALS = 60  # the time grows with the third power; of more, as many are taken evenly

_SIZE = 1.0  # variance of a hyperparameter's effect beside 1: of what two do together it is the square
_STEPS = 12  # settings that stand for a range of numbers
_LEAST = 1e-9  # variance of settings that differ
_NOISE = (0.03, 0.1, 0.3)  # share of the objective's variance that no hyperparameter decides
_PRIOR = 0.3  # probability that a hyperparameter matters, before anything is seen
_WORTH = 0.001  # as probable as the best set: one that is less so is not extended
_NEGLIGIBLE = 0.003  # probability of a set whose shares do not count
_MOST_MODELS, _WORK = 200, 150_000  # a model takes some 2 microseconds times the square of the training jobs' number
_SURE, _LIKELY = 0.97, 0.93

Triangle = list[float]
"""A symmetric matrix: the rows of its lower triangle, one after the other."""


@dataclass(frozen=True, kw_only=True)
class Importance:
    """What one hyperparameter decides.

    Attributes:
        share: Of the objective's differences over the ranges, 0 to 1. What hyperparameters do together counts for each of them.
        probability: That it decides anything at all.
    """

    share: float
    probability: float

    @property
    def confidence(self) -> Confidence:
        """The probability in words. Of hyperparameters that do nothing about one in a hundred is called more than LOW."""
        if self.probability >= _SURE:
            return Confidence.HIGH
        return Confidence.MEDIUM if self.probability >= _LIKELY else Confidence.LOW


class Column:
    """One hyperparameter's settings: how alike its effects are at two training jobs.

    Attributes:
        alike: Covariance of the effect at two training jobs, plus 1.
        overlap: Mean over the range of the product of both covariances with it, each plus 1.
        means: Product of the two means over the range of those covariances, plus 1.
    """

    def __init__(self, near: Sequence[Sequence[float]], across: Sequence[Sequence[float]]) -> None:
        """Of how near two training jobs are, and how near each training job (row) is to settings spread over the range."""
        means = [math.fsum(row) / len(row) for row in near]
        mean = math.fsum(means) / len(means)
        rows = [[value - a - b + mean for value, b in zip(row, means, strict=True)] for row, a in zip(near, means, strict=True)]
        variance = math.fsum(row[at] for at, row in enumerate(rows)) / len(rows)
        scale = _SIZE / variance if variance > _LEAST else 0.0
        self.alike: Triangle = [1.0 + scale * value for at, row in enumerate(rows) for value in row[: at + 1]]
        there = [math.fsum(column) / len(column) for column in zip(*across, strict=True)]
        spread = [
            [1.0 + scale * (value - a - b + mean) for value, b in zip(row, there, strict=True)]
            for row, a in zip(across, means, strict=True)
        ]
        averages = [math.fsum(row) / len(row) for row in spread]
        self.overlap: Triangle = [
            sum(map(mul, row, other)) / len(row) for at, row in enumerate(spread) for other in spread[: at + 1]
        ]
        self.means: Triangle = [first * second for at, first in enumerate(averages) for second in averages[: at + 1]]

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
    likely = [
        math.fsum(weight for model, weight in zip(models, weights, strict=True) if index in model.chosen)
        for index in range(len(columns))
    ]
    return {
        name: Importance(share=min(max(share, 0.0), 1.0), probability=probability)
        for name, share, probability in zip(columns, shares, likely, strict=True)
    }


def _weights(logs: Sequence[float]) -> list[float]:
    """Probabilities that add up to 1."""
    most = max(logs)
    weights = [math.exp(log - most) for log in logs]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


_Chosen = frozenset[int]


@dataclass(frozen=True)
class _Model:
    """How well some hyperparameters explain the objectives: a log probability, and the solution with each share of noise."""

    chosen: _Chosen
    log: float
    logs: Sequence[float] = ()
    solutions: Sequence[Sequence[float]] = ()


def _explored(process: "_Process") -> list[_Model]:
    """Sets of hyperparameters: from the empty one on the neighbours of the most probable ones, while there is time."""
    empty = process.model(_Chosen())
    models, waiting = {empty.chosen: empty}, [empty]
    width = len(process.columns)
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
        self.columns, self.values = columns, values
        self.ends = [row * (row + 1) // 2 for row in range(len(values) + 1)]

    def model(self, chosen: _Chosen) -> _Model:
        """The model with some of the hyperparameters."""
        others = len(self.columns) - len(chosen)
        prior = len(chosen) * math.log(_PRIOR) + others * math.log(1 - _PRIOR)
        if not chosen:
            return _Model(chosen, prior)
        alike = _product([self.columns[index].alike for index in chosen])
        solved = [self._solved(alike, (1 - noise) / _variance(chosen), noise) for noise in _NOISE]
        logs = [log for log, _ in solved]
        evidence = max(logs) + math.log(math.fsum(math.exp(log - max(logs)) for log in logs) / len(logs))
        return _Model(chosen, prior + evidence, logs, [solution for _, solution in solved])

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
        columns = self.columns
        wholes, means = (
            _product([columns[at].overlap for at in model.chosen]),
            _product([columns[at].means for at in model.chosen]),
        )
        withouts = {
            index: _product([columns[at].means if at == index else columns[at].overlap for at in model.chosen])
            for index in model.chosen
        }
        for weight, noise, solution in zip(_weights(model.logs or [0.0]), _NOISE, model.solutions, strict=False):
            scale = (1 - noise) / _variance(model.chosen)
            pairs = [scale * first * scale * second for at, first in enumerate(solution) for second in solution[: at + 1]]
            for end in self.ends[1:]:
                pairs[end - 1] /= 2  # the triangle holds all others once, the matrix twice
            whole = 2 * sum(map(mul, pairs, wholes))
            random = noise * sum(map(mul, solution, self.values)) / len(solution)
            everything = whole - 2 * sum(map(mul, pairs, means)) + random
            for index, without in withouts.items():
                shares[index] += weight * (whole - 2 * sum(map(mul, pairs, without))) / everything
        return shares


def _product(factors: Sequence[Triangle]) -> Triangle:
    """The product entry by entry; empty without factors."""
    product = list(factors[0]) if factors else []
    for factor in factors[1:]:
        product = list(map(mul, product, factor))
    return product


def _variance(chosen: _Chosen) -> float:
    """Variance of the effects of some hyperparameters and of all products of them."""
    return (1 + _SIZE) ** len(chosen) - 1
