"""What more training data would bring: a power law through the objective on growing shares of the training set."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from sm_tuning.diagnosis.metrics import direction, taken_apart
from sm_tuning.results import Results

_WORTH = 0.05  # of what is left of the loss or the error: less is not worth collecting
_LEAST_POINTS = 3
_PACES = tuple(place / 20 for place in range(1, 41))  # exponents that are tried: learning curves fall by 0.05 to 2


@dataclass(frozen=True, kw_only=True)
class DataCurve:
    """The objective on growing shares of the training set, and what twice the training set would bring.

    Attributes:
        hyperparameter: The one that told the share.
        points: For each share the training metric of the objective's kind (None: not printed) and the objective.
        law: `a`, `b` and `c` of `a + b * share ** -c`, in the objective's own unit (for one that rises `b` is negative).
        twice: The objective with twice the data, by the law.
        between: The same with each of the points left out in turn: the least and the greatest.
        worth: Whether that is more than the scatter about the law and 5 % of what is left of the error.
    """

    hyperparameter: str
    points: Sequence[tuple[float, float | None, float]]
    law: tuple[float, float, float]
    twice: float
    between: tuple[float, float]
    worth: bool

    def at(self, share: float) -> float:
        """The law's objective on a share of today's data, above 1 for more."""
        level, size, pace = self.law
        return level + size * math.pow(share, -pace)


def data_curve(results: Results) -> DataCurve | None:
    """The curve of a tuning job over shares of the training set; None with fewer than three shares that trained."""
    name = next(iter(results.ranges), "")
    kind = taken_apart(results.objective).kind
    found: dict[float, list[tuple[float | None, float]]] = {}
    for row in results.rows:
        share = row.setting(name)
        if row.value is None or not isinstance(share, float) or share <= 0:
            continue
        split = {metric: taken_apart(metric) for metric in row.curves}
        train = next((metric for metric, one in split.items() if one.kind == kind and not one.held), None)
        found.setdefault(share, []).append((row.curves[train][-1] if train else None, row.value))
    if len(found) < _LEAST_POINTS:
        return None
    points = [
        (share, _mean([train for train, _ in some]), statistics.fmean(value for _, value in some))
        for share, some in sorted(found.items())
    ]
    return _fitted(name, points, results)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def _fitted(name: str, points: Sequence[tuple[float, float | None, float]], results: Results) -> DataCurve:
    seen = direction(results.objective, results.objective, results.goal, [value for _, _, value in points])
    pairs = [(share, seen(value)) for share, _, value in points]
    (level, size, pace), scatter = _law(pairs)
    largest = pairs[-1][0]
    now, twice = (level + size * share**-pace for share in (largest, 2 * largest))
    others = [_law([one for one in pairs if one is not left])[0] for left in pairs] if len(pairs) > _LEAST_POINTS else []
    reached = sorted(seen(a + b * (2 * largest) ** -c) for a, b, c in [*others, (level, size, pace)])
    return DataCurve(
        hyperparameter=name,
        points=points,
        law=(seen(level), -size if seen.up else size, pace),
        twice=seen(twice),
        between=(reached[0], reached[-1]),
        worth=now - twice > max(scatter, _WORTH * abs(now)),
    )


def _law(pairs: Sequence[tuple[float, float]]) -> tuple[tuple[float, float, float], float]:
    """The level, size and pace that fit best, and the scatter about them at the last point; less is better.

    Relative errors count where all values are above 0, so that the first, large ones do not decide alone; there is no level below 0.
    """
    positive = all(value > 0 for _, value in pairs)
    weights = [1 / value**2 if positive else 1.0 for _, value in pairs]
    best: tuple[float, tuple[float, float, float]] | None = None
    for pace in _PACES:
        level, size = _line([(share**-pace, value) for share, value in pairs], weights, positive=positive)
        left = sum(
            weight * (value - level - size * share**-pace) ** 2 for weight, (share, value) in zip(weights, pairs, strict=True)
        )
        if best is None or left < best[0]:
            best = (left, (level, size, pace))
    assert best is not None  # noqa: S101 - there are paces
    freedom = max(len(pairs) - 2, 1)
    return best[1], (best[0] / freedom) ** 0.5 * (pairs[-1][1] if positive else 1.0)


def _line(pairs: Sequence[tuple[float, float]], weights: Sequence[float], *, positive: bool) -> tuple[float, float]:
    """Level and slope by least squares; more data never harm, so the slope is not below 0."""
    total = sum(weights)
    x_mean = sum(weight * x for weight, (x, _) in zip(weights, pairs, strict=True)) / total
    y_mean = sum(weight * y for weight, (_, y) in zip(weights, pairs, strict=True)) / total
    spread = sum(weight * (x - x_mean) ** 2 for weight, (x, _) in zip(weights, pairs, strict=True))
    slope = sum(weight * (x - x_mean) * (y - y_mean) for weight, (x, y) in zip(weights, pairs, strict=True)) / spread
    if slope <= 0:
        return y_mean, 0.0
    level = y_mean - slope * x_mean
    if positive and level < 0:
        squares = sum(weight * x * x for weight, (x, _) in zip(weights, pairs, strict=True))
        return 0.0, sum(weight * x * y for weight, (x, y) in zip(weights, pairs, strict=True)) / squares
    return level, slope


def told(results: Results, data: DataCurve) -> str:
    """The curve in words: what there is now, and what twice the data would bring."""
    share, _, now = data.points[-1]
    first, (low, high) = data.points[0][0], data.between
    today = "all the training data" if share == 1 else f"{share:.0%} of the training data"
    return (
        f"{results.objective} is {now:.4g} with {today} and would be about {data.twice:.4g} ({low:.4g} to {high:.4g}) with twice as "
        f"much, by {len(data.points)} shares of them from {first:g} to {share:g}"
    )
