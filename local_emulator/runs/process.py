"""Runs as processes of this machine."""

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from local_emulator.runs.folder import RunFolder, folders_below, write_whole
from local_emulator.runs.forkserver.pool import ForkServers
from local_emulator.runs.forkserver.server.messages import MARKER
from local_emulator.runs.program import remove_containers
from local_emulator.runs.run import Cause, Run, RunState

_KILLED_WITHIN = 10.0  # seconds
_HIDDEN = {errno.ENOENT, errno.ESRCH, errno.EACCES, errno.EPERM}
_KEPT = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "TMPDIR", "HOME")

DOCKER = ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONFIG", "XDG_RUNTIME_DIR")
"""The variables that say where Docker's engine is."""


class ProcessExecutor:
    """Executes runs: a spawner forks a supervisor for each. Keeps no handle of a run; safe to use from several threads.

    Runs outlive this process, unless `mortal` names a folder: then they end with it, or with `close`, and when it is killed the folder
    is removed.
    """

    def __init__(self, *, wakeup: Path | None, fork_servers: ForkServers | None = None, mortal: Path | None = None) -> None:
        self._wakeup = wakeup
        self._fork_servers = fork_servers
        self._mortal = mortal
        self._closed = False
        self._lock = threading.Lock()
        self._spawner: subprocess.Popen[bytes] | None = None

    def start(self, run: Run) -> None:
        """Start a run that is NEW; do nothing for any other."""
        folder = RunFolder(run.folder)
        if folder.state() is not RunState.NEW:
            return
        server = self._fork_servers.server(run) if self._fork_servers else None
        folder.save_run(replace(run, fork_server=str(server) if server else None))
        self._hand_over(run.folder)

    def state(self, folder: Path) -> RunState:
        """Last known state of a run."""
        return RunFolder(folder).state()

    def stop(self, folder: Path, *, interrupt: bool = False) -> None:
        """Ask a run to end; also one that has not begun."""
        names = RunFolder(folder)
        if folder.is_symlink():
            return  # whoever reads its folder will end it
        write_whole(names.stop, (Cause.INTERRUPT if interrupt else Cause.STOP).encode())
        names.wake_supervisor()  # a supervisor that is not there yet looks for the file when it begins

    def kill(self, folder: Path) -> bool:
        """Kill a run, supervisor and all, also one whose folder is gone; whether there was something to kill.

        When this returns, it is not running any more: the kernel lets go of a process's lock a moment after its files are gone.
        """
        names = RunFolder(folder)
        if names.state() is RunState.EXITED:
            return False
        mark = f"{MARKER}={folder.name}".encode()
        deadline = time.monotonic() + _KILLED_WITHIN
        some = False
        while time.monotonic() < deadline:
            # The supervisor first: it must not see its program die and record that as the run's end.
            left = _holders(names.lock) + [process for process in processes() if mark in environment(process)]
            if not left and names.state() is not RunState.RUNNING:
                break
            some = some or bool(left)
            for process in left:
                try:
                    os.kill(process, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(0.01)
        remove_containers(names)
        return some

    def close(self) -> None:
        """End the spawner and the fork servers; runs go on, unless they are mortal."""
        with self._lock:
            self._closed = True
            self._dismiss()
        if self._fork_servers is not None:
            self._fork_servers.close()

    def expect(self) -> None:
        """Start the spawner, which takes some 80 ms, before the next run."""
        with self._lock:
            if self._spawner is None and not self._closed:
                self._spawner = self._new_spawner()

    def _hand_over(self, folder: Path) -> None:
        line = json.dumps(str(folder)).encode() + b"\n"
        with self._lock:
            for _ in range(2):
                spawner = self._spawner
                if spawner is None or spawner.poll() is not None:
                    self._dismiss()
                    spawner = self._spawner = self._new_spawner()
                try:
                    if spawner.stdin is not None:
                        spawner.stdin.write(line)
                        spawner.stdin.flush()
                except BrokenPipeError:
                    self._dismiss()
                    continue
                return

    def _dismiss(self) -> None:
        if self._spawner is not None:
            if self._spawner.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    if self._mortal is not None:
                        self._spawner.stdin.write(b"null\n")
                    self._spawner.stdin.close()
            self._spawner.wait()
            self._spawner = None

    def _new_spawner(self) -> "subprocess.Popen[bytes]":
        environment = {name: os.environ[name] for name in (*_KEPT, *DOCKER) if name in os.environ}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), environment.get("PYTHONPATH")]))
        options: dict[str, object] = {"wakeup": str(self._wakeup) if self._wakeup else None}
        owner = () if self._mortal is None else (os.pidfd_open(os.getpid()),)
        try:
            if owner:
                options |= {"owner": owner[0], "folder": str(self._mortal)}
            command = [sys.executable, "-m", "local_emulator.runs.spawner", json.dumps(options)]
            return subprocess.Popen(  # noqa: S603 - ourselves
                command, stdin=subprocess.PIPE, env=environment, start_new_session=True, pass_fds=owner
            )
        finally:
            for descriptor in owner:
                os.close(descriptor)


def processes() -> list[int]:
    """The ids of all processes but this one."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and int(entry.name) != os.getpid()]


def environment(process: int) -> bytes:
    """The environment that a process was started with; empty if it is gone, or this user may not read it."""
    try:
        return Path(f"/proc/{process}/environ").read_bytes()
    except OSError as error:
        _check_hidden(error)
        return b""


def _check_hidden(error: OSError) -> None:
    """Raise what does not come of the process, but of this one: too many open files must not look like no process."""
    if error.errno not in _HIDDEN:
        raise error


def _holders(lock: Path) -> list[int]:
    """Processes that have a file open, or had it open when it was removed."""
    path = os.path.join(os.path.realpath(lock.parents[1]), lock.parent.name, lock.name)  # noqa: PTH118 - the folder may be a link by now
    names = {path, f"{path} (deleted)"}
    return [process for process in processes() if not names.isdisjoint(open_files(process))]


def open_files(process: int) -> list[str]:
    """What a process has open, as /proc names it; nothing if it is gone, or this user may not read that."""
    try:
        return [str(entry.readlink()) for entry in Path(f"/proc/{process}/fd").iterdir()]
    except OSError as error:
        _check_hidden(error)
        return []


def living(runs: Path) -> set[str]:
    """The ids of runs below a folder that have a process: a supervisor, even if nothing else is left of them, or any other."""
    below = os.path.realpath(runs) + os.sep
    ids = processes()
    files = {name.removesuffix(" (deleted)") for process in ids for name in open_files(process)}
    supervised = {Path(name).parent.name for name in files if name.startswith(below) and name.endswith("/lock")}
    mark = f"{MARKER}=".encode()
    variables = {line for process in ids for line in environment(process).split(b"\0") if line.startswith(mark)}
    marked = {line.removeprefix(mark).decode("utf-8", "replace") for line in variables}
    return supervised | (marked & {folder.path.name for folder in folders_below(runs)})
