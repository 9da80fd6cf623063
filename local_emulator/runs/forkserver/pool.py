"""Warm runs, on the emulator's side: which runs can be warm, and the servers that fork them.

A server is a Python that has imported what a script imports (`warm_server.py`). There is one for each interpreter, set of imports and
environment; it is started with the first run that wants it and ends with the emulator, or when nobody has asked for long. No run waits
for it to be ready, and whatever fails about it makes runs cold.
"""

import contextlib
import hashlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_emulator.runs import mounts
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.forkserver import imports as warm_imports
from local_emulator.runs.forkserver import server as warm_server
from local_emulator.runs.forkserver.server import MARK, MARKER, NO_SERVER, reachable, receive, send
from local_emulator.runs.run import Command, Run

_MOST_SERVERS = 4  # each holds what it has imported: some hundred megabytes with scikit-learn
_OF_THE_RUN = {"TRAINING_JOB_NAME", "TRAINING_JOB_ARN", "HOME", "TMPDIR", "PYTHONPATH"}
_PAUSE = 10.0  # seconds after which a server that failed is tried again
_PATIENCE = 2.0  # seconds that a run waits for a server that is ready; it takes milliseconds
_BURIAL_WITHIN = 20.0  # seconds that a keeper may take to kill what a run has left behind


class ForkServers:
    """The servers of one emulator. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._servers: dict[str, subprocess.Popen[bytes]] = {}
        self._not_before: dict[str, float] = {}  # when a server that failed may be tried again

    def server(self, run: Run) -> Path | None:
        """Where the server for a run listens once it is ready, started if it is not there; None if the run is to be cold."""
        environment = _common(run)
        if run.imports is None or environment is None or not isinstance(run.program, Command):
            return None
        python = run.program.argv[0]
        interpreter = _digest([python, sorted(environment.items())])
        key = _digest([interpreter, sorted(run.imports)])
        with self._lock:
            server = self._servers.pop(key, None)
            if server is not None and server.poll() is not None:
                self._dismiss(key, server)
                if server.returncode:
                    pause = float("inf") if server.returncode == NO_SERVER else _PAUSE
                    self._not_before[key] = time.monotonic() + pause
                server = None
            if server is None and time.monotonic() < self._not_before.get(key, 0.0):
                return None
            try:
                server = server or self._start(key, interpreter, python, run.imports, environment)
            except Exception as error:  # noqa: BLE001 - no process, no space, sockets that a test forbids: the run is cold then
                self._not_before[key] = time.monotonic() + _PAUSE
                print(f"no server for warm runs: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the emulator's log
                return None
            self._servers[key] = server  # the latest is the last
            while len(self._servers) > _MOST_SERVERS:
                oldest = next(iter(self._servers))
                self._dismiss(oldest, self._servers.pop(oldest))
        return self._folder / key

    def _start(
        self, key: str, interpreter: str, python: str, imports: tuple[str, ...], environment: Mapping[str, str]
    ) -> "subprocess.Popen[bytes]":
        own = self._folder / "home"
        own.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self._folder / key).unlink(missing_ok=True)
        settings = {
            "socket": str(self._folder / key),
            "modules": imports,
            "memory": str(self._folder / f"{interpreter}.json"),
            "mounts": mounts.__file__,
            "imports": warm_imports.__file__,
        }
        with (self._folder / "log").open("ab") as log, open(os.pidfd_open(os.getpid()), "rb") as ourselves:  # noqa: PTH123
            return subprocess.Popen(  # noqa: S603 - ourselves
                [python, warm_server.__file__, json.dumps(settings)],
                stdin=ourselves,  # ready to be read when we have ended: so it ends too. A pipe's other end may be in a fork of ours
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**environment, "HOME": str(own), "TMPDIR": str(own), MARKER: MARK},
                cwd="/",
                start_new_session=True,
            )

    def close(self) -> None:
        """Let all servers go; runs go on."""
        with self._lock:
            while self._servers:
                self._dismiss(*self._servers.popitem())

    def _dismiss(self, key: str, server: "subprocess.Popen[bytes]") -> None:
        server.kill()  # it has nothing to put away
        server.wait()
        with contextlib.suppress(OSError):
            (self._folder / key).unlink(missing_ok=True)


def _digest(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _common(run: Run) -> Mapping[str, str] | None:
    """What all runs of a job have in their environment; None if Python begins otherwise with it than it has begun in a server."""
    common = {name: value for name, value in run.env.items() if name not in _OF_THE_RUN and not name.startswith("SM_")}
    switches = {name: value for name, value in common.items() if name.startswith("PYTHON")}
    return common if switches == {"PYTHONUNBUFFERED": "1"} else None


@dataclass(frozen=True)
class Forked:
    """A program that a server has forked: its process, its parent's, and the line to that keeper, who buries it."""

    pid: int
    parent: int
    keeper: socket.socket

    def bury(self) -> int:
        """Kill what the program has left behind, once it has ended; its wait status (SIGKILL's if nobody can tell)."""
        with self.keeper:
            with contextlib.suppress(OSError):
                os.kill(self.parent, signal.SIGCONT)  # the program may have stopped it
            try:
                self.keeper.settimeout(_BURIAL_WITHIN)
                send(self.keeper, {"over": True})
                told, _ = receive(self.keeper)
            except OSError:
                told = None
        return int(told["status"]) if told else 9


def fork(run: Run, output: int, control: int) -> Forked | None:
    """Let a run's server fork its program; None if it is not ready to, or something is heard on `control` before."""
    if run.fork_server is None or not isinstance(run.program, Command):
        return None
    server = Path(run.fork_server)
    keeper = _connect(server)
    if keeper is None:
        _say("its server is not ready")
        return None
    folder = RunFolder(run.folder)
    request = {
        "id": run.id,
        "argv": run.program.argv,
        "cwd": run.program.cwd or str(folder.home),
        "env": dict(run.env),
        "ml": str(folder.ml),
        "opt_ml": run.opt_ml,
        "disk_limit": run.disk_limit,
    }
    why = "its server has ended or begins anew"
    try:
        keeper.settimeout(_PATIENCE)
        send(keeper, request, [output])
        ready, _, _ = select.select([keeper.fileno(), control], [], [], _PATIENCE)
        if not ready:
            server.unlink(missing_ok=True)  # nobody else is to wait for it; it makes itself heard again when it can
            told: dict[str, Any] | None = {"refused": "its server does not answer"}
        else:
            told = receive(keeper)[0] if keeper.fileno() in ready else {"refused": "it is to stop"}
        if told and "pid" in told:
            send(keeper, {"go": True})
            return Forked(int(told["pid"]), int(told["keeper"]), keeper)
        why = str(told["refused"]) if told else why
    except OSError as error:
        why = str(error)
    _say(why)
    keeper.close()
    return None


def _say(why: str) -> None:
    """For whoever wonders why a run was cold: the supervisor's log tells."""
    print(f"cold: {why}", file=sys.stderr, flush=True)  # noqa: T201 - see above


def _connect(path: Path) -> socket.socket | None:
    """A connection to the server at a path; None if it is not ready, or more wait for it than it can hear."""
    connection = socket.socket(socket.AF_UNIX)
    connection.setblocking(False)  # a full queue is no reason to wait
    try:
        with reachable(str(path)) as address:
            connection.connect(address)
    except OSError:
        connection.close()
        return None
    return connection
