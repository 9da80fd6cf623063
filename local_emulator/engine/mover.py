"""What the loop moves."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

_LOOK_AGAIN = 1.0  # seconds: while something runs, evidence is compared this often even without a notification
_AT_MOST_EVERY = 0.02  # seconds between such looks where the time of day runs faster than real time
_NOT_BEFORE = 0.05  # seconds: a time that has come is not looked at again and again


def look_again(scale: float) -> float:
    """Seconds after which evidence is compared again while something runs; the time of day runs `scale` times as fast as real time."""
    return min(_LOOK_AGAIN, max(_LOOK_AGAIN / scale, _AT_MOST_EVERY))


def real_seconds_until(deadlines: Iterable[datetime], now: datetime, scale: float) -> float | None:
    """Real seconds until the first of some times of day comes, which runs `scale` times as fast; None if there are none."""
    first = min(deadlines, default=None)
    return None if first is None else max((first - now).total_seconds() / scale, _NOT_BEFORE)


class Mover:
    """Moves records towards what was decided and what has happened, in the loop's thread.

    Each step compares the records with the evidence afresh, so a restart is no special case. Only `step` must be there; `moves` says
    in the log what is moved.
    """

    moves: ClassVar[str]

    def begin(self) -> None:
        """Do what is done once, before the first step."""

    def step(self) -> float | None:
        """Move everything as far as it goes now; real seconds until time alone may change something, None for never."""
        raise NotImplementedError

    @property
    def unsettled(self) -> bool:
        """Whether slow work is going on, after which there is more to do; it notifies the loop when it is done."""
        return False

    def tidy(self) -> None:
        """Do what may wait until there is nothing else to do."""

    def reset(self) -> None:
        """Forget everything and end what runs: the store has been cleared. Called while the loop is paused."""

    def close(self) -> None:
        """End slow work; runs go on."""
