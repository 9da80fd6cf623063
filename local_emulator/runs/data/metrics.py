"""Finds the values of metrics in log lines. Pure, and safe from expressions that would never end."""

import math
import re
import struct
from collections.abc import Callable, Mapping, Sequence

import regex

from local_emulator.domain.jobs import MetricDefinition

Value = tuple[int, str, float]  # milliseconds since the epoch, metric, value

_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_MOST_VALUES = 10_000  # of one metric in one line
_MANY = 20_000  # values of a run that are kept one and all: more cost the emulator seconds, and CloudWatch minutes
_OF_MANY = 1.0  # seconds between values of a metric that are kept thereafter
# Seconds of processor time. One line and one definition, then a definition in a whole run: what an honest one may cost.
_PATIENCE, _PATIENCE_PER_CHARACTER = 0.2, 1e-6
_MOST_OVERRUNS = 3
_BUDGET, _BUDGET_PER_LINE, _BUDGET_PER_CHARACTER = 1.0, 1e-4, 2e-6


def float32(value: float) -> float:
    """A value as the service keeps it: rounded to single precision; infinite if it does not fit."""
    try:
        single: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return math.inf
    return single


def disabled_notice(metric: str) -> str:
    """What a log says of a metric whose definition is in `Matcher.disabled`."""
    return f"the regular expression of metric {metric!r} is too slow or too large and is not used any more"


def cut_notice(metric: str) -> str:
    """What a log says of a metric whose definition is in `Matcher.cut`."""
    return f"metric {metric!r} has more values in one line than are kept; the rest is left out"


class Matcher:
    """Metric definitions by number, compiled once. One that is too slow is disabled: on three lines, or over its budget for the run.

    `clock` tells seconds of processor time; `mark` is told the number of each definition before it is compiled or tried.
    """

    def __init__(
        self, definitions: Mapping[int, MetricDefinition], *, clock: Callable[[], float], mark: Callable[[int], None]
    ) -> None:
        self._clock = clock
        self._mark = mark
        self._patterns: dict[int, regex.Pattern[str]] = {}
        self._unusable: list[int] = []
        for number, definition in definitions.items():
            mark(number)
            try:
                self._patterns[number] = regex.compile(definition.regex)
            except (regex.error, MemoryError, OverflowError, RecursionError):
                self._unusable.append(number)
        self._overruns = dict.fromkeys(definitions, 0)
        self._spent = dict.fromkeys(definitions, 0.0)
        self._budget = _BUDGET
        self.disabled: list[int] = []
        self.cut: list[int] = []

    def match(self, line: str) -> Sequence[tuple[int, float]]:
        """(definition, value) for every match in a line: definition by definition, each from left to right.

        Definitions that were disabled on the way are in `disabled`, those with more values than are kept in `cut`.
        """
        self.disabled, self.cut, self._unusable = self._unusable, [], []
        self._budget += _BUDGET_PER_LINE + _BUDGET_PER_CHARACTER * len(line)
        values: list[tuple[int, float]] = []
        for number in list(self._patterns):
            self._mark(number)
            begun = self._clock()
            values += self._match(number, line)
            self._spent[number] += self._clock() - begun
            if self._overruns[number] >= _MOST_OVERRUNS or self._spent[number] > self._budget:
                del self._patterns[number]
                self.disabled.append(number)
        return values

    def _match(self, number: int, line: str) -> Sequence[tuple[int, float]]:
        pattern = self._patterns[number]
        values: list[tuple[int, float]] = []
        try:
            for match in pattern.finditer(line, timeout=_PATIENCE + _PATIENCE_PER_CHARACTER * len(line)):
                value = _value(match[1] if pattern.groups else match[0])
                if value is not None:
                    values.append((number, value))
                if len(values) == _MOST_VALUES:
                    self.cut.append(number)
                    break
        except TimeoutError:
            self._overruns[number] += 1
        except MemoryError:
            self._overruns[number] = _MOST_OVERRUNS
        return values


class Thinning:
    """Keeps the first values of a run, then the newest of each metric once in a while; the last ones always.

    `clock` tells seconds that nobody can set.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._passes = _MANY
        self._newest: dict[str, Value] = {}  # in the order in which they came
        self._due = 0.0

    def take(self, values: Sequence[Value]) -> tuple[Sequence[Value], bool]:
        """The values to keep of new ones and of those that waited, and whether values are left out from here on."""
        first = self._passes >= 0 and len(values) > self._passes
        passing, rest = values[: max(self._passes, 0)], values[max(self._passes, 0) :]
        self._passes = -1 if first else self._passes - len(passing)
        for value in rest:
            self._newest.pop(value[1], None)
            self._newest[value[1]] = value
        due = self.rest() if self._newest and self._clock() >= self._due else ()
        return ([*passing, *due] if due else passing), first

    def rest(self) -> Sequence[Value]:
        """The values that waited."""
        newest = list(self._newest.values())
        self._newest.clear()
        self._due = self._clock() + _OF_MANY
        return newest


def _value(text: str | None) -> float | None:
    """A finite number, or None for anything else."""
    if text is None or not _NUMBER.fullmatch(text.strip()):
        return None
    value = float32(float(text))
    return value if math.isfinite(value) else None
