"""Programs of ours that tests start, such as `python -m local_emulator`, forked from a process that has imported what they import.

Importing was half of what an emulator of a test took, and nearly all of what the small programs take. Only how a program comes up
differs: it has its arguments, environment, folder, umask, streams and session, runs from its first line, and ends as a program does.
It is really started where what is imported might depend on something else (`_request`), and in tests marked `really_starts`.

Two processes fork for all of pytest's, one with few imports and one with many. They begin when a program is first wanted and end with
pytest.
"""

import contextlib
import fcntl
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
_INTERPRETER = sys.executable  # which a test may change
SMALL = [f"local_emulator.runs.{name}" for name in ("data.archive", "mounts", "spawner")]
"""Modules that import little: a fork of much would take longer, and forks of the spawner too."""

_MODULES = {"local_emulator", "sm_tuning", *SMALL}
_CODE = "from sm_tuning.cli import main"  # of `python -c`, where the program is to be called `sm-tuning`
_READ_WHILE_IMPORTING = ("PYTHON", "MOTO", "LD_", "LC_ALL", "TZ")
_HANDED_ON = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
_LONGEST = 100_000  # bytes of a request

_Popen: Any = subprocess.Popen
_start, _poll, _try_wait = _Popen._execute_child, _Popen._internal_poll, _Popen._try_wait


class Server(NamedTuple):
    """What forks: a folder with its sockets, the process that it ends with, and the environment that it starts with."""

    folder: Path
    owner: int
    environment: Mapping[str, str]

    def connect(self, name: str) -> socket.socket:
        """Connect to its socket of that name, `small` or `large`; it is started if it is not there."""
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
                return self._connect(name)
            code = "from tests.programs_server import main; main()"
            room = "-" * 4000  # for the arguments of its forks
            command = [sys.executable, "-c", code, str(self.folder), str(self.owner), room]
            with (self.folder / "log").open("ab") as log:
                subprocess.run(
                    command, cwd=ROOT, env=self.environment, check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
            return self._connect(name)

    def _connect(self, name: str) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            connection.connect(str(self.folder / name))
        except OSError:
            connection.close()
            raise
        return connection


class _State:
    server: Server | None = None  # without it, all programs are really started


def use(server: Server | None) -> Server | None:
    """Fork this process's programs from a server from now on; gives the one before."""
    before, _State.server = _State.server, server
    return before


# --- in place of Popen's own ------------------------------------------------------------------------------------------------


class Request(NamedTuple):
    """What a server forks: `words` are the interpreter's arguments, `kept` the numbers of further descriptors that it gets."""

    words: list[str]
    environment: dict[str, str]
    folder: str
    umask: int
    new_session: bool
    kept: list[int]


def _request(server: Server, options: Mapping[str, Any]) -> Request | None:
    """What is to be forked; None if the program is to be started really."""
    words = [str(word) for word in options["args"]] if isinstance(options["args"], list) else []
    interpreter, *arguments = words or [""]
    program = [word for word in arguments[:3] if word != "-P"]
    known = (program[:1] == ["-m"] and program[1] in _MODULES) or (program[:1] == ["-c"] and _CODE in program[1])
    if interpreter != _INTERPRETER or not known:
        return None
    usual = {"executable": None, "preexec_fn": None, "shell": False, "gid": None, "gids": None, "uid": None, "umask": -1}
    if any(
        options[name] != value for name, value in {**usual, "close_fds": True, "process_group": -1}.items() if name in options
    ):
        return None
    environment = dict(os.environ if options["env"] is None else options["env"])
    paths = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    if not {*paths} <= {str(ROOT), *server.environment.get("PYTHONPATH", "").split(os.pathsep)}:
        return None
    for name in {*environment, *server.environment} - _HANDED_ON:
        if name.startswith(_READ_WHILE_IMPORTING) and environment.get(name) != server.environment.get(name):
            return None
    folder = os.path.abspath(options["cwd"] or os.curdir)  # noqa: PTH100 - links in it stay
    if not os.path.isdir(folder):  # noqa: PTH112 - a path as it was given
        return None
    status = Path("/proc/self/status").read_text()
    umask = int(status.split("Umask:")[1].split()[0], 8)
    return Request(arguments, environment, folder, umask, options["start_new_session"], sorted(options["pass_fds"]))


_NAMES = _start.__code__.co_varnames[1 : _start.__code__.co_argcount]


def _execute_child(popen: Any, *arguments: Any) -> None:
    options = dict(zip(_NAMES, arguments, strict=True))
    request = _request(_State.server, options) if _State.server else None
    message = json.dumps(request).encode()
    if not _State.server or request is None or len(message) > _LONGEST:
        _start(popen, *arguments)
        return
    streams = [options["p2cread"], options["c2pwrite"], options["errwrite"]]
    streams = [number if stream == -1 else stream for number, stream in enumerate(streams)]
    try:
        connection = _State.server.connect("small" if {*SMALL} & {*request.words[:3]} else "large")
    except FileNotFoundError:  # pytest has ended, and this is a program that goes on
        _start(popen, *arguments)
        return
    with connection:
        socket.send_fds(connection, [message], [*streams, *request.kept])
        popen.pid = int.from_bytes(connection.recv(8), "big")
        if not popen.pid:
            raise ConnectionAbortedError("the server of programs has not forked")
        popen.forked = connection.detach()
    popen.close_forked = weakref.finalize(popen, os.close, popen.forked)  # nobody has to wait for a program
    popen._child_created = True
    popen._close_pipe_fds(*(options[name] for name in ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")))


def _wait_for_forked(popen: Any, flags: int) -> tuple[int, int]:
    """The process id and status of a program, as `os.waitpid`, which knows this process's own children alone."""
    if not hasattr(popen, "forked"):
        process, ended = _try_wait(popen, flags)
        return process, ended
    if flags & os.WNOHANG and not select.select([popen.forked], [], [], 0)[0]:
        return 0, 0
    status = os.read(popen.forked, 8)
    if not status:
        raise ConnectionAbortedError("the server of programs has ended: how this one ended is not known")
    popen.close_forked()
    return popen.pid, int.from_bytes(status, "big")


def _poll_forked(popen: Any, *arguments: Any, **options: Any) -> Any:
    if not hasattr(popen, "forked"):
        return _poll(popen, *arguments, **options)
    if popen.returncode is None and popen._waitpid_lock.acquire(blocking=False):
        try:
            if popen.returncode is None and (status := _wait_for_forked(popen, os.WNOHANG))[0]:
                popen._handle_exitstatus(status[1])
        finally:
            popen._waitpid_lock.release()
    return popen.returncode


def patch() -> None:
    """Let Popen fork what a server is there for."""
    names = {"_execute_child": _execute_child, "_try_wait": _wait_for_forked, "_internal_poll": _poll_forked}
    for name, function in names.items():
        setattr(subprocess.Popen, name, function)


# --- hooks of pytest, for tests/conftest.py ------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    """Say where the server is: below pytest-xdist the controller has made its folder."""
    given = getattr(config, "workerinput", {}).get("programs")
    owner = os.getppid() if given else os.getpid()
    folder = given or tempfile.mkdtemp(prefix="programs-")
    patch()
    use(Server(Path(folder), owner, dict(os.environ)))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist."""
    assert _State.server
    node.workerinput["programs"] = str(_State.server.folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the folder."""
    server = use(None)
    if server and server.owner == os.getpid():
        shutil.rmtree(server.folder)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Start really what a test marked so starts."""
    if not item.get_closest_marker("really_starts"):
        return (yield)
    server = use(None)
    try:
        return (yield)
    finally:
        use(server)
