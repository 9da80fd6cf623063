"""The mounts of a program: what it has mounted over its `/opt/ml`, where nobody else sees the files, nor uploads them."""

import os
from collections.abc import Sequence

from local_emulator.runs.forkserver.server.mounting import OPT_ML

_RESULTS = tuple(f"{OPT_ML}/{name}" for name in ("model", "output", "output/data", "checkpoints"))


def open_mounts(process: int) -> int | None:
    """A descriptor of the list of a process's mounts, which can be read after its end; None if it has ended already."""
    try:
        return os.open(f"/proc/{process}/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def hidden_results(mounts: int) -> Sequence[str]:
    """Folders of results, or folders below them, that something is mounted over; paths as the program knows them."""
    with open(mounts, encoding="utf-8", errors="replace", closefd=False) as file:
        points = [line.split(" ", 5)[4] for line in file]
    below = tuple(f"{folder}/" for folder in _RESULTS)
    hidden = [point for point in points if point in _RESULTS or point.startswith(below)]
    return [*([OPT_ML] if points.count(OPT_ML) > 1 else []), *dict.fromkeys(hidden)]
