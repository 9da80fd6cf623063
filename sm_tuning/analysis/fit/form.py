"""The training and the validation curve of one kind of metric, and how much of a difference counts in it."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from sm_tuning.analysis.curves import Curves
from sm_tuning.analysis.direction import A_SHARE, direction
from sm_tuning.analysis.fit.series import Series
from sm_tuning.analysis.steps import VALUE
from sm_tuning.rules.metric_names import ACCURACIES, is_error_rate, is_loss, is_share, of_regression
from sm_tuning.rules.metric_pairs import MetricPair
from sm_tuning.spec.metrics import Objective

_PER_CENT = 100.0
_NO_ENTROPY = 15.0  # nats: guessing one of three million classes
_GUESSING = 3.0  # nats
_COIN = math.log(2)  # nats: guessing one of two classes
_MOST_ROWS = 3000
_MOST_SHARES = 12  # that the number of rows is looked for in
_ASSUMED_ROWS = 100
_DIGITS = 7
_BY_CHANCE = 0.2
_LEAST_ROWS = 20  # fewer are a fraction that was shortened: 0.8 need not be 4 of 5
_CROSS_ENTROPIES = {"loss", "logloss", "mlogloss", "nll", "entropy", "crossentropy", "perplexity", "ppl"}
_PERPLEXITIES = {"perplexity", "ppl"}


class Scale(Enum):
    """What a metric measures, which decides how much of a difference counts."""

    SHARE = "share"
    """An accuracy or an error rate, judged as a share that is wrong: points count."""
    ENTROPY = "entropy"
    """A cross-entropy in nats, or a loss that may be one."""
    SQUARED = "squared"
    """A mean of squares: differences are twice as large as in its root."""
    DISTANCE = "distance"
    """Any other loss above 0: parts of it count."""
    SIGNED = "signed"
    """A metric on both sides of 0: parts of what it has gained count."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """One kind of metric of a training job; at least one of its curves is there.

    Attributes:
        kind: What it measures, such as `loss`.
        scale: How differences count.
        train: The training curve.
        held_out: The validation curve.
        attainable: The least error of held-out data that any training job of the tuning job reaches; None if it is not known.
    """

    kind: str
    scale: Scale
    train: Series | None
    held_out: Series | None
    attainable: float | None = None

    @property
    def main(self) -> Series:
        """The validation curve or, where there is none, the training curve."""
        series = self.held_out or self.train
        assert series is not None  # noqa: S101 - mypy
        return series

    @property
    def learning(self) -> Series:
        """The training curve or, where there is none, the validation curve."""
        return self.train or self.main

    @cached_property
    def first(self) -> float:
        """Where the worse of both curves begins, but for a wild first epoch; a cross-entropy at guessing one of 20 classes at most."""
        both = [series for series in (self.train, self.held_out) if series is not None]
        if self.scale is Scale.ENTROPY:
            return min(max(series.errors[0] for series in both), _GUESSING)
        return max(series.first for series in both)

    @property
    def ignorance(self) -> float:
        """What knowing nothing costs.

        Of a cross-entropy no less than guessing one of two classes, for the first epoch may have learnt most already.
        """
        return max(self.first, _COIN) if self.scale is Scale.ENTROPY else self.first

    @property
    def explains_variance(self) -> bool:
        """Whether it is R2, in which differences are those of mean squares."""
        return self.scale is Scale.SHARE and "r2" in self.kind

    @property
    def counts_answers(self) -> bool:
        """Whether it is the share of answers that are right, or wrong."""
        return self.scale is Scale.SHARE and (is_error_rate(self.kind) or not ACCURACIES.isdisjoint(self.kind.split("_")))

    @cached_property
    def gained(self) -> float:
        """What training has gained."""
        return self.learning.first - self.learning.best

    @cached_property
    def gap(self) -> float | None:
        """Validation's end less training's, as far as it is worse, in the metric's own unit."""
        if self.train is None or self.held_out is None:
            return None
        return abs(self.held_out.logged[-1] - self.train.logged[-1]) * (
            1 if self.held_out.errors[-1] >= self.train.errors[-1] else -1
        )

    @property
    def unit(self) -> float:
        """What one unit of error comes to in the metric's own unit, where the curve ends."""
        if self.scale is Scale.SHARE:
            return _top(self.main.logged) or 1.0
        is_log = self.scale is Scale.ENTROPY and self.main.errors[-1] != self.main.together[-1]
        return self.main.logged[-1] if is_log else 1.0

    @cached_property
    def rows(self) -> int | None:
        """Number of validation rows, by the steps in which a share moves; None if it does not show."""
        if self.held_out is None or self.scale is not Scale.SHARE:
            return None
        values = list(dict.fromkeys(self.held_out.logged))[-_MOST_SHARES:]
        printed = [*values, *(self.train.logged[-_MOST_SHARES:] if self.train else ())]
        top = _top(self.held_out.logged) or 1.0
        return rows_of([value / top for value in values], _rounding(printed) / top)

    @cached_property
    def sampling_error(self) -> float:
        """Standard error of the validation share by its number of rows; 0 where that does not show.

        A share that never moves cannot show it: then 100 rows are taken.
        """
        if self.held_out is None or self.scale is not Scale.SHARE:
            return 0.0
        constant = len(set(self.held_out.logged)) == 1
        rows = self.rows or (_ASSUMED_ROWS if constant else math.inf)
        wrong = min(max(self.held_out.last, 1 / rows), 0.5)
        return math.sqrt(max(wrong * (1 - wrong), 0.0) / rows)


def rows_of(shares: Sequence[float], rounding: float) -> int | None:
    """The least number of rows of which all shares are whole multiples; None where that may well be chance.

    Args:
        shares: Different ones, from 0 to 1.
        rounding: By how much a share may be off, as it was printed.
    """
    by_chance = 0.0
    for rows in range(2, _MOST_ROWS):  # from 2, for what matches fewer rows is no evidence of more
        off = rounding * rows
        by_chance += min(2 * off, 1.0) ** len(shares)
        if by_chance > _BY_CHANCE:
            return None
        if all(abs(share * rows - round(share * rows)) <= off for share in shares):
            return rows if rows >= _LEAST_ROWS else None
    return None


def _rounding(values: Sequence[float]) -> float:
    """Half of the last digit that was printed, and somewhat more, for what is printed may have been rounded before."""
    digits = max((len(repr(value).partition(".")[2]) for value in values), default=0)
    return 0.6 * 10.0 ** -min(digits, _DIGITS)


def form_of(
    pair: MetricPair, curves: Curves, objective: Objective | None, attainable: Mapping[str, float], step: str = VALUE
) -> Form:
    """The form of a pair of metrics that end with numbers; `attainable` and `step` as for `classify`."""
    values = {name: [value for value in curves[name] if math.isfinite(value)] for name in (pair.train, pair.held_out) if name}
    everything = [value for part in values.values() for value in part]
    up = direction(pair.held_out or pair.train or "", objective, everything).up
    # A plain loss beside metrics of regression is one, mostly a mean of squares.
    kind = "mse" if pair.kind == "loss" and of_regression(curves) else pair.kind
    scale, mappings = _scale(kind, values, up=up)

    def series(name: str | None) -> Series | None:
        if name is None:
            return None
        # The objective's steps are those of metrics that are printed as often.
        often = objective is None or len(curves[name]) == len(curves.get(objective.name, curves[name]))
        return Series.of(name, curves[name], mappings[name], step if often else VALUE)

    best = attainable.get(pair.held_out or "")
    return Form(
        kind=pair.kind,
        scale=scale,
        train=series(pair.train),
        held_out=series(pair.held_out),
        attainable=None if best is None else mappings[pair.held_out or ""](best),
    )


def _scale(kind: str, values: Mapping[str, Sequence[float]], *, up: bool) -> tuple[Scale, dict[str, Callable[[float], float]]]:
    """The scale, and how each metric's values become errors."""
    parts = kind.split("_")
    everything = [value for part in values.values() for value in part]
    tops = {name: _top(part) for name, part in values.items()}
    if None not in tops.values():
        if up and is_share(kind):
            return Scale.SHARE, {name: _share(top or 1.0, up=True) for name, top in tops.items()}
        if not up and is_error_rate(kind):
            return Scale.SHARE, {name: _share(top or 1.0, up=False) for name, top in tops.items()}
    if not up and not _PERPLEXITIES.isdisjoint(parts) and everything and min(everything) > 0:
        return Scale.ENTROPY, dict.fromkeys(values, math.log)
    mapping: Callable[[float], float] = operator.neg if up else operator.pos
    if everything and min(map(mapping, everything)) < 0:
        return Scale.SIGNED, dict.fromkeys(values, mapping)
    scale = _scale_of_loss(kind)
    if scale is Scale.ENTROPY and everything and min(everything) > _NO_ENTROPY:
        scale = Scale.SQUARED  # a loss of regression, in the square of the target's unit
    return scale, dict.fromkeys(values, mapping)


def _top(values: Sequence[float]) -> float | None:
    """1 for shares, 100 for per cent, None for what is neither."""
    if not values or max(values) > _PER_CENT:
        return None
    return 1.0 if max(values) <= A_SHARE else _PER_CENT


def _share(top: float, *, up: bool) -> Callable[[float], float]:
    return lambda value: 1 - value / top if up else value / top


def _scale_of_loss(kind: str) -> Scale:
    parts = set(kind.split("_"))
    squared = ("squared" in parts and "root" not in parts) or any(part in {"mse", "msle", "l2"} for part in parts)
    if squared:
        return Scale.SQUARED
    entropy = is_loss(kind) and not parts.isdisjoint(_CROSS_ENTROPIES)
    return Scale.ENTROPY if entropy else Scale.DISTANCE
