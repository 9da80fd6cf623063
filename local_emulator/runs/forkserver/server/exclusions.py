"""Which packages of an interpreter must not be imported before a fork, and why: found by the server, kept in a file."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from .imports import top_level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Exclusions:
    """What is known of the packages of one interpreter; forgotten when the version of any package is another one.

    Both map a name to why. `packages` are left to the scripts to import; `submodules` are packages that may be imported, but what runs
    import of them later is not.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._versions = _versions()
        content: Any = None
        with contextlib.suppress(OSError, ValueError), open(path) as file:  # noqa: PTH123 - pathlib is not imported here
            content = json.load(file)
        valid = isinstance(content, dict) and content.get("versions") == self._versions
        self.packages: dict[str, str] = dict(content["packages"]) if valid else {}
        self.submodules: dict[str, str] = dict(content["submodules"]) if valid else {}
        self._without_server: list[list[str]] = list(content["without_server"]) if valid else []

    def __contains__(self, module: str) -> bool:
        """Whether a module is not to be imported before a fork."""
        package = top_level(module)
        return package in self.packages or package in self.submodules

    def is_without_server(self, modules: Sequence[str]) -> bool:
        """Whether there can be no server for these imports."""
        return list(modules) in self._without_server

    def add_without_server(self, modules: Sequence[str]) -> None:
        """Try no more to have a server for these imports."""
        self._without_server.append(list(modules))
        self._save()

    def add(self, packages: Mapping[str, str], submodules: Mapping[str, str]) -> bool:
        """Add exclusions, name -> why; whether any is new."""
        before = len(self.packages) + len(self.submodules)
        self.packages = {**packages, **self.packages}
        self.submodules = {**submodules, **self.submodules}
        self._save()
        return len(self.packages) + len(self.submodules) > before

    def _save(self) -> None:
        """Write the file whole; on a full disk the next server only finds out again."""
        content = {
            "versions": self._versions,
            "packages": self.packages,
            "submodules": self.submodules,
            "without_server": self._without_server,
        }
        temporary = f"{self._path}.{os.getpid()}"
        with contextlib.suppress(OSError):
            with open(temporary, "w") as file:  # noqa: PTH123 - see above
                json.dump(content, file)
            os.replace(temporary, self._path)  # noqa: PTH105 - see above


def _versions() -> list[str]:
    """The interpreter, and every distribution that is installed for it, with its version."""
    names = {sys.version, os.path.realpath(sys.executable)}
    for folder in sys.path:
        with contextlib.suppress(OSError):
            names.update(name for name in os.listdir(folder) if name.endswith((".dist-info", ".egg-info", ".egg-link", ".pth")))  # noqa: PTH208 - see above
    return sorted(names)
