"""What the forks of a server inherit: what is imported and compiled, how they are found, and how they notify the server."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import itertools
import json
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

from .compiled import CompiledSources
from .messages import MARKER
from .packages import PackageWatch

if TYPE_CHECKING:
    from .exclusions import Exclusions

ROOM = "0" * 200
"""The marker's value when a server starts: as wide as any run's id."""

_LAST = "sys"  # the last of `sys.modules` when a fork begins: no script removes or replaces it

_libc = ctypes.CDLL(None, use_errno=True)


class State:
    """A server's state at a fork."""

    def __init__(self, marker: int, exclusions: Exclusions) -> None:
        self._marker = marker
        self.exclusions = exclusions
        self.paths = tuple(sys.path)
        self.compiled = CompiledSources()
        self.notices, self._notifying = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.freeze()

    def freeze(self) -> None:
        """Take what is imported now for what forks inherit."""
        self.sigchld_handler = signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # run parents need not be waited for
        with contextlib.suppress(ChildProcessError):  # but processes that ended during the imports
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        sys.modules[_LAST] = sys.modules.pop(_LAST)
        self.modules = frozenset(sys.modules)
        self.top_level = {name.partition(".")[0] for name in self.modules} - {"__main__"}
        self.packages = PackageWatch()
        gc.collect()
        gc.freeze()  # a collection in a script leaves alone what was there before it

    def thaw(self) -> None:
        """Prepare for more imports; `freeze` follows."""
        self.packages.close()
        signal.signal(signal.SIGCHLD, self.sigchld_handler)

    def imported_since(self) -> list[str]:
        """In a fork: the names of the modules that were imported after `freeze`.

        They stand at the end of `sys.modules`. Looking at the others too would take longer than most scripts' end: a reference counted
        in memory that the fork shares is a page copied.
        """
        try:
            new = list(itertools.takewhile(lambda name: name != _LAST, reversed(sys.modules)))
        except RuntimeError:  # a daemon thread imports meanwhile
            new = list(sys.modules)[::-1]
        return [name for name in new if name not in self.modules]

    def set_run_marker(self, run: str) -> None:
        """In a fork: show a run's id in /proc/PID/environ."""
        value = run.encode() + b"\0"
        ctypes.memmove(self._marker, value, len(value))

    def notify(self, notice: dict[str, Any]) -> None:
        """In a fork: tell the server something, unless its queue is full or it is gone."""
        with contextlib.suppress(OSError):
            self._notifying.send(json.dumps(notice).encode(), socket.MSG_DONTWAIT)

    def close_descriptors(self) -> None:
        """In a fork: close all but the standard streams and what `notify` needs."""
        notifying = self._notifying.fileno()
        os.closerange(3, notifying)
        os.closerange(notifying + 1, 1 << 16)


def find_marker() -> int:
    """The address of the marker's value that /proc/PID/environ shows; takes the marker out of `os.environ`."""
    environ = ctypes.POINTER(ctypes.c_void_p).in_dll(_libc, "environ")
    prefix = f"{MARKER}=".encode()
    for index in itertools.count():
        address: int | None = environ[index]
        if address is None:
            raise LookupError(MARKER)
        if ctypes.string_at(address).startswith(prefix):
            os.environ.pop(MARKER)
            return address + len(prefix)
    raise AssertionError
