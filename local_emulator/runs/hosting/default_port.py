"""Programs that serve on AWS's default port, whatever they are told: programs of this machine share its ports."""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from local_emulator.runs.forkserver.server.messages import MARKER
from local_emulator.runs.hosting.backends import BackendGone, Backends
from local_emulator.runs.hosting.health import ping
from local_emulator.runs.hosting.port import BIND_TO_PORT
from local_emulator.runs.process import environment, open_files, processes

DEFAULT_PORT = 8080
IGNORED = (
    "The {} container for production variant {} answers on the port 8080 and not on the one that SAGEMAKER_BIND_TO_PORT names: "
    "programs of this machine share its ports. Let it read that variable, which AWS sets too, or run the image's container (serve "
    "--image 'IMAGE=docker:')."
)
_LOOK_EVERY = 2.0  # seconds
_LISTENING = r"(?m)^ *\d+: [0-9A-F]+:{:04X} [0-9A-F]+:0000 0A (?:\S+ +){{5}}(\d+) "


class Startup:
    """A program that comes up: whether it need still be waited for, and whether that is as it ignores its port."""

    def __init__(self, backends: Backends, run: str, port: int, runs: Callable[[], bool]) -> None:
        self._backends = backends
        self._run = run
        self._port = port
        self._runs = runs
        self._look_at = time.monotonic() + _LOOK_EVERY
        self.ignores_port = False

    def goes_on(self) -> bool:
        """Whether it runs and may come to answer on its port."""
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + _LOOK_EVERY
            with suppress(BackendGone, OSError):  # a shortage of this process, which says nothing about the program
                self.ignores_port = serves_there(self._backends, self._run, self._port)
        return self._runs() and not self.ignores_port


def serves_there(backends: Backends, run: str, port: int) -> bool:
    """Whether a process of a run that was told another port, which tells it from the run's other containers, serves on the default."""
    listening = _LISTENING.format(DEFAULT_PORT)
    sockets = {f"socket:[{inode}]" for table in ("tcp", "tcp6") for inode in re.findall(listening, _read(f"/proc/net/{table}"))}
    marks = {f"{MARKER}={run}".encode(), f"{BIND_TO_PORT}={port}".encode()}
    return (
        bool(sockets)
        and any(
            marks <= {*environment(process).split(b"\0")} and not sockets.isdisjoint(open_files(process))
            for process in processes()
        )
        and ping(backends, DEFAULT_PORT)
    )


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
