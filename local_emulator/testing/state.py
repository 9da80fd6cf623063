"""The state folder of an emulator that lives in this process: gone when it ends, however it ends.

The spawner of a process that is killed while runs are there removes its folder. What a killed process leaves otherwise, the next one
removes.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from local_emulator.runs import lock
from local_emulator.runs.folder import remove_tree
from local_emulator.state_folder import LOCK

_PREFIX = "sm-tuning-"


@contextlib.contextmanager
def temporary_state(end_runs: Callable[[Path], object]) -> Iterator[Path]:
    """A folder below the temporary folder, removed at the end. `end_runs` ends what runs in the folder of a killed process."""
    _remove_stale(os.getpid(), end_runs)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    try:
        yield folder
    finally:
        try:
            shutil.rmtree(folder)
        except OSError:  # something has been written meanwhile, or not everything may be removed by everybody
            remove_tree(folder)


@cache  # once in the life of a process
def _remove_stale(_process: int, end_runs: Callable[[Path], object]) -> None:
    """Remove the folders of processes that have been killed, and end what still runs there. Others' folders are left alone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        with contextlib.suppress(OSError):  # somebody else is removing it
            if _is_stale(folder):
                end_runs(folder)
                remove_tree(folder)


def _is_stale(folder: Path) -> bool:
    process = folder.name.removeprefix(_PREFIX).partition("-")[0]
    facts = folder.lstat()
    ours = process.isdecimal() and facts.st_uid == os.geteuid() and folder.is_dir() and not folder.is_symlink()
    # The lock too: in another container that shares the folder, the process is not to be seen.
    return ours and not Path("/proc", process).exists() and not lock.taken(folder / LOCK)
