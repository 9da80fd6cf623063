"""Time series in DeepAR's format, and the calendar of their frequencies."""

import datetime as dt
import math
import re
from typing import Any

import numpy as np
import pytest

from local_emulator.algorithms.contract import CustomerError
from local_emulator.algorithms.series import Frequency, Series


def test_a_series() -> None:
    entry = {"start": "2009-11-01 00:00:00", "target": [4, "NaN", 5.5, None], "cat": [0, 1], "dynamic_feat": [[1, 2, 3, 4]]}
    series = Series.of(entry)
    assert series.start == np.datetime64("2009-11-01")
    assert np.array_equal(series.target, [4, math.nan, 5.5, math.nan], equal_nan=True)
    assert series.categories == (0, 1)
    assert series.dynamic is not None
    assert series.dynamic.tolist() == [[1, 2, 3, 4]]
    alone = Series.of({"start": dt.datetime(2009, 11, 1), "target": [], "cat": 1, "dynamic_feat": [1]})  # noqa: DTZ001 - has none
    assert (alone.start, alone.categories, len(alone.target)) == (series.start, (1,), 0)
    assert alone.dynamic is not None
    assert alone.dynamic.shape == (1, 1)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ([1], "no object with start and target"),
        ({"target": [1]}, "no object with start and target"),
        ({"start": "yesterday"}, "start is 'yesterday'; it must have the form YYYY-MM-DD HH:MM:SS"),
        ({"start": "2009-11-01 00:00:00+01:00"}, "it must have no time zone"),
        ({"target": 3}, "target is no list of numbers"),
        ({"target": "3"}, "target is no list of numbers"),
        ({"target": ["3"]}, "target has a value that is neither a number, null nor NaN"),
        ({"target": [True]}, "target has a value that is neither"),
        ({"target": [math.inf]}, "target has a value that is not finite"),
        ({"target": [10**400]}, "target has a value that is not finite"),
        ({"cat": [-1]}, "cat is [-1]; it must be a list of integers from 0"),
        ({"cat": "a"}, "cat is 'a'"),
        ({"dynamic_feat": [[1], [1, 2]]}, "the lists of dynamic_feat have different lengths"),
        ({"dynamic_feat": [[None]]}, "dynamic_feat has a value that is not finite"),
    ],
)
def test_what_is_no_series(entry: Any, reason: str) -> None:
    if isinstance(entry, dict) and reason != "no object with start and target":
        entry = {"start": "2009-11-01", "target": [1], **entry}
    with pytest.raises(ValueError, match=re.escape(reason)):
        Series.of(entry)


@pytest.mark.parametrize(
    ("text", "seasons", "features"),
    [("M", [12, 24, 36], 2), ("2W", [26, 52], 4), ("D", [7, 14, 21, 28, 365], 6), ("2H", [12, 24, 36, 48, 60, 72, 84], 8),
     ("15min", [4, 96, 192, 672], 10)],
)  # fmt: skip
def test_seasons_and_calendar_of_a_frequency(text: str, seasons: list[int], features: int) -> None:
    frequency = Frequency.parse(text)
    assert list(frequency.seasons) == seasons
    assert frequency.calendar(np.datetime64("2024-01-31"), 3).shape == (3, features)


def test_the_calendar_knows_weekdays_months_and_hours() -> None:
    days = Frequency.parse("D").calendar(np.datetime64("2024-01-01"), 9)
    assert np.allclose(days[0, :2], days[7, :2])  # both Mondays
    assert not np.allclose(days[0, :2], days[1, :2])
    months = Frequency.parse("6M").calendar(np.datetime64("2024-01-31"), 3)
    assert np.allclose(months, [[0, 1], [0, -1], [0, 1]], atol=1e-9)  # January, July, January
    hours = Frequency.parse("12H").calendar(np.datetime64("2024-01-01T06:30"), 3)
    assert np.allclose(hours[:, :2], [[1, 0], [-1, 0], [1, 0]], atol=1e-9)


@pytest.mark.parametrize("text", ["", "0D", "3S", "d", "D3", "-1H", "5 min"])
def test_what_is_no_frequency(text: str) -> None:
    with pytest.raises(CustomerError, match="time_freq"):
        Frequency.parse(text)
