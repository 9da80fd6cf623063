"""The server of `forked_programs`: it has imported what programs of ours import, has one thread, and forks."""

import atexit
import contextlib
import ctypes
import fcntl
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from tests.acceptance.programs import rare_gc  # noqa: F401 - it changes this process
from tests.forked_programs import SMALL, Request, Server, patch, use

_SERVICES = ("cloudformation", "cloudwatch", "events", "iam", "logs", "s3", "sagemaker", "sts")
_MOTO = ("server", "backends", *(f"{service}.{part}" for service in _SERVICES for part in ("models", "responses", "urls")))
_OURS = ("serving", "maintenance", "runs.supervisor")
_LEFT_OUT = ("__main__", ".skeletons", ".simulat", ".what_if", ".plot", "sagemaker_")  # of sm_tuning: what needs NumPy or an SDK


_execve: Any = os.execve


class _AgainError(BaseException):
    """A program has replaced itself by itself, with another environment."""


def main() -> None:
    """`FOLDER OWNER ROOM`: import, listen, and go on in the background, with few imports in one process and with many in another."""
    folder, owner = Path(sys.argv[1]), int(sys.argv[2])
    for name, load in {"small": _import_little, "large": _import_much}.items():
        load()
        threads = os.listdir("/proc/self/task")  # noqa: PTH208 - their number
        assert len(threads) == 1, "what is imported has begun threads, which forks would not have"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        (folder / name).unlink(missing_ok=True)
        listener.bind(str(folder / name))
        listener.listen(64)
        if not os.fork():
            gc.collect()
            gc.freeze()
            patch()
            use(Server(folder, owner, dict(os.environ)))
            _serve(listener, owner)
            os._exit(0)
        listener.close()
    os._exit(0)


def _import_little() -> None:
    for name in SMALL:
        importlib.import_module(name)
    for name in SMALL:  # they are run as `__main__`
        sys.modules.pop(name)


def _import_much() -> None:
    for name in (*(f"local_emulator.{name}" for name in _OURS), *(f"moto.{name}" for name in _MOTO)):
        importlib.import_module(name)
    package = importlib.import_module("sm_tuning")
    for module in pkgutil.walk_packages(package.__path__, "sm_tuning."):
        if not any(part in module.name for part in _LEFT_OUT):
            importlib.import_module(module.name)


def _serve(listener: socket.socket, owner: int) -> None:
    """Fork on request and tell of ends, until the owner has ended."""
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    alive = os.pidfd_open(owner)
    children: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([listener.fileno(), reading, alive], [], [])
        if alive in ready:
            return
        if reading in ready:
            os.read(reading, 4096)
            _tell_ends(children)
        if listener.fileno() in ready:
            connection, _ = listener.accept()
            with contextlib.suppress(OSError):  # who asked may be killed at any moment
                message, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 64)
                child = os.fork() if message else None
                if child == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    signal.signal(signal.SIGINT, interrupt)
                    for held in (connection, listener, *children.values()):
                        held.detach()
                    _become(Request(*json.loads(message)), descriptors)
                for descriptor in descriptors:
                    os.close(descriptor)
                if child is not None:
                    children[child] = connection
                    connection.send(child.to_bytes(8, "big"))
                    continue
            if connection not in children.values():
                connection.close()


def _tell_ends(children: dict[int, socket.socket]) -> None:
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            with children.pop(ended[0]) as connection, contextlib.suppress(OSError):  # who asked may be gone
                connection.send(ended[1].to_bytes(8, "big"))


# --- in a fork ----------------------------------------------------------------------------------------------------------------


def _become(request: Request, descriptors: Sequence[int]) -> NoReturn:
    """Be the program, as far as it can tell."""
    try:
        _place([0, 1, 2, *request.kept], descriptors)
        if request.new_session:
            os.setsid()
        os.umask(request.umask)
        os.chdir(request.folder)
        _seed()
        tempfile.tempdir = None
        os._exit(_run_again_and_again(request) & 0xFF)
    except BaseException:  # noqa: BLE001 - it must not go on as a second server
        traceback.print_exc()
    os._exit(1)


def _run_again_and_again(request: Request) -> int:
    environment: Mapping[str, str] = request.environment
    while True:
        _set_environment(environment)
        _make_streams(unbuffered=bool(environment.get("PYTHONUNBUFFERED")))
        try:
            return _run(request.words, os.fspath(request.folder))
        except _AgainError as again:
            environment = again.args[0]


def _place(numbers: Sequence[int], descriptors: Sequence[int]) -> None:
    """Give descriptors the numbers that they should have, and close all others."""
    beyond = max(numbers) + 1
    moved = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, beyond) for descriptor in descriptors]
    for number, descriptor in zip(numbers, moved, strict=True):
        os.dup2(descriptor, number)
    for number in range(3, beyond):
        if number not in numbers:
            with contextlib.suppress(OSError):
                os.close(number)
    os.closerange(beyond, 1 << 16)


def _make_streams(*, unbuffered: bool) -> None:
    """Make Python's streams anew: those of the server know whether its own can be sought in."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        old, output = getattr(sys, name), number > 0
        binary = open(number, "wb" if output else "rb", 0 if output and unbuffered else -1, closefd=False)  # noqa: SIM115 - it stays open
        by_line = name == "stderr" or os.isatty(number)
        new = io.TextIOWrapper(binary, old.encoding, old.errors, line_buffering=by_line, write_through=output and unbuffered)
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)


def _seed() -> None:
    """Other random numbers than those of other forks: Python sees to those of `random` itself."""
    if moto := sys.modules.get("moto.moto_api._internal"):
        moto.mock_random.seed()


def _set_environment(environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    if not environment.get("LC_ALL") and (environment.get("LC_CTYPE") or environment.get("LANG") or "C") in {"C", "POSIX"}:
        os.environ["LC_CTYPE"] = "C.UTF-8"  # as Python does (PEP 538)
    sys.dont_write_bytecode = bool(environment.get("PYTHONDONTWRITEBYTECODE"))


def _again(program: str, arguments: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    if list(arguments) != sys.orig_argv:  # a run's
        _execve(program, arguments, environment)
    raise _AgainError(dict(environment))


def _run(words: list[str], folder: str) -> int:
    """Run `-m MODULE ARGUMENTS` or `-c CODE ARGUMENTS` as the interpreter does; gives the exit code."""
    sys.orig_argv = [sys.executable, *words]
    _show(sys.orig_argv)
    safe, words = words[0] == "-P", words[words[0] == "-P" :]
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    first = [] if safe else [folder if words[0] == "-m" else ""]
    sys.path[:] = dict.fromkeys([*first, *paths, *_base])
    vars(os)["execve"] = _again
    namespace = sys.modules["__main__"].__dict__
    namespace.pop("main", None)  # the server's
    code: Any = 0
    try:
        if words[0] == "-m":
            sys.argv = words[1:]
            vars(runpy)["_run_module_as_main"](words[1])  # what `python -m` is
        else:
            sys.argv = ["-c", *words[2:]]
            exec(compile(words[1], "<string>", "exec"), namespace)  # noqa: S102 - what `python -c` is
    except _AgainError:
        raise
    except SystemExit as end:
        code = end.code
    except BaseException as error:  # noqa: BLE001 - as the interpreter does
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    if not (code is None or isinstance(code, int)):
        print(code, file=sys.stderr)
        code = 1
    vars(threading)["_shutdown"]()  # threads that are no daemons are waited for
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = 120
    return code or 0


def _show(arguments: Sequence[str]) -> None:
    """Let /proc/PID/cmdline show a program's arguments in place of the server's."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[45]), int(fields[46])
    text = b"".join(argument.encode() + b"\0" for argument in arguments)[: end - start - 1]
    ctypes.memmove(start, text.ljust(end - start, b"\0"), end - start)


_base = [path for path in sys.path[1:] if path not in os.environ.get("PYTHONPATH", "").split(os.pathsep)]
