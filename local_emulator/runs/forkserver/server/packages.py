"""Notices when the files that modules were imported from change: inotify tells, or else their times are compared."""

from __future__ import annotations

import ctypes
import os
import select
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_QUIET = 1.0  # seconds without a change after which an installation is taken to be over
# inotify's: modified, attributes, written, moved from and to, created, deleted
_CHANGES = 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200

_libc = ctypes.CDLL(None, use_errno=True)


class PackageWatch:
    """Watches the folders of all modules that are imported, and those that modules are looked for in.

    `inotify` is the descriptor of its watches; -1 if they are too many for the kernel.
    """

    def __init__(self) -> None:
        self._times = _modification_times()
        self.inotify = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        for path in self._times:
            folder = path if os.path.isdir(path) else os.path.dirname(path)  # noqa: PTH112, PTH120 - pathlib is not imported here
            watched = self.inotify >= 0 and _libc.inotify_add_watch(self.inotify, os.fsencode(folder), _CHANGES) >= 0
            if not watched and os.path.exists(folder):  # noqa: PTH110 - see above
                self.close()

    def close(self) -> None:
        """Watch no longer."""
        if self.inotify >= 0:
            os.close(self.inotify)
        self.inotify = -1

    @property
    def changed(self) -> bool:
        """Whether any file has changed."""
        if self.inotify >= 0:
            poll = select.poll()
            poll.register(self.inotify, select.POLLIN)
            return bool(poll.poll(0))
        return self._times != _modification_times(self._times)

    def wait_until_quiet(self) -> None:
        """Wait until an installation that is going on is over."""
        if self.inotify < 0:
            return
        poll = select.poll()
        poll.register(self.inotify, select.POLLIN)
        while poll.poll(_QUIET * 1000):
            os.read(self.inotify, 1 << 16)
            time.sleep(_QUIET / 10)


def _modification_times(paths: Iterable[str] | None = None) -> dict[str, int]:
    """Path -> nanoseconds: of the files of all modules and the folders of `sys.path`, if none are given."""
    if paths is None:
        files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
        paths = {path for path in (*sys.path, *files) if isinstance(path, str) and path}
    times = {}
    for path in paths:
        try:
            times[path] = os.stat(path).st_mtime_ns  # noqa: PTH116 - see above
        except OSError:
            times[path] = 0
    return times
