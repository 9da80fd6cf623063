"""Hyperparameter ranges, their scaling, and the unit cube that strategies search.

A point is what the container gets: a string for each name. Units are floats in [0, 1), one for each parameter, in the order of the
space.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

Point = Mapping[str, str]
"""Tuned hyperparameters by name, as the strings that a container gets."""

_DECADES_FOR_LOG = 3.0  # `Auto` takes the logarithm of a positive range this many powers of ten wide, or wider


class Scaling(StrEnum):
    """Scale on which a range is searched."""

    AUTO = "Auto"
    LINEAR = "Linear"
    LOGARITHMIC = "Logarithmic"
    REVERSE_LOGARITHMIC = "ReverseLogarithmic"


def _resolve(scaling: Scaling, low: float, high: float) -> Scaling:
    if scaling is not Scaling.AUTO:
        return scaling
    wide = low > 0 and math.log10(high / low) >= _DECADES_FOR_LOG
    return Scaling.LOGARITHMIC if wide else Scaling.LINEAR


def _stretch(scaling: Scaling, value: float) -> float:
    if scaling is Scaling.LOGARITHMIC:
        return math.log(value)
    if scaling is Scaling.REVERSE_LOGARITHMIC:
        return -math.log1p(-value)
    return value


def _shrink(scaling: Scaling, value: float) -> float:
    if scaling is Scaling.LOGARITHMIC:
        return math.exp(value)
    if scaling is Scaling.REVERSE_LOGARITHMIC:
        return -math.expm1(-value)
    return value


@dataclass(frozen=True, kw_only=True)
class Continuous:
    """A real number in [low, high]."""

    name: str
    low: float
    high: float
    scaling: Scaling = Scaling.AUTO

    @property
    def size(self) -> int | None:
        """Number of values; None for infinitely many."""
        return None

    def at(self, unit: float) -> str:
        """The value at a unit in [0, 1], as the shortest string that reads back as the same double."""
        scaling = _resolve(self.scaling, self.low, self.high)
        low, high = _stretch(scaling, self.low), _stretch(scaling, self.high)
        return repr(min(max(_shrink(scaling, low + unit * (high - low)), self.low), self.high))

    def unit(self, text: str) -> float:
        """Position of a value in [0, 1]; values outside the range are clipped."""
        return self.position(min(max(float(text), self.low), self.high))

    def position(self, value: float) -> float:
        """Where a value lies: 0 is the low end, 1 the high one. ValueError where its scale does not have it."""
        scaling = _resolve(self.scaling, self.low, self.high)
        low, high = _stretch(scaling, self.low), _stretch(scaling, self.high)
        return (_stretch(scaling, value) - low) / (high - low)


@dataclass(frozen=True, kw_only=True)
class Integer:
    """A whole number in [low, high], both ends included."""

    name: str
    low: int
    high: int
    scaling: Scaling = Scaling.AUTO

    @property
    def size(self) -> int | None:
        """Number of values."""
        return self.high - self.low + 1

    def _ends(self) -> tuple[Scaling, float, float]:
        # Half a step beyond each end, so that every integer owns a cell of its own width.
        scaling = _resolve(self.scaling, self.low, self.high)
        return scaling, _stretch(scaling, self.low - 0.5), _stretch(scaling, self.high + 0.5)

    def at(self, unit: float) -> str:
        """The integer whose cell holds a unit in [0, 1]."""
        scaling, low, high = self._ends()
        return str(min(max(round(_shrink(scaling, low + unit * (high - low))), self.low), self.high))

    def unit(self, text: str) -> float:
        """Position of a value in [0, 1]; values outside the range are clipped."""
        return self.position(min(max(float(text), self.low), self.high))

    def position(self, value: float) -> float:
        """Where a value lies between the ends of the cells. ValueError where its scale does not have it."""
        scaling, low, high = self._ends()
        return (_stretch(scaling, value) - low) / (high - low)


@dataclass(frozen=True, kw_only=True)
class Categorical:
    """One of the given strings, passed on unchanged."""

    name: str
    values: tuple[str, ...]

    @property
    def size(self) -> int | None:
        """Number of values."""
        return len(self.values)

    def at(self, unit: float) -> str:
        """The value whose cell holds a unit in [0, 1]."""
        return self.values[min(int(unit * len(self.values)), len(self.values) - 1)]

    def unit(self, text: str) -> float:
        """The middle of a value's cell."""
        return (self.values.index(text) + 0.5) / len(self.values)


Parameter = Continuous | Integer | Categorical


def is_logarithmic(parameter: Continuous | Integer) -> bool:
    """Whether a number is searched on the scale of its logarithm."""
    return _resolve(parameter.scaling, parameter.low, parameter.high) is Scaling.LOGARITHMIC


@dataclass(frozen=True, kw_only=True)
class Space:
    """The tuned hyperparameters: categorical, integer, continuous, each in the request's order."""

    parameters: tuple[Parameter, ...]

    @property
    def size(self) -> int | None:
        """Number of distinct points; None for infinitely many."""
        sizes = [parameter.size for parameter in self.parameters]
        return None if any(size is None for size in sizes) else math.prod(size or 0 for size in sizes)

    def at(self, units: Sequence[float]) -> Point:
        """The point at one unit for each parameter."""
        return {parameter.name: parameter.at(unit) for parameter, unit in zip(self.parameters, units, strict=True)}

    def units(self, point: Point) -> list[float]:
        """One unit for each parameter of a point of this space."""
        return [parameter.unit(point[parameter.name]) for parameter in self.parameters]
