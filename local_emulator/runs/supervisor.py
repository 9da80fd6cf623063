"""The parent of one run. It outlives the emulator, and what it writes in the run's folder is what happened.

One process, one thread: it takes the run's lock, claims the folder, starts the program, keeps its output, holds it to its limits,
clears away what it leaves behind, and says how it ended. Helpers do what may take long or never end: they find metrics, pack archives.
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from local_emulator.runs import disk, helper, lock
from local_emulator.runs.clock import Clock
from local_emulator.runs.data.appender import Appender
from local_emulator.runs.data.log import LogWriter
from local_emulator.runs.data.matching import Matching
from local_emulator.runs.data.metrics import Value
from local_emulator.runs.data.packing import has_results, pack_results, small
from local_emulator.runs.folder import EvidenceError, RunFolder, read_facts
from local_emulator.runs.forkserver.client import ForkedProgram, fork
from local_emulator.runs.forkserver.server.messages import MARKER
from local_emulator.runs.forkserver.server.mounting import bind_opt_ml
from local_emulator.runs.run import Cause, Command, Container, Exit, Run

__all__ = ["MARKER", "descendants", "main", "remove_container", "supervise"]

_CONTAINER = "local_emulator.runs.container"
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_CHUNK = 256 * 1024
_LOOK_AT_DISK = 1.0  # seconds between looks at the free space
_MEASURE_EVERY = 5  # looks between measurements of the run's folder, which walk it
_DRAIN = 2.0  # seconds that the last output may take to arrive
_CANNOT_EXEC = {errno.ENOENT: 127, errno.EACCES: 126, errno.ENOEXEC: 126}

_FULL = "ClientError: No space left on device: the training job's log or metrics cannot be written"

_libc = ctypes.CDLL(None, use_errno=True)


def supervise(path: Path, wakeup: Path | None) -> None:
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
    supervisor = _Supervisor(folder, run, wakeup)
    supervisor.run()
    os.close(held)
    supervisor.notify()  # only now: whoever hears it and finds the lock held would take the run to go on


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
    wakeup: Path | None
    cause: Cause = Cause.EXIT
    message: str = ""
    seq: int = 0
    looks: int = 0
    deadline: tuple[float, Cause] | None = None
    asked: tuple[Cause, str] | None = None  # to end, and the message
    kill_at: float | None = None

    def run(self) -> None:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.clock = Clock(self.folder.path.parent.with_name("clock"))
        try:
            self._open()
        except OSError as error:
            if error.errno not in disk.FULL:
                raise
            self.folder.write_exit(Exit(cause=Cause.DISK, code=1, time=self.clock(), message=_FULL))
            return
        code = self._run_program()
        ended = self.clock()
        model, output = self._pack(code)
        self.log.close()
        self.values.close()
        self.folder.write_exit(Exit(cause=self.cause, code=code, time=ended, message=self.message, model=model, output=output))

    def _open(self) -> None:
        self.folder.reserve()
        self.log = LogWriter(self.folder, self.run_.log_limit)
        self.matching = Matching(self.run_.metrics)
        self.values = Appender(self.folder.metrics)
        if not self.folder.control.exists():
            os.mkfifo(self.folder.control, 0o600)
        self.control = os.open(self.folder.control, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    # --- the program ----------------------------------------------------------------------------------------------------

    def _run_program(self) -> int:
        """Start the program and stay with it to its end; its exit code as a shell shows it."""
        asked = self.folder.asked_to_stop()
        if asked is not None:
            self.cause = asked
            return 0
        reading, writing = os.pipe2(os.O_CLOEXEC)
        forked = fork(self.run_, writing, self.control) if self.run_.fork_server else None
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
        limits = {Cause.MAX_RUNTIME: self.run_.max_runtime, Cause.MAX_WAIT: self.run_.max_wait}
        self.deadline = min(
            ((self.clock.seconds() + limit, cause) for cause, limit in limits.items() if limit is not None), default=None
        )
        ended = os.pidfd_open(child)
        self._stay(lambda how: helper.kill_group(child, how), lambda ready: ended in ready, [ended], reading)
        os.close(ended)
        if self.asked is not None:
            self.cause, self.message = self.asked
        code = self._reap(child, forked)
        self._drain(reading)
        os.close(reading)
        if isinstance(self.run_.program, Container):
            remove_container(self.folder)
            self._hear_trouble()
        self._finish_matching()
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
        return Exit(cause=Cause.START, code=_CANNOT_EXEC.get(int(number), 126), time=self.clock(), message=message)

    def _hear_trouble(self) -> None:
        """What kept a container from its work, unless it was to end anyway."""
        trouble = read_facts(self.folder.trouble)
        if self.cause is Cause.EXIT and trouble is not None:
            self.cause, self.message = Cause(trouble["cause"]), trouble["message"]

    def _stay(
        self,
        kill: Callable[[signal.Signals], object],
        over: Callable[[set[int]], bool],
        watched: Sequence[int] = (),
        reading: int | None = None,
    ) -> None:
        """Until something is over: output, stop requests, deadlines, the disk.

        Args:
            kill: Ends what is waited for: SIGTERM asks for it, SIGKILL does it.
            over: Whether it has ended, asked with the descriptors that are ready.
            watched: Descriptors whose readiness `over` wants to know.
            reading: Where the program's output comes from.
        """
        look_at = time.monotonic() + _LOOK_AT_DISK
        self._obey(kill)
        ready: set[int] = set()
        while not over(ready):
            now = time.monotonic()
            self.clock.reread()  # inside a test it may be moved
            until = None if self.deadline is None else self.clock.until(self.deadline[0])
            if self.deadline is not None and until == 0.0:
                self._stop(kill, self.deadline[1])
                self.deadline = until = None
            if self.kill_at is not None and now >= self.kill_at:
                kill(signal.SIGKILL)
                self.kill_at = now + 1.0
            if now >= look_at:
                self._look_at_disk(kill)
                self._obey(kill)  # the program may have removed what it is woken by
                self.matching.check()
                look_at = time.monotonic() + _LOOK_AT_DISK
            moments = [
                look_at,
                *([now + until] if until is not None else []),
                *([self.kill_at] if self.kill_at is not None else []),
            ]
            output = None if self.matching.full else reading
            ready = self._poll([self.control, *watched, *([] if output is None else [output])], max(min(moments) - now, 0.0))
            if output in ready and not self._read(output):
                reading = None
            self._observe(self.matching.pump())
            if self.asked is None and (self.log.full or self.values.full):
                self._end_for_disk(kill, _FULL)
            if self.control in ready:
                os.read(self.control, 4096)
                self._obey(kill)

    def _poll(self, reading: Sequence[int], seconds: float) -> set[int]:
        """Wait for descriptors, those of the matching helper among them; which are ready."""
        poll = select.poll()
        for descriptor in (*reading, *([] if self.matching.reading is None else [self.matching.reading])):
            poll.register(descriptor, select.POLLIN)
        if self.matching.writing is not None:
            poll.register(self.matching.writing, select.POLLOUT)
        return {descriptor for descriptor, _ in poll.poll(0 if self.matching.busy else seconds * 1000 + 1)}

    def _obey(self, kill: Callable[[signal.Signals], object]) -> None:
        asked = self.folder.asked_to_stop()
        if asked is not None:
            self._stop(kill, asked)

    def _stop(self, kill: Callable[[signal.Signals], object], cause: Cause, message: str = "") -> None:
        if self.asked is None:
            self.asked = cause, message
            kill(signal.SIGTERM)
            self.kill_at = time.monotonic() + self.run_.stop_grace

    def _allow_grace(self) -> None:
        """What a helper does after a program that was stopped has its own time."""
        if self.kill_at is not None:
            self.kill_at = time.monotonic() + self.run_.stop_grace

    def _look_at_disk(self, kill: Callable[[signal.Signals], object]) -> None:
        self.looks += 1
        message = disk.trouble(
            self.folder.work, self.run_.disk_floor, self.run_.disk_limit if self.looks % _MEASURE_EVERY == 0 else None
        )
        if message:
            self._end_for_disk(kill, f"ClientError: No space left on device: {message}")

    def _end_for_disk(self, kill: Callable[[signal.Signals], object], message: str) -> None:
        self._stop(kill, Cause.DISK, message)
        self.kill_at = time.monotonic()

    def _reap(self, child: int, forked: ForkedProgram | None) -> int:
        """Collect the program and kill whatever it left behind."""
        status = forked.reap() if forked else os.waitpid(child, 0)[1]
        helper.kill_group(child, signal.SIGKILL)
        deadline = time.monotonic() + 10.0
        while (left := [process for process in descendants() if process != self.matching.pid]) and time.monotonic() < deadline:
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
        ms = self._ms()
        self.matching.feed(self.log.write(chunk, ms), ms)
        return bool(chunk)

    def _drain(self, reading: int) -> None:
        deadline = time.monotonic() + _DRAIN
        while time.monotonic() < deadline and select.select([reading], [], [], 0)[0] and self._read(reading):
            pass
        ms = self._ms()
        self.matching.feed(self.log.flush(ms), ms)

    def _ms(self) -> int:
        self.clock.reread()
        return int(self.clock.seconds() * 1000)

    def _finish_matching(self) -> None:
        """Wait for the values in what has been printed."""
        self._allow_grace()
        self._stay(helper.at_last(self.matching.close), lambda _: self.matching.done)
        self._observe(self.matching.rest())
        self.matching.close()

    def _observe(self, values: Sequence[Value]) -> None:
        rows = []
        for ms, name, value in values:
            self.seq += 1
            rows.append(json.dumps({"seq": self.seq, "ms": ms, "name": name, "value": value}) + "\n")
        while self.matching.complaints:
            self.log.insert(self.matching.complaints.pop(0), self._ms())
        if rows:
            self.values.write("".join(rows).encode())
            self.notify()

    # --- its results ----------------------------------------------------------------------------------------------------

    def _pack(self, code: int) -> tuple[bool, bool]:
        """Pack what it has left; whether there is a model, and output."""
        if not has_results(self.folder):
            return False, False
        packed = self._pack_results() if small(self.folder) else self._pack_apart(code)
        if "omitted" in packed:
            self.log.insert(str(packed["omitted"]), self._ms())
        if "error" in packed:
            self.message = self.message or f"ClientError: Artifact upload failed: {packed['error']}"
        return packed.get("model") is True, packed.get("output") is True

    def _pack_results(self) -> Mapping[str, bool | str]:
        return pack_results(self.folder, self.run_.disk_limit, compress=self.run_.compress)

    def _pack_apart(self, code: int) -> Mapping[str, bool | str]:
        """Let a helper pack, which ends when its time is over."""

        def work(_: int, answering: int) -> None:
            os.write(answering, json.dumps(self._pack_results()).encode())

        packer = helper.begin(work)
        self._allow_grace()
        self._stay(helper.at_last(packer.kill), lambda ready: packer.process in ready, [packer.process])
        answer = os.read(packer.answers, _CHUNK)
        packer.bury()
        if answer:
            packed: Mapping[str, bool | str] = json.loads(answer)
            return packed
        for archive in (self.folder.model_archive, self.folder.output_archive):  # it was killed
            archive.unlink(missing_ok=True)
            for part in archive.parent.glob(f".{archive.name}.*"):
                part.unlink()
        if self.cause is Cause.EXIT and code == 0:
            self.cause, self.message = self.asked or (self.cause, "InternalServerError: Packing the model was interrupted.")
        return {}

    def notify(self) -> None:
        """Wake the emulator."""
        if self.wakeup is None:
            return
        try:
            wakeup = os.open(self.wakeup, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return  # nobody is there to hear it
        try:
            os.write(wakeup, self.run_.id.encode() + b"\n")
        except OSError:
            return  # whoever is there is awake, or just went
        finally:
            os.close(wakeup)


def remove_container(folder: RunFolder) -> None:
    """Remove the container of a run whose program is over, if it has left one."""
    if folder.container.exists():
        command = [sys.executable, "-m", _CONTAINER, "remove", str(folder.path)]
        subprocess.run(command, check=False, timeout=60, stdin=subprocess.DEVNULL)  # noqa: S603 - ourselves


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
            bind_opt_ml(str(folder.ml))
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


def main(path: Path, wakeup: Path | None) -> NoReturn:
    """Supervise and end this process, whatever happens."""
    try:
        supervise(path, wakeup)
    except BaseException:  # noqa: BLE001 - the run is then LOST, which is the truth
        traceback.print_exc(file=sys.stderr)
        os._exit(1)
    os._exit(0)
