"""A FIFO that wakes the loop. It only saves waiting: a lost notification loses nothing."""

import os
import select
from pathlib import Path
from types import TracebackType
from typing import Self


class Wakeup:
    """A FIFO at `path`. Supervisors write the id of their run to it; the API writes an empty line."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        os.mkfifo(path, 0o600)
        self.path = path
        # Open for both directions: it never reports an end of file, and a notification before the first wait is kept.
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def notify(self) -> None:
        """Wake the loop. A full FIFO means that it is awake already."""
        try:
            os.write(self._fd, b"\n")
        except (BlockingIOError, OSError):
            return

    def wait(self, timeout: float | None) -> bool:
        """Sleep until a notification or for `timeout` seconds; whether there was a notification."""
        ready, _, _ = select.select([self._fd], [], [], timeout)
        if not ready:
            self._put_back()
            return False
        try:
            while len(os.read(self._fd, 65536)) == 65536:  # noqa: PLR2004 - as much as one read takes
                pass
        except BlockingIOError:
            pass
        return True

    def _put_back(self) -> None:
        """Make the FIFO again if it was removed or replaced, by a run for example."""
        try:
            if self.path.exists() and os.path.samestat(self.path.lstat(), os.fstat(self._fd)):
                return
            self.path.unlink(missing_ok=True)
            os.mkfifo(self.path, 0o600)
            new = os.open(self.path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return  # it only saves waiting
        os.dup2(new, self._fd, inheritable=False)  # under the same number: other threads may be notifying
        os.close(new)

    def close(self) -> None:
        """Remove the FIFO; a later `notify` does nothing."""
        os.close(self._fd)
        self.path.unlink(missing_ok=True)
