"""The supervisor's side: have a fork server fork a run's program."""

import contextlib
import os
import select
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_emulator.runs.folder import RunFolder
from local_emulator.runs.forkserver.server.messages import reachable, receive, send
from local_emulator.runs.run import Command, Run

_ANSWERS_WITHIN = 2.0  # seconds that a run waits for a server that is ready; it takes milliseconds
_REAPED_WITHIN = 20.0  # seconds that a run parent may take to kill what a run has left behind


@dataclass(frozen=True)
class ForkedProgram:
    """A program that a fork server has forked: its process id, its run parent's, and the connection to that."""

    pid: int
    parent: int
    connection: socket.socket

    def reap(self) -> tuple[int, int | None]:
        """Once the program has ended: kill what it has left behind; wait status (SIGKILL's if the run parent is gone), peak."""
        with self.connection:
            with contextlib.suppress(OSError):
                os.kill(self.parent, signal.SIGCONT)  # the program may have stopped it
            try:
                self.connection.settimeout(_REAPED_WITHIN)
                send(self.connection, {"over": True})
                message, _ = receive(self.connection)
            except OSError:
                message = None
        return (int(message["status"]), int(message["memory"])) if message else (int(signal.SIGKILL), None)


def fork(run: Run, output: int, control: int) -> ForkedProgram | None:
    """Let a run's fork server fork its program, which prints to `output`.

    None if it cannot; the supervisor's log says why. None too if `control` can be read before.
    """
    if run.fork_server is None or not isinstance(run.program, Command):
        return None
    server = Path(run.fork_server)
    connection = _connect(server)
    if connection is None:
        _log("its server is not ready")
        return None
    try:
        connection.settimeout(_ANSWERS_WITHIN)
        send(connection, _request(run, run.program), [output])
        answer = _answer(connection, server, control)
        if "pid" in answer:
            send(connection, {"go": True})
            return ForkedProgram(int(answer["pid"]), int(answer["parent"]), connection)
        why = str(answer["refused"])
    except OSError as error:
        why = str(error)
    _log(why)
    connection.close()
    return None


def _request(run: Run, program: Command) -> dict[str, Any]:
    folder = RunFolder(run.folder).host(run.host)
    return {
        "id": run.id,
        "argv": program.argv,
        "cwd": program.cwd or str(folder.home),
        "env": dict(run.env),
        "ml": str(folder.ml),
        "opt_ml": run.opt_ml,
        "disk_limit": run.disk_limit,
    }


def _answer(connection: socket.socket, server: Path, control: int) -> dict[str, Any]:
    """What a server answers to a request: `pid` and `parent`, or why it is `refused`."""
    ready, _, _ = select.select([connection.fileno(), control], [], [], _ANSWERS_WITHIN)
    if not ready:
        server.unlink(missing_ok=True)  # no other run is to wait for it; it listens again when it can
        return {"refused": "its server does not answer"}
    if connection.fileno() not in ready:
        return {"refused": "it is to stop"}
    return receive(connection)[0] or {"refused": "its server has ended or begins anew"}


def _log(why: str) -> None:
    print(f"not forked: {why}", file=sys.stderr, flush=True)  # noqa: T201 - standard error is the supervisor's log


def _connect(path: Path) -> socket.socket | None:
    """A connection to the server at a path; None if it is not ready, or its queue is full."""
    connection = socket.socket(socket.AF_UNIX)
    connection.setblocking(False)  # a full queue is no reason to wait
    try:
        with reachable(str(path)) as address:
            connection.connect(address)
    except OSError:
        connection.close()
        return None
    return connection
