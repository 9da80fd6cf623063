"""A few threads for slow work. A thread that hangs delays neither the end of the process nor, once abandoned, other work."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Workers:
    """At most `most` pieces of work at a time, in order of submission. Safe to use from several threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._running: set[Future[Any]] = set()
        self._abandoned: set[Future[Any]] = set()
        self._refused: deque[tuple[Future[Any], RuntimeError]] = deque()  # work for which no thread could be had
        self._closed = False

    def submit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do some work as soon as a thread is free; the future raises RuntimeError if the machine has no thread for it."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                future.cancel()
                return future
            self._waiting.append((future, lambda: work(*args, **kwargs)))
            self._start()
        self._refuse()
        return future

    def abandon(self, *futures: "Future[Any]") -> None:
        """Give up some work: what has not begun never will, and what goes on does not count towards the limit."""
        going_on = [future for future in futures if not future.cancel()]  # all, before one that goes on makes room for another
        with self._lock:
            self._abandoned |= self._running.intersection(going_on)
            self._start()
        self._refuse()

    def close(self, seconds: float) -> None:
        """Begin nothing more, and wait for what goes on for at most that many seconds; the rest ends with the process."""
        with self._lock:
            self._closed = True
            waiting, self._waiting = self._waiting, deque()
            running = self._running - self._abandoned
        for future, _ in waiting:
            future.cancel()
        wait(running, timeout=seconds)

    def _start(self) -> None:
        while self._waiting and len(self._running) - len(self._abandoned) < self._most:
            future, work = self._waiting.popleft()
            if future.set_running_or_notify_cancel():
                self._running.add(future)
                # A daemon: Python would wait for any other at its end, however long.
                thread = threading.Thread(target=self._work, args=(future, work), name="runs", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # this machine has no more threads, now
                    self._running.discard(future)
                    self._refused.append((future, error))

    def _work(self, future: "Future[Any]", work: Callable[[], Any]) -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - it is raised again where the result is asked for
            self._end(future)
            future.set_exception(error)
        else:
            self._end(future)
            future.set_result(result)

    def _end(self, future: "Future[Any]") -> None:
        with self._lock:
            self._running.discard(future)
            self._abandoned.discard(future)
            self._start()
        self._refuse()

    def _refuse(self) -> None:
        """Let who waits for work that has no thread know it; not under the lock, for what they do then may need it."""
        while True:
            try:
                future, error = self._refused.popleft()
            except IndexError:
                return
            future.set_exception(error)
