"""Starts a run's program: forked by a fork server, executed in a process of its own, or as a container."""

import ctypes
import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NoReturn, Protocol

from local_emulator.runs import forks
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.forkserver.client import fork
from local_emulator.runs.forkserver.server.messages import MARKER
from local_emulator.runs.forkserver.server.mounting import bind_opt_ml
from local_emulator.runs.run import Command, Container, Run

_CONTAINER = "local_emulator.runs.container"
_PR_SET_PDEATHSIG = 1
_CANNOT_EXECUTE = {errno.ENOENT: 127, errno.EACCES: 126, errno.ENOEXEC: 126}

_libc = ctypes.CDLL(None, use_errno=True)


class StartError(Exception):
    """A program cannot be started; `code` is what a shell would exit with."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Program(Protocol):
    """A program that has been started, the leader of a process group of its own."""

    @property
    def pid(self) -> int:
        """Its process id."""

    def reap(self) -> tuple[int, int | None]:
        """Once it has ended: its wait status, and the most memory that one of its processes has had, in bytes, if that is known."""


@dataclass(frozen=True)
class ExecutedProgram:
    """A program that is a child of this process."""

    pid: int

    def reap(self) -> tuple[int, int | None]:
        """Once it has ended: its wait status, and the most memory that one of its processes has had, in bytes."""
        _, status, used = os.wait4(self.pid, 0)
        return status, used.ru_maxrss * 1024


def start(run: Run, folder: RunFolder, output: int, control: int) -> Program | None:
    """Start the program of a run, or of the part of it on one host; it prints to `output`.

    None if the run was asked to stop while it waited for its fork server; that can be read from `control`.

    Raises:
        StartError: There is no such program, or it cannot be executed.
    """
    program = fork(run, output, control) if run.fork_server else None
    if program is None and folder.asked_to_stop() is not None:
        return None
    return program or _execute(run, folder, output)


def _execute(run: Run, folder: RunFolder, output: int) -> ExecutedProgram:
    error_reading, error_writing = os.pipe2(os.O_CLOEXEC)
    supervisor = os.getpid()
    child = forks.fork()
    if child == 0:
        _become(run, folder, supervisor, output, error_writing)
    os.close(error_writing)
    with open(error_reading, "rb") as pipe:  # noqa: PTH123 - a descriptor
        error = pipe.read()
    if not error:
        return ExecutedProgram(child)
    os.waitpid(child, 0)
    number, _, text = error.decode().partition(" ")
    message = f"ClientError: The program cannot be started: {text}"
    raise StartError(message, _CANNOT_EXECUTE.get(int(number), 126))


def _become(run: Run, folder: RunFolder, supervisor: int, output: int, error: int) -> NoReturn:
    """In the forked child: turn into the program, or write why not to `error`; `forkserver.server.script` does the same in a fork."""
    command, environment = _command(run, folder)
    try:
        os.setsid()
        for number in range(1, signal.NSIG):
            if number not in {signal.SIGKILL, signal.SIGSTOP} and signal.getsignal(number) is not None:
                signal.signal(number, signal.SIG_DFL)
        os.umask(0o022)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (run.disk_limit, run.disk_limit))
        host = folder.host(run.host)
        if run.opt_ml and isinstance(run.program, Command):
            bind_opt_ml(str(host.ml))
        # After the mounts: a new user namespace would clear it.
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != supervisor:
            os._exit(1)  # it died before this process asked to die with it
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(command.cwd or host.home)
        os.execvpe(command.argv[0], command.argv, {**environment, MARKER: run.id})  # noqa: S606 - running programs is what this is for
    except OSError as reason:
        name = (
            reason.filename if isinstance(reason.filename, str) else command.argv[0]
        )  # execvpe names the last path that it tried
        os.write(error, f"{reason.errno} {name}: {reason.strerror}".encode())
    except BaseException as reason:  # noqa: BLE001 - stated as the run's StartError
        os.write(error, f"0 {reason!r}".encode())
    finally:
        os._exit(127)  # even if the error cannot be told: this child must not go on as a second supervisor


def _command(run: Run, folder: RunFolder) -> tuple[Command, Mapping[str, str]]:
    """What is executed for a run, and its environment."""
    if isinstance(run.program, Container):  # a process of ours that is to it what a shell is to `docker run`
        return Command(
            argv=(sys.executable, "-m", _CONTAINER, "run", str(folder.path), *([run.host] if run.host else []))
        ), os.environ
    return replace(run.program, argv=(*run.install, *run.program.argv)), run.env


def remove_containers(folder: RunFolder) -> None:
    """Remove the containers of a run whose programs are over, if they have left any."""
    for name in (None, *sorted(path.parent.name for path in folder.path.glob("*/container"))):
        if not folder.host(name).container.exists():
            continue
        command = [sys.executable, "-m", _CONTAINER, "remove", str(folder.path), *([] if name is None else [name])]
        subprocess.run(command, check=False, timeout=60, stdin=subprocess.DEVNULL)  # noqa: S603 - ourselves
