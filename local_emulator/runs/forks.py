"""Forks on a machine that is short of processes or memory for a moment."""

import errno
import os
import time

_WITHIN = 10.0  # seconds
_AGAIN_AFTER = 0.05  # seconds
_SHORT = {errno.EAGAIN, errno.ENOMEM}


def fork() -> int:
    """`os.fork`, tried again for some seconds; raises OSError if there is no process for so long."""
    deadline = time.monotonic() + _WITHIN
    while True:
        try:
            return os.fork()
        except OSError as error:
            if error.errno not in _SHORT or time.monotonic() > deadline:
                raise
        time.sleep(_AGAIN_AFTER)
