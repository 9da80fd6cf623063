"""What imports do to a process that is to be forked, measured for each top-level package; and what of it is remembered.

Of the standard library alone, and loaded by its path, as `warm_server.py` is: what is imported here is there in every warm script.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_WITHIN = 600  # seconds for all imports: nobody waits for them, so only one that hangs takes as long
_NICE = 10  # how much less of the processor an import gets than a training job
# Their owner makes do without them after a fork, by handlers of its own. jemalloc's gives memory back to the kernel; in a fork
# jemalloc does that while it allocates, as it does wherever that thread is not asked for (pyarrow's copy asks for it).
_EXPENDABLE_THREADS = {"jemalloc_bg_thd"}


def top_level(module: str) -> str:
    """The package at the top of `package.module` or `package.module:name,name`."""
    return module.partition(":")[0].partition(".")[0]


# --- looking ------------------------------------------------------------------------------------------------------------------


def _open_files() -> set[str]:
    links = set()
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - pathlib is not imported here
        try:
            links.add(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")  # noqa: PTH115 - see above
        except OSError:
            continue  # the listing's own
    return links


def _threads() -> set[str]:
    threads = set()
    for task in os.listdir("/proc/self/task"):  # noqa: PTH208 - see above
        try:
            with open(f"/proc/self/task/{task}/comm") as file:  # noqa: PTH123 - see above
                if file.read().strip() not in _EXPENDABLE_THREADS:
                    threads.add(task)
        except OSError:
            continue  # it has ended
    return threads


def _threads_that_stay() -> set[str]:
    """Threads that a fork would lose. OpenBLAS puts its own away before a fork, and so do other good citizens."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return _threads()


def children() -> set[int]:
    """Processes that this one's main thread has started, or inherited."""
    with open(f"/proc/self/task/{os.getpid()}/children") as file:  # noqa: PTH123 - see above
        return {int(process) for process in file.read().split()}


class ImportWatch:
    """Imports modules, and notes for each top-level package what its import, without the packages that it imports, leaves behind.

    A finder in front of all others: it is asked for each package that is not there yet, and has the package's loader tell when it
    begins and ends. So what is new at either moment is the doing of the package that was being imported until then.
    """

    def __init__(self, avoided: Iterable[str], progress: int) -> None:
        self.blamed: dict[str, str] = {}  # what a package did
        self._avoided = frozenset(avoided)
        self._met: set[str] = set()  # packages to be avoided that something imported all the same
        self._importers: dict[str, set[str]] = {}
        self._importing: list[str] = []  # the innermost is the last
        self._progress = progress  # a file that says what is being imported, to whoever sees this process die
        self._unexplained = False

    def __enter__(self) -> ImportWatch:  # noqa: PYI034 - typing.Self is of Python 3.11
        self._output = os.memfd_create("output", os.MFD_CLOEXEC)
        self._streams = [os.dup(1), os.dup(2)]
        for number in (1, 2):
            os.dup2(self._output, number)
        self._size = 0
        self._files, self._children, self._threads = _open_files(), children(), _threads_that_stay()
        sys.meta_path.insert(0, self)
        signal.alarm(_WITHIN)
        return self

    def __exit__(self, *_: object) -> None:
        signal.alarm(0)
        sys.meta_path.remove(self)
        self._look(None)
        for number, copy in zip((1, 2), self._streams, strict=True):
            os.dup2(copy, number)
            os.close(copy)
        os.close(self._output)
        os.ftruncate(self._progress, 0)

    @property
    def spoiled(self) -> bool:
        """Whether this process must not be forked for runs."""
        return bool(self.blamed or self._met or self._unexplained)

    def import_all(self, modules: Sequence[str]) -> None:
        """Import each `module` or `module:name,name`, also after one that did something: so all that did are known."""
        for module in modules:
            package = top_level(module)
            if package in self._avoided or package in self.blamed:
                continue
            name, _, names = module.partition(":")
            self._begin(package)
            try:
                __import__(name, fromlist=names.split(",") if names else ())
            except ImportError:
                pass  # the script is to meet it itself
            except BaseException as error:  # noqa: BLE001 - see above
                self.blamed.setdefault(package, f"fails: {type(error).__name__}")
            finally:
                self._end()

    def cold(self) -> dict[str, str]:
        """Packages that must stay out, and why: those that did something, and whatever imports them."""
        self._add_importers_by_name()
        cold = dict(self.blamed)
        waiting = [*cold, *self._met]
        while waiting:
            package = waiting.pop()
            for importer in sorted(self._importers.get(package, ())):
                if importer not in cold and importer not in self._avoided:
                    cold[importer] = f"imports {package}"
                    waiting.append(importer)
        return cold

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:  # noqa: ANN401 - importlib's
        """Have the loader of a top-level package tell when it begins and ends."""
        if "." in name or name in sys.stdlib_module_names:
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find else None
            if spec is not None:
                with contextlib.suppress(
                    AttributeError, TypeError
                ):  # a loader that has no room for it: its importer's doing then
                    spec.loader.exec_module = self._telling(name, spec.loader)
                return spec
        return None

    def _telling(self, name: str, loader: Any) -> Callable[[types.ModuleType], None]:  # noqa: ANN401 - importlib's
        execute = loader.exec_module

        def exec_module(module: types.ModuleType) -> None:
            del loader.exec_module
            self._begin(name)
            try:
                execute(module)
            finally:
                self._end()

        # For `warnings`, that tell an import's importer by leaving out the frames of importlib.
        exec_module.__code__ = exec_module.__code__.replace(co_filename="<frozen importlib._bootstrap>")
        return exec_module

    def _begin(self, package: str) -> None:
        importer = self._importing[-1] if self._importing else None
        self._look(importer)
        if importer not in {None, package}:
            self._importers.setdefault(package, set()).add(str(importer))
        if package in self._avoided:
            self._met.add(package)
        self._importing.append(package)
        self._tell_progress()

    def _end(self) -> None:
        self._look(self._importing.pop())
        self._tell_progress()

    def _tell_progress(self) -> None:
        content = json.dumps({"importing": self._importing}).encode()
        os.ftruncate(self._progress, os.pwrite(self._progress, content, 0))

    def _look(self, package: str | None) -> None:
        """What is new is a package's doing; None: nobody's."""
        why = ""
        files, processes, threads, size = _open_files(), children(), _threads(), os.fstat(self._output).st_size
        if threads - self._threads:
            threads = _threads_that_stay()
            why = "starts threads" if threads - self._threads else why
        if processes - self._children:
            why = "starts a process"
        if files - self._files:
            why = "keeps a file open"
        if size > self._size:
            why = "prints when it is imported"
        self._files, self._children, self._threads, self._size = files, processes, threads, size
        if why and package is None:
            self._unexplained = True
        elif why:
            self.blamed.setdefault(str(package), why)

    def _add_importers_by_name(self) -> None:
        """Who imports a package that was there already is not told by any finder: what its modules hold of that package says so."""
        bad = {*self.blamed, *self._met}
        for name, module in list(sys.modules.items()):
            importer = top_level(name)
            is_code = isinstance(module, types.ModuleType) and vars(module).get("__file__")  # some keep other things there
            for value in list(vars(module).values()) if is_code else ():
                if isinstance(value, types.ModuleType):
                    origin = vars(value).get("__name__")
                elif isinstance(value, type | types.FunctionType | types.BuiltinFunctionType):
                    origin = getattr(value, "__module__", None)
                else:
                    continue
                package = top_level(origin) if isinstance(origin, str) else ""
                if package in bad and package != importer:
                    self._importers.setdefault(package, set()).add(importer)


# --- priority -----------------------------------------------------------------------------------------------------------------


def can_yield() -> bool:
    """Whether this process may lower its priority and raise it again: root may, others rarely. Tried in a fork."""
    child = os.fork()
    if child == 0:
        try:
            with yielding(able=True):
                pass
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


@contextlib.contextmanager
def yielding(*, able: bool) -> Iterator[None]:
    """Leave the processor to training jobs."""
    priority = os.getpriority(os.PRIO_PROCESS, 0)
    if able:
        os.setpriority(os.PRIO_PROCESS, 0, priority + _NICE)
    try:
        yield
    finally:
        if able:
            os.setpriority(os.PRIO_PROCESS, 0, priority)


# --- remembering --------------------------------------------------------------------------------------------------------------


class Memory:
    """What has been learnt of the packages of one interpreter, in a file; forgotten when a package's version is another one."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._versions = _versions()
        content: Any = None
        with contextlib.suppress(OSError, ValueError), open(path) as file:  # noqa: PTH123 - see above
            content = json.load(file)
        valid = isinstance(content, dict) and content.get("versions") == self._versions
        self.cold: dict[str, str] = dict(content["cold"]) if valid else {}  # packages left to the scripts, and why
        self.unlearnable: dict[str, str] = dict(content["unlearnable"]) if valid else {}  # those whose later imports are, too
        self._hopeless: list[list[str]] = list(content["hopeless"]) if valid else []  # sets of imports that have no server

    def hopeless(self, modules: Sequence[str]) -> bool:
        """Whether no server is to be had for these imports."""
        return list(modules) in self._hopeless

    def give_up(self, modules: Sequence[str]) -> None:
        """Try no more to have a server for these imports."""
        self._hopeless.append(list(modules))
        self.save()

    def add(self, cold: Mapping[str, str], unlearnable: Mapping[str, str]) -> bool:
        """Remember what was found; whether any of it is new."""
        before = len(self.cold) + len(self.unlearnable)
        self.cold = {**cold, **self.cold}
        self.unlearnable = {**unlearnable, **self.unlearnable}
        self.save()
        return len(self.cold) + len(self.unlearnable) > before

    def save(self) -> None:
        """Write it whole; a full disk only makes the next server find it out again."""
        content = {
            "versions": self._versions,
            "cold": self.cold,
            "unlearnable": self.unlearnable,
            "hopeless": self._hopeless,
        }
        aside = f"{self._path}.{os.getpid()}"
        with contextlib.suppress(OSError):
            with open(aside, "w") as file:  # noqa: PTH123 - see above
                json.dump(content, file)
            os.replace(aside, self._path)  # noqa: PTH105 - see above


def _versions() -> list[str]:
    """The interpreter, and every distribution that is installed for it, with its version."""
    names = {sys.version, os.path.realpath(sys.executable)}
    for folder in sys.path:
        with contextlib.suppress(OSError):
            names.update(name for name in os.listdir(folder) if name.endswith((".dist-info", ".egg-info", ".egg-link", ".pth")))  # noqa: PTH208 - see above
    return sorted(names)
