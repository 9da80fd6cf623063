"""What the import of each top-level package does to a process that is to be forked: threads, files, processes, output, failure."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_WITHIN = 600  # seconds for all imports: nobody waits for them, so only one that hangs takes as long
# Their owner makes do without them after a fork, by handlers of its own. jemalloc's gives memory back to the kernel; in a fork
# jemalloc does that while it allocates, as it does wherever that thread is not asked for (pyarrow's copy asks for it).
_EXPENDABLE_THREADS = {"jemalloc_bg_thd"}


def top_level(module: str) -> str:
    """The package at the top of `package.module` or `package.module:name,name`."""
    return module.partition(":")[0].partition(".")[0]


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
    """Threads that a fork would lose: OpenBLAS, among others, ends its own before a fork."""
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
    """Imports modules and measures which top-level packages leave something behind in this process.

    It is a finder in front of all others: asked for each package that is not imported yet, it wraps the package's loader. What is new
    at the begin or the end of an import belongs to the package that was being imported until then.
    """

    def __init__(self, excluded: Iterable[str], progress: int) -> None:
        self._effects: dict[str, str] = {}  # package -> what its import did
        self._excluded = frozenset(excluded)
        self._excluded_but_imported: set[str] = set()
        self._importers: dict[str, set[str]] = {}
        self._importing: list[str] = []  # the innermost is the last
        self._progress = progress  # a descriptor of a file: what is being imported, read when this process dies
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
        self._check(None)
        for number, copy in zip((1, 2), self._streams, strict=True):
            os.dup2(copy, number)
            os.close(copy)
        os.close(self._output)
        os.ftruncate(self._progress, 0)

    @property
    def unfit(self) -> bool:
        """Whether this process must not be forked for runs."""
        return bool(self._effects or self._excluded_but_imported or self._unexplained)

    def import_all(self, modules: Sequence[str]) -> None:
        """Import each `module` or `module:name,name`, also after one that left something behind: so all of them are found at once."""
        for module in modules:
            package = top_level(module)
            if package in self._excluded or package in self._effects:
                continue
            name, _, names = module.partition(":")
            self._begin(package)
            try:
                __import__(name, fromlist=names.split(",") if names else ())
            except ImportError:
                pass  # the script will raise it itself
            except BaseException as error:  # noqa: BLE001 - stated as the package's effect; the script will raise it itself
                self._effects.setdefault(package, f"fails: {type(error).__name__}")
            finally:
                self._end()

    def exclusions(self) -> dict[str, str]:
        """Packages that must not be imported before a fork, name -> why: those with an effect, and all that import them."""
        self._add_importers_by_name()
        exclusions = dict(self._effects)
        waiting = [*exclusions, *self._excluded_but_imported]
        while waiting:
            package = waiting.pop()
            for importer in sorted(self._importers.get(package, ())):
                if importer not in exclusions and importer not in self._excluded:
                    exclusions[importer] = f"imports {package}"
                    waiting.append(importer)
        return exclusions

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:  # noqa: ANN401 - importlib's
        """Wrap the loader of a top-level package."""
        if "." in name or name in sys.stdlib_module_names:
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find else None
            if spec is not None:
                with contextlib.suppress(AttributeError, TypeError):  # no such attribute: what it does counts for its importer
                    spec.loader.exec_module = self._wrapped(name, spec.loader)
                return spec
        return None

    def _wrapped(self, name: str, loader: Any) -> Callable[[types.ModuleType], None]:  # noqa: ANN401 - importlib's
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
        self._check(importer)
        if importer not in {None, package}:
            self._importers.setdefault(package, set()).add(str(importer))
        if package in self._excluded:
            self._excluded_but_imported.add(package)
        self._importing.append(package)
        self._write_progress()

    def _end(self) -> None:
        self._check(self._importing.pop())
        self._write_progress()

    def _write_progress(self) -> None:
        content = json.dumps({"importing": self._importing}).encode()
        os.ftruncate(self._progress, os.pwrite(self._progress, content, 0))

    def _check(self, package: str | None) -> None:
        """Note what is new as the effect of a package's import (None: of none)."""
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
            self._effects.setdefault(str(package), why)

    def _add_importers_by_name(self) -> None:
        """Add importers of packages that were imported already, which no finder sees: their modules hold names of that package."""
        bad = {*self._effects, *self._excluded_but_imported}
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
