"""A Python that has imported what a script imports, and forks for each run of it. Run by its path, in any interpreter from 3.10.

    python warm_server.py SETTINGS      (JSON: `socket`, a listening descriptor; `modules`; `mounts`, the path of mounts.py)

It imports the modules, then waits on the socket. A supervisor sends a run; the server forks a keeper, which is to the run's program
what the supervisor is otherwise: its parent, and the subreaper of all that it starts. The keeper forks once more, and that child
becomes the script, as `python train.py …` would be. What cannot be done so is refused, and the supervisor starts it cold.

A module stays out (the server begins anew without it) if its import starts threads that a fork would lose, keeps files or devices
open, starts processes, or prints. Everything here is of the standard library, and as little of it as will do: what is imported here
is there in the script.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import ctypes
import gc
import importlib.machinery
import importlib.util
import io
import itertools
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import threading
import time
import types
import weakref
from typing import Any, NoReturn

MARKER = "SM_EMULATOR_RUN"
MARK = "0" * 200  # as wide as any run's id
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_IMPORTS_WITHIN = 60  # seconds for all imports; then the server dies, and runs are cold
_IDLE = 600.0  # seconds without a run, after which the server ends
_LEARNT_AT_MOST = 2000  # modules
_SIZE = struct.Struct(">I")

_libc = ctypes.CDLL(None, use_errno=True)


# --- messages -----------------------------------------------------------------------------------------------------------------


def send(connection: socket.socket, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
    """Send a message, with descriptors if there are any."""
    body = json.dumps(message).encode()
    head = _SIZE.pack(len(body))
    if descriptors:
        socket.send_fds(connection, [head], descriptors)
        connection.sendall(body)
    else:
        connection.sendall(head + body)


def receive(connection: socket.socket, most: int = 0) -> tuple[dict[str, Any] | None, list[int]]:
    """The next message and its descriptors; None when the other end is gone."""
    head, descriptors, _, _ = socket.recv_fds(connection, _SIZE.size, most)
    while head and len(head) < _SIZE.size:
        more = connection.recv(_SIZE.size - len(head))
        head = head + more if more else b""
    if not head:
        return None, descriptors
    (left,) = _SIZE.unpack(head)
    parts = []
    while left:
        part = connection.recv(min(left, 1 << 20))
        if not part:
            return None, descriptors
        parts.append(part)
        left -= len(part)
    message: dict[str, Any] = json.loads(b"".join(parts))
    return message, descriptors


# --- imports ------------------------------------------------------------------------------------------------------------------


def _open_files() -> set[str]:
    links = set()
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - pathlib is not imported here
        try:
            links.add(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")  # noqa: PTH115 - see above
        except OSError:
            continue  # the listing's own
    return links


def _has_threads() -> bool:
    """Whether threads are left that a fork would lose. OpenBLAS puts its own away before a fork, and so do other good citizens."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return len(os.listdir("/proc/self/task")) > 1  # noqa: PTH208 - see above


def _children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children") as file:  # noqa: PTH123 - see above
        return [int(one) for one in file.read().split()]


def _import(name: str) -> str | None:
    """Import `module` or `module:name,name`; why that cannot be, unless there is no such module."""
    module, _, names = name.partition(":")
    try:
        __import__(module, fromlist=names.split(",") if names else ())
    except ImportError:
        return None
    except BaseException as error:  # noqa: BLE001 - whatever it is, the script is to meet it itself
        return f"fails: {type(error).__name__}"
    return None


class _Watch:
    """Looks for what imports must not do; their output goes where it can be seen."""

    def __enter__(self) -> _Watch:  # noqa: PYI034 - typing.Self is of Python 3.11
        self._output = os.memfd_create("output", os.MFD_CLOEXEC)
        self._kept = [os.dup(1), os.dup(2)]
        for number in (1, 2):
            os.dup2(self._output, number)
        self._files, self._children = _open_files(), set(_children())
        signal.alarm(_IMPORTS_WITHIN)
        return self

    def __exit__(self, *_: object) -> None:
        signal.alarm(0)
        for number, copy in zip((1, 2), self._kept, strict=True):
            os.dup2(copy, number)
            os.close(copy)
        os.close(self._output)

    def trouble(self) -> str | None:
        """What has been seen."""
        if os.fstat(self._output).st_size:
            return "prints when it is imported"
        if _open_files() - self._files:
            return "keeps a file open"
        if set(_children()) - self._children:
            return "starts a process"
        return "starts threads" if _has_threads() else None


def _import_all(modules: list[str], settings: dict[str, Any]) -> None:
    """Import modules. If something is amiss, begin anew and look at each; then again, without the first that must stay out."""
    why, name = None, ""
    with _Watch() as watch:
        for name in modules:
            why = _import(name) or (watch.trouble() if settings["careful"] else None)
            if why is not None:
                break
        else:
            if watch.trouble() is not None and not settings["careful"]:
                why, name = "", ""
    if why is None:
        return
    if name:
        os.write(2, f"{name} is left cold: it {why}\n".encode())
        cold = [*settings["cold"], name.partition(":")[0]]
        settings = {**settings, "modules": [one for one in settings["modules"] if one != name], "cold": cold}
    _begin_anew({**settings, "careful": True})


def _begin_anew(settings: dict[str, Any]) -> NoReturn:
    os.set_inheritable(settings["socket"], True)
    os.execve(  # noqa: S606 - ourselves
        sys.executable, [sys.executable, __file__, json.dumps(settings)], {**os.environ, MARKER: MARK}
    )


def _fingerprint() -> dict[str, int]:
    """When the folders and files that modules came from were last changed."""
    paths = {path for path in sys.path if path}
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str):
            paths.add(path)
    found = {}
    for path in paths:
        try:
            found[path] = os.stat(path).st_mtime_ns  # noqa: PTH116 - see above
        except OSError:
            found[path] = 0
    return found


# --- the server ---------------------------------------------------------------------------------------------------------------


def main() -> None:
    """Import, then serve until standard input ends or nobody has asked for long."""
    for number in range(1, signal.NSIG):  # what whoever started the emulator ignores
        if number not in {signal.SIGPIPE, signal.SIGXFSZ} and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    settings = json.loads(sys.argv[1])
    del sys.path[0]  # this file's folder
    mark = _find_mark()
    spec = importlib.util.spec_from_file_location("_mounts", settings["mounts"])
    if spec is None or spec.loader is None:
        raise ImportError(settings["mounts"])
    mounts = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(mounts)
    listener = socket.socket(fileno=settings["socket"])
    listener.set_inheritable(False)
    _import_all(settings["modules"], settings)
    _Server(settings, listener, mark, mounts).run()


class _Server:
    def __init__(self, settings: dict[str, Any], listener: socket.socket, mark: int, mounts: types.ModuleType) -> None:
        self.settings = settings
        self.listener = listener
        self.mark = mark
        self.bind_opt_ml = mounts.bind_opt_ml
        self.paths = tuple(sys.path)
        self.learnt = 0
        self.told, self.telling = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)  # what scripts have imported besides
        self._freeze()

    def _freeze(self) -> None:
        self.child_handler = signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers need no burial
        with contextlib.suppress(ChildProcessError):  # but those that ended during the imports
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        self.known = frozenset(sys.modules)
        self.fingerprint = _fingerprint()
        gc.collect()
        gc.freeze()  # a collection in a script leaves alone what was there before it

    def run(self) -> None:
        poll = select.poll()
        for descriptor in (0, self.listener.fileno(), self.told.fileno()):
            poll.register(descriptor, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll(_IDLE * 1000)}
            if not ready or 0 in ready:
                os._exit(0)
            if self.told.fileno() in ready:
                self._learn(self.told.recv(1 << 20).decode().split())
            elif self.listener.fileno() in ready:
                self._serve()

    def _serve(self) -> None:
        connection, _ = self.listener.accept()
        if any(_changed(path, time) for path, time in self.fingerprint.items()):
            _begin_anew(self.settings)  # closes the connection, and its run is cold
        if os.fork():
            connection.close()
            return
        try:
            self.listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _keep(self, connection)
        finally:
            os._exit(1)

    def _learn(self, names: list[str]) -> None:
        """Import what a run has imported, as the next will want it too."""
        cold = self.settings["cold"]
        new = [
            name
            for name in names
            if name not in sys.modules and not any(name == one or name.startswith(f"{one}.") for one in cold)
        ]
        new = new[: _LEARNT_AT_MOST - self.learnt]
        if new:
            self.learnt += len(new)
            self.settings = {**self.settings, "modules": [*self.settings["modules"], *new]}
            signal.signal(signal.SIGCHLD, self.child_handler)
            _import_all(new, self.settings)
            self._freeze()


def _changed(path: str, time: int) -> bool:
    try:
        return os.stat(path).st_mtime_ns != time  # noqa: PTH116 - see above
    except OSError:
        return time != 0


# --- the keeper ---------------------------------------------------------------------------------------------------------------


def _find_mark() -> int:
    """Where the value of the marker lies that /proc/PID/environ shows; it is wide enough for any run's id."""
    environ = ctypes.POINTER(ctypes.c_void_p).in_dll(_libc, "environ")
    prefix = f"{MARKER}=".encode()
    for place in itertools.count():
        address: int | None = environ[place]
        if address is None:
            raise LookupError(MARKER)
        if ctypes.string_at(address).startswith(prefix):
            os.environ.pop(MARKER)
            return address + len(prefix)
    raise AssertionError


def _keep(server: _Server, connection: socket.socket) -> None:
    """Be the parent of one run, until it is over or its supervisor gone."""
    request, descriptors = receive(connection, 1)
    if request is None or not descriptors or len(request["id"]) >= len(MARK):
        return
    os.setsid()
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    mark = request["id"].encode() + b"\0"
    ctypes.memmove(server.mark, mark, len(mark))
    ready_reading, ready_writing = os.pipe2(os.O_CLOEXEC)
    go_reading, go_writing = os.pipe2(os.O_CLOEXEC)
    keeper = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            connection.close()
            os.close(ready_reading)
            os.close(go_writing)
            _Script(request, server, keeper, descriptors[0]).become(ready_writing, go_reading)
        finally:
            os._exit(127)
    for number in (descriptors[0], ready_writing, go_reading):
        os.close(number)
    ready = os.read(ready_reading, 65536)
    if ready != b"ready":
        os.waitpid(child, 0)
        send(connection, {"refused": ready.decode(errors="replace") or "the child died"})
        return
    send(connection, {"pid": child})
    going, _ = receive(connection)
    if going is not None:
        os.write(go_writing, b"go")
        receive(connection)  # the supervisor has seen the end, or is gone
    send(connection, {"status": _bury(child)})


def _bury(leader: int) -> int:
    """Kill what is left of a run, and say how its program ended."""
    os.killpg(leader, signal.SIGKILL)  # it has ended itself and is there to be waited for, or nobody wants it any more
    _, status = os.waitpid(leader, 0)
    deadline = time.monotonic() + 10.0
    while (left := _children()) and time.monotonic() < deadline:
        for process in left:
            try:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
            except (ProcessLookupError, ChildProcessError):
                continue
    return status


# --- the script ---------------------------------------------------------------------------------------------------------------


class _Script:
    """One run's program: turns a forked server into `python ENTRY WORDS…`."""

    def __init__(self, request: dict[str, Any], server: _Server, keeper: int, output: int) -> None:
        self.request = request
        self.server = server
        self.keeper = keeper
        self.output = output

    def become(self, ready: int, go: int) -> NoReturn:
        request = self.request
        try:
            self._settle()
            entry = os.path.abspath(request["argv"][1])  # noqa: PTH100 - as Python does it
            folder = os.path.dirname(os.path.realpath(entry))  # noqa: PTH120 - see above
            paths = _python_path(folder)
            why = _refusal(entry, paths, self.server.known)
        except OSError as error:
            why = f"{error.filename or ''} {error.strerror}"
        os.write(ready, why.encode() if why else b"ready")
        if why or os.read(go, 2) != b"go":
            os._exit(127)
        telling = self.server.telling.fileno()
        os.closerange(3, telling)
        os.closerange(telling + 1, 1 << 16)
        sys.argv[:] = request["argv"][1:]
        sys.orig_argv[:] = request["argv"]
        sys.path[:] = [*paths, *(path for path in sys.path if path not in paths[1:])]
        _refresh()
        code = _run(entry)
        _end(code, self.server, folder)

    def _settle(self) -> None:
        """Everything that the kernel knows of a process."""
        request = self.request
        os.setsid()
        signal.signal(signal.SIGCHLD, self.server.child_handler)
        os.umask(0o022)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["disk_limit"], request["disk_limit"]))
        if request["opt_ml"]:
            self.server.bind_opt_ml(request["ml"])
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != self.keeper:
            os._exit(127)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(self.output, 1)
        os.dup2(self.output, 2)
        os.close(nothing)
        os.close(self.output)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update({**request["env"], MARKER: request["id"]})


def _python_path(folder: str) -> list[str]:
    """What is before everything else in `sys.path` when Python begins: the script's folder, then PYTHONPATH."""
    named = os.environ.get("PYTHONPATH", "")
    return [folder, *dict.fromkeys(os.path.abspath(path) for path in named.split(os.pathsep) if named)]  # noqa: PTH100 - see above


def _refusal(entry: str, paths: list[str], known: frozenset[str]) -> str | None:
    """Why a script cannot be run here as it would be cold."""
    if not os.path.isfile(entry):  # noqa: PTH113 - see above
        return f"there is no {entry}"
    imported = {name.partition(".")[0] for name in known} - {"__main__"}
    for folder in paths:
        try:
            names = os.listdir(folder)  # noqa: PTH208 - see above
        except OSError:
            continue
        for name in names:
            if name.partition(".")[0] in imported:
                return f"{name} lies beside the script and has the name of a module that is imported already"
    return None


def _refresh() -> None:
    """Whatever a module drew or noted when it was imported, and that is to be each process's own."""
    numpy: Any = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.seed()
    process: Any = sys.modules.get("multiprocessing.process")
    if process is not None:
        process.ORIGINAL_DIR = os.getcwd()  # noqa: PTH109 - see above
        process.current_process().authkey = os.urandom(32)
    tempfile: Any = sys.modules.get("tempfile")
    if tempfile is not None:
        tempfile.tempdir = None
    site: Any = sys.modules.get("site")
    if site is not None and getattr(site, "USER_SITE", None):
        site.USER_SITE = site.USER_BASE = None
        site.getusersitepackages()


def _run(entry: str) -> int:
    """Run a file as `__main__`; its exit code."""
    module = types.ModuleType("__main__")
    module.__file__ = entry
    module.__dict__.update(
        __builtins__=builtins,
        __cached__=None,
        __annotations__={},
        __loader__=importlib.machinery.SourceFileLoader("__main__", entry),
    )
    sys.modules["__main__"] = module
    try:
        with io.open_code(entry) as file:
            source = file.read()
        exec(compile(source, entry, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - what we are for
    except SystemExit as error:
        return _exit_code(error.code)
    except BaseException as error:  # noqa: BLE001 - told as Python tells it
        trace = error.__traceback__
        error.__traceback__ = trace.tb_next if trace else None  # without this frame
        _tell(error)
        if isinstance(error, KeyboardInterrupt):
            sys.stdout.flush()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        return 1
    return 0


def _exit_code(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)  # noqa: T201 - as Python does
    return 1


def _tell(error: BaseException) -> None:
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except BaseException as another:  # noqa: BLE001 - as Python does
        another.__context__ = None
        another.__traceback__ = another.__traceback__.tb_next if another.__traceback__ else None
        sys.stderr.write("Error in sys.excepthook:\n")
        sys.__excepthook__(type(another), another, another.__traceback__)
        sys.stderr.write("\nOriginal exception was:\n")
        sys.__excepthook__(type(error), error, error.__traceback__)


def _end(code: int, server: _Server, folder: str) -> NoReturn:
    """End as an interpreter ends, but for taking down what was there before the script."""
    threading._shutdown()  # type: ignore[attr-defined] # noqa: SLF001 - what the interpreter itself calls
    atexit._run_exitfuncs()  # noqa: SLF001 - see above
    _teach(server, folder)
    new = [weakref.ref(sys.modules.pop(name)) for name in [*(set(sys.modules) - server.known), "__main__"]]
    gc.collect()
    for module in new:  # those that something else still refers to
        if (left := module()) is not None:
            left.__dict__.update(dict.fromkeys(left.__dict__.keys() - {"__builtins__"}))
    gc.collect()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            code = 120 if stream is sys.stdout else code
    os._exit(code)


def _teach(server: _Server, folder: str) -> None:
    """Tell the server what the script imported besides, if it is anybody's and not the script's own."""
    names = []
    for name in set(sys.modules) - server.known:
        origin = getattr(getattr(sys.modules[name], "__spec__", None), "origin", None)
        if isinstance(origin, str) and origin.startswith(server.paths) and not origin.startswith(folder):
            names.append(name)
    if names:
        try:
            server.telling.send("\n".join(sorted(names)).encode(), socket.MSG_DONTWAIT)
        except OSError:
            return  # too many to be told


if __name__ == "__main__":
    main()
