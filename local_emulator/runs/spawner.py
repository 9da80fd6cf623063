"""`python -m local_emulator.runs.spawner OPTIONS`: forks a supervisor for each run folder named on standard input.

It has imported what a supervisor needs and has one thread, so that a fork costs a millisecond and is safe. It ends with its input;
the supervisors go on, unless there is an owner whom they are not to outlive: one that ends them says so by `null` as its last line.
"""

import ctypes
import gc
import json
import os
import select
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from local_emulator.runs import forks, supervisor
from local_emulator.runs.folder import remove_tree
from local_emulator.runs.process import ProcessExecutor

_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, kw_only=True)
class _Options:
    """Options of a spawner, JSON on its command line.

    `wakeup` is the FIFO that supervisors notify. `owner` is a descriptor of the process that the runs must not outlive (None: they
    outlive whoever started them), `folder` the folder that is removed when that process dies.
    """

    wakeup: str | None = None
    owner: int | None = None
    folder: str | None = None


@dataclass
class _Spawner:
    options: _Options
    running: dict[int, Path] = field(default_factory=dict)  # the run folders of living supervisors

    def serve(self) -> None:
        """Fork supervisors until the end of the input, or of the owner."""
        gc.collect()
        gc.freeze()  # a collection in a supervisor would copy all pages that it shares with this process
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the emulator's business
        wake_reading, wake_writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(wake_writing, warn_on_full_buffer=False)
        owner = [] if self.options.owner is None else [self.options.owner]
        waiting = b""
        while True:
            ready, _, _ = select.select([0, wake_reading, *owner], [], [])
            if self.options.owner in ready:  # a pipe's end may be later: a fork of the owner holds it open
                self._clear_away()
                return
            if wake_reading in ready:
                os.read(wake_reading, 65536)
                self._reap()
            if 0 in ready:
                chunk = os.read(0, 65536)
                if not chunk:
                    if owner:
                        self._clear_away()
                    return
                *lines, waiting = (waiting + chunk).split(b"\n")
                for path in map(json.loads, lines):
                    if path is None:
                        self._end_runs()
                        return
                    self._fork(Path(path))

    def _fork(self, path: Path) -> None:
        spawner = os.getpid()
        try:
            child = forks.fork()
        except OSError as error:  # the run has not begun, and the emulator asks for it again; others need this process
            print(f"no supervisor for {path.name}: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the emulator's log
            return
        if child == 0:
            self._become_supervisor(path, spawner)
        self.running[child] = path

    def _become_supervisor(self, path: Path, spawner: int) -> NoReturn:
        os.setsid()
        if self.options.owner is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != spawner:
                os._exit(1)  # it died before this process asked to die with it
            os.close(self.options.owner)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        os.dup2(os.open(path / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
        supervisor.main(path, Path(self.options.wakeup) if self.options.wakeup else None)

    def _reap(self) -> None:
        try:
            while child := os.waitpid(-1, os.WNOHANG)[0]:
                self.running.pop(child, None)
        except ChildProcessError:
            return

    def _clear_away(self) -> None:
        self._end_runs()
        if self.options.folder is not None:
            remove_tree(Path(self.options.folder))

    def _end_runs(self) -> None:
        self._reap()
        for path in self.running.values():
            ProcessExecutor(wakeup=None).kill(path)


if __name__ == "__main__":
    _Spawner(_Options(**json.loads(sys.argv[1]))).serve()
    os._exit(0)  # without the interpreter's cleanup
