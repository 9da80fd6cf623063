"""How much disk a run takes, and how much is left."""

import os
from pathlib import Path


def trouble(folder: Path, floor: int, limit: int | None) -> str | None:
    """Why a run must end, if it must: less than `floor` bytes are free, or its folder holds more than `limit` (None: not measured)."""
    space = os.statvfs(folder)
    free = space.f_bavail * space.f_frsize
    if free < floor:
        return f"only {free:,} bytes are free on this machine's disk, and {floor:,} are kept free"
    used = 0 if limit is None else _size(folder)
    if limit is not None and used > limit:
        return f"the training job wrote {used:,} bytes, more than its volume of {limit:,}"
    return None


def _size(folder: Path) -> int:
    total = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(parent, name)).st_blocks * 512  # noqa: PTH118 - a Path for each file would cost
            except OSError:
                continue
    return total
