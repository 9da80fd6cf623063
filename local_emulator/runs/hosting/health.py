"""Whether a serving program is up."""

import time
from collections.abc import Callable
from contextlib import suppress

from local_emulator.runs.hosting.backends import BackendGone, Backends, BackendTimeout

_PING_SECONDS = 2.0  # within which AWS wants `/ping` answered
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.2  # seconds between two pings
_OK = 200


def ping(backends: Backends, port: int) -> bool:
    """Whether a program answers `/ping` with 200, in time; raises BackendGone if it cannot be asked (`short`)."""
    try:
        answer = backends.request(port, "GET", "/ping", {}, b"", _PING_SECONDS)
        answer.read(2**20)
    except BackendGone as gone:
        if gone.short is not None:
            raise
        return False
    except BackendTimeout:
        return False
    return answer.status == _OK


def wait_until_healthy(backends: Backends, port: int, seconds: float, goes_on: Callable[[], bool]) -> bool:
    """Ping until a program is up, its time is over, or it need not go on; whether it is up."""
    deadline, pause = time.monotonic() + seconds, _FIRST_PAUSE
    while goes_on():
        with suppress(BackendGone):
            if ping(backends, port):
                return True
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_PAUSE)
    return False
