"""The loop: one thread that moves training jobs, then tuning jobs, then sleeps until a notification or a deadline."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

from local_emulator.engine.events import EventPublisher
from local_emulator.engine.faults import FaultLog
from local_emulator.engine.training_lifecycle import TrainingLifecycle
from local_emulator.engine.tuner import Tuner
from local_emulator.engine.wakeup import Wakeup

T = TypeVar("T")

_LOOK_AGAIN = 1.0  # seconds: while something runs, evidence is compared this often even without a notification
_AT_MOST_EVERY = 0.02  # seconds between such looks where the time of day runs faster than real time
_CALM = 2  # steps, or one without news: in the first the tuner may have made jobs, which the second has begun to prepare
_AFTER_A_FAULT = 0.5  # seconds: a fault of our own (a full disk, say) must not spin


class _Step(NamedTuple):
    """Whether any job was added or has changed its status, and seconds until time alone may change something, None for never."""

    news: bool
    timeout: float | None


class Loop:
    """Runs in a thread of its own from `start` to `close`."""

    def __init__(
        self,
        *,
        wakeup: Wakeup,
        lifecycle: TrainingLifecycle,
        tuner: Tuner,
        events: EventPublisher,
        log: FaultLog,
        idle: Callable[[], None],
        scale: float = 1.0,
    ) -> None:
        self._wakeup = wakeup
        self._lifecycle = lifecycle
        self._tuner = tuner
        self._events = events
        self._log = log
        self._idle = idle
        self._look_again = min(_LOOK_AGAIN, max(_LOOK_AGAIN / scale, _AT_MOST_EVERY))
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
        self._lifecycle.close()

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
            if not self._lifecycle.unsettled:
                calm = calm + 1 if news else _CALM
                continue
            calm = 0
            with self._stepped:
                self._stepped.wait_for(lambda: not self._lifecycle.unsettled or self._closing.is_set(), _LOOK_AGAIN)
        self._tidy()

    def _run(self) -> None:
        self._attempt("sweeping", self._lifecycle.sweep)
        while not self._closing.is_set():
            timeout = self._step().timeout
            if not self._wakeup.wait(0):
                self._tidy()
                self._wakeup.wait(timeout)

    def _step(self) -> _Step:
        """Move everything as far as it goes now."""
        with self._stepping:
            if self._closing.is_set():
                return _Step(news=False, timeout=None)
            # A fault of a single job does not get here; one of the store does.
            busy = self._attempt("moving training jobs", self._lifecycle.step)
            deadline = self._attempt("moving tuning jobs", self._tuner.step)
            news = self._attempt("sending events", self._events.step)
            if busy is False and deadline is None:
                self._attempt("looking at the clock", self._idle)
        with self._stepped:
            self._stepped.notify_all()
        timeouts = [seconds for seconds in (deadline, self._look_again if busy is not False else None) if seconds is not None]
        return _Step(news=news is not False, timeout=min(timeouts, default=None))

    def _tidy(self) -> None:
        """Remove what ended runs have left. Not beside a step in another thread, which may add to it."""
        with self._stepping:
            self._attempt("removing results", self._lifecycle.tidy)

    def _attempt(self, doing: str, work: Callable[[], T]) -> T | None:
        """Do a part of a step; None if it raised."""
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - the loop must outlive any fault; the next step compares afresh
            self._log.report(doing, error)
            self._closing.wait(_AFTER_A_FAULT)
            return None
