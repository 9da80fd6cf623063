"""What more training data would bring: a power law through the objective on growing shares of the training set."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sm_tuning.analysis.direction import direction
from sm_tuning.analysis.results import Results
from sm_tuning.rules.metric_names import parse

_WORTH = 0.05  # of what is left of the loss or the error: less is not worth collecting
_LEAST_POINTS = 3
_BELIEVED = 6.0  # times the scatter's variance: what a level must explain
_PACES = tuple(step / 20 for step in range(1, 21))  # exponents that are tried: no error falls faster than 1 / n for long

Pair = tuple[float, float]
Law = tuple[float, float, float]
"""Level, size and pace: `level + size * share ** -pace`."""


@dataclass(frozen=True, kw_only=True)
class DataScalingCurve:
    """The objective on growing shares of the training set, and what twice the training set would bring.

    Attributes:
        hyperparameter: The one that passes the share to the script.
        points: For each share the training metric of the objective's kind (None: not printed) and the objective.
        law: Level, size and pace of `level + size * share ** -pace`, in the objective's own unit: the size is below 0 where it rises.
        twice: The objective with twice the data, by the law.
        between: The same by a law with a level and one without, also with each of the points left out: the least and the greatest.
        worth: Whether that is more than the scatter about the law and 5 % of what is left of the error.
        unused: Whether all shares gave the same values, so that nothing follows from them: the script does not use the hyperparameter.
    """

    hyperparameter: str
    points: Sequence[tuple[float, float | None, float]]
    law: Law
    twice: float
    between: Pair
    worth: bool
    unused: bool = False

    def at(self, share: float) -> float:
        """The law's objective on a share of today's data, above 1 for more."""
        level, size, pace = self.law
        return level + size * math.pow(share, -pace)

    def sentence(self, objective: str) -> str:
        """The objective now, and with twice the data; of a script that does not use the share, that."""
        if self.unused:
            return f"all shares gave the same value: the script seems not to use the hyperparameter {self.hyperparameter}"
        share, _, now = self.points[-1]
        first, (low, high) = self.points[0][0], self.between
        today = "all the training data" if share == 1 else f"{share:.0%} of the training data"
        return (
            f"{objective} is {now:.4g} with {today} and would be about {self.twice:.4g} ({low:.4g} to {high:.4g}) with twice as "
            f"much, by {len(self.points)} shares of them from {first:g} to {share:g}"
        )


def data_scaling_curve(results: Results) -> DataScalingCurve | None:
    """The curve of a tuning job over shares of the training set; None with fewer than three shares that trained."""
    name = next(iter(results.ranges), "")
    kind = parse(results.objective.name).kind
    by_share: dict[float, list[tuple[float | None, float]]] = {}
    for trial in results.trials:
        share = trial.settings.get(name)
        if trial.objective is None or not isinstance(share, float) or share <= 0:
            continue
        parsed = {metric: parse(metric) for metric in trial.curves}
        train = next((metric for metric, parts in parsed.items() if parts.kind == kind and not parts.held_out), None)
        by_share.setdefault(share, []).append((trial.curves[train][-1] if train else None, trial.objective))
    if len(by_share) < _LEAST_POINTS:
        return None
    points = [
        (share, _mean([train for train, _ in values]), statistics.fmean(value for _, value in values))
        for share, values in sorted(by_share.items())
    ]
    return _fitted(name, points, results)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def _fitted(name: str, points: Sequence[tuple[float, float | None, float]], results: Results) -> DataScalingCurve:
    as_error = direction(results.objective.name, results.objective, [value for _, _, value in points])
    pairs = [(share, as_error(value)) for share, _, value in points]
    (level, size, pace), scatter = _law(pairs)
    largest = pairs[-1][0]
    now, twice = (level + size * share**-pace for share in (largest, 2 * largest))
    subsets = [pairs, *([pair for pair in pairs if pair is not left_out] for left_out in pairs if len(pairs) > _LEAST_POINTS)]
    outlooks = sorted(as_error(a + b * (2 * largest) ** -c) for subset in subsets for a, b, c in _laws(subset))
    return DataScalingCurve(
        hyperparameter=name,
        points=points,
        law=(as_error(level), -size if as_error.up else size, pace),
        twice=as_error(twice),
        between=(outlooks[0], outlooks[-1]),
        worth=now - twice > max(scatter, _WORTH * abs(now)),
        unused=all(point[1:] == points[0][1:] for point in points) and pairs[0][1] != 0,  # none is wrong: the least can do it
    )


def _laws(pairs: Sequence[Pair]) -> list[Law]:
    """The best law without a level and the best with one; less is better."""
    return [min(_tried(pairs, levels=levels))[1] for levels in (False, True)]


def _law(pairs: Sequence[Pair]) -> tuple[Law, float]:
    """The law that is believed, and the scatter about it at the last point; less is better.

    A level is believed only where it fits much better than none, for a level that a few points make up would end every curve.
    """
    (left_plain, plain), (left, law) = (min(_tried(pairs, levels=levels)) for levels in (False, True))
    freedom, positive = len(pairs) - 3, all(value > 0 for _, value in pairs)
    if positive and (freedom < 1 or left_plain <= left * (1 + _BELIEVED / freedom)):
        left, law, freedom = left_plain, plain, freedom + 1
    return law, math.sqrt(left / max(freedom, 1)) * (pairs[-1][1] if positive else 1.0)


def _tried(pairs: Sequence[Pair], *, levels: bool) -> Iterator[tuple[float, Law]]:
    """Laws of every pace, each with what it leaves unexplained.

    The larger shares count more, for the question is what lies beyond them. Of values above 0 relative errors count, so that the
    first, large ones do not decide alone, and no level is below 0.
    """
    positive = all(value > 0 for _, value in pairs)
    shares = [share / pairs[-1][0] for share, _ in pairs]
    weights = [share / (value**2 if positive else 1.0) for share, (_, value) in zip(shares, pairs, strict=True)]
    for pace in _PACES:
        bent = [(share**-pace, value) for share, value in pairs]
        level, size = _line(bent, weights) if levels or not positive else (0.0, _slope(bent, weights))
        if positive and level < 0:
            level, size = 0.0, _slope(bent, weights)
        left = sum(weight * (value - level - size * x) ** 2 for weight, (x, value) in zip(weights, bent, strict=True))
        yield left, (level, size, pace)


def _slope(pairs: Sequence[Pair], weights: Sequence[float]) -> float:
    """Of the line through 0, by least squares."""
    squares = sum(weight * x * x for weight, (x, _) in zip(weights, pairs, strict=True))
    return sum(weight * x * y for weight, (x, y) in zip(weights, pairs, strict=True)) / squares


def _line(pairs: Sequence[Pair], weights: Sequence[float]) -> tuple[float, float]:
    """Level and slope by least squares; more data never harm, so the slope is not below 0."""
    total = sum(weights)
    x_mean = sum(weight * x for weight, (x, _) in zip(weights, pairs, strict=True)) / total
    y_mean = sum(weight * y for weight, (_, y) in zip(weights, pairs, strict=True)) / total
    slope = max(_slope([(x - x_mean, y - y_mean) for x, y in pairs], weights), 0.0)
    return y_mean - slope * x_mean, slope
