"""The programs of a run that have been started: one for each host, each the leader of a process group of its own."""

import os
import signal
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from local_emulator.runs import helper, memory, program_mounts
from local_emulator.runs.program import Program
from local_emulator.runs.run import Container, Run

_KILL_WITHIN = 10.0  # seconds
_PAUSE = 20.0  # times what a look at the memory has taken: a twentieth of the supervisor's time


@dataclass
class HostedProgram:
    """The program of a host: the part of the run that it is of, the host's number from 0, and where its output comes from.

    `silent` is whether nothing more will come from there. `mounts` is a descriptor of the list of its mounts, closed at the end of the
    supervisor, as that takes the kernel some time; `code` its exit code as a shell shows it, once it has ended; `peak` the most memory
    that its processes have had, in bytes, as far as it is known: of a container nothing is. `measure_at` is when to look at it again.
    """

    run: Run
    number: int
    program: Program
    reading: int
    silent: bool = False
    mounts: int | None = None
    code: int | None = None
    peak: int | None = None
    measure_at: float = 0.0

    def __post_init__(self) -> None:
        self.process = os.pidfd_open(self.program.pid)
        if self.run.opt_ml and not isinstance(self.run.program, Container):
            self.mounts = program_mounts.open_mounts(self.program.pid)
        if self.run.host is not None:
            _ = self._namespace  # it is not there any more when the program has ended

    @cached_property
    def _namespace(self) -> int | None:
        """The mount namespace, which the program's processes have inherited and nobody else has; None if there is none."""
        own = _namespace_of(self.program.pid)
        return None if own == _namespace_of(os.getpid()) else own

    def measure(self) -> None:
        """Look at what its processes take together, the more seldom the longer that takes: all their memory is walked through."""
        began = time.monotonic()
        if isinstance(self.run.program, Container) or began < self.measure_at:
            return
        if together := memory.of_several(self.program.pid):
            self.peak = max(self.peak or 0, together)
        ended = time.monotonic()
        self.measure_at = ended + _PAUSE * (ended - began)

    def kill(self, how: signal.Signals) -> None:
        """Send a signal to the process group."""
        helper.kill_group(self.program.pid, how)

    def reap(self, but: int | None, *, last: bool) -> int:
        """Collect the program that has ended, and kill whatever it has left behind but one process; its exit code.

        Unless it is the `last`, what other hosts have started goes on, and so do its own processes if nothing tells them apart.
        """
        os.close(self.process)
        status, peak = self.program.reap()
        if peak is not None and not isinstance(self.run.program, Container):
            self.peak = max(self.peak or 0, peak)
        self.kill(signal.SIGKILL)
        helper.kill_descendants(but=but, within=_KILL_WITHIN, only=None if last else self._is_of_this_host)
        code = os.waitstatus_to_exitcode(status)
        self.code = 128 - code if code < 0 else code
        return self.code

    def _is_of_this_host(self, process: int) -> bool:
        return self._namespace is not None and _namespace_of(process) == self._namespace


def _namespace_of(process: int) -> int | None:
    try:
        return Path(f"/proc/{process}/ns/mnt").stat().st_ino
    except OSError:
        return None
