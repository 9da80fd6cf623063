"""Turns a fork of the server into `python ENTRY WORDS…`, so that the script cannot tell."""

from __future__ import annotations

import atexit
import builtins
import ctypes
import gc
import importlib.machinery
import io
import os
import resource
import signal
import sys
import threading
import types
import weakref
from typing import TYPE_CHECKING, Any, NoReturn

from .messages import MARKER, receive, send
from .mounting import bind_opt_ml, outside

if TYPE_CHECKING:
    import socket

    from .compiled import CompiledSources
    from .state import State

_PR_SET_PDEATHSIG = 1
_MOST_AT_ONCE = 50  # modules that the server compiles between two runs

_libc = ctypes.CDLL(None, use_errno=True)


class Script:
    """The program of one run. `connection` leads to the run parent, whose process id is `parent`."""

    def __init__(self, state: State, parent: int, connection: socket.socket) -> None:
        self._state = state
        self._parent = parent
        self._connection = connection

    def become(self) -> NoReturn:
        """Wait for a run and be its program."""
        request, descriptors = receive(self._connection, 1)
        if request is None:
            os._exit(127)
        try:
            self._set_up(request, descriptors[0])
            entry = os.path.abspath(request["argv"][1])  # noqa: PTH100 - as Python does it
            folder = os.path.dirname(os.path.realpath(entry))  # noqa: PTH120 - see above
            paths = _python_path(folder)
            why = _refusal(entry, paths, self._state.top_level)
        except OSError as error:
            why = f"{error.filename or ''} {error.strerror}"
        send(self._connection, {"refused": why} if why else {"entry": entry})
        if why or receive(self._connection)[0] is None:
            os._exit(127)
        self._state.close_descriptors()
        sys.argv[:] = request["argv"][1:]
        sys.orig_argv[:] = request["argv"]
        sys.path[:] = [*paths, *(path for path in sys.path if path not in paths[1:])]
        _reset_modules()
        code = _run(entry, self._state.compiled)
        _end(code, self._state, folder, request["ml"] if request["opt_ml"] else None)

    def _set_up(self, request: dict[str, Any], output: int) -> None:
        """Set everything that the kernel knows of a process; as `runs.program` does for a program that is executed."""
        self._state.set_run_marker(request["id"])
        os.setsid()
        signal.signal(signal.SIGCHLD, self._state.sigchld_handler)
        os.umask(0o022)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["disk_limit"], request["disk_limit"]))
        if request["opt_ml"]:
            bind_opt_ml(request["ml"])
        # After the mounts: a new user namespace would clear it.
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != self._parent:
            os._exit(127)  # it died before this process asked to die with it
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
    """Why a script cannot be run here as it would be in a new interpreter."""
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


def _reset_modules() -> None:
    """Renew what modules drew or noted when they were imported, and what is to be each process's own."""
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


def _run(entry: str, compiled: CompiledSources) -> int:
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
        code = compiled.code(entry, source) or compile(source, entry, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 - what this program is for
    except SystemExit as error:
        return _exit_code(error.code)
    except BaseException as error:  # noqa: BLE001 - shown as Python shows it, and exit code 1
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
    _set_last(type(error), error)
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except BaseException as another:  # noqa: BLE001 - the script's hook fails: shown as Python shows it
        another.__context__ = None
        another.__traceback__ = another.__traceback__.tb_next if another.__traceback__ else None
        sys.stderr.write("Error in sys.excepthook:\n")
        sys.__excepthook__(type(another), another, another.__traceback__)
        sys.stderr.write("\nOriginal exception was:\n")
        sys.__excepthook__(type(error), error, error.__traceback__)


def _set_last(kind: type[BaseException] | None, error: BaseException | None) -> None:
    """Set what `sys` says of the error that has ended a script, for its exit handlers."""
    sys.last_type, sys.last_value, sys.last_traceback = kind, error, error.__traceback__ if error else None
    if sys.version_info >= (3, 12):
        sys.last_exc = error


def _end(code: int, state: State, folder: str, ml: str | None) -> NoReturn:
    """End as an interpreter ends, but for the modules that were imported before the script."""
    threading._shutdown()  # type: ignore[attr-defined] # noqa: SLF001 - what the interpreter itself calls
    atexit._run_exitfuncs()  # noqa: SLF001 - see above
    _set_last(None, None)  # it refers to the script's objects
    imported = state.imported_since()
    _notify_of_imports(state, imported, folder, ml)
    # What is no module (a library of cffi, an object in place of its module) is dropped only: it may take no weak reference.
    dropped = (sys.modules.pop(name, None) for name in [*imported, "__main__"])
    new = [weakref.ref(module) for module in dropped if _is_module(module)]
    gc.collect()
    for reference in new:  # those that something else still refers to
        if (module := reference()) is not None:
            names = _names_of(module)
            names.update(dict.fromkeys(names.keys() - {"__builtins__"}))
    gc.collect()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            code = 120 if stream is sys.stdout else code
    os._exit(code)


def _is_module(value: object) -> bool:
    """Whether it is a module in truth: a library of cffi says that it is one, by its `__class__`."""
    return issubclass(type(value), types.ModuleType)


def _names_of(module: types.ModuleType) -> dict[str, Any]:
    """What a module holds, without the code that a lazy one runs when it is asked."""
    names: dict[str, Any] = object.__getattribute__(module, "__dict__")
    return names


def _notify_of_imports(state: State, imported: list[str], folder: str, ml: str | None) -> None:
    """Tell the server what the script imported besides; of its own modules, which lie in its `folder`, those that were compiled."""
    names = []
    for name in imported:
        module = sys.modules[name]
        origin = getattr(_names_of(module).get("__spec__"), "origin", None) if _is_module(module) else None
        installed = isinstance(origin, str) and _is_below(origin, state.paths) and not _is_below(origin, (folder,))
        if installed and name not in state.exclusions:
            names.append(name)
    if names:
        state.notify({"imported": sorted(names)})
    own = [path for path in state.compiled.missed if _is_below(path, (folder,))][:_MOST_AT_ONCE]
    if own and ml is not None:
        state.notify({"sources": {path: outside(path, ml) for path in own}})


def _is_below(path: str, folders: tuple[str, ...]) -> bool:
    return path.startswith(tuple(f"{folder.rstrip('/')}/" for folder in folders if folder))
