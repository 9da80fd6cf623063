"""Reports faults of the server on standard error: repetitions once a minute, with their number."""

import logging
import sys
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_MOST_KINDS = 1000


@dataclass
class _Kind:
    since: float
    left_out: int = 0


class Faults:
    """Reports faults on standard error, each kind at most once in `every` seconds."""

    def __init__(self, every: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = every
        self._clock = clock
        self._kinds: OrderedDict[str, _Kind] = OrderedDict()
        self._lock = threading.Lock()

    def report(self, kind: str, text: str) -> None:
        """Print a text, unless one of this kind was printed less than `every` seconds ago."""
        with self._lock:
            now = self._clock()
            known = self._kinds.get(kind)
            if known is not None and now - known.since < self._every:
                known.left_out += 1
                return
            more = f" ({known.left_out} more like it before)" if known is not None and known.left_out else ""
            self._kinds[kind] = _Kind(now)
            self._kinds.move_to_end(kind)
            while len(self._kinds) > _MOST_KINDS:
                self._kinds.popitem(last=False)
        print(text.rstrip("\n") + more, file=sys.stderr, flush=True)  # noqa: T201 - the server's log

    def failed(self, error: BaseException) -> None:
        """Print the traceback of an exception of the emulator; its kind is the line that raised it."""
        self.report(f"{type(error).__name__} {_origin(error)}", "".join(traceback.format_exception(error)))

    def failed_elsewhere(self, what: str, error: BaseException) -> None:
        """Print in one line that code of a dependency failed, and where."""
        self.report(f"{type(error).__name__} {_origin(error)}", f"{what}: {type(error).__name__} at {_origin(error)}")


def _origin(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown line"


class _Handler(logging.Handler):
    def __init__(self, faults: Faults) -> None:
        super().__init__(logging.WARNING)
        self._faults = faults

    def emit(self, record: logging.LogRecord) -> None:
        self._faults.report(f"{record.name} {record.pathname}:{record.lineno}", self.format(record))


@contextmanager
def logged(faults: Faults, *names: str) -> Iterator[None]:
    """Report warnings of these loggers as faults."""
    handler = _Handler(faults)
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.propagate for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, propagate in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.propagate = propagate
