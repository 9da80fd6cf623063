"""Finds the values of metrics in log lines. Pure, and safe from expressions that would never end."""

import math
import re
import struct
from collections.abc import Sequence

import regex

from local_emulator.domain.jobs import MetricDefinition

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_LONGEST = 8 * 1024
_PATIENCE = 0.05  # seconds for one line and one definition
_MOST_OVERRUNS = 3


def float32(value: float) -> float:
    """A value as the service keeps it: rounded to single precision; infinite if it does not fit."""
    try:
        single: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return math.inf
    return single


class Matcher:
    """Metric definitions, compiled once. A definition that is too slow three times is disabled."""

    def __init__(self, definitions: Sequence[MetricDefinition]) -> None:
        self._patterns = {place: regex.compile(one.regex) for place, one in enumerate(definitions)}
        self._names = [one.name for one in definitions]
        self._overruns = [0] * len(self._names)
        self.disabled: list[str] = []

    def match(self, line: str) -> Sequence[tuple[str, float]]:
        """(metric, value) for every match in a line: definition by definition, each from left to right."""
        line = line[:_LONGEST]
        found: list[tuple[str, float]] = []
        for place, pattern in list(self._patterns.items()):
            try:
                for one in pattern.finditer(line, timeout=_PATIENCE):
                    value = _value(one[1] if pattern.groups else one[0])
                    if value is not None:
                        found.append((self._names[place], value))
            except TimeoutError:
                self._overran(place)
        return found

    def _overran(self, place: int) -> None:
        self._overruns[place] += 1
        if self._overruns[place] >= _MOST_OVERRUNS:
            del self._patterns[place]
            self.disabled.append(self._names[place])


def _value(text: str | None) -> float | None:
    """A finite number, or None for anything else."""
    if text is None or not _NUMBER.fullmatch(text.strip()):
        return None
    value = float32(float(text))
    return value if math.isfinite(value) else None
