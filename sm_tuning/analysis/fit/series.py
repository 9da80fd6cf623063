"""One metric's curve, made comparable: less is better, a share as its error, smoothed, with its noise."""

import itertools
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from sm_tuning.analysis.steps import VALUE, at_step, counted

_MOST = 200  # values that are judged; more are brought together
TELLING = 6  # with fewer values a jump cannot be told from a bend
_MISSING = 0.2  # of the values: more gaps than that are no gaps


@dataclass(frozen=True, kw_only=True)
class Series:
    """The curve of one metric.

    Attributes:
        name: The metric.
        logged: Its values as they stand in the log, gaps filled with the value before them.
        together: The same, means of neighbours where there are very many.
        errors: Those made comparable, less is better: an error for a share.
        step: What the script calls that after which it prints a value.
    """

    name: str
    logged: Sequence[float]
    together: Sequence[float]
    errors: Sequence[float]
    step: str = VALUE

    @classmethod
    def of(cls, name: str, values: Sequence[float], as_error: Callable[[float], float], step: str = VALUE) -> "Series":
        """The series of a metric whose values end with a number."""
        logged = _without_gaps(values)
        together = _brought_together(logged)
        return cls(name=name, logged=logged, together=together, errors=[as_error(value) for value in together], step=step)

    def __len__(self) -> int:
        return len(self.logged)

    @cached_property
    def smooth(self) -> Sequence[float]:
        """Medians of three, then means over a tenth of the curve."""
        return smoothed(self.errors)

    @cached_property
    def _smooth_logged(self) -> Sequence[float]:
        """The smooth curve in the metric's own unit."""
        return smoothed(self.together)

    @cached_property
    def noise(self) -> float:
        """Typical distance of a value from the smooth curve."""
        return jitter(self.errors)

    @cached_property
    def first(self) -> float:
        """Where it begins."""
        return self.smooth[0]

    @cached_property
    def last(self) -> float:
        """Where it ends."""
        return self.smooth[-1]

    @cached_property
    def best(self) -> float:
        """The least of the smooth curve."""
        return min(self.smooth)

    @cached_property
    def best_index(self) -> int:
        """Where it is best, counted from 0 among the logged values."""
        index = min(range(len(self.smooth)), key=self.smooth.__getitem__)
        if len(self.smooth) == len(self.logged):
            return index
        return round((index + 0.5) * len(self.logged) / len(self.smooth) - 0.5)

    @cached_property
    def quarter(self) -> float:
        """Gain in the last quarter."""
        return self.smooth[-1 - max(len(self.smooth) // 4, 1)] - self.smooth[-1]

    def at(self, share: float) -> int:
        """The index of the logged value at a share of the curve, from 0 to 1: two metrics need not be printed equally often."""
        return round(share * (len(self.logged) - 1))

    def smooth_at(self, share: float) -> float:
        """The smooth curve at a share of it."""
        return self.smooth[round(share * (len(self.smooth) - 1))]

    @cached_property
    def best_share(self) -> float:
        """Where it is best, from 0 (the beginning) to 1 (the end)."""
        return self.best_index / max(len(self.logged) - 1, 1)

    def value(self, index: int) -> str:
        """A logged value in words."""
        return f"{self.logged[index]:.4g}"

    def when(self, index: int) -> str:
        """The step of a value in words: `in epoch 3`, `at value 3`."""
        return at_step(self.step, index + 1)

    def smooth_value(self, index: int) -> float:
        """The smooth curve at the index of a logged value, in the metric's own unit."""
        return self._smooth_logged[round(index * (len(self._smooth_logged) - 1) / max(len(self) - 1, 1))]

    def change(self, index: int) -> tuple[str, str]:
        """The values at an index and at the end in words, as `compared` gives them."""
        return compared((self, index), (self, len(self) - 1))


def compared(first: tuple[Series, int], second: tuple[Series, int]) -> tuple[str, str]:
    """Two values in words, each of a series at an index: as logged, or where the smooth curve lies, for that is what is judged.

    As logged they may show the opposite of the smooth curve, or more than twice as much: one value may lie far off.
    """
    (before, start), (after, end) = first, second
    smooth = (before.smooth_value(start), after.smooth_value(end))
    difference = smooth[1] - smooth[0]
    off = abs(after.logged[end] - before.logged[start] - difference)
    if off >= abs(difference) and off > 0:
        return f"about {smooth[0]:.4g}", f"about {smooth[1]:.4g}"
    return before.value(start), after.value(end)


def not_a_number(name: str, curve: Sequence[float], step: str = VALUE) -> str | None:
    """How a curve ends without numbers, in the script's word for a step; None for one that ends with a number and has few gaps."""
    bad = [index for index, value in enumerate(curve) if not math.isfinite(value)]
    if not bad or (bad[-1] < len(curve) - 1 and len(bad) <= _MISSING * len(curve)):
        return None
    if bad[-1] < len(curve) - 1:
        return f"{name} is not a number in {len(bad)} of {counted(len(curve), step)}"
    first = max((index for index, value in enumerate(curve) if math.isfinite(value)), default=-1) + 1
    return f"{name} is not a number from {step} {first + 1} on"


def _without_gaps(curve: Sequence[float]) -> list[float]:
    """A curve whose gaps are filled with the value before them."""
    filled: list[float] = []
    last = next((value for value in curve if math.isfinite(value)), 0.0)
    for value in curve:
        last = value if math.isfinite(value) else last
        filled.append(last)
    return filled


def _brought_together(curve: Sequence[float]) -> Sequence[float]:
    """At most 200 values: the means of neighbours."""
    count = len(curve)
    if count <= _MOST:
        return curve
    cuts = [round(part * count / _MOST) for part in range(_MOST + 1)]
    return [statistics.fmean(curve[start:end]) for start, end in itertools.pairwise(cuts)]


def smoothed(curve: Sequence[float]) -> list[float]:
    """Medians of three, then means over a tenth of the curve."""
    count = len(curve)
    if count < 5:  # noqa: PLR2004 - nothing to smooth
        return list(curve)
    medians = [statistics.median(curve[max(index - 1, 0) : index + 2]) for index in range(count)]
    # Tukey's rule for the ends: what the next two values point to, the value itself, and its neighbour; the middle one.
    medians[0] = statistics.median([curve[0], medians[1], 3 * medians[1] - 2 * medians[2]])
    medians[-1] = statistics.median([curve[-1], medians[-2], 3 * medians[-2] - 2 * medians[-3]])
    half = count // 20
    return [statistics.fmean(medians[max(index - half, 0) : index + half + 1]) for index in range(count)]


def jitter(curve: Sequence[float]) -> float:
    """Typical distance of a value from a smooth line; of white noise its standard deviation. 0 for fewer than six values.

    A smooth line bends slowly: the distance from the middle of both neighbours is taken twice.
    """
    rough = list(curve) if len(curve) >= TELLING else []
    for _ in range(2):
        rough = [value - (before + after) / 2 for before, value, after in zip(rough, rough[1:], rough[2:], strict=False)]
    return 0.71 * statistics.median(map(abs, rough)) if rough else 0.0


def scatter(curve: Sequence[float]) -> float:
    """How far values lie from the course of the last two thirds: about a smooth line or, if that is less, a straight one."""
    late = list(curve[len(curve) // 3 :])
    if len(late) < 4:  # noqa: PLR2004 - a line goes through nearly all of them
        return 0.0
    line = statistics.linear_regression(range(len(late)), late)
    rest = [value - line.slope * index - line.intercept for index, value in enumerate(late)]
    about_line = math.sqrt(sum(value * value for value in rest) / (len(late) - 2))
    return min(jitter(late), about_line)
