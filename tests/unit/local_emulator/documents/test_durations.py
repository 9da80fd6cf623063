from datetime import timedelta

import pytest

from local_emulator.documents.durations import duration


@pytest.mark.parametrize(
    ("text", "hours"),
    [("P30D", 720), ("PT1H", 1), ("30d", 720), ("T16m", 16 / 60), ("30dT5h", 725), ("P1Y", 8760), ("P1M", 720), ("P2W", 336)],
)
def test_durations(text: str, hours: float) -> None:
    assert duration(text) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "P", "PT", "1", "1 hour", "PT0S", "P999999Y", "P99999Y", 5, None])
def test_no_durations(text: object) -> None:
    with pytest.raises(ValueError, match="is no ISO 8601 duration"):
        duration(text)
