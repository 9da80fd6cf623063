"""`python -m local_emulator.dask.reaper FOLDER`: kills every run in a worker's folder, and removes it, when its standard input ends.

A worker of a cluster holds the other end. Supervisors outlive whoever started them, which is right for an emulator, that finds them
again; but when a worker is gone, its runs are begun anew on another one, and must not go on here beside that.
"""

import shutil
import sys
import time
from pathlib import Path

from local_emulator.runs.process import ProcessExecutor

_ATTEMPTS = 5  # a supervisor may just be beginning
_PAUSE = 0.2


def main(root: Path) -> None:
    """Wait for the end of standard input, then kill."""
    sys.stdin.buffer.read()
    executor = ProcessExecutor(wakeup=None)
    for _ in range(_ATTEMPTS):
        for folder in (root / "runs").glob("*"):
            executor.kill(folder)
        time.sleep(_PAUSE)
    shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
