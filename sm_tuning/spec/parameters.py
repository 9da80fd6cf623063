"""Hyperparameter ranges, and presets for the four hyperparameters that decide most of training."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from sm_tuning.errors import Invalid
from sm_tuning.spec.value_types import WrongTypes, integral, require


class Scaling(StrEnum):
    """How a range is searched (AWS's ScalingType)."""

    AUTO = "Auto"
    LINEAR = "Linear"
    LOGARITHMIC = "Logarithmic"
    REVERSE_LOGARITHMIC = "ReverseLogarithmic"


_DECADES_FOR_LOG = 3.0


def _scale(scaling: Scaling, low: float, high: float) -> Scaling:
    """The scale of a range: of AUTO the emulator's rule (tests/contracts/test_scaling.py); AWS does not publish its own."""
    if scaling is not Scaling.AUTO:
        return scaling
    return Scaling.LOGARITHMIC if low > 0 and math.log10(high / low) >= _DECADES_FOR_LOG else Scaling.LINEAR


def _checked_types(builder: "Range") -> None:
    """Raise Invalid for values of a wrong type, by the hyperparameter's name."""
    if hasattr(builder, "scaling"):
        object.__setattr__(builder, "scaling", _scaling(builder.name, builder.scaling))
    try:
        require(builder)
    except WrongTypes as error:
        raise error.below(builder.name) if isinstance(builder.name, str) and builder.name else error from None
    if not builder.name:
        raise Invalid("name is empty; a hyperparameter needs one")


def _scaling(name: str, scaling: object) -> Scaling:
    known = [known_scaling.value for known_scaling in Scaling]
    if scaling not in known:
        raise Invalid(f"{name}: scaling is {scaling!r}; it must be one of {', '.join(known)}")
    return Scaling(scaling)


def _check(name: str, low: float, high: float, scaling: Scaling) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise Invalid(f"{name}: low is {low} and high is {high}; low must be less than high, both finite")
    if scaling is Scaling.LOGARITHMIC and low <= 0:
        raise Invalid(f"{name}: low is {low}; for logarithmic scaling it must be more than 0")
    if scaling is Scaling.REVERSE_LOGARITHMIC and not (low >= 0 and high < 1):
        raise Invalid(f"{name}: the range is {low} to {high}; for reverse logarithmic scaling it must lie within 0 <= x < 1")


@dataclass(frozen=True)
class Continuous:
    """A real number in [low, high].

    Args:
        name: The hyperparameter.
        low: The least value.
        high: The greatest.
        scaling: How the range is searched; AUTO lets the service choose.

    Raises:
        Invalid: The ends are not finite or not in order, or the scaling does not suit them: logarithmic needs `low` above 0, reverse
            logarithmic 0 <= low and high < 1.
    """

    name: str
    low: float
    high: float
    scaling: Scaling = Scaling.AUTO

    def __post_init__(self) -> None:
        _checked_types(self)
        _check(self.name, self.low, self.high, self.scaling)

    @property
    def scale(self) -> Scaling:
        """The scale on which it is searched. AUTO is logarithmic above 0 over three powers of ten or more, as in the emulator."""
        return _scale(self.scaling, self.low, self.high)

    def request(self) -> Mapping[str, Any]:
        """The range in AWS's form."""
        low, high = repr(float(self.low)), repr(float(self.high))
        return {"Name": self.name, "MinValue": low, "MaxValue": high, "ScalingType": self.scaling.value}

    @classmethod
    def from_request(cls, form: Mapping[str, Any]) -> Self:
        """The range of its AWS form; raises Invalid."""
        low, high = _real_end(form, "MinValue"), _real_end(form, "MaxValue")
        return cls(form["Name"], low, high, form.get("ScalingType", Scaling.AUTO))


@dataclass(frozen=True)
class Integer:
    """A whole number in [low, high], both ends included.

    Args:
        name: The hyperparameter.
        low: The least value.
        high: The greatest.
        scaling: How the range is searched; AUTO lets the service choose, reverse logarithmic is for `Continuous` alone.

    Raises:
        Invalid: The ends are not in order, or the scaling does not suit them.
    """

    name: str
    low: int
    high: int
    scaling: Scaling = Scaling.AUTO

    def __post_init__(self) -> None:
        _checked_types(self)
        if self.scaling is Scaling.REVERSE_LOGARITHMIC:
            raise Invalid(f"{self.name}: reverse logarithmic scaling is for continuous ranges only")
        _check(self.name, self.low, self.high, self.scaling)

    @property
    def scale(self) -> Scaling:
        """The scale on which it is searched. AUTO is logarithmic above 0 over three powers of ten or more, as in the emulator."""
        return _scale(self.scaling, self.low, self.high)

    def request(self) -> Mapping[str, Any]:
        """The range in AWS's form."""
        return {"Name": self.name, "MinValue": str(self.low), "MaxValue": str(self.high), "ScalingType": self.scaling.value}

    @classmethod
    def from_request(cls, form: Mapping[str, Any]) -> Self:
        """The range of its AWS form; raises Invalid."""
        low, high = _whole_end(form, "MinValue"), _whole_end(form, "MaxValue")
        return cls(form["Name"], low, high, form.get("ScalingType", Scaling.AUTO))


@dataclass(frozen=True)
class Categorical:
    """One of some values.

    Args:
        name: The hyperparameter.
        values: The values, each once; numbers are written as Python writes them, for AWS has texts.

    Raises:
        Invalid: There are none, or two are the same text.
    """

    name: str
    values: Sequence[str | float | bool]

    def __post_init__(self) -> None:
        if isinstance(self.values, Iterable) and not isinstance(self.values, str | bytes | Mapping):
            object.__setattr__(self, "values", tuple(self.values))
        _checked_types(self)
        texts = tuple(str(value) for value in self.values)
        if not texts:
            raise Invalid(f"{self.name}: values is empty; at least one is needed")
        if len(set(texts)) < len(texts):
            raise Invalid(f"{self.name}: values {list(texts)} hold one more than once")
        object.__setattr__(self, "values", texts)

    def request(self) -> Mapping[str, Any]:
        """The range in AWS's form."""
        return {"Name": self.name, "Values": list(self.values)}

    @classmethod
    def from_request(cls, form: Mapping[str, Any]) -> Self:
        """The range of its AWS form; raises Invalid."""
        return cls(form["Name"], form["Values"])


@dataclass(frozen=True)
class Auto:
    """A hyperparameter whose range AWS chooses around a hint, for a tuning job with `autotune`.

    Args:
        name: The hyperparameter.
        hint: A value that is known to be reasonable.
    """

    name: str
    hint: str | float | bool

    def __post_init__(self) -> None:
        _checked_types(self)
        object.__setattr__(self, "hint", str(self.hint))

    def request(self) -> Mapping[str, Any]:
        """The hint in AWS's form."""
        return {"Name": self.name, "ValueHint": self.hint}

    @classmethod
    def from_request(cls, form: Mapping[str, Any]) -> Self:
        """The hint of its AWS form; raises Invalid."""
        return cls(form["Name"], form["ValueHint"])


Range = Continuous | Integer | Categorical | Auto

_KINDS: Mapping[str, type[Range]] = {
    "IntegerParameterRanges": Integer,
    "ContinuousParameterRanges": Continuous,
    "CategoricalParameterRanges": Categorical,
    "AutoParameters": Auto,
}


def ranges_request(ranges: Iterable[Range]) -> dict[str, Any]:
    """Ranges in AWS's form (ParameterRanges)."""
    request: dict[str, list[Any]] = {member: [] for member in _KINDS}
    members = {kind: member for member, kind in _KINDS.items()}
    for parameter in ranges:
        request[members[type(parameter)]].append(dict(parameter.request()))
    if not request["AutoParameters"]:
        del request["AutoParameters"]
    return request


def ranges_from_request(config: Mapping[str, Any]) -> Sequence[Range]:
    """The ranges of ParameterRanges or HyperParameterRanges in AWS's form; raises Invalid."""
    unknown = sorted(set(config) - set(_KINDS))
    if unknown:
        raise Invalid(f"ParameterRanges has {', '.join(unknown)}; known are {', '.join(_KINDS)}")
    return [_KINDS[member].from_request(form) for member, forms in config.items() for form in forms]


def _real_end(form: Mapping[str, Any], member: str) -> float:
    try:
        return float(form[member])
    except ValueError as error:
        raise Invalid(f"{form['Name']}: {member} is {form[member]!r}; it must be a number") from error


def _whole_end(form: Mapping[str, Any], member: str) -> int:
    """A whole number, which other programs may write as `8.0`."""
    text = form[member]
    try:
        return int(text)
    except ValueError:
        end = _real_end(form, member)
    if not end.is_integer():
        raise Invalid(f"{form['Name']}: {member} is {text!r}; it must be a whole number")
    return int(end)


def learning_rate(low: float = 1e-4, high: float = 1e-1, name: str = "learning_rate") -> Continuous:
    """Step size of the optimiser: 1e-4 to 1e-1, logarithmic.

    What matters is the order of magnitude: from 0.001 to 0.002 is as large a step as from 0.01 to 0.02. Below the range training
    hardly moves in the usual number of epochs, above it most networks diverge (Bengio 2012, "Practical Recommendations for
    Gradient-Based Training of Deep Architectures", section 3.1.1, gives 1e-6 to 1 at the most).

    Args:
        low: The least rate, above 0.
        high: The greatest.
        name: The hyperparameter.
    """
    return Continuous(name, low, high, Scaling.LOGARITHMIC)


def batch_size(low: int = 16, high: int = 256, name: str = "batch_size") -> Categorical:
    """Examples in a step: the powers of two from 16 to 256.

    Powers of two fill the hardware, and finer steps make no difference worth a training job. Small batches are noisy but
    regularize; large ones are fast, and beyond some hundreds tend to generalize worse (Keskar et al. 2017; Masters & Luschi 2018
    find the best results between 2 and 32).

    Args:
        low: The least number of examples, a power of two.
        high: The greatest, a power of two.
        name: The hyperparameter.

    Raises:
        Invalid: An end is no power of two, or `low` is not below `high`.
    """
    for member, value in (("low", low), ("high", high)):
        if not integral(value) or value < 1 or value & (value - 1):
            raise Invalid(f"{name}: {member} is {value}; it must be a power of two")
    if low >= high:
        raise Invalid(f"{name}: low is {low} and high is {high}; low must be less than high")
    return Categorical(name, [2**power for power in range(low.bit_length() - 1, high.bit_length())])


def epochs(low: int = 5, high: int = 50, name: str = "epochs") -> Integer:
    """Passes over the training set: 5 to 50, linear.

    Too few underfit, too many overfit. Within one order of magnitude the linear scale does; with early stopping or Hyperband give a
    static number instead and let the job be stopped.

    Args:
        low: The least number of passes.
        high: The greatest.
        name: The hyperparameter.
    """
    return Integer(name, low, high, Scaling.LINEAR)


def regularization(low: float = 1e-6, high: float = 1e-1, name: str = "regularization") -> Continuous:
    """Strength of the L2 penalty (weight decay): 1e-6 to 1e-1, logarithmic.

    As with rates, the order of magnitude matters; below the range the penalty does nothing, above it the network cannot fit.

    Args:
        low: The least strength, above 0.
        high: The greatest.
        name: The hyperparameter.
    """
    return Continuous(name, low, high, Scaling.LOGARITHMIC)


def dropout(low: float = 0.0, high: float = 0.6, name: str = "dropout") -> Continuous:
    """Share of units left out in a step: 0 to 0.6, linear (Srivastava et al. 2014 find the best between 0.2 and 0.5).

    Args:
        low: The least share, 0 or more.
        high: The greatest, below 1.
        name: The hyperparameter.
    """
    return Continuous(name, low, high, Scaling.LINEAR)
