"""The command line of this installation, as a user can type it where a hint is printed."""

import os
import shlex
import shutil
import sys
from pathlib import Path

NAME = "sm-tuning"


def command(*words: str) -> str:
    """A command of `sm-tuning` to paste: the program as it was started, if that is not what the name alone starts."""
    return " ".join([_program(), *map(shlex.quote, words)])


def python(*words: str) -> str:
    """A command of the interpreter that runs this, to paste."""
    on_path = shutil.which("python")
    ours = on_path is not None and Path(on_path).parent == Path(sys.executable).parent
    return shlex.join(["python" if ours else _short(sys.executable), *words])


def _program() -> str:
    if sys.orig_argv[1:3] == ["-m", "sm_tuning"]:
        return f"{shlex.quote(sys.orig_argv[0])} -m sm_tuning"
    started = Path(sys.argv[0])
    script = started if started.name == NAME and started.is_file() else Path(sys.executable).with_name(NAME)
    on_path = shutil.which(NAME)
    if not script.is_file():
        return NAME if on_path else f"{shlex.quote(_short(sys.executable))} -m sm_tuning"
    if on_path and Path(on_path).samefile(script):
        return NAME
    return shlex.quote(_short(str(script)))


def _short(path: str) -> str:
    """The path from the current folder, of what lies below that."""
    relative = os.path.relpath(path)
    return path if relative.startswith(os.pardir) else relative
