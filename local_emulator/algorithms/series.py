"""Time series as DeepAR reads them: a start, a target with gaps, categories and dynamic features, at some frequency."""

import gzip
import io
import json
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow.parquet

from local_emulator.algorithms import data
from local_emulator.algorithms.contract import CustomerError, Floats
from sm_tuning.rules.catalogue import Algorithm

Moments = npt.NDArray[np.datetime64]
_JSON_LINES = "application/jsonlines"
_MINUTES = {"min": 1, "H": 60, "D": 1440, "W": 10080}
# Seasons of a frequency whose past values the model sees beside its context, in units of it, as far as AWS's guide names them.
_SEASONS = {
    "M": [12, 24, 36],
    "W": [52, 104],
    "D": [7, 14, 21, 28, 365],
    "H": [24, 48, 72, 96, 120, 144, 168],
    "min": [60, 1440, 2880, 10080],
}


@dataclass(frozen=True)
class Frequency:
    """`5min`: a unit of M, W, D, H and min, and how many of it are between two points."""

    unit: str
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of the hyperparameter time_freq; raises CustomerError."""
        hit = re.fullmatch(r"([1-9][0-9]*)?(M|W|D|H|min)", text)
        if hit is None:
            raise CustomerError(
                f"Hyperparameter time_freq: {text} is not an integer followed by M, W, D, H or min, such as 5min."
            )
        return cls(hit[2], int(hit[1] or 1))

    @property
    def seasons(self) -> Sequence[int]:
        """The lags of its seasons, in points."""
        return sorted({lag // self.count for lag in _SEASONS[self.unit] if lag >= self.count})

    def calendar(self, start: np.datetime64, length: int) -> Floats:
        """Sine and cosine of the calendar's cycles (length x features), those that AWS derives for the unit."""
        moments = self._moments(start, length)
        cycles = [np.array(moment) * 2 * np.pi / period for moment, period in _cycles(self.unit, moments)]
        return np.column_stack([function(cycle) for cycle in cycles for function in (np.sin, np.cos)])

    def _moments(self, start: np.datetime64, length: int) -> Moments:
        steps = np.arange(length) * self.count
        monthly = self.unit == "M"
        moments: Moments = start.astype("M8[M]" if monthly else "M8[m]") + steps * (1 if monthly else _MINUTES[self.unit])
        return moments


def _cycles(unit: str, moments: Moments) -> Sequence[tuple[npt.NDArray[np.int64], int]]:
    """Where the moments are in cycles, and how long these are."""
    months, days = moments.astype("M8[M]"), moments.astype("M8[D]")
    of_year = (days - moments.astype("M8[Y]").astype("M8[D]")).astype(np.int64)
    of_month = (days - months.astype("M8[D]")).astype(np.int64)
    if unit == "M":
        return [(months.astype(np.int64) % 12, 12)]
    if unit == "W":
        return [(of_month, 31), (of_year // 7, 53)]
    minutes = moments.astype("M8[m]").astype(np.int64)
    smaller = {"min": [(minutes % 60, 60), (minutes // 60 % 24, 24)], "H": [(minutes // 60 % 24, 24)], "D": []}[unit]
    return [*smaller, (days.astype(np.int64) % 7, 7), (of_month, 31), (of_year, 366)]


@dataclass(frozen=True)
class Series:
    """A time series. `target` has NaN where a value is missing; `dynamic` are features x points, `categories` numbers from 0."""

    start: np.datetime64
    target: Floats
    categories: tuple[int, ...] | None = None
    dynamic: Floats | None = None

    @classmethod
    def of(cls, entry: Any) -> Self:  # noqa: ANN401 - JSON
        """`{"start": "2009-11-01 00:00:00", "target": [4.3, "NaN"], "cat": [0], "dynamic_feat": [[1, 2]]}`.

        A single category or feature may stand without its list. Raises ValueError.
        """
        if not isinstance(entry, Mapping) or "start" not in entry or "target" not in entry:
            raise ValueError("it is no object with start and target")
        categories, dynamic = entry.get("cat"), entry.get("dynamic_feat")
        if isinstance(categories, int):
            categories = [categories]
        if dynamic is not None and not all(isinstance(row, Sequence) for row in dynamic):
            dynamic = [dynamic]
        return cls(
            _moment(entry["start"]),
            _numbers("target", entry["target"]),
            None if categories is None else _categories(categories),
            None if dynamic is None else _features(dynamic),
        )

    def until(self, end: int) -> "Series":
        """Its first points alone; its dynamic features as far as they go."""
        return Series(self.start, self.target[:end], self.categories, self.dynamic)


def _moment(start: object) -> np.datetime64:
    try:
        moment = start if isinstance(start, datetime) else datetime.fromisoformat(str(start))
    except ValueError as error:
        raise ValueError(f"start is {start!r}; it must have the form YYYY-MM-DD HH:MM:SS") from error
    if moment.tzinfo is not None:
        raise ValueError(f"start is {str(start)!r}; it must have no time zone")
    return np.datetime64(moment)


def _numbers(name: str, values: object, *, gaps: bool = True) -> Floats:
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise ValueError(f"{name} is no list of numbers")  # noqa: TRY004 - of the data, as the others
    numbers = [math.nan if value is None or value == "NaN" else value for value in values]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in numbers):
        raise ValueError(f"{name} has a value that is neither a number, null nor NaN")
    try:
        array = np.array(numbers, dtype=np.float64)
    except OverflowError as error:
        raise ValueError(f"{name} has a value that is not finite") from error
    if np.isinf(array).any() or (not gaps and np.isnan(array).any()):
        raise ValueError(f"{name} has a value that is not finite")
    return array


def _categories(values: Any) -> tuple[int, ...]:  # noqa: ANN401 - JSON
    if not isinstance(values, Sequence) or not all(type(value) is int and value >= 0 for value in values):
        raise ValueError(f"cat is {values!r}; it must be a list of integers from 0")
    return tuple(values)


def _features(rows: Sequence[Any]) -> Floats:
    features = [_numbers("dynamic_feat", row, gaps=False) for row in rows]
    if len({len(row) for row in features}) > 1:
        raise ValueError("the lists of dynamic_feat have different lengths")
    return np.array(features)


def read(algorithm: Algorithm, name: str) -> list[tuple[str, Series]] | None:
    """The time series of a channel, and where each stands; None if there is no such channel. Raises CustomerError.

    JSON Lines, the same by gzip, or Parquet: what a file is, its content says, for in Pipe mode it has no extension.
    """
    location = data.declared(algorithm, name, _JSON_LINES)
    if location is None:
        return None
    paths = [path for path in data.files(location[0]) if not path.name.startswith(".") and path.name != "_SUCCESS"]
    entries = [pair for path in paths for pair in _entries(path)]
    if not entries:
        raise CustomerError(f"The channel {name!r} holds no time series.")
    series = []
    for where, entry in entries:
        try:
            series.append((where, Series.of(entry)))
        except ValueError as error:
            raise CustomerError(f"{where}: {error}.") from error
    return series


def _entries(path: Path) -> list[tuple[str, Any]]:
    content = path.read_bytes()
    if content.startswith(b"PAR1"):
        try:
            rows = pyarrow.parquet.read_table(io.BytesIO(content)).to_pylist()
        except (pyarrow.ArrowException, OSError) as error:
            raise CustomerError(f"The file {path.name} is no Parquet: {error}") from error
        return [(f"{path.name}, row {number}", row) for number, row in enumerate(rows, start=1)]
    try:
        lines = (gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content).decode().splitlines()
    except (gzip.BadGzipFile, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise CustomerError(f"The file {path.name} is no text in UTF-8, nor that by gzip: {error}") from error
    return [
        (f"{path.name}, line {number}", _of_json(line, f"{path.name}, line {number}"))
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]


def _of_json(line: str, where: str) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CustomerError(f"Error when parsing json ({where}): {error}") from error  # AWS's first words
