"""The parent of one run. It outlives the emulator, and what it writes in the run's folder is what happened.

One process, one thread: it takes the run's lock, claims the folder, starts the program, keeps its output, finds metrics in it, holds
it to its limits, clears away what it leaves behind, packs its archives, and says how it ended.
"""

import ctypes
import errno
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from local_emulator.runs import lock
from local_emulator.runs.archive import ArchiveError
from local_emulator.runs.folder import EvidenceError, RunFolder, read_facts
from local_emulator.runs.log import LogWriter
from local_emulator.runs.metrics import Matcher
from local_emulator.runs.mounts import bind_opt_ml
from local_emulator.runs.packing import pack
from local_emulator.runs.run import Cause, Command, Container, Exit, Run
from local_emulator.runs.warm import Forked, fork
from local_emulator.runs.warm_server import MARKER

__all__ = ["MARKER", "descendants", "main", "remove_container", "supervise"]

_CONTAINER = "local_emulator.runs.container"
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_CHUNK = 256 * 1024
_LOOK_AT_DISK = 1.0  # seconds between looks at the free space
_MEASURE_EVERY = 5  # looks between measurements of the run's folder, which walk it
_DRAIN = 2.0  # seconds that the last output may take to arrive
_CANNOT_EXEC = {errno.ENOENT: 127, errno.EACCES: 126, errno.ENOEXEC: 126}

_libc = ctypes.CDLL(None, use_errno=True)


def supervise(path: Path, bell: Path | None) -> None:
    """Run what lies in a run's folder, unless somebody has begun it already."""
    folder = RunFolder(path)
    held = lock.take(folder.lock)
    if held is None:
        return
    try:
        run = folder.load_run()  # it is not there if the run was withdrawn meanwhile
        os.close(os.open(folder.claim, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except (FileExistsError, EvidenceError):
        os.close(held)
        return
    supervisor = _Supervisor(folder, run, bell)
    supervisor.run()
    os.close(held)
    supervisor.ring()  # only now: whoever hears it and finds the lock held would take the run to go on


def descendants() -> Iterator[int]:
    """Processes whose parent is this one; as their subreaper it becomes the parent of every orphan below it."""
    for task in Path(f"/proc/{os.getpid()}/task").iterdir():
        try:
            yield from map(int, (task / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue


@dataclass
class _Supervisor:
    folder: RunFolder
    run_: Run
    bell: Path | None
    cause: Cause = Cause.EXIT
    message: str = ""
    seq: int = 0
    looks: int = 0
    kill_at: float | None = None
    told: set[str] = field(default_factory=set)

    def run(self) -> None:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.log = LogWriter(self.folder, self.run_.log_limit)
        self.matcher = Matcher(self.run_.metrics)
        self.values = os.open(self.folder.metrics, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if not self.folder.control.exists():
            os.mkfifo(self.folder.control, 0o600)
        self.control = os.open(self.folder.control, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        code = self._run_program()
        ended = datetime.now(UTC)
        model, output = self._pack()
        self.log.close()
        self.folder.write_exit(Exit(cause=self.cause, code=code, time=ended, message=self.message, model=model, output=output))

    # --- the program ----------------------------------------------------------------------------------------------------

    def _run_program(self) -> int:
        """Start the program and stay with it to its end; its exit code as a shell shows it."""
        asked = self.folder.asked_to_stop()
        if asked is not None:
            self.cause = asked
            return 0
        reading, writing = os.pipe2(os.O_CLOEXEC)
        forked = fork(self.run_, writing, self.control) if self.run_.warm else None
        asked = None if forked else self.folder.asked_to_stop()
        if asked is not None:  # while it waited for its server
            self.cause = asked
            return 0
        child = forked.pid if forked else self._execute(writing)
        os.close(writing)
        if isinstance(child, Exit):
            self.cause, self.message = child.cause, child.message
            return child.code
        os.set_blocking(reading, False)
        self._stay(child, reading)
        code = self._reap(child, forked)
        self._drain(reading)
        os.close(reading)
        if isinstance(self.run_.program, Container):
            remove_container(self.folder)
            self._hear_trouble()
        return code

    def _execute(self, writing: int) -> int | Exit:
        """Start the program in a process of its own, or say why it cannot be started."""
        trouble_reading, trouble_writing = os.pipe2(os.O_CLOEXEC)
        supervisor = os.getpid()
        child = os.fork()
        if child == 0:
            _become(self.run_, self.folder, supervisor, writing, trouble_writing)
        os.close(trouble_writing)
        with open(trouble_reading, "rb") as pipe:  # noqa: PTH123 - a descriptor
            trouble = pipe.read()
        if not trouble:
            return child
        os.waitpid(child, 0)
        number, _, text = trouble.decode().partition(" ")
        message = f"ClientError: The training program cannot be started: {text}"
        return Exit(cause=Cause.START, code=_CANNOT_EXEC.get(int(number), 126), time=datetime.now(UTC), message=message)

    def _hear_trouble(self) -> None:
        """What kept a container from its work, unless it was to end anyway."""
        trouble = read_facts(self.folder.trouble)
        if self.cause is Cause.EXIT and trouble is not None:
            self.cause, self.message = Cause(trouble["cause"]), trouble["message"]

    def _stay(self, child: int, reading: int) -> None:
        """Until the program has ended: output, stop requests, deadlines, the disk."""
        ended = os.pidfd_open(child)
        limits = {Cause.MAX_RUNTIME: self.run_.max_runtime, Cause.MAX_WAIT: self.run_.max_wait}
        seconds, why = min(((limit, cause) for cause, limit in limits.items() if limit is not None), default=(None, Cause.EXIT))
        deadline = None if seconds is None else time.monotonic() + seconds
        look_at = time.monotonic() + _LOOK_AT_DISK
        poll = select.poll()
        for descriptor in (reading, self.control, ended):
            poll.register(descriptor, select.POLLIN)
        self._obey(child)
        while True:
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                self._stop(child, why)
                deadline = None
            if self.kill_at is not None and now >= self.kill_at:
                _kill_group(child, signal.SIGKILL)
                self.kill_at = now + 1.0
            if now >= look_at:
                self._look_at_disk(child)
                self._obey(child)  # the program may have removed what it is woken by
                look_at = time.monotonic() + _LOOK_AT_DISK
            next_ = min(moment for moment in (deadline, self.kill_at, look_at) if moment is not None)
            ready = {descriptor for descriptor, _ in poll.poll(max(next_ - now, 0.0) * 1000 + 1)}
            if reading in ready and not self._read(reading):
                poll.unregister(reading)
            if self.control in ready:
                os.read(self.control, 4096)
                self._obey(child)
            if ended in ready:
                os.close(ended)
                return

    def _obey(self, child: int) -> None:
        asked = self.folder.asked_to_stop()
        if asked is not None:
            self._stop(child, asked)

    def _stop(self, child: int, cause: Cause, message: str = "") -> None:
        if self.kill_at is None:
            self.cause, self.message = cause, message
            _kill_group(child, signal.SIGTERM)
            self.kill_at = time.monotonic() + self.run_.stop_grace

    def _look_at_disk(self, child: int) -> None:
        space = os.statvfs(self.folder.work)
        free = space.f_bavail * space.f_frsize
        self.looks += 1
        used = _size(self.folder.work) if self.looks % _MEASURE_EVERY == 0 else 0
        message = ""
        if free < self.run_.disk_floor:
            message = f"only {free:,} bytes are free on this machine's disk, and {self.run_.disk_floor:,} are kept free"
        elif used > self.run_.disk_limit:
            message = f"the training job wrote {used:,} bytes, more than its volume of {self.run_.disk_limit:,}"
        if message:
            self._stop(child, Cause.DISK, f"ClientError: No space left on device: {message}")
            self.kill_at = time.monotonic()

    def _reap(self, child: int, forked: Forked | None) -> int:
        """Collect the program and kill whatever it left behind."""
        status = forked.bury() if forked else os.waitpid(child, 0)[1]
        _kill_group(child, signal.SIGKILL)
        deadline = time.monotonic() + 10.0
        while (left := list(descendants())) and time.monotonic() < deadline:
            for process in left:
                try:
                    os.kill(process, signal.SIGKILL)
                    os.waitpid(process, 0)
                except (ProcessLookupError, ChildProcessError):
                    continue
        code = os.waitstatus_to_exitcode(status)
        return 128 - code if code < 0 else code

    # --- its output -----------------------------------------------------------------------------------------------------

    def _read(self, reading: int) -> bool:
        """Take what is there; whether more may come."""
        try:
            chunk = os.read(reading, _CHUNK)
        except BlockingIOError:
            return True
        ms = time.time_ns() // 1_000_000
        self._observe(self.log.write(chunk, ms), ms)
        return bool(chunk)

    def _drain(self, reading: int) -> None:
        deadline = time.monotonic() + _DRAIN
        while time.monotonic() < deadline and select.select([reading], [], [], 0)[0] and self._read(reading):
            pass
        ms = time.time_ns() // 1_000_000
        self._observe(self.log.flush(ms), ms)

    def _observe(self, lines: Sequence[bytes], ms: int) -> None:
        rows = []
        for line in lines:
            for name, value in self.matcher.match(line.decode()):
                self.seq += 1
                rows.append(json.dumps({"seq": self.seq, "ms": ms, "name": name, "value": value}) + "\n")
        for name in set(self.matcher.disabled) - self.told:
            self.told.add(name)
            self.log.write(
                f"\n[sm-tuning: the regular expression of metric {name!r} is too slow and is not used any more]\n".encode(), ms
            )
        if rows:
            os.write(self.values, "".join(rows).encode())
            self.ring()

    def _pack(self) -> tuple[bool, bool]:
        if not self.run_.compress:
            return False, False
        try:
            model = pack(self.folder.ml / "model", self.folder.model_archive)
            output = pack(self.folder.ml / "output" / "data", self.folder.output_archive)
        except ArchiveError as error:
            self.message = self.message or f"ClientError: Artifact upload failed: {error}"
            return False, False
        return model, output

    def ring(self) -> None:
        """Wake the emulator."""
        if self.bell is None:
            return
        try:
            bell = os.open(self.bell, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return  # nobody is there to hear it
        try:
            os.write(bell, self.run_.id.encode() + b"\n")
        except OSError:
            return  # whoever is there is awake, or just went
        finally:
            os.close(bell)


def remove_container(folder: RunFolder) -> None:
    """Remove the container of a run whose program is over, if it has left one."""
    if folder.container.exists():
        command = [sys.executable, "-m", _CONTAINER, "remove", str(folder.path)]
        subprocess.run(command, check=False, timeout=60, stdin=subprocess.DEVNULL)  # noqa: S603 - ourselves


def _kill_group(leader: int, how: signal.Signals) -> None:
    try:
        os.killpg(leader, how)
    except ProcessLookupError:
        return


def _size(folder: Path) -> int:
    total = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(parent, name)).st_blocks * 512  # noqa: PTH118 - a Path for each file would cost
            except OSError:
                continue
    return total


def _become(run: Run, folder: RunFolder, supervisor: int, output: int, trouble: int) -> NoReturn:
    """In the forked child: turn into the program, or tell why not through `trouble`."""
    if isinstance(run.program, Container):  # a process of ours that is to it what a shell is to `docker run`
        command = Command(argv=(sys.executable, "-m", _CONTAINER, "run", str(folder.path)))
        environment: Mapping[str, str] = os.environ
    else:
        command, environment = run.program, run.env
    try:
        os.setsid()
        for number in range(1, signal.NSIG):
            if number not in {signal.SIGKILL, signal.SIGSTOP} and signal.getsignal(number) is not None:
                signal.signal(number, signal.SIG_DFL)
        os.umask(0o022)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (run.disk_limit, run.disk_limit))
        if run.opt_ml and isinstance(run.program, Command):
            bind_opt_ml(folder.ml)
        # After the mounts: a new user namespace would clear it.
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != supervisor:
            os._exit(1)  # it died before we asked to die with it
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(command.cwd or folder.home)
        os.execvpe(command.argv[0], command.argv, {**environment, MARKER: run.id})  # noqa: S606 - running programs is what we are for
    except OSError as error:
        name = error.filename or command.argv[0]
        os.write(trouble, f"{error.errno} {name}: {error.strerror}".encode())
        os._exit(127)
    except BaseException as error:  # noqa: BLE001 - nothing may run on as a second supervisor
        os.write(trouble, f"0 {error!r}".encode())
        os._exit(127)


def main(path: Path, bell: Path | None) -> NoReturn:
    """Supervise and end this process, whatever happens."""
    try:
        supervise(path, bell)
    except BaseException:  # noqa: BLE001 - the run is then LOST, which is the truth
        traceback.print_exc(file=sys.stderr)
        os._exit(1)
    os._exit(0)
