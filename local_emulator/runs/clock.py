"""The time of day for everything that is written down, in which durations are true whatever the machine's clock is set to.

It is taken from the clock once and goes on with CLOCK_BOOTTIME, which nobody can set and which counts a suspended machine's time too.
Emulator and supervisors share it by a file, so it outlasts a restart; it follows the machine's clock again when nothing is going on.
Inside a test it always follows the process's clock, which the test may have stopped or moved (`TestClock`).
"""

import json
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

_JITTER = 0.05  # seconds that a thread may be held up between two looks at two clocks
_MOMENT = 50e-6  # seconds in which a clock that goes moves on
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
        self._still: float | None = None  # the time of day at which it stands
        self._seen: tuple[int, int] | None = None  # which file it was read from
        if not self._read():
            self._offset = wall() - steady()

    def _read(self) -> bool:
        """Take what is shared; whether something is, of this boot."""
        try:
            facts = json.loads(self._path.read_bytes()) if self._path else {}
            if facts.get("boot") != self._boot():
                return False
            self._offset, self._still = float(facts["offset"]), facts.get("still")
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False
        return True

    def reread(self) -> None:
        """Take what is shared, if it has changed."""
        try:
            status = self._path.stat() if self._path else None
        except OSError:
            return
        if status is not None and self._seen != (status.st_ino, status.st_mtime_ns):
            self._seen = status.st_ino, status.st_mtime_ns
            self._read()

    def __call__(self) -> datetime:
        """Now, aware of its zone."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def seconds(self) -> float:
        """Now, in seconds since the epoch."""
        return self._steady() + self._offset if self._still is None else self._still

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
            facts = {"boot": self._boot(), "offset": self._offset, "still": self._still}
            temporary.write_text(json.dumps(facts))
            temporary.replace(self._path)


def _process_time() -> float:
    """Time of day as the code under test sees it: freezegun puts its own `datetime` into every module."""
    return datetime.now(UTC).timestamp()


class TestClock(Clock):
    """The clock of an emulator inside a test: that of the test's process, also where it is stopped, moved or ticks.

    Whoever asks it for the time shares what has changed, so that supervisors follow within a second.
    """

    __test__ = False  # pytest takes it for a test

    def __init__(self, path: Path | None, *, wall: Callable[[], float] = _process_time) -> None:
        super().__init__(path, wall=wall)
        self._lock = threading.Lock()
        self._adjust()

    def seconds(self) -> float:
        """Now, in seconds since the epoch."""
        self.follow()
        return super().seconds()

    def follow(self) -> None:
        """Take the time of day from the process."""
        now = self._wall()
        expected = super().seconds()
        if abs(now - expected) > (_JITTER if self._still is None else 0.0):
            with self._lock:
                self._adjust()

    def _adjust(self) -> None:
        now, since = self._wall(), self._steady()
        while self._steady() - since < _MOMENT:
            pass
        self._offset = now - since
        self._still = now if self._wall() == now else None
        self.share()
