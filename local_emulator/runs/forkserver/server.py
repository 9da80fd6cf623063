"""A Python that has imported what a script imports, and forks for each run of it. Run by its path, in any interpreter from 3.10.

    python warm_server.py SETTINGS      (JSON: `socket`, where to listen; `modules`; `memory`, a file; `mounts` and `imports`, ours)

This process imports nothing. It forks one that imports the modules and serves, and another one when that has found a package that
must stay out, or has died. The server's socket is there while it is ready, and only then: nobody waits for imports.

A server keeps a keeper standing by: a fork that is to a run's program what the supervisor is otherwise, its parent and the subreaper
of all that it starts, and that has forked once more, the child that becomes the script as `python train.py …` would be. A supervisor
connects and sends its run; what cannot be done so is refused, and the supervisor starts it cold.

A package stays out, and whatever imports it, if its import starts threads that a fork would lose, keeps files or devices open, starts
processes, prints, fails, hangs or kills (`warm_imports.py`). Everything here is of the standard library, and as little of it as will
do: what is imported here is there in the script.
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
import warnings
import weakref
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MARKER = "SM_EMULATOR_RUN"
MARK = "0" * 200  # as wide as any run's id
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_IDLE = 600.0  # seconds without a run, after which the server ends
_LOOK = 10.0  # seconds between looks whether the socket is still there
_QUIET = 1.0  # seconds without a change, after which packages are taken to be whole again
_MOST_GENERATIONS = 5  # servers for one set of imports, until none is made any more
_STALE, _AGAIN = 3, 4  # exit codes of a server: packages have changed, packages must stay out
NO_SERVER, NOT_NOW = 5, 6  # exit codes of this program: never for these imports, not at this moment
_LEARNT_AT_MOST = 2000  # modules
# inotify's: modified, attributes, written, moved from and to, created, deleted
_CHANGES = 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200
_SCRIPTS = 8  # compiled ones that are kept
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


@contextlib.contextmanager
def reachable(path: str) -> Iterator[str]:
    """An address of a socket file that is short enough, however deep the file lies."""
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)  # noqa: PTH120 - pathlib is not imported here
    try:
        yield f"/proc/self/fd/{folder}/{os.path.basename(path)}"  # noqa: PTH119 - see above
    finally:
        os.close(folder)


def _listen(path: str) -> socket.socket:
    """A socket that listens at a path as soon as there is a file."""
    listener = socket.socket(socket.AF_UNIX)
    with reachable(path) as address:
        aside = f"{address}.{os.getpid()}"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(aside)  # noqa: PTH108 - see above
        listener.bind(aside)
        listener.listen(128)
        os.rename(aside, address)  # noqa: PTH104 - see above
    return listener


def _load(name: str, path: str) -> types.ModuleType:
    """A module of ours, from its file."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- packages -----------------------------------------------------------------------------------------------------------------


class _Packages:
    """Tells when the files that modules came from change: the kernel says so, or else they are looked at."""

    def __init__(self) -> None:
        self.times = _times()
        self.news = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        for path in self.times:
            folder = path if os.path.isdir(path) else os.path.dirname(path)  # noqa: PTH112, PTH120 - see above
            watched = self.news >= 0 and _libc.inotify_add_watch(self.news, os.fsencode(folder), _CHANGES) >= 0
            if not watched and os.path.exists(folder):  # noqa: PTH110 - see above
                self.close()  # there are too many

    def close(self) -> None:
        if self.news >= 0:
            os.close(self.news)
        self.news = -1

    @property
    def changed(self) -> bool:
        """Whether they have."""
        if self.news >= 0:
            poll = select.poll()
            poll.register(self.news, select.POLLIN)
            return bool(poll.poll(0))
        return self.times != _times(self.times)

    def wait_until_quiet(self) -> None:
        """Until an installation that is going on is over."""
        poll = select.poll()
        poll.register(self.news, select.POLLIN)
        while poll.poll(_QUIET * 1000):
            os.read(self.news, 1 << 16)
            time.sleep(_QUIET / 10)


def _times(paths: Iterable[str] | None = None) -> dict[str, int]:
    """When files were last changed: those of all modules and the folders that modules are looked for in, if none are named."""
    if paths is None:
        files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
        paths = {path for path in (*sys.path, *files) if isinstance(path, str) and path}
    found = {}
    for path in paths:
        try:
            found[path] = os.stat(path).st_mtime_ns  # noqa: PTH116 - see above
        except OSError:
            found[path] = 0
    return found


# --- the main process ---------------------------------------------------------------------------------------------------------


def main() -> None:
    """Have a server, until standard input ends, or nobody has asked for long, or none is to be had."""
    for number in range(1, signal.NSIG):  # what whoever started the emulator ignores
        if number not in {signal.SIGPIPE, signal.SIGXFSZ} and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    settings = json.loads(sys.argv[1])
    del sys.path[0]  # this file's folder
    try:
        _Generations(settings).run()
    except BlockingIOError:  # no process, for now
        sys.exit(NOT_NOW)


class _Generations:
    """Forks a server, and another one after it. Imports nothing, so each begins like a new interpreter."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.mark = _find_mark()
        self.bind_opt_ml = _load("_mounts", settings["mounts"]).bind_opt_ml
        self.imports: Any = _load("_warm_imports", settings["imports"])
        self.memory = self.imports.Memory(settings["memory"])
        self.able_to_yield = self.imports.can_yield()
        self.progress = os.memfd_create("progress", os.MFD_CLOEXEC)  # what the server is importing, then what it has found
        self.alive = os.dup(0)  # whoever started us holds the other end
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    def run(self) -> NoReturn:
        """One server after another."""
        modules = self.settings["modules"]
        for _ in range(_MOST_GENERATIONS):
            if self.memory.hopeless(modules):
                os._exit(NO_SERVER)
            os.ftruncate(self.progress, 0)
            parent = os.getpid()
            child = os.fork()
            if child == 0:
                try:
                    _serve(self, parent)
                finally:
                    os._exit(1)
            code = self._wait(child)
            with contextlib.suppress(OSError):
                os.unlink(self.settings["socket"])  # noqa: PTH108 - pathlib is not imported here
            if code == 0:
                os._exit(0)
            if code == _STALE:
                self._begin_anew()
            facts = json.loads(os.pread(self.progress, 1 << 20, 0) or b"{}")
            if code == -signal.SIGKILL or not facts:
                os._exit(NOT_NOW)  # no import's doing
            if not self._remember(code, facts):
                break
        self.memory.give_up(modules)
        _say("there is no server for these imports")
        os._exit(NO_SERVER)

    def _wait(self, child: int) -> int:
        """The exit code of a server; this process ends when its standard input does, and the server with it."""
        process = os.pidfd_open(child)
        poll = select.poll()
        poll.register(self.alive, select.POLLIN)
        poll.register(process, select.POLLIN)
        if self.alive in {descriptor for descriptor, _ in poll.poll()}:
            os._exit(0)
        os.close(process)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def _remember(self, code: int, facts: dict[str, Any]) -> bool:
        """Note what must stay out; whether there is anything new, so that another server may do better."""
        cold, unlearnable = facts.get("cold", {}), facts.get("unlearnable", {})
        if code != _AGAIN:  # it died
            *importers, package = facts["importing"]
            cold = dict.fromkeys(importers, f"imports {package}")
            cold[package] = "hangs" if code == -signal.SIGALRM else f"ends the process ({code})"
        for name, why in {**cold, **unlearnable}.items():
            _say(f"{name} is left cold: it {why}")
        new: bool = self.memory.add(cold, unlearnable)
        return new

    def _begin_anew(self) -> NoReturn:
        os.dup2(self.alive, 0)
        os.execve(  # noqa: S606 - ourselves
            sys.executable, [sys.executable, __file__, json.dumps(self.settings)], {**os.environ, MARKER: MARK}
        )


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # a full disk
        os.write(2, f"{text}\n".encode())


def _serve(main: _Generations, parent: int) -> NoReturn:
    """In the fork: import, then serve."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    with main.imports.yielding(able=main.able_to_yield):
        with main.imports.ImportWatch(main.memory.cold, main.progress) as watch:
            watch.import_all(main.settings["modules"])
        if watch.spoiled:
            _end_spoiled(main, watch.cold(), {})
    _Server(main).run()


def _end_spoiled(main: _Generations, cold: dict[str, str], unlearnable: dict[str, str]) -> NoReturn:
    os.pwrite(main.progress, json.dumps({"cold": cold, "unlearnable": unlearnable}).encode(), 0)
    os._exit(_AGAIN)


# --- the server ---------------------------------------------------------------------------------------------------------------


class _Server:
    """Keeps a keeper standing by, whose program is forked already, and learns from those at work."""

    def __init__(self, main: _Generations) -> None:
        self.main = main
        self.mark = main.mark
        self.bind_opt_ml = main.bind_opt_ml
        self.path: str = main.settings["socket"]
        self.paths = tuple(sys.path)
        self.learnt = 0
        self.asked = time.monotonic()  # when somebody last did
        self.compiled: dict[tuple[str, bytes], types.CodeType] = {}
        self.told, self.telling = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.leave = self.standing = self.keeper = -1
        self._freeze()
        self.listener = _listen(self.path)

    def _freeze(self) -> None:
        self.child_handler = signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers need no burial
        with contextlib.suppress(ChildProcessError):  # but those that ended during the imports
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        self.known = frozenset(sys.modules)
        self.packages_known = {name.partition(".")[0] for name in self.known} - {"__main__"}
        self.packages = _Packages()
        gc.collect()
        gc.freeze()  # a collection in a script leaves alone what was there before it

    def bear(self, run: str) -> None:
        """In a fork: show a run's id in /proc/PID/environ."""
        mark = run.encode() + b"\0"
        ctypes.memmove(self.mark, mark, len(mark))

    def run(self) -> NoReturn:
        """Serve until nobody is there any more or nobody has asked for long."""
        self._stand_by()
        while True:
            poll = select.poll()
            news, alive = self.packages.news, self.main.alive
            for descriptor in (alive, self.told.fileno(), self.standing, *([news] if news >= 0 else [])):
                poll.register(descriptor, select.POLLIN)
            ready = {descriptor for descriptor, _ in poll.poll(_LOOK * 1000)}
            if alive in ready or time.monotonic() - self.asked > _IDLE:
                self._withdraw()
                os._exit(0)
            if news in ready:
                self._be_stale()
            if self.told.fileno() in ready:
                self._hear(json.loads(self.told.recv(1 << 20)))
            elif self.standing in ready:  # killed by somebody
                self._stand_by()
            elif not ready and not os.path.exists(self.path):  # noqa: PTH110 - pathlib is not imported here
                self._return()  # somebody had waited too long for us, and told others not to

    def _stand_by(self) -> None:
        """Fork the next keeper; the last one leaves, unless it has work."""
        if self.leave >= 0:
            os.close(self.leave)
            os.close(self.standing)
        leaving, self.leave = os.pipe2(os.O_CLOEXEC)
        self.keeper = os.fork()
        if self.keeper == 0:
            try:
                os.close(self.leave)
                _keep(self, leaving)
            finally:
                os._exit(1)
        os.close(leaving)
        self.standing = os.pidfd_open(self.keeper)

    def _withdraw(self) -> None:
        """Be there for nobody, and tell those who wait already."""
        with contextlib.suppress(OSError):
            os.unlink(self.path)  # noqa: PTH108 - see above
        self.listener.setblocking(False)
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                with connection:
                    send(connection, {"refused": "its server is not ready"})

    def _return(self) -> None:
        self.listener.close()
        self.listener = _listen(self.path)
        self._stand_by()

    def _be_stale(self) -> NoReturn:
        self._withdraw()
        if self.packages.news >= 0:
            self.packages.wait_until_quiet()
        os._exit(_STALE)

    def _hear(self, told: dict[str, Any]) -> None:
        self.asked = time.monotonic()
        if "stale" in told:
            self._be_stale()
        elif "learnt" in told:
            self._learn(told["learnt"])
        elif "source" in told:
            self._compile(told["entry"], told["source"])
        elif told["taken"] == self.keeper:
            self._stand_by()

    def left_out(self, module: str) -> bool:
        """Whether a module is not to be imported ahead."""
        package = module.partition(".")[0]
        return package in self.main.memory.cold or package in self.main.memory.unlearnable

    def _learn(self, names: list[str]) -> None:
        """Import what a run has imported, as the next will want it too."""
        new = [name for name in names if name not in sys.modules and not self.left_out(name)]
        new = new[: _LEARNT_AT_MOST - self.learnt]
        if not new:
            return
        self._withdraw()
        self.learnt += len(new)
        before = {name.partition(".")[0] for name in sys.modules}
        signal.signal(signal.SIGCHLD, self.child_handler)
        imports = self.main.imports
        with imports.ImportWatch(self.main.memory.cold, self.main.progress) as watch:
            watch.import_all(new)
        if watch.spoiled:  # a package that is fine by itself stays; only what runs import of it later is not learnt any more
            cold = watch.cold()
            unlearnable = {name: why for name, why in cold.items() if name in before}
            _end_spoiled(self.main, {name: why for name, why in cold.items() if name not in before}, unlearnable)
        self.packages.close()
        self._freeze()
        self._return()

    def _compile(self, entry: str, path: str) -> None:
        """Compile a script once, for the runs that have the same."""
        with contextlib.suppress(OSError, SyntaxError, ValueError, RecursionError):
            with io.open_code(path) as file:
                source = file.read()
            if (entry, source) not in self.compiled:
                if len(self.compiled) >= _SCRIPTS:
                    self.compiled.clear()
                with warnings.catch_warnings(record=True) as told:
                    code = compile(source, entry, "exec", dont_inherit=True)
                if not told:  # what the compiler says belongs into each run's log
                    self.compiled[entry, source] = code
                    self._stand_by()


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


def _keep(server: _Server, leaving: int) -> None:
    """Wait for a run and be the parent of its program, until it is over or its supervisor gone."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    line, other = socket.socketpair()
    keeper = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            line.close()
            os.close(leaving)
            _Script(server, keeper, other).become()
        finally:
            os._exit(127)
    other.close()
    connection = _accept(server.listener, leaving)
    if connection is None:
        return  # the child hears it
    request, descriptors = receive(connection, 1)
    if request is None or not descriptors or len(request["id"]) >= len(MARK):
        return
    server.bear(request["id"])
    send(line, request, descriptors)
    os.close(descriptors[0])
    if server.packages.changed:
        _tell(server, {"stale": True})
        send(connection, {"refused": "a package has changed"})
        return
    ready, _ = receive(line)
    if ready is None or "refused" in ready:
        os.waitpid(child, 0)
        send(connection, ready or {"refused": "the child died"})
        return
    send(connection, {"pid": child, "keeper": keeper})
    going, _ = receive(connection)
    if going is not None:
        send(line, {"go": True})
        _tell(server, {"taken": keeper})  # only now: a fork of the server would hold up this run
        if request["opt_ml"]:
            _tell(server, {"entry": ready["entry"], "source": ready["entry"].replace("/opt/ml", request["ml"], 1)})
        receive(connection)  # the supervisor has seen the end, or is gone
    send(connection, {"status": _bury(server, child)})


def _accept(listener: socket.socket, leaving: int) -> socket.socket | None:
    """The next connection; None if nobody is to be waited for any more."""
    listener.setblocking(False)  # two may stand by for a moment, and one of them comes too late
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    poll.register(leaving, select.POLLIN)
    while leaving not in {descriptor for descriptor, _ in poll.poll()}:
        with contextlib.suppress(BlockingIOError):
            connection, _ = listener.accept()
            connection.setblocking(True)
            listener.close()
            return connection
    return None


def _tell(server: _Server, what: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # a full line, or a server that is gone
        server.telling.send(json.dumps(what).encode(), socket.MSG_DONTWAIT)


def _bury(server: _Server, leader: int) -> int:
    """Kill what is left of a run, and say how its program ended."""
    os.killpg(leader, signal.SIGKILL)  # it has ended itself and is there to be waited for, or nobody wants it any more
    _, status = os.waitpid(leader, 0)
    deadline = time.monotonic() + 10.0
    while (left := server.main.imports.children()) and time.monotonic() < deadline:
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

    def __init__(self, server: _Server, keeper: int, line: socket.socket) -> None:
        self.server = server
        self.keeper = keeper
        self.line = line

    def become(self) -> NoReturn:
        """Wait for a run and be its program."""
        request, descriptors = receive(self.line, 1)
        if request is None:
            os._exit(127)
        try:
            self._settle(request, descriptors[0])
            entry = os.path.abspath(request["argv"][1])  # noqa: PTH100 - as Python does it
            folder = os.path.dirname(os.path.realpath(entry))  # noqa: PTH120 - see above
            paths = _python_path(folder)
            why = _refusal(entry, paths, self.server.packages_known)
        except OSError as error:
            why = f"{error.filename or ''} {error.strerror}"
        send(self.line, {"refused": why} if why else {"entry": entry})
        if why or receive(self.line)[0] is None:
            os._exit(127)
        telling = self.server.telling.fileno()
        os.closerange(3, telling)
        os.closerange(telling + 1, 1 << 16)
        sys.argv[:] = request["argv"][1:]
        sys.orig_argv[:] = request["argv"]
        sys.path[:] = [*paths, *(path for path in sys.path if path not in paths[1:])]
        _refresh()
        code = _run(entry, self.server.compiled)
        _end(code, self.server, folder)

    def _settle(self, request: dict[str, Any], output: int) -> None:
        """Everything that the kernel knows of a process."""
        self.server.bear(request["id"])
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
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update({**request["env"], MARKER: request["id"]})


def _python_path(folder: str) -> list[str]:
    """What is before everything else in `sys.path` when Python begins: the script's folder, then PYTHONPATH."""
    named = os.environ.get("PYTHONPATH", "")
    return [folder, *dict.fromkeys(os.path.abspath(path) for path in named.split(os.pathsep) if named)]  # noqa: PTH100 - see above


def _refusal(entry: str, paths: list[str], imported: set[str]) -> str | None:
    """Why a script cannot be run here as it would be cold."""
    if not os.path.isfile(entry):  # noqa: PTH113 - see above
        return f"there is no {entry}"
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


def _run(entry: str, compiled: dict[tuple[str, bytes], types.CodeType]) -> int:
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
        code = compiled.get((entry, source)) or compile(source, entry, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 - what we are for
    except SystemExit as error:
        return _exit_code(error.code)
    except BaseException as error:  # noqa: BLE001 - told as Python tells it
        trace = error.__traceback__
        error.__traceback__ = trace.tb_next if trace else None  # without this frame
        _show(error)
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


def _show(error: BaseException) -> None:
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
        anybodys = isinstance(origin, str) and origin.startswith(server.paths) and not origin.startswith(folder)
        if anybodys and not server.left_out(name):
            names.append(name)
    if names:
        _tell(server, {"learnt": sorted(names)})


if __name__ == "__main__":
    main()
