"""Locks that the kernel releases when their holder dies, and that can be tested without being taken.

Open-file-description locks: unlike flock(2) they can be tested without a moment in which the tester holds them (in which a
supervisor that just begins would find its lock taken), and unlike classic record locks they belong to the open file, not to the
process.
"""

import errno
import fcntl
import os
import struct
from pathlib import Path

_FLOCK = "hhqqi4x"
_NO_FILE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO}


def take(path: Path) -> int | None:
    """Lock a file, made if missing; its descriptor, which holds the lock until it is closed, or None if somebody has it.

    Raises OSError if something else than a file lies there.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    except (BlockingIOError, PermissionError):
        os.close(descriptor)
        return None
    return descriptor


def taken(path: Path) -> bool:
    """Whether somebody has locked a file; something else than a file nobody has."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _NO_FILE:
            return False
        raise
    try:
        answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    finally:
        os.close(descriptor)
    kind: int = struct.unpack(_FLOCK, answer)[0]
    return kind != fcntl.F_UNLCK
