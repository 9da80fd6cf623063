"""Exceptions while one job is moved: they are logged, the job is tried again, then given up.

No fault may reach another job, and none may fill the log.
"""

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from local_emulator.domain.errors import Conflict, NotFound, StoreUnavailable

T = TypeVar("T")

_TRIES = 4
_PAUSE, _LONGEST_PAUSE = 0.5, 60.0  # seconds before the next try; each is four times as long as the last
_FORGOTTEN_AFTER = 120.0  # seconds without a fault
_AGAIN_AFTER = 60.0  # seconds until the same kind of fault is logged again
_MOST_KINDS = 1000
_PACKAGE = Path(__file__).parents[1]


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - the server's log


class FaultLog:
    """Logs each kind of fault in one line, at most once a minute. Safe to use from several threads."""

    def __init__(self, write: Callable[[str], None] = _print, clock: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._clock = clock
        self._lock = threading.Lock()
        self._logged: dict[tuple[str, str, str], float] = {}

    def report(self, doing: str, error: BaseException) -> None:
        """Log a fault; `doing` is what was attempted, of which the part before the first colon is the kind."""
        kind = doing.partition(":")[0], type(error).__name__, _origin(error)
        now = self._clock()
        with self._lock:
            if now - self._logged.get(kind, -_AGAIN_AFTER) < _AGAIN_AFTER:
                return
            if len(self._logged) >= _MOST_KINDS:
                self._logged.clear()
            self._logged[kind] = now
        cause = f" (because of {type(error.__cause__).__name__}: {error.__cause__})" if error.__cause__ else ""
        line = f"local_emulator: {doing}: {kind[1]}: {error}{cause} [{kind[2]}]"
        self._write("".join(letter if letter.isprintable() else " " for letter in line)[:2000])


def _origin(error: BaseException) -> str:
    """File and line of this package where an exception came from."""
    trace, origin = error.__traceback__, "unknown"
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        if path.is_relative_to(_PACKAGE):
            origin = f"{path.relative_to(_PACKAGE)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return origin


@dataclass
class _Tries:
    count: int
    last: float
    next_: float


class Retries:
    """Does the work of each job so that a fault of one job does not reach another. For one thread.

    A job that raises waits, the longer the more often it has raised, and is given up at the fourth time. One that finds the store
    unavailable waits as long as that lasts: nothing could be recorded.
    """

    def __init__(
        self, log: FaultLog, doing: str, notify: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._doing = doing
        self._notify = notify
        self._clock = clock
        self._tries: dict[str, _Tries] = {}

    def guard(self, job: str, work: Callable[[], object], give_up: Callable[[Exception], object]) -> None:
        """Do the work of a job, unless it has to wait; or give it up."""
        tries = self._tries.get(job)
        if tries is not None and self._clock() < tries.next_:
            return
        try:
            self._attempt(work)
        except Exception as error:  # noqa: BLE001 - whatever one job raises, the others are moved
            if self._count(job, error):
                try:
                    self._attempt(partial(give_up, error))
                except Exception as another:  # noqa: BLE001 - see above; it is tried again
                    self._count(job, another)

    def forget(self, job: str) -> None:
        """Forget a job that has ended."""
        self._tries.pop(job, None)

    def _attempt(self, work: Callable[[], object]) -> None:
        try:
            work()
        except (Conflict, NotFound):
            self._notify()  # it was changed meanwhile: look again

    def _count(self, job: str, error: Exception) -> bool:
        """Count a fault; whether it was one too many."""
        self._log.report(f"{self._doing}: {job}", error)
        now = self._clock()
        tries = self._tries.get(job)
        if tries is None or now - tries.last > _FORGOTTEN_AFTER:
            tries = self._tries[job] = _Tries(0, now, now)
        if not isinstance(error, StoreUnavailable):
            tries.count += 1
        tries.last, tries.next_ = now, now + min(_PAUSE * 4.0 ** min(tries.count - 1, _TRIES), _LONGEST_PAUSE)
        return tries.count >= _TRIES


def result_of(future: Future[T]) -> T:
    """The result of a thread's work; raises an Exception, whatever was raised there."""
    error = future.exception()
    if error is not None and not isinstance(error, Exception):
        raise RuntimeError(f"a thread ended with {error!r}") from error
    return future.result()
