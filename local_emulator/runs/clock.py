"""The time of day for everything that is written down, in which durations are true whatever the machine's clock is set to.

It is taken from the clock once and goes on with CLOCK_BOOTTIME, which nobody can set and which counts a suspended machine's time too.
Emulator and supervisors share it by a file, so it outlasts a restart; it follows the machine's clock again when nothing is going on.
"""

import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

_DIFFERENCE = 1.0  # seconds between the machine's clock and ours that are of no account


def _since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


class Clock:
    """Time of day, in seconds since the epoch or as a date.

    Args:
        path: Where it is shared; None to share it with nobody.
        wall: The machine's time of day.
        steady: Time since the machine was booted.
        boot: Which boot that was.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = _since_boot,
        boot: Callable[[], str] = _boot,
    ) -> None:
        self._path = path
        self._wall = wall
        self._steady = steady
        self._boot = boot
        shared = self._shared()
        self._offset = wall() - steady() if shared is None else shared

    def _shared(self) -> float | None:
        try:
            facts = json.loads(self._path.read_bytes()) if self._path else {}
            return float(facts["offset"]) if facts["boot"] == self._boot() else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def __call__(self) -> datetime:
        """Now, aware of its zone."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def seconds(self) -> float:
        """Now, in seconds since the epoch."""
        return self._steady() + self._offset

    def follow(self) -> None:
        """Take the time of day from the machine again; for when nothing is going on that a jump would lengthen or shorten."""
        offset = self._wall() - self._steady()
        if abs(offset - self._offset) > _DIFFERENCE:
            self._offset = offset
            self.share()

    def share(self) -> None:
        """Write down what others need to tell the same time."""
        if self._path is not None:
            temporary = self._path.with_name(f".{self._path.name}.{uuid.uuid4().hex}")
            temporary.write_text(json.dumps({"boot": self._boot(), "offset": self._offset}))
            temporary.replace(self._path)
