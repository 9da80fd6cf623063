"""`python -m local_emulator.dask.reaper PLACE`: kills every run in a worker's folder, and removes it, when its standard input ends.

A worker of a cluster holds the other end. Supervisors outlive whoever started them, which is right for an emulator, that finds them
again; but when a worker is gone, its runs are begun anew on another one, and must not go on here beside that.
"""

import shutil
import sys
import time
from pathlib import Path

from local_emulator.runs.process import ProcessExecutor

_LOOKS = 5  # a supervisor may just be beginning
_PAUSE = 0.2


def main(place: Path) -> None:
    """Wait, then kill."""
    sys.stdin.buffer.read()
    executor = ProcessExecutor(wakeup=None)
    for _ in range(_LOOKS):
        for folder in (place / "runs").glob("*"):
            executor.kill(folder)
        time.sleep(_PAUSE)
    shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
