"""What a source asks pip for (`requirements.txt`, `setup.py`), and the layer that it is installed in.

Requirements by name are installed once for all runs that have the same ones and the same interpreter. What lies in the source, or
somewhere that is not named by a version, is installed for each run into its own layer.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from local_emulator.runs.layers import Interpreter, Layer

FILE = "requirements.txt"
LAYERS = "layers"
"""The folder of the layers that runs share, below that of the caches."""

_MOST_FILES = 20
_UNUSED = 30 * 86400.0  # seconds after which a shared layer that no run has begun with is removed
_COMMENT = re.compile(r"(^|\s)#.*$")
_NAMED = re.compile(r"[A-Za-z0-9][\w.-]*\s*(\[[^\]]*\])?\s*((===?|[<>!~]=|[<>]|\(|;|--hash).*)?")
_ARCHIVE = re.compile(r"\S+\.(whl|zip|tgz|tar\.\w+)\b.*")
_MORE = re.compile(r"(?:-[rc]|--(?:requirement|constraint)(?:=|\s))\s*(.+)")
_ABOUT_SOURCES = re.compile(
    r"(-i|--index-url|--extra-index-url|--no-index|--pre|--trusted-host|--require-hashes|--\w+-binary)\b.*"
)
_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from local_emulator.runs import installer; installer.main()"


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What pip does before a program: the work of `installer`.

    Args:
        arguments: Of `pip install`, in the program's folder.
        folder: Of a `SharedLayer`; None for the run's own layer, `own`.
        interpreter: What the layer is upon.
        own: The run's own layer.
        failure: The file for the reason of a failure, as the toolkit writes it; None for none.
    """

    arguments: tuple[str, ...]
    folder: Path | None
    interpreter: Interpreter
    own: Path
    failure: str | None

    @property
    def command(self) -> tuple[str, ...]:
        """What installs, and then becomes the program whose command follows."""
        facts = json.dumps(asdict(self), default=str)
        return (sys.executable, "-I", "-c", _START, str(Path(__file__).parents[2]), facts)

    @classmethod
    def load(cls, facts: str) -> "Installation":
        """Read it from its command."""
        given = json.loads(facts)
        folder = None if given["folder"] is None else Path(given["folder"])
        interpreter = Interpreter(**{**given["interpreter"], "sites": tuple(given["interpreter"]["sites"])})
        arguments = tuple(given["arguments"])
        return cls(arguments=arguments, folder=folder, interpreter=interpreter, own=Path(given["own"]), failure=given["failure"])


@dataclass(frozen=True)
class SharedLayer:
    """A layer of all runs with the same requirements: its folder has the lock of who makes it, and a word that it is made."""

    folder: Path

    @property
    def environment(self) -> Path:
        """The layer's own folder."""
        return self.folder / "environment"

    @property
    def installed(self) -> Path:
        """Exists once everything is installed; says whether that was anything."""
        return self.folder / "installed"

    @contextlib.contextmanager
    def lock(self, *, wait: bool) -> Iterator[bool]:
        """Hold the lock, and pass it on to child processes; whether it is held."""
        self.folder.mkdir(parents=True, exist_ok=True)
        held = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            os.set_inheritable(held, True)
            yield True
        except BlockingIOError:
            yield False
        finally:
            os.close(held)


@dataclass(frozen=True, kw_only=True)
class Provided:
    """The interpreter that runs a source, what its run's own layer is made upon, and what installs before (empty: all is there)."""

    python: str
    below: Interpreter
    install: tuple[str, ...] = ()


def provide(
    files: Sequence[Path],
    below: Interpreter,
    shared: Path,
    *,
    own: Path,
    cwd: Path,
    failure: str | None = None,
    package: bool = False,
) -> Provided:
    """Decide where what a source asks for is installed.

    Args:
        files: Its requirements files, below `cwd`.
        below: The interpreter of its image.
        shared: The folder of the layers that runs share.
        own: The run's own layer.
        cwd: The folder that pip will be started in.
        failure: The file for the reason of a failure.
        package: Whether `cwd` is a package that is to be installed, too.
    """
    arguments = (*((".",) if package else ()), *(word for file in files for word in ("-r", str(file.relative_to(cwd)))))
    if not arguments:
        return Provided(python=below.path, below=below)
    text = None if package else _text_that_decides(files)
    if text is None:
        work = Installation(arguments=arguments, folder=None, interpreter=below, own=own, failure=failure)
        return Provided(python=Layer(own, below).python, below=below, install=work.command)
    key = hashlib.sha256(f"{below.fingerprint}\n{text}".encode("utf-8", "surrogateescape")).hexdigest()[:32]
    kept = SharedLayer(shared / key)
    layer = Layer(kept.environment, below)
    try:
        nothing = json.loads(kept.installed.read_text())["empty"]
        os.utime(kept.installed)
    except (OSError, ValueError):
        work = Installation(arguments=arguments, folder=kept.folder, interpreter=below, own=own, failure=failure)
        return Provided(python=layer.python, below=layer.as_interpreter, install=work.command)
    return Provided(python=below.path, below=below) if nothing else Provided(python=layer.python, below=layer.as_interpreter)


def remove_unused(shared: Path) -> None:
    """Remove layers that no run has begun with for long, and what was left half made."""
    for folder in shared.glob("*"):
        layer = SharedLayer(folder)
        with contextlib.suppress(OSError), layer.lock(wait=False) as held:
            if held and not (layer.installed.exists() and layer.installed.stat().st_mtime > time.time() - _UNUSED):
                shutil.rmtree(folder)


def _text_that_decides(files: Sequence[Path]) -> str | None:
    """Everything that decides what files ask for; None if that is not their text alone."""
    texts, waiting = list[str](), list(files)
    while waiting:
        file = waiting.pop(0)
        try:
            text = file.read_text(encoding="utf-8-sig")
        except (OSError, ValueError):
            return None  # pip will say why
        texts.append(text)
        for raw in re.sub(r"\\\n", "", text).splitlines():
            line = _COMMENT.sub("", raw).strip()
            if more := _MORE.fullmatch(line):
                waiting.append(file.parent / more[1].strip())
            elif line and ("${" in line or not _is_named(line)):
                return None
        if len(texts) > _MOST_FILES:
            return None
    return "\n\0".join(texts)


def _is_named(line: str) -> bool:
    """Whether a line asks for a package by its name, or tells where packages are found."""
    return _ABOUT_SOURCES.fullmatch(line) is not None or bool(_NAMED.fullmatch(line) and not _ARCHIVE.fullmatch(line))
