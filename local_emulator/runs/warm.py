"""Warm runs, on the emulator's side: which runs can be warm, and the servers that fork them.

A server is a Python that has imported what a script imports (`warm_server.py`). There is one for each interpreter, set of imports and
environment; it is started with the first run that wants it and ends with the emulator, or when nobody has asked for long.
"""

import contextlib
import hashlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from local_emulator.runs import mounts
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.run import Command, Run
from local_emulator.runs.warm_server import MARK, MARKER, receive, send

_MOST_SERVERS = 4  # each holds what it has imported: some hundred megabytes with scikit-learn
_OF_THE_RUN = {"TRAINING_JOB_NAME", "TRAINING_JOB_ARN", "HOME", "TMPDIR", "PYTHONPATH"}
_SERVER = Path(__file__).with_name("warm_server.py")
_READY_WITHIN = 90.0  # seconds that a run waits for a server to be ready


class Warm:
    """The servers of one emulator. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._servers: dict[str, subprocess.Popen[bytes]] = {}
        self._hopeless: set[str] = set()

    def server(self, run: Run) -> Path | None:
        """The socket of the server for a run, started if it is not there; None if the run is to be cold."""
        environment = _common(run)
        if run.imports is None or environment is None or not isinstance(run.program, Command):
            return None
        python = run.program.argv[0]
        key = hashlib.sha256(json.dumps([python, sorted(run.imports), sorted(environment.items())]).encode()).hexdigest()[:32]
        with self._lock:
            if key in self._hopeless:
                return None
            server = self._servers.pop(key, None)
            if server is not None and server.poll() is not None:
                self._dismiss(server)
                if server.returncode:
                    self._hopeless.add(key)  # its imports take too long, or kill it
                    return None
                server = None
            self._servers[key] = server or self._start(key, python, run.imports, environment)  # the latest is the last
            while len(self._servers) > _MOST_SERVERS:
                self._dismiss(self._servers.pop(next(iter(self._servers))))
        return self._folder / key

    def _start(
        self, key: str, python: str, imports: tuple[str, ...], environment: Mapping[str, str]
    ) -> "subprocess.Popen[bytes]":
        own = self._folder / "home"
        own.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / key
        path.unlink(missing_ok=True)
        with listen(path) as listener, (self._folder / "log").open("ab") as log:
            settings = {"socket": listener.fileno(), "modules": imports, "mounts": mounts.__file__, "cold": [], "careful": False}
            return subprocess.Popen(  # noqa: S603 - ourselves
                [python, str(_SERVER), json.dumps(settings)],
                stdin=subprocess.PIPE,  # it ends with it, and so with us
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**environment, "HOME": str(own), "TMPDIR": str(own), MARKER: MARK},
                cwd="/",
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )

    def close(self) -> None:
        """Let all servers go; runs go on."""
        with self._lock:
            while self._servers:
                self._dismiss(self._servers.popitem()[1])

    @staticmethod
    def _dismiss(server: "subprocess.Popen[bytes]") -> None:
        if server.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                server.stdin.close()
        if server.poll() is None:
            server.terminate()
        server.wait()


def _common(run: Run) -> Mapping[str, str] | None:
    """What all runs of a job have in their environment; None if Python begins otherwise with it than it has begun in a server."""
    common = {name: value for name, value in run.env.items() if name not in _OF_THE_RUN and not name.startswith("SM_")}
    switches = {name: value for name, value in common.items() if name.startswith("PYTHON")}
    return common if switches == {"PYTHONUNBUFFERED": "1"} else None


@dataclass(frozen=True)
class Forked:
    """A program that a server has forked: its process, and the line to its keeper, who buries it."""

    pid: int
    keeper: socket.socket

    def bury(self) -> int:
        """Kill what the program has left behind, once it has ended; its wait status (SIGKILL's if nobody can tell)."""
        with self.keeper:
            try:
                send(self.keeper, {"over": True})
                told, _ = receive(self.keeper)
            except OSError:
                told = None
        return int(told["status"]) if told else 9


def fork(run: Run, output: int, control: int) -> Forked | None:
    """Let a run's server fork its program; None if that cannot be, or not before something is heard on `control`."""
    keeper = connect(Path(run.warm or ""))
    if keeper is None or not isinstance(run.program, Command):
        _say("its server is gone")
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
        send(keeper, request, [output])
        patience = min(_READY_WITHIN, run.max_runtime or _READY_WITHIN)
        ready, _, _ = select.select([keeper.fileno(), control], [], [], patience)
        told = receive(keeper)[0] if keeper.fileno() in ready else {"refused": "its server is not ready"}
        if told and "pid" in told:
            send(keeper, {"go": True})
            return Forked(int(told["pid"]), keeper)
        why = str(told["refused"]) if told else why
    except OSError as error:
        why = str(error)
    _say(why)
    keeper.close()
    return None


def _say(why: str) -> None:
    """For whoever wonders why a run was cold: the supervisor's log tells."""
    print(f"cold: {why}", file=sys.stderr, flush=True)  # noqa: T201 - see above


@contextlib.contextmanager
def _reachable(path: Path) -> Iterator[str]:
    """An address of a socket file that is short enough, however deep the file lies."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def listen(path: Path) -> socket.socket:
    """A socket that listens at a path; who connects before the server is ready waits for it."""
    listener = socket.socket(socket.AF_UNIX)
    with _reachable(path) as address:
        listener.bind(address)
    listener.listen(128)
    return listener


def connect(path: Path) -> socket.socket | None:
    """A connection to the server at a path; None if there is none."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        with _reachable(path) as address:
            connection.connect(address)
    except OSError:
        connection.close()
        return None
    return connection
