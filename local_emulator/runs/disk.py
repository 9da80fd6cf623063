"""How much disk a run takes, and how much is left."""

import errno
import os
from pathlib import Path

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def shortage(folder: Path, floor: int, limit: int | None) -> str | None:
    """Why a run must end, if it must: less than `floor` bytes are free, or its folder holds more than `limit` (None: not measured)."""
    space = os.statvfs(next(path for path in (folder, *folder.parents) if path.is_dir()))  # a program may remove its folder
    free = space.f_bavail * space.f_frsize
    if free < floor:
        return f"only {free:,} bytes are free on this machine's disk, and {floor:,} are kept free"
    used = 0 if limit is None else _size(folder)
    if limit is not None and used > limit:
        return f"the training job wrote {used:,} bytes, more than its volume of {limit:,}"
    return None


def _size(folder: Path) -> int:
    total, waiting = 0, [str(folder)]
    while waiting:  # not by recursion: the tree may be thousands of folders deep
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError:
            continue  # it is gone meanwhile, or its path is too long
    return total
