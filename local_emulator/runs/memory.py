"""How much memory the processes of a program take."""

from collections.abc import Iterator
from pathlib import Path

_KIB = 1024


def of_several(leader: int) -> int:
    """Bytes that a process and its descendants take together now; 0 if it has none, whose peak the kernel knows at its end.

    What processes share counts once: each is given its part of it.
    """
    processes = list(_tree(leader))
    return sum(map(_share, processes)) if len(processes) > 1 else 0


def _tree(leader: int) -> Iterator[int]:
    waiting = [leader]
    while waiting:
        process = waiting.pop()
        yield process
        waiting += _children(process)


def _children(process: int) -> list[int]:
    try:
        threads = list(Path(f"/proc/{process}/task").iterdir())
    except OSError:
        return []
    return [int(child) for thread in threads for child in _read(thread / "children").split()]


def _share(process: int) -> int:
    lines = _read(Path(f"/proc/{process}/smaps_rollup")).splitlines()
    return next((int(line.split()[1]) * _KIB for line in lines if line.startswith("Pss:")), 0)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process or thread has ended, or belongs to somebody else
        return ""
