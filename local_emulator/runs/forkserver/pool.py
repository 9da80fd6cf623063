"""The emulator's side: which runs can be forked, and the fork servers that do it.

There is one server for each interpreter, set of imports and environment; it is started with the first run that wants it and ends with
the emulator, or when no run has come for long. No run waits for it to be ready, and a run whose server fails gets an interpreter of
its own.
"""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from local_emulator.runs.folder import RunFolder
from local_emulator.runs.forkserver.server import start
from local_emulator.runs.forkserver.server.messages import MARKER, NO_SERVER
from local_emulator.runs.forkserver.server.state import ROOM
from local_emulator.runs.run import Command, Run

_MOST_SERVERS = 4  # each holds what it has imported: some hundred megabytes with scikit-learn
_OF_THE_RUN = {"CURRENT_HOST", "TRAINING_JOB_NAME", "TRAINING_JOB_ARN", "HOME", "TMPDIR", "PYTHONPATH", "PIP_PYTHON"}
_PAUSE = 10.0  # seconds after which a server that failed is tried again


class ForkServers:
    """The servers of one emulator. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._servers: dict[str, subprocess.Popen[bytes]] = {}
        self._not_before: dict[str, float] = {}  # when a server that failed may be tried again

    def server(self, run: Run) -> Path | None:
        """The socket of the server for a run, which is there once the server is ready; None if the run is not to be forked.

        Starts the server if there is none.
        """
        environment = _common(run)
        if run.imports is None or run.install or environment is None or not isinstance(run.program, Command):
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
            except Exception as error:  # noqa: BLE001 - no process, no space, sockets that a test forbids: the run is not forked
                self._not_before[key] = time.monotonic() + _PAUSE
                print(f"no fork server: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the emulator's log
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
            "exclusions": str(self._folder / f"{interpreter}.json"),
        }
        with (self._folder / "log").open("ab") as log, open(os.pidfd_open(os.getpid()), "rb") as ourselves:  # noqa: PTH123
            return subprocess.Popen(  # noqa: S603 - ourselves
                [python, start.__file__, json.dumps(settings)],
                stdin=ourselves,  # ready to be read when we have ended: so it ends too. A pipe's other end may be in a fork of ours
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**environment, "HOME": str(own), "TMPDIR": str(own), MARKER: ROOM},
                cwd="/",
                start_new_session=True,
            )

    def close(self) -> None:
        """End all servers; runs go on."""
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
    """The part of a run's environment that all runs of its job share; None if Python starts differently with it than in a server."""
    common = {name: value for name, value in run.env.items() if name not in _OF_THE_RUN and not name.startswith("SM_")}
    work = str(RunFolder(run.folder).work)
    common["PATH"] = os.pathsep.join(folder for folder in common.get("PATH", "").split(os.pathsep) if not folder.startswith(work))
    switches = {name: value for name, value in common.items() if name.startswith("PYTHON")}
    return common if switches == {"PYTHONUNBUFFERED": "1"} else None
