"""What the soak programs share: figures with goals, an emulator of their own, and what a machine's processes show of it."""

import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # the benchmarks are no package that is installed

from tests.conftest import Server  # noqa: E402 - it needs the path


class Figures:
    """The rows of a table: what was measured, what it came to, and the goal. Collects what `print` shows and `code` judges."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, str, bool]] = []
        self._began = time.monotonic()
        self._load = os.getloadavg()[0]

    def note(self, what: str, reached: object) -> None:
        """A figure without a goal."""
        self._rows.append((what, _told(reached), "", True))

    def exactly(self, what: str, reached: float, goal: float) -> None:
        """A figure that must be as large as its goal."""
        self._rows.append((what, _told(reached), _told(goal), reached == goal))

    def at_most(self, what: str, reached: float, goal: float) -> None:
        """A figure that must not be larger than its goal."""
        self._rows.append((what, _told(reached), f"at most {_told(goal)}", reached <= goal))

    def at_least(self, what: str, reached: float, goal: float) -> None:
        """A figure that must not be smaller than its goal."""
        self._rows.append((what, _told(reached), f"at least {_told(goal)}", reached >= goal))

    def none(self, what: str, faults: Sequence[object], shown: int = 10) -> None:
        """Something that must not be at all; the first few that are, are shown on standard error."""
        self.exactly(what, len(faults), 0)
        for fault in faults[:shown]:
            print(f"{what}: {fault}", file=sys.stderr)

    def print(self) -> int:
        """Print the table; the exit code: 1 if a goal is missed."""
        print("| | reached | goal |\n|---|---|---|")
        for what, reached, goal, met in self._rows:
            print(f"| {what} | {reached}{'' if met else ' **missed**'} | {goal} |")
        print(
            f"\n{time.monotonic() - self._began:,.0f} s; load {self._load:.1f} at the beginning, {os.getloadavg()[0]:.1f} at the end"
        )
        return 0 if all(met for *_, met in self._rows) else 1


def _told(number: object) -> str:
    if isinstance(number, float):
        return f"{number:,.1f}" if abs(number) >= 10 or number == int(number) else f"{number:.3g}"
    return f"{number:,}" if isinstance(number, int) else str(number)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that a share of all does not exceed."""
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder, removed afterwards whatever lies in it."""
    path = Path(tempfile.mkdtemp(prefix="sm-tuning-soak-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def served(state: Path, *arguments: str) -> Iterator[Server]:
    """An emulator, ended with its runs afterwards."""
    server = Server(state=state, arguments=arguments)
    try:
        yield server.start()
    finally:
        server.end()
        reset(state)


def reset(state: Path) -> None:
    """Kill all runs of a state folder."""
    command = [sys.executable, "-m", "local_emulator", "reset", "--yes", "--state", str(state)]
    subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL)


def processes(text: str) -> list[int]:
    """Processes with a text in their environment or arguments, this one left out."""
    marked = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if entry.name != str(os.getpid()) and any(
                text.encode() in (entry / name).read_bytes() for name in ("environ", "cmdline")
            ):
                marked.append(int(entry.name))
    return marked


def environments() -> Iterator[tuple[int, bytes]]:
    """The environment of each process that may be looked at."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            yield int(entry.name), (entry / "environ").read_bytes()


def described(pid: int) -> str:
    """A process in words: number, state, parent, program, and the folder of its run."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        variables = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return f"{pid}, gone meanwhile"
    names = [variable for variable in variables if variable.startswith(("TRAINING_JOB_NAME=", "SM_EMULATOR_RUN="))]
    return f"{pid} {state}, child of {parent}: {words} {names}"


def until_none(text: str, within: float) -> list[int]:
    """The marked processes that are still there after so many seconds."""
    deadline = time.monotonic() + within
    while (left := processes(text)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
