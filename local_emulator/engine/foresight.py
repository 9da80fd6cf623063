"""Lets strategies that take their time think ahead while training jobs run, in a thread of its own."""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from local_emulator.domain.history import History
from local_emulator.domain.tuning import TuningJob
from local_emulator.strategies.ahead import Ahead
from local_emulator.strategies.base import Strategy

_SHARE = 0.05  # of the time at most: the processors are the training jobs'


class Foresight:
    """One thought at a time, and only if the last one was long enough ago."""

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._thought: Future[None] | None = None
        self._not_before = 0.0

    def consider(self, job: TuningJob, history: History, strategies: Sequence[Strategy]) -> None:
        """Think about a tuning job for which there is nothing to do just now, if there is a use for it."""
        (mind, *others) = strategies
        over = job.plan.max_jobs is not None and len(history.trials) >= job.plan.max_jobs
        if others or over or not isinstance(mind, Ahead) or time.monotonic() < self._not_before:
            return
        if self._thought is None or self._thought.done():
            self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="foresight")
            self._thought = self._thread.submit(self._think, mind, history)

    def _think(self, mind: Ahead, history: History) -> None:
        begun = time.monotonic()
        mind.think(history)
        ended = time.monotonic()
        self._not_before = ended + (ended - begun) / _SHARE

    def close(self) -> None:
        """End when the thought in hand has ended."""
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)
