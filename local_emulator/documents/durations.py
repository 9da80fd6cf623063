"""ISO 8601 durations of cache configurations, also as AWS's guide writes them: `P30D`, `PT1H`, `30d`, `T16m`, `30dT5h`."""

import re
from datetime import timedelta

_DURATION = re.compile(
    r"P?(?:(\d{1,5})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,5})M)?(?:(\d{1,5})S)?)?",
    re.IGNORECASE,
)
_DAYS = (365, 30, 7, 1)
_LONGEST = 36_500  # days, so that a time before now can still be told


def duration(text: object) -> timedelta:
    """The time that a duration stands for, a year taken as 365 days and a month as 30; ValueError for any other text."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    numbers = [int(number or 0) for number in match.groups()] if match else []
    if not any(numbers) or sum(number * days for number, days in zip(numbers, _DAYS, strict=False)) > _LONGEST:
        raise ValueError(f"{text!r} is no ISO 8601 duration; it must look like P30D or PT1H")
    days = sum(number * days for number, days in zip(numbers, _DAYS, strict=False))
    return timedelta(days=days, hours=numbers[4], minutes=numbers[5], seconds=numbers[6])
