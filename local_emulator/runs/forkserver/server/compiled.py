"""Scripts, and the modules that lie beside them, compiled once for all runs that have the same text at the same path."""

from __future__ import annotations

import contextlib
import importlib.machinery
import os
import stat
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import types

_MOST = 512  # files that are kept, the newest
_LARGEST = 1 << 20  # bytes of a file


class CompiledSources:
    """Code by path and text. What a fork has to compile, `missed` names: the server compiles it for the next ones."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, bytes], types.CodeType] = {}
        self.missed: list[str] = []
        self._hook()

    def code(self, path: str, source: bytes) -> types.CodeType | None:
        """The code of a file; None if it is not compiled."""
        return self._code.get((path, source))

    def add(self, path: str, file: str) -> bool:
        """Compile what lies in `file` as the file at `path`; whether that was new, and could be done."""
        with contextlib.suppress(OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            source = _content(file)
            if (path, source) in self._code:
                return False
            with warnings.catch_warnings(record=True) as raised:
                code = compile(source, path, "exec", dont_inherit=True)
            if not raised:  # what the compiler warns of belongs into each run's log
                if len(self._code) >= _MOST:
                    del self._code[next(iter(self._code))]  # the oldest
                self._code[path, source] = code
                return True
        return False

    def _hook(self) -> None:
        """Have importlib ask here before it compiles a module. It still writes `__pycache__`, as without a fork."""
        loader: Any = importlib.machinery.SourceFileLoader
        compiled, original = self, loader.source_to_code

        def source_to_code(self: Any, data: bytes, path: str, **options: Any) -> Any:  # noqa: ANN401 - importlib's
            code = None if options else compiled.code(path, data)
            if code is None:
                compiled.missed.append(path)
                return original(self, data, path, **options)
            return code

        # For tracebacks of modules that cannot be compiled: Python leaves out the frames of importlib.
        source_to_code.__code__ = source_to_code.__code__.replace(co_filename="<frozen importlib._bootstrap>")
        loader.source_to_code = source_to_code


def _content(path: str) -> bytes:
    """The content of a regular file; OSError for anything else that a script may have put there, which might be read for ever."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            raise OSError(path)
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(_LARGEST)
    finally:
        os.close(descriptor)
