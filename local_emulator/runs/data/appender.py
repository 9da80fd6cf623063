"""Appends to a file on a disk that may be full."""

import os
from pathlib import Path

from local_emulator.runs.disk import FULL

_MOST = 1 << 20  # bytes that wait for space


class Appender:
    """Appends whole lines to a file. What a full disk does not take waits in memory and is tried again with what follows."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._waiting = bytearray()

    @property
    def full(self) -> bool:
        """Whether something waits for space."""
        return bool(self._waiting)

    def write(self, content: bytes) -> None:
        """Append lines; those that would make more wait than is kept in memory are dropped."""
        if len(self._waiting) + len(content) <= _MOST or not self._waiting:
            self._waiting += content
        try:
            while self._waiting:
                del self._waiting[: os.write(self._file, self._waiting)]
        except OSError as error:
            if error.errno not in FULL:
                raise

    def close(self) -> None:
        """Try a last time to write what waits, and close the file."""
        self.write(b"")
        os.close(self._file)
