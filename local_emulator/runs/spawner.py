"""`python -m local_emulator.runs.spawner [BELL]`: forks a supervisor for each run folder named on standard input.

It has imported what a supervisor needs and has one thread, so that a fork costs a millisecond and is safe. It ends with its input;
the supervisors go on.
"""

import json
import os
import select
import signal
import sys
from pathlib import Path

from local_emulator.runs import supervisor


def _fork(path: Path, bell: Path | None) -> None:
    if os.fork():
        return
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.dup2(os.open(path / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    supervisor.main(path, bell)


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def main() -> None:
    """Serve until the end of the input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the emulator's business
    bell = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    wake_reading, wake_writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(wake_writing, warn_on_full_buffer=False)
    waiting = b""
    while True:
        ready, _, _ = select.select([0, wake_reading], [], [])
        if wake_reading in ready:
            os.read(wake_reading, 65536)
            _reap()
        if 0 in ready:
            chunk = os.read(0, 65536)
            if not chunk:
                return
            *lines, waiting = (waiting + chunk).split(b"\n")
            for line in lines:
                _fork(Path(json.loads(line)), bell)


if __name__ == "__main__":
    main()
