"""Children of a supervisor: helpers that do what may take long or never end, and whatever a program leaves behind."""

import contextlib
import ctypes
import os
import resource
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from local_emulator.runs.forks import fork

_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Helper:
    """A helper: its process id, a descriptor of that process, and the pipes to it and from it, which do not block."""

    pid: int
    process: int
    to: int
    answers: int

    @property
    def seconds(self) -> float:
        """Processor time that it has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.process, signal.SIGKILL)

    def reap(self) -> int:
        """Kill it and close its descriptors; its exit code, negative for the signal that ended it."""
        self.kill()
        os.close(self.to)
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.process)
        os.close(self.answers)
        return code


def only_kill(kill: Callable[[], None]) -> Callable[[signal.Signals], None]:
    """A function for `_Supervisor._wait` that ends a helper by SIGKILL alone."""

    def when(how: signal.Signals) -> None:
        if how is signal.SIGKILL:
            kill()

    return when


def kill_group(leader: int, how: signal.Signals) -> None:
    """Send a signal to a process group, if there is one."""
    try:
        os.killpg(leader, how)
    except ProcessLookupError:
        return


def descendants() -> Iterator[int]:
    """Processes whose parent is this one; as their subreaper it becomes the parent of every orphan below it."""
    for task in Path(f"/proc/{os.getpid()}/task").iterdir():
        try:
            yield from map(int, (task / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue


def kill_descendants(*, but: int | None, within: float, only: Callable[[int], bool] | None = None) -> None:
    """Kill and collect all descendants, but for one, or `only` some; for so many seconds at most."""
    deadline = time.monotonic() + within

    def doomed(process: int) -> bool:
        return process != but and (only is None or only(process))

    while (left := list(filter(doomed, descendants()))) and time.monotonic() < deadline:
        for process in left:
            try:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
            except (ProcessLookupError, ChildProcessError):
                continue


def start(work: Callable[[int, int], None], memory: int | None = None) -> Helper:
    """Fork a child that does some work with the read end of one pipe and the write end of another.

    Args:
        work: What it does before it ends; exit code 1 if that raises.
        memory: Bytes of address space that it may take beside what this process has.
    """
    asking, to = os.pipe2(os.O_CLOEXEC)
    answers, answering = os.pipe2(os.O_CLOEXEC)
    supervisor = os.getpid()
    pid = fork()
    if pid == 0:
        code = 1
        try:
            _settle(supervisor, asking, answering, memory)
            work(asking, answering)
            code = 0
        except BaseException:  # noqa: BLE001 - stated as exit code 1
            traceback.print_exc()
        finally:
            os._exit(code)  # even if the error cannot be printed: this child must not go on as a second supervisor
    os.close(asking)
    os.close(answering)
    for descriptor in (to, answers):
        os.set_blocking(descriptor, False)
    return Helper(pid=pid, process=os.pidfd_open(pid), to=to, answers=answers)


def _settle(supervisor: int, asking: int, answering: int, memory: int | None) -> None:
    os.setsid()
    # The supervisor handles SIGTERM; a helper is ended by SIGKILL.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != supervisor:
        os._exit(1)  # it died before we asked to die with it
    first, second = sorted((asking, answering))
    os.closerange(3, first)  # the run's lock among them
    os.closerange(first + 1, second)
    os.closerange(second + 1, 1 << 20)
    if memory is not None:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
