"""The main process of the fork server: it imports nothing, and forks one server after another until one can serve.

A server ends when it has found a package that must be excluded, when packages have changed, or when an import kills it. The next
one is forked from a process without any of those imports, so it begins like a new interpreter.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
from typing import Any, NoReturn

from .exclusions import Exclusions
from .messages import MARKER, NO_SERVER, NOT_NOW
from .priority import can_lower_priority
from .serving import EXCLUDES_MORE, STALE, serve
from .state import ROOM, find_marker

_PR_SET_PDEATHSIG = 1
_MOST_SERVERS = 5  # for one set of imports, until none is started any more

_libc = ctypes.CDLL(None, use_errno=True)


def main(program: str) -> None:
    """Have a server until the process behind standard input ends, or no run comes for long, or none is to be had.

    Args:
        program: The file that has started this process.
    """
    for number in range(1, signal.NSIG):  # what the process that started the emulator ignores
        if number not in {signal.SIGPIPE, signal.SIGXFSZ} and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    try:
        _Restarts(program, json.loads(sys.argv[1])).run()
    except BlockingIOError:  # no process, for now
        sys.exit(NOT_NOW)


class _Restarts:
    def __init__(self, program: str, settings: dict[str, Any]) -> None:
        self._program = program
        self._settings = settings
        self._modules: list[str] = settings["modules"]
        self._marker = find_marker()
        self._exclusions = Exclusions(settings["exclusions"])
        self._can_lower_priority = can_lower_priority()
        self._progress = os.memfd_create("progress", os.MFD_CLOEXEC)  # what a server is importing, then what it has found
        self._alive = os.dup(0)  # can be read when our owner has ended
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    def run(self) -> NoReturn:
        for _ in range(_MOST_SERVERS):
            if self._exclusions.is_without_server(self._modules):
                os._exit(NO_SERVER)
            os.ftruncate(self._progress, 0)
            code = self._wait(self._fork())
            with contextlib.suppress(OSError):
                os.unlink(self._settings["socket"])  # noqa: PTH108 - pathlib is not imported here
            if code == 0:
                os._exit(0)
            if code == STALE:
                self._restart_program()
            progress = json.loads(os.pread(self._progress, 1 << 20, 0) or b"{}")
            if code == -signal.SIGKILL or not progress:
                os._exit(NOT_NOW)  # not the doing of an import
            if not self._exclude(code, progress):
                break
        self._exclusions.add_without_server(self._modules)
        _log("there is no server for these imports")
        os._exit(NO_SERVER)

    def _fork(self) -> int:
        parent = os.getpid()
        child = os.fork()
        if child:
            return child
        try:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() == parent:
                self._serve()
        finally:
            os._exit(1)

    def _serve(self) -> NoReturn:
        serve(
            self._settings["socket"],
            self._modules,
            self._marker,
            self._exclusions,
            alive=self._alive,
            progress=self._progress,
            lower_priority=self._can_lower_priority,
        )

    def _wait(self, child: int) -> int:
        """The exit code of a server; if our owner ends before, so does this process, and the server with it."""
        process = os.pidfd_open(child)
        poll = select.poll()
        poll.register(self._alive, select.POLLIN)
        poll.register(process, select.POLLIN)
        if self._alive in {descriptor for descriptor, _ in poll.poll()}:
            os._exit(0)
        os.close(process)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def _exclude(self, code: int, progress: dict[str, Any]) -> bool:
        """Add what a server has found to the exclusions; whether any is new, so that another server may do better."""
        packages, submodules = progress.get("packages", {}), progress.get("submodules", {})
        if code != EXCLUDES_MORE:  # it died
            *importers, package = progress["importing"]
            packages = dict.fromkeys(importers, f"imports {package}")
            packages[package] = "hangs" if code == -signal.SIGALRM else f"ends the process ({code})"
        for name, why in {**packages, **submodules}.items():
            _log(f"{name} is left to the scripts: it {why}")
        return self._exclusions.add(packages, submodules)

    def _restart_program(self) -> NoReturn:
        os.dup2(self._alive, 0)
        arguments = [sys.executable, self._program, json.dumps(self._settings)]
        os.execve(sys.executable, arguments, {**os.environ, MARKER: ROOM})  # noqa: S606 - ourselves


def _log(text: str) -> None:
    with contextlib.suppress(OSError):  # a full disk
        os.write(2, f"{text}\n".encode())
