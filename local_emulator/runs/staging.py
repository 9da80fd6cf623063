"""Brings what was fetched into a host's `/opt/ml`."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from local_emulator.domain.errors import PASSING, RunError, is_passing
from local_emulator.runs import mounts
from local_emulator.runs.data.channels import copy_channel
from local_emulator.runs.mounts import Access, Layer, Support
from local_emulator.runs.run import Command, Container


def mountable(program: Command | Container, support: Support) -> frozenset[Access]:
    """What a program can have mounted below its `/opt/ml`: Docker's engine keeps nothing that is written apart."""
    if isinstance(program, Container):
        return frozenset({Access.READ, Access.SHARE})
    return frozenset(Access) if support.layers else frozenset()


def stage(ml: Path, layers: Mapping[str, Layer], accesses: frozenset[Access], written: Sequence[str] = ()) -> None:
    """Bring folders to paths below `ml` (path -> layer): mounted for the program's process, if they can be, or as copies.

    What is written to a layer is kept beside `ml`, and nothing can be mounted on it. So all are copied if one lies in another, or if
    a path from which something will be collected (`written`) lies in one, or the other way round.
    """
    kinds = frozenset() if _overlap([*layers], written) else accesses
    for path, layer in sorted(layers.items()):  # a folder before those in it, whose files win
        if layer.access in kinds:
            continue
        if layer.access is Access.SHARE:
            (ml / path).symlink_to(layer.folder, target_is_directory=True)
        else:
            copy_channel(layer.folder, ml / path)
    mounts.lay(ml, {path: layer for path, layer in layers.items() if layer.access in kinds})


def _overlap(paths: Sequence[str], written: Sequence[str]) -> bool:
    pairs = [(f"{path}/", f"{other}/") for index, path in enumerate(paths) for other in (*paths[index + 1 :], *written)]
    return any(path.startswith(other) or other.startswith(path) for path, other in pairs)


@contextmanager
def failures_as_reasons(folder: Path) -> Iterator[None]:
    """Turn errors of this machine's files into RunErrors, unless they may pass: those are raised for another try."""
    try:
        yield
    except OSError as error:
        if is_passing(error):
            raise
        if isinstance(error, shutil.Error):  # of a whole tree, which has no number
            for number in PASSING:
                if os.strerror(number) in str(error):
                    raise OSError(number, os.strerror(number)) from error
        raise RunError(f"ClientError: {error.strerror or error}: {_as_programs_know_it(error, folder)}") from error


def _as_programs_know_it(error: OSError, folder: Path) -> str:
    """The path that an error is about; below `/opt/ml` if it is in a run's own."""
    path = str(error.filename or folder)
    _, _, of_run = path.partition(f"/{folder.name}/")
    _, _, below = f"/{of_run}".partition("/ml/")
    return f"/opt/ml/{below}" if below else path
