"""Layers: virtual environments on top of an interpreter.

To pip what the interpreter has is installed already, as in a container of AWS's: it stays if it will do, and otherwise another
version goes into the layer, which is asked first. The interpreter's own folders are never written to, for they are outside the layer.
"""

import hashlib
import importlib.util
import inspect
import json
import os
import shlex
import shutil
import site
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from local_emulator.domain.errors import is_passing
from local_emulator.settings import pip_variables

_DISTRIBUTIONS = (".dist-info", ".egg-info", ".egg-link", ".pth")
_BELOW = "_interpreter.pth"  # what makes a layer's packages those of its interpreter too


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """What a layer has to know of the interpreter that it is made for.

    Args:
        path: Its path.
        base: The executable of its installation: of a virtual environment's, that of what it was made from.
        library: Where an environment of it has its packages, below the environment's folder.
        sites: Where it has its own.
        prefix: The folder of its installation or environment, which may hold a `pip.conf`.
        pip: Whether it has pip.
    """

    path: str
    base: str
    library: str
    sites: tuple[str, ...]
    prefix: str
    pip: bool

    @property
    def fingerprint(self) -> str:
        """Another one if any distribution of the interpreter is added, removed, or replaced by another version."""
        names = [self.path, self.base, self.library]
        for folder in self.sites:
            if Path(folder).is_dir():
                names += [folder, *sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(_DISTRIBUTIONS))]
        return hashlib.sha256("\n".join(names).encode("utf-8", "surrogateescape")).hexdigest()


def interpreter(path: str) -> Interpreter | None:
    """What is known of an interpreter, which is asked once, and again if it is another one; None if it does not start."""
    if shutil.which(path) is None:
        return None
    return _interpreter(path, _time(path), _time(Path(path).parent.parent / "pyvenv.cfg"))


@lru_cache(maxsize=64)
def _interpreter(path: str, *_times: int) -> Interpreter | None:
    facts = _facts() if path == sys.executable else _ask(path)
    return None if facts is None else Interpreter(**{**facts, "path": path, "sites": tuple(facts["sites"])})


def _ask(path: str) -> dict[str, Any] | None:
    code = f"import importlib.util, json, site, sys\nfrom typing import Any\n{inspect.getsource(_facts)}\nprint(json.dumps(_facts()))"
    try:
        asked = subprocess.run([path, "-I", "-c", code], capture_output=True, text=True, check=True, timeout=60)  # noqa: S603 - the settings' interpreter
        facts: dict[str, Any] = json.loads(asked.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        if isinstance(error, OSError) and is_passing(error):
            raise  # it is asked again
        return None
    return facts


def _facts() -> dict[str, Any]:
    """What the interpreter is that executes this."""
    version = "{}.{}".format(*sys.version_info) + ("t" if "t" in getattr(sys, "abiflags", "") else "")
    return {
        "base": vars(sys)["_base_executable"],
        "library": f"lib/python{version}/site-packages",
        "sites": site.getsitepackages(),
        "prefix": sys.prefix,
        "pip": importlib.util.find_spec("pip") is not None,
    }


def _time(path: str | Path) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - a text or a path
    except OSError:
        return 0


@dataclass(frozen=True)
class Layer:
    """A layer by its folder."""

    folder: Path
    interpreter: Interpreter

    @property
    def python(self) -> str:
        """The interpreter that has the layer's packages."""
        return str(self.folder / "bin" / "python")

    @property
    def library(self) -> Path:
        """Where its packages are."""
        return self.folder / self.interpreter.library

    @property
    def empty(self) -> bool:
        """Whether nothing has been installed in it."""
        return [entry.name for entry in os.scandir(self.library)] == [_BELOW]

    def make(self) -> None:
        """Make it in a folder that does not exist. `python -m venv` does the same, and not upon another virtual environment."""
        programs, below = self.folder / "bin", self.interpreter
        for folder in (programs, self.library):
            folder.mkdir(parents=True)
        (self.folder / "lib64").symlink_to("lib")
        (programs / "python").symlink_to(below.base)
        (programs / "python3").symlink_to("python")
        for name in ("pip", "pip3"):
            program = programs / name
            program.write_text(f'#!/bin/sh\nexec {shlex.join(self._pip)} "$@"\n')
            program.chmod(0o755)
        home = Path(below.base).parent
        (self.folder / "pyvenv.cfg").write_text(f"home = {home}\ninclude-system-site-packages = false\n")
        # Not their paths alone: their own .pth files count, too.
        (self.library / _BELOW).write_text("".join(f"import site; site.addsitedir({folder!a})\n" for folder in below.sites))
        if (configuration := Path(below.prefix, "pip.conf")).is_file():
            (self.folder / "pip.conf").symlink_to(configuration)

    @property
    def as_interpreter(self) -> Interpreter:
        """What a layer upon this one has to know."""
        return replace(self.interpreter, path=self.python, sites=(str(self.library),), prefix=str(self.folder))

    @property
    def _pip(self) -> list[str]:
        """The command that is pip for this layer: the interpreter's, or else ours."""
        if self.interpreter.pip:
            return [self.python, "-I", "-m", "pip"]
        return [sys.executable, "-I", "-m", "pip", "--python", self.python]

    def install(self, *arguments: str) -> list[str]:
        """The command that installs what pip's arguments ask for."""
        return [*self._pip, "install", *arguments]


def variables(folder: Path, below: Interpreter) -> dict[str, str]:
    """Make a run's own layer in a folder; by these variables it is the target of every pip and known to every interpreter.

    So it is also for who names an interpreter by its path, as a script does with `sys.executable`.
    """
    layer = Layer(folder, below)
    shutil.rmtree(folder, ignore_errors=True)  # half made
    layer.make()
    return {**pip_variables(), "PIP_PYTHON": layer.python, "PYTHONPATH": str(layer.library)}
