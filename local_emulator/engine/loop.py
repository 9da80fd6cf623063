"""The loop: one thread in which each mover moves what it can; then it sleeps until a notification or a deadline."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple, TypeVar

from local_emulator.engine.events import EventPublisher
from local_emulator.engine.faults import FaultLog
from local_emulator.engine.mover import Mover, look_again
from local_emulator.engine.wakeup import Wakeup

T = TypeVar("T")
F = TypeVar("F")

_CALM = 2  # steps, or one without news: in the first the tuner may have made jobs, which the second has begun to prepare
_AFTER_A_FAULT = 0.5  # seconds: a fault of our own (a full disk, say) must not spin


class _Step(NamedTuple):
    """Whether any job was added or has changed its status, and seconds until time alone may change something, None for never."""

    news: bool
    timeout: float | None


class Loop:
    """Runs in a thread of its own from `start` to `close`; the movers are asked in their order."""

    def __init__(
        self,
        *,
        wakeup: Wakeup,
        movers: Sequence[Mover],
        events: EventPublisher,
        log: FaultLog,
        idle: Callable[[], None],
        scale: float = 1.0,
    ) -> None:
        self._wakeup = wakeup
        self._movers = movers
        self._events = events
        self._log = log
        self._idle = idle
        self._look_again = look_again(scale)
        self._closing = threading.Event()
        self._stepping = threading.Lock()
        self._stepped = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """End after the current step; runs go on."""
        self._closing.set()
        self._wakeup.notify()
        self._thread.join()
        with self._stepping:  # somebody who settles may be in the last step
            pass
        for mover in self._movers:
            mover.close()

    def reset(self) -> None:
        """Have everything forgotten. Called while it is paused.

        The first mover, which clears the folders of all runs, comes last: the others end what they prepare there before.
        """
        for mover in reversed(self._movers):
            mover.reset()
        self._events.reset()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Between two steps: nothing is moved until the context ends."""
        with self._stepping:
            yield
        self._wakeup.notify()

    def wait(self, over: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is so, which is asked after every step, or the time is over; whether it is so."""
        with self._stepped:
            return self._stepped.wait_for(over, seconds)

    def settle(self) -> None:
        """Take steps until there is nothing more to do, or the loop ends. Not to be called by the loop's own threads.

        The steps are taken in the caller's thread: handing over to the loop's takes longer than a step.
        """
        calm = 0
        while calm < _CALM and not self._closing.is_set():
            news = self._step().news
            if not self._unsettled():
                calm = calm + 1 if news else _CALM
                continue
            calm = 0
            with self._stepped:
                self._stepped.wait_for(lambda: not self._unsettled() or self._closing.is_set(), self._look_again)
        self._tidy()

    def _unsettled(self) -> bool:
        return any(mover.unsettled for mover in self._movers)

    def _run(self) -> None:
        for mover in self._movers:
            self._attempt(f"beginning with {mover.moves}", mover.begin)
        while not self._closing.is_set():
            timeout = self._step().timeout
            if not self._wait(0):
                self._tidy()
                self._wait(timeout)

    def _wait(self, timeout: float | None) -> bool | None:
        """Whether there was a notification; None if it could not be waited for one."""
        return self._attempt("waiting", partial(self._wakeup.wait, timeout))

    def _step(self) -> _Step:
        """Move everything as far as it goes now."""
        with self._stepping:
            if self._closing.is_set():
                return _Step(news=False, timeout=None)
            # A fault of a single record does not get here; one of the store does.
            deadlines = [self._attempt(f"moving {mover.moves}", mover.step, self._look_again) for mover in self._movers]
            timeout = min((seconds for seconds in deadlines if seconds is not None), default=None)
            news = self._attempt("sending events", self._events.step)
            if timeout is None:
                self._attempt("looking at the clock", self._idle)
        with self._stepped:
            self._stepped.notify_all()
        return _Step(news=news is not False, timeout=timeout)

    def _tidy(self) -> None:
        """Remove what ended runs have left. Not beside a step in another thread, which may add to it."""
        with self._stepping:
            for mover in self._movers:
                self._attempt(f"tidying up after {mover.moves}", mover.tidy)

    def _attempt(self, doing: str, work: Callable[[], T], failed: F | None = None) -> T | F | None:
        """Do a part of a step; `failed` if it raised."""
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - the loop must outlive any fault; the next step compares afresh
            self._log.report(doing, error)
            self._closing.wait(_AFTER_A_FAULT)
            return failed
