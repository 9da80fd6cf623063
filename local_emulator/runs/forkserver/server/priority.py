"""Lower priority for imports, which nobody waits for, than for training jobs."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NICE = 10


def can_lower_priority() -> bool:
    """Whether this process may lower its priority and raise it again: root may, others rarely. Tried in a fork."""
    child = os.fork()
    if child == 0:
        try:
            with low_priority(allowed=True):
                pass
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


@contextlib.contextmanager
def low_priority(*, allowed: bool) -> Iterator[None]:
    """Run the body at a lower priority, if that is allowed."""
    priority = os.getpriority(os.PRIO_PROCESS, 0)
    if allowed:
        os.setpriority(os.PRIO_PROCESS, 0, priority + _NICE)
    try:
        yield
    finally:
        if allowed:
            os.setpriority(os.PRIO_PROCESS, 0, priority)
