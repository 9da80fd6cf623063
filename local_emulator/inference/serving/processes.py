"""The processes that serve: a master, and workers that it forks, which load the model and accept connections."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import sys
import time
import traceback
from typing import TYPE_CHECKING, NoReturn

from .server import Server

if TYPE_CHECKING:
    from collections.abc import Callable

    from .messages import Application
    from .server import AccessLog

_PR_SET_PDEATHSIG = 1
_GRACE = 5.0  # seconds for requests that are being answered when the process is to end
_KILLED_AFTER = 2.0  # seconds more
_BEFORE_ANOTHER = 0.5  # seconds from the end of a worker to the next, so that one that always dies costs little
_FAILED_TO_LOAD = 3  # gunicorn's code of a worker that failed to boot
_DEFAULT_PORT = 8080


def run(make: Callable[[], Application], access_log: AccessLog) -> NoReturn:
    """Serve until SIGTERM: 0 then, 3 if the model could not be loaded.

    The environment says where: `SAGEMAKER_BIND_TO_PORT`, and `SAGEMAKER_BIND_TO_HOST` (this machine's own address by default). It says
    by `SAGEMAKER_MODEL_SERVER_WORKERS` how many processes there are (one; in AWS one for each core of the instance).
    """
    with contextlib.suppress(AttributeError, ValueError):  # whoever reads the log reads it now
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    port = _number("SAGEMAKER_BIND_TO_PORT", _DEFAULT_PORT)
    workers = _number("SAGEMAKER_MODEL_SERVER_WORKERS", 1)
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((os.environ.get("SAGEMAKER_BIND_TO_HOST", "127.0.0.1"), port))
    except OSError as error:
        sys.exit(f"The port {port} of SAGEMAKER_BIND_TO_PORT cannot be used: {error.strerror}")
    # As long as nobody listens, any user's program could bind the port too, listen first, and get the requests.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    _Master(make, access_log, bound, workers).run()


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, "").strip() or str(default)
    if not text.isdecimal() or int(text) == 0:
        sys.exit(f"{name} is {text!r}; it must be a number above 0.")
    return int(text)


class _Master:
    """Keeps so many workers alive; it ends with them, and they with it."""

    def __init__(self, make: Callable[[], Application], access_log: AccessLog, bound: socket.socket, workers: int) -> None:
        self._make = make
        self._access_log = access_log
        self._bound = bound
        self._workers = workers
        self._alive: set[int] = set()

    def run(self) -> NoReturn:
        signal.signal(signal.SIGTERM, _exit)
        code = 0
        try:
            for _ in range(self._workers):
                self._fork()
            code = self._replace_the_dead()
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            self._end_workers()
        sys.exit(code)

    def _replace_the_dead(self) -> int:
        """Until a worker cannot load the model; its code."""
        while True:
            process, status = os.wait()
            if process not in self._alive:
                continue
            self._alive.discard(process)
            code = os.waitstatus_to_exitcode(status)
            if code == _FAILED_TO_LOAD:
                return code
            print(f"Worker (pid:{process}) {_described(code)}", flush=True)  # noqa: T201 - the container's log
            time.sleep(_BEFORE_ANOTHER)
            self._fork()

    def _fork(self) -> None:
        master = os.getpid()
        process = os.fork()
        if process == 0:
            _Worker(self._make, self._access_log, self._bound).run(master)
        self._alive.add(process)

    def _end_workers(self) -> None:
        for how, within in ((signal.SIGTERM, _GRACE + _KILLED_AFTER), (signal.SIGKILL, _KILLED_AFTER)):
            for process in self._alive:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, how)
            deadline = time.monotonic() + within
            while self._alive and time.monotonic() < deadline:
                with contextlib.suppress(ChildProcessError):
                    self._alive.discard(os.waitpid(-1, os.WNOHANG)[0])
                time.sleep(0.005)


class _Worker:
    """Loads the model and answers requests."""

    def __init__(self, make: Callable[[], Application], access_log: AccessLog, bound: socket.socket) -> None:
        self._make = make
        self._access_log = access_log
        self._bound = bound

    def run(self, master: int) -> NoReturn:
        """Never return into the master's code."""
        code = 1
        try:
            _die_with(master)
            signal.signal(signal.SIGTERM, _exit)
            code = self._serve()
        except _Terminated:
            code = 0
        except BaseException:  # noqa: BLE001 - the worker's last word
            traceback.print_exc()
        finally:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
            os._exit(code)

    def _serve(self) -> int:
        try:
            application = self._make()
            application.load()
        except _Terminated:
            raise
        except (Exception, SystemExit):  # noqa: BLE001 - whatever a script raises
            traceback.print_exc()
            return _FAILED_TO_LOAD
        server = Server(self._bound, application, self._access_log)
        try:
            server.serve_forever()
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            server.wait_until_idle(_GRACE)
        return 0


class _Terminated(SystemExit):
    """SIGTERM has come."""


def _exit(*_: object) -> NoReturn:
    raise _Terminated(0)


def _die_with(master: int) -> None:
    with contextlib.suppress(AttributeError):  # not Linux
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != master:
        os._exit(1)  # it died before this process asked to die with it


def _described(code: int) -> str:
    if code == -signal.SIGKILL:
        return "was sent SIGKILL! Perhaps out of memory?"
    return f"was sent {signal.Signals(-code).name}!" if code < 0 else f"exited with code {code}."
