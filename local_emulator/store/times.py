"""Times as whole numbers, exactly."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(time: datetime) -> int:
    """Microseconds since the epoch, exactly."""
    return (time - _EPOCH) // _MICROSECOND


def at(since_epoch: int) -> datetime:
    """The time so many microseconds after the epoch, exactly."""
    return _EPOCH + timedelta(microseconds=since_epoch)
