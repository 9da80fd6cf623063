"""The mounts of a program: what it has mounted over its `/opt/ml`, where nobody else sees the files, nor uploads them."""

import os
from collections.abc import Sequence
from pathlib import Path

from local_emulator.runs.forkserver.server.mounting import OPT_ML

_RESULTS = ("model", "output", "output/data")
_CHANNELS = f"{OPT_ML}/input/data/"


def open_mounts(process: int) -> int | None:
    """A descriptor of the list of a process's mounts, which can be read after its end; None if it has ended already."""
    try:
        return os.open(f"/proc/{process}/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def hidden_results(mounts: int, checkpoints: str) -> Sequence[str]:
    """Folders of results, or folders below them, that something is mounted over; paths as the program knows them.

    `checkpoints` is the path of their folder below `/opt/ml`. The mounts of `/opt/ml` itself and of its channels are the emulator's.
    """
    with open(mounts, encoding="utf-8", errors="replace", closefd=False) as file:
        points = [line.split(" ", 5)[4] for line in file]
    results = tuple(f"{Path(OPT_ML, folder)}/" for folder in (*_RESULTS, checkpoints))
    below = [point for point in points if f"{point}/".startswith(results)]
    hidden = [point for point in below if point != OPT_ML and not point.startswith(_CHANNELS)]
    return [*([OPT_ML] if points.count(OPT_ML) > 1 else []), *dict.fromkeys(hidden)]
