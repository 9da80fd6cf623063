"""One server process: it has imported the modules, keeps a run parent waiting for the next run, and learns from runs.

It forks a run parent before there is a run, and another one when a run has taken that.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import time
from typing import TYPE_CHECKING, Any, NoReturn

from .imports import ImportWatch, top_level
from .messages import listen, send
from .priority import low_priority
from .run_parent import serve_one_run
from .state import State

if TYPE_CHECKING:
    import socket

    from .exclusions import Exclusions

STALE, EXCLUDES_MORE = 3, 4
"""Exit codes of a server: packages have changed; packages must be excluded."""

_IDLE = 600.0  # seconds without a run, after which the server ends
_CHECK_SOCKET = 10.0  # seconds between checks whether the socket is still there
_MOST_LEARNED = 2000  # modules


class Server:
    """Serves at `path` until `alive` can be read, i.e. its owner is gone. `progress` is a file for what a restart needs to know."""

    def __init__(self, path: str, state: State, *, alive: int, progress: int) -> None:
        self._path = path
        self._state = state
        self._alive = alive
        self._progress = progress
        self._learned = 0
        self._last_used = time.monotonic()
        self._dismiss = self._waiting = self._run_parent = -1
        self._listener = listen(path)

    def run(self) -> NoReturn:
        """Serve until the owner is gone, or no run has come for long."""
        self._fork_run_parent()
        notices = self._state.notices.fileno()
        while True:
            poll, inotify = select.poll(), self._state.packages.inotify
            for descriptor in (self._alive, notices, self._waiting, *([inotify] if inotify >= 0 else [])):
                poll.register(descriptor, select.POLLIN)
            ready = {descriptor for descriptor, _ in poll.poll(_CHECK_SOCKET * 1000)}
            if self._alive in ready or time.monotonic() - self._last_used > _IDLE:
                self._stop_listening()
                os._exit(0)
            if inotify in ready:
                self._end_stale()
            if notices in ready:
                self._handle(json.loads(self._state.notices.recv(1 << 20)))
            elif self._waiting in ready:  # killed by somebody
                self._fork_run_parent()
            elif not ready and not os.path.exists(self._path):  # noqa: PTH110 - pathlib is not imported here
                self._listen_again()  # a supervisor had waited too long, and removed the socket so that others do not

    def _fork_run_parent(self) -> None:
        """Fork the next run parent; the last one ends, unless it has a run."""
        if self._dismiss >= 0:
            os.close(self._dismiss)
            os.close(self._waiting)
        dismissed, self._dismiss = os.pipe2(os.O_CLOEXEC)
        self._run_parent = os.fork()
        if self._run_parent == 0:
            try:
                os.close(self._dismiss)
                serve_one_run(self._state, self._listener, dismissed)
            finally:
                os._exit(1)
        os.close(dismissed)
        self._waiting = os.pidfd_open(self._run_parent)

    def _stop_listening(self) -> None:
        """Serve nobody, and refuse supervisors that wait already."""
        with contextlib.suppress(OSError):
            os.unlink(self._path)  # noqa: PTH108 - see above
        self._listener.setblocking(False)
        with contextlib.suppress(OSError):
            while True:
                connection: socket.socket
                connection, _ = self._listener.accept()
                with connection:
                    send(connection, {"refused": "its server is not ready"})

    def _listen_again(self) -> None:
        self._listener.close()
        self._listener = listen(self._path)
        self._fork_run_parent()

    def _end_stale(self) -> NoReturn:
        self._stop_listening()
        self._state.packages.wait_until_quiet()
        os._exit(STALE)

    def _handle(self, notice: dict[str, Any]) -> None:
        self._last_used = time.monotonic()
        if "packages" in notice:
            self._end_stale()
        elif "imported" in notice:
            self._learn(notice["imported"])
        elif "sources" in notice:
            added = [self._state.compiled.add(path, file) for path, file in notice["sources"].items()]
            if any(added):
                self._fork_run_parent()
        elif notice["taken"] == self._run_parent:
            self._fork_run_parent()

    def _learn(self, names: list[str]) -> None:
        """Import what a run has imported, as the next one will import it too."""
        known, exclusions = self._state.modules, self._state.exclusions
        new = [name for name in names if name not in known and name not in exclusions]
        new = new[: _MOST_LEARNED - self._learned]
        if not new:
            return
        self._stop_listening()
        self._learned += len(new)
        before = {top_level(name) for name in known}
        self._state.thaw()
        with ImportWatch(exclusions.packages, self._progress) as watch:
            watch.import_all(new)
        if watch.unfit:  # a package that is fine by itself stays; only what runs import of it later is not learned any more
            excluded = watch.exclusions()
            submodules = {name: why for name, why in excluded.items() if name in before}
            packages = {name: why for name, why in excluded.items() if name not in before}
            end_with_exclusions(self._progress, packages, submodules)
        self._state.freeze()
        self._listen_again()


def serve(
    path: str, modules: list[str], marker: int, exclusions: Exclusions, *, alive: int, progress: int, lower_priority: bool
) -> NoReturn:
    """Import the modules, then serve; `marker` is the address of the run marker, `alive` and `progress` are descriptors."""
    with low_priority(allowed=lower_priority):
        with ImportWatch(exclusions.packages, progress) as watch:
            watch.import_all(modules)
        if watch.unfit:
            end_with_exclusions(progress, watch.exclusions(), {})
    Server(path, State(marker, exclusions), alive=alive, progress=progress).run()


def end_with_exclusions(progress: int, packages: dict[str, str], submodules: dict[str, str]) -> NoReturn:
    """End this server: another one has to exclude these."""
    os.pwrite(progress, json.dumps({"packages": packages, "submodules": submodules}).encode(), 0)
    os._exit(EXCLUDES_MORE)
