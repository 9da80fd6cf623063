"""Prepares runs and starts them, each at most once, whatever becomes of this process meanwhile."""

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from local_emulator.domain.errors import EmulatorError
from local_emulator.engine.faults import result_of
from local_emulator.engine.workers import Workers
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.run import Executor, Run, RunState

P = ParamSpec("P")
T = TypeVar("T")

_CLAIMED_WITHIN = 10.0  # seconds from the start of a run to the claim of its supervisor
_CLOSES_WITHIN = 5.0  # seconds
_RESET_WITHIN = 10.0  # seconds that a reset waits for slow work


class EvidenceGoneError(EmulatorError):
    """A run that seemed not to have begun has left processes behind: it must not be begun again."""


class RunStarter:
    """The runs that are being prepared or started, by their ids, and the threads for slow work. For the loop's thread.

    Args:
        executor: Executes the runs.
        runs: The folder of their folders.
        threads: How many pieces of slow work may be done at a time.
        notify: Wakes the loop; called when slow work is done.
        steady: Seconds of a clock that nobody can set.
    """

    def __init__(
        self,
        *,
        executor: Executor,
        runs: Path,
        threads: int,
        notify: Callable[[], None],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.executor = executor
        self._runs = runs
        self._notify = notify
        self._steady = steady
        self._threads = Workers(threads)
        self._preparing: dict[str, Future[Run]] = {}
        self._started: dict[str, float] = {}

    def folder(self, run: str) -> RunFolder:
        """The folder of a run."""
        return RunFolder(self._runs / run)

    def state(self, run: str) -> RunState:
        """Last known state of a run."""
        return self.executor.state(self.folder(run).path)

    def slow(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do some work in a thread, then notify the loop."""
        future = self._threads.submit(work, *args, **kwargs)
        future.add_done_callback(lambda _: self._notify())
        return future

    def abandon(self, future: "Future[Any]") -> None:
        """Give up some work, which may hang."""
        self._threads.abandon(future)

    @property
    def preparing(self) -> "dict[str, Future[Run]]":
        """The runs in preparation."""
        return self._preparing

    def prepare(self, run: str, preparation: Callable[[Path], Run], *, again: bool = False) -> None:
        """Prepare a run in a thread; `again` if it may have been begun, in which case what is left of that is ended."""
        self._preparing[run] = self.slow(self._prepare, run, preparation, again=again)

    def _prepare(self, run: str, preparation: Callable[[Path], Run], *, again: bool) -> Run:
        path = self.folder(run).path
        if again and self.executor.kill(path):
            raise EvidenceGoneError(run)
        return preparation(path)

    def prepared(self, run: str) -> Run | None:
        """Take a run whose preparation is done; None if it is not done yet.

        Raises:
            RunError: It cannot be prepared.
            EvidenceGoneError: It must not be started.
        """
        if not self._preparing[run].done():
            return None
        return result_of(self._preparing.pop(run))

    def give_up_preparing(self, run: str) -> None:
        """Wait no more for a preparation, and remove what it has made once it ends."""
        preparing = self._preparing.pop(run)
        self._threads.abandon(preparing)
        preparing.add_done_callback(lambda _: self.folder(run).remove_results())

    def start(self, run: Run) -> None:
        """Start a run that is NEW."""
        self.executor.start(run)
        self._started[run.id] = self._steady()

    def started(self, run: str) -> bool:
        """Whether this process has started a run."""
        return run in self._started

    def lost(self, run: str) -> bool:
        """Whether the supervisor of a run that was started has died before it claimed the run."""
        return self._steady() - self._started[run] > _CLAIMED_WITHIN

    def withdraw(self, run: str) -> bool:
        """Withdraw a run, unless a supervisor claims it just now; it may then be prepared again."""
        if not self.folder(run).withdraw():
            return False
        self._started.pop(run, None)
        return True

    def forget(self, run: str) -> None:
        """Forget a run that has ended."""
        self._started.pop(run, None)
        self._preparing.pop(run, None)

    def reset(self) -> None:
        """Give up and forget everything."""
        preparing = [*self._preparing.values()]
        for future in preparing:
            future.cancel()
        wait(preparing, timeout=_RESET_WITHIN)
        self._preparing.clear()
        self._started.clear()

    def close(self) -> None:
        """Finish slow work, but for what hangs, which the next emulator does again; runs go on."""
        self._threads.close(_CLOSES_WITHIN)
