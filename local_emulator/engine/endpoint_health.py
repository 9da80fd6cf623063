"""Whether programs that serve still answer `/ping`, as AWS asks its containers for as long as they run.

A program with one thread cannot answer while it computes: it counts as hung only when it has been silent for longer than an
invocation may take. AWS does not say after how many pings it begins a container again.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Future

_PING_EVERY = 10.0  # seconds
HUNG_AFTER = 90.0  # seconds of silence; an invocation has 60
HUNG_AFTER_ASYNC = 3690.0  # of an asynchronous endpoint an hour


@dataclass
class _Pulse:
    heard: float
    asked: float
    answer: "Future[bool] | None" = None


class HealthWatch:
    """Asks programs by their runs, never one twice at a time. For the loop's thread.

    Args:
        ping: Whether a program answers on a port.
        slow: Does that in a thread.
        steady: Seconds of a clock that nobody can set.
    """

    def __init__(
        self,
        ping: Callable[[int], bool],
        slow: Callable[[Callable[[], bool]], "Future[bool]"],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ping = ping
        self._slow = slow
        self._steady = steady
        self._pulses: dict[str, _Pulse] = {}

    def is_hung(self, run: str, ports: Sequence[int], after: float) -> bool:
        """Whether a program has been silent for so many seconds; asks it again if it is time."""
        now = self._steady()
        pulse = self._pulses.setdefault(run, _Pulse(heard=now, asked=now))
        if pulse.answer is not None and pulse.answer.done():
            answer, pulse.answer = pulse.answer, None
            if answer.exception() is not None or answer.result():  # what could not be asked is not to blame
                pulse.heard = now
        if pulse.answer is None and now - pulse.asked >= _PING_EVERY:
            pulse.asked = now
            pulse.answer = self._slow(lambda: all(map(self._ping, ports)))
        return now - pulse.heard >= after

    def forget(self, run: str) -> None:
        """Forget a program that has ended."""
        self._pulses.pop(run, None)

    def reset(self) -> None:
        """Forget all."""
        self._pulses.clear()
