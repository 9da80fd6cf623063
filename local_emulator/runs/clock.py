"""The time of day for everything that is written down, in which durations are true whatever the machine's clock is set to.

It is taken from the clock once and goes on with CLOCK_BOOTTIME, which nobody can set and which counts a suspended machine's time too.
Emulator and supervisors share it by a file, so it outlasts a restart; it follows the machine's clock again when nothing is going on.
Inside a test it always follows the process's clock, which the test may have stopped or moved (`TestClock`).
"""

import json
import math
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from local_emulator.runs.folder import write_whole

_DRIFT = 0.002  # seconds by which two clocks may differ although nobody has set one
_CORRECTION = 0.05  # seconds: a smaller jump is a correction of the machine's clock
_MOMENT = 50e-6  # seconds in which a clock that goes moves on
_AT_ONCE = 1e-3  # seconds in which two clocks are read; a thread that was delayed reads them again
_TRIES = 100
_DIFFERENCE = 1.0  # seconds between the machine's clock and ours that are ignored


def _since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_bytes().decode().strip()  # a codec would be imported in every supervisor


def _version(path: Path) -> tuple[int, int]:
    """Which file lies at a path; it is replaced, not written again."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


class _Course(NamedTuple):
    """How time goes: it was `time` when the steady clock showed `since`, and from there runs `scale` times as fast; 0 if it stands."""

    since: float
    time: float
    scale: float

    def at(self, steady: float) -> float:
        """The time of day when the steady clock shows this."""
        return self.time + self.scale * (steady - self.since)


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
        self._seen: tuple[int, int] | None = None  # which file it was read from
        if not self._read():
            self._course = _Course(steady(), wall(), 1.0)

    def _read(self) -> bool:
        """Read the shared file; whether it is there and of this boot."""
        try:
            facts = {}
            if self._path is not None:
                self._seen = _version(self._path)
                facts = json.loads(self._path.read_bytes())
            if facts.get("boot") != self._boot():
                return False
            if "offset" in facts:  # version 0.1 wrote that
                facts = {"since": 0.0, "time": facts["offset"], "scale": 1.0}
            self._course = _Course(float(facts["since"]), float(facts["time"]), float(facts["scale"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False
        return True

    def reread(self) -> None:
        """Read the shared file again, if it has changed."""
        try:
            if self._path is None or self._seen == _version(self._path):
                return
        except OSError:
            return
        self._read()

    def __call__(self) -> datetime:
        """Now, aware of its zone."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def seconds(self) -> float:
        """Now, in seconds since the epoch."""
        return self._course.at(self._steady())

    def until(self, moment: float) -> float:
        """Real seconds until the clock shows a time of day (in seconds since the epoch); infinite if it stands before that."""
        left = moment - self.seconds()
        scale = self._course.scale
        if left <= 0.0:
            return 0.0
        return left / scale if scale else math.inf

    def follow(self) -> None:
        """Take the time of day from the machine again; for when nothing is going on that a jump would lengthen or shorten."""
        course = _Course(self._steady(), self._wall(), 1.0)
        if abs(course.time - self._course.at(course.since)) > _DIFFERENCE:
            self._course = course
            self.share()

    def share(self) -> None:
        """Write the shared file."""
        if self._path is not None:
            write_whole(self._path, json.dumps({"boot": self._boot(), **self._course._asdict()}).encode())


def _process_time() -> float:
    """Time of day as the code under test sees it: freezegun puts its own `datetime` into every module."""
    return datetime.now(UTC).timestamp()


class TestClock(Clock):
    """The clock of an emulator inside a test: that of the test's process, also where it is stopped, moved or ticks.

    Where the process's clock goes, this one runs `scale` times as fast; when somebody stops, moves or lets go that one, this one
    shows the same time again. Whoever asks it for the time shares what has changed, so that supervisors follow within a second.
    """

    __test__ = False  # pytest takes it for a test

    def __init__(self, path: Path | None, *, scale: float = 1.0, wall: Callable[[], float] = _process_time) -> None:
        super().__init__(path, wall=wall)
        self._scale = scale
        self._lock = threading.Lock()
        self._process = _Course(0.0, 0.0, 0.0)
        self._adjust()

    def seconds(self) -> float:
        """Now, in seconds since the epoch."""
        self.follow()
        return super().seconds()

    def follow(self) -> None:
        """Take the time of day from the process, if anybody has stopped, moved or started its clock."""
        process = self._process
        drift = _DRIFT if process.scale else 0.0
        earliest = process.at(self._steady()) - drift
        now = self._wall()
        if not earliest <= now <= process.at(self._steady()) + drift:
            with self._lock:
                self._adjust()

    def _adjust(self) -> None:
        for _ in range(_TRIES):
            before, now, since = self._steady(), self._wall(), self._steady()
            if since - before < _AT_ONCE:
                break
        while self._steady() - since < _MOMENT:
            pass
        goes = self._wall() != now
        corrected = goes and self._process.scale > 0 and abs(now - self._process.at(since)) < _CORRECTION
        time_of_day = self._course.at(since) if corrected and self._scale != 1 else now
        self._process = _Course(since, now, float(goes))
        self._course = _Course(since, time_of_day, self._scale if goes else 0.0)
        self.share()
