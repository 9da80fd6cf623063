"""Stands in front of a run's program where packages have to be installed: it has pip do that, and becomes the program.

It is part of the run: what pip prints is in the run's log, and a stop, the time limit or a kill end it. Those who want the same
layer wait for the one that makes it; a layer that somebody was killed over is made anew.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from local_emulator.runs.layers import Layer
from local_emulator.runs.requirements import Installation, SharedLayer

_LINES = 20  # of pip's errors in a FailureReason
_TRACEBACK = "ERROR: Exception:"  # before one of pip itself
_NO_REASON = (_TRACEBACK, "ERROR: ResolutionImpossible")
_BESIDE = ("[notice]", "WARNING: ")
# What is for the program: they would be for pip, too.
_OF_THE_PROGRAM = {"PIP_PYTHON", "PYTHONPATH"}


class InstallError(Exception):
    """pip has not installed what it was asked for."""


def install(work: Installation) -> None:
    """Install what a run needs; raises InstallError in the toolkit's words."""
    if work.folder is None:
        _install(work, Layer(work.own, work.interpreter))
        return
    shared = SharedLayer(work.folder)
    with shared.lock(wait=False) as held:
        if held:
            _install_shared(work, shared)
            return
    sys.stdout.write("Waiting for another job that installs the same packages\n")
    with shared.lock(wait=True):
        _install_shared(work, shared)


def _install_shared(work: Installation, shared: SharedLayer) -> None:
    if shared.installed.exists():
        return
    layer = Layer(shared.environment, work.interpreter)
    shutil.rmtree(shared.environment, ignore_errors=True)
    layer.make()
    _install(work, layer)
    unfinished = shared.installed.with_suffix(".new")
    unfinished.write_text(json.dumps({"empty": layer.empty}))
    unfinished.rename(shared.installed)


def _install(work: Installation, layer: Layer) -> None:
    command = layer.install(*work.arguments)
    environment = {name: value for name, value in os.environ.items() if name not in _OF_THE_PROGRAM}
    pip = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, errors="replace", close_fds=False)  # noqa: S603 - an argument list
    assert pip.stderr is not None  # noqa: S101 - for the type checker
    errors = []
    for line in pip.stderr:
        sys.stderr.write(line)
        errors.append(line)
    if code := pip.wait():
        kind = "InstallModuleError" if "." in work.arguments else "InstallRequirementsError"
        raise InstallError(f'{kind}:\nExitCode {code}\nErrorMessage "{explained(errors)}"\nCommand "{shlex.join(command)}"')


def explained(errors: Sequence[str]) -> str:
    """The end of what pip has written of an error, the line that says why first: a FailureReason is cut after 1,024 characters.

    It is the last one that pip calls an error, before which it lists versions, or which requirements exclude one another; after a
    traceback of its own the exception.
    """
    lines = [line.rstrip() for line in errors if line.strip() and not line.startswith(_BESIDE)]
    named = [index for index, line in enumerate(lines) if line.startswith("ERROR: ") and not line.startswith(_NO_REASON)]
    why = named[-1] if named else len(lines) - 1
    if why < 0:
        return ""
    first = lines.pop(why)
    rest = [] if _TRACEBACK in lines and not named else lines[-_LINES:]
    return "\n".join([first, *rest])


def main() -> NoReturn:
    """Install, and become the program; both are the arguments."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a text file
    work, command = Installation.load(sys.argv[1]), sys.argv[2:]
    try:
        install(work)
    except (InstallError, OSError) as error:
        if work.failure is None:
            sys.stderr.write(f"{error}\n")
        else:  # the toolkit's last words in the log show it
            Path(work.failure).write_text(str(error))
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - running programs is what this is for
