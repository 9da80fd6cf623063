"""The parent of one run. It outlives the emulator, and what it writes in the run's folder is what happened.

One process, one thread: it takes the run's lock, claims the folder, starts the program of each host, keeps their output, holds them to
their limits, clears away what they leave behind, and says how the run ended. Helpers do what may take long or never end: they find
metrics, pack archives.
"""

import ctypes
import json
import math
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from local_emulator.runs import disk, helper, lock, program, program_mounts, provision
from local_emulator.runs.clock import Clock
from local_emulator.runs.data.output import Output
from local_emulator.runs.data.packing import has_results, pack_results, small
from local_emulator.runs.folder import EvidenceError, RunFolder, read_facts
from local_emulator.runs.program import StartError
from local_emulator.runs.programs import HostedProgram
from local_emulator.runs.provision import Provision, ProvisionError
from local_emulator.runs.run import Cause, Container, Contract, Exit, Run

_PR_SET_CHILD_SUBREAPER = 36
_CHECK_DISK_EVERY = 1.0  # seconds between checks of the free space
_MEASURE_EVERY = 5  # checks between measurements of the run's folder, which walk it
_NEWS_EVERY = 0.05  # seconds between two times that the emulator is told of values: it looks at all its jobs each time
_LARGEST_ANSWER = 256 * 1024  # bytes

_FULL = "ClientError: No space left on device: the job's log or metrics cannot be written"

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


@dataclass
class _Supervisor:
    folder: RunFolder
    run_: Run
    wakeup: Path | None
    cause: Cause = Cause.EXIT
    message: str = ""
    disk_checks: int = 0
    mounts: dict[int, int] = field(default_factory=dict)  # by host: descriptors of the lists of their programs' mounts
    failed: tuple[str | None, int] | None = None  # host of the first program to fail, before anybody asked; its code
    memory: tuple[int | None, ...] = ()
    provision: Provision = field(default_factory=Provision)
    deadline: tuple[float, Cause] | None = None
    asked: tuple[Cause, str] | None = None  # to end, and the message
    kill_at: float | None = None
    notified_at: float = -math.inf
    notify_at: float | None = None  # when the emulator is to be told of values that came soon after others

    def run(self) -> None:
        self.hosts = [self.folder.host(part.host) for part in self.run_.on_hosts]
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.clock = Clock(self.folder.path.parent.with_name("clock"))
        try:
            self._open()
        except OSError as error:
            if error.errno not in disk.FULL:
                raise
            self.folder.write_exit(Exit(cause=Cause.DISK, code=1, time=self.clock(), message=_FULL))
            return
        code = self._run_programs()
        ended = self.clock()
        model, output = self._pack(code)
        self.output.close()
        host = self.failed[0] if self.failed else None
        if not self.folder.path.parent.exists():
            return  # the whole state was removed; to write there would begin another one
        self.folder.write_exit(
            Exit(
                cause=self.cause,
                code=code,
                time=ended,
                message=self.message,
                model=model,
                output=output,
                host=host,
                memory=self.memory,
            )
        )

    def _open(self) -> None:
        self.folder.reserve()
        self.output = Output(self.folder, self.run_, self.clock, self._values_written)
        if not self.folder.control.exists():
            os.mkfifo(self.folder.control, 0o600)
        self.control = os.open(self.folder.control, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    # --- the programs ---------------------------------------------------------------------------------------------------

    def _run_programs(self) -> int:
        """Start the program of each host and wait for the end of all; the exit code as a shell shows it, of the first that failed."""
        try:
            self.run_, self.provision = provision.provide(self.run_, self.folder)
        except ProvisionError as error:
            self.cause, self.message = error.cause, str(error)
            return 1
        programs = self._start_all()
        if not programs:
            self.provision.end_feeder()
            return self.failed[1] if self.failed else 0
        self.deadline = self.run_.deadline(self.clock.seconds())
        self._wait_for_programs(programs)
        self.memory = tuple(started.peak for started in programs)
        if any(isinstance(part.program, Container) for part in (*self.run_.on_hosts, *self.run_.on_servers)):
            program.remove_containers(self.folder)
            self._take_container_error()
        self._finish_matching()
        return self.failed[1] if self.failed else next((started.code for started in programs if started.code), 0)

    def _start_all(self) -> Sequence[HostedProgram]:
        """Start the programs; without any of them if the run is to stop, with those before it if one cannot be started."""
        programs: list[HostedProgram] = []
        for number, part in enumerate(self.run_.on_hosts):
            asked = self.folder.asked_to_stop()
            reading, writing = os.pipe2(os.O_CLOEXEC)
            try:
                started = None if asked else program.start(part, self.folder, writing, self.control)
            except StartError as error:
                self.cause, self.message, self.failed = Cause.START, str(error), (part.host, error.code)
                started = None
            finally:
                os.close(writing)
            if started is None:
                os.close(reading)
                if self.failed is None:
                    self.cause = asked or self.folder.asked_to_stop() or Cause.STOP
                break
            os.set_blocking(reading, False)
            programs.append(hosted := HostedProgram(part, number, started, reading))
            if hosted.mounts is not None:
                self.mounts[number] = hosted.mounts
        return programs

    def _wait_for_programs(self, programs: Sequence[HostedProgram]) -> None:
        running = list(programs)
        feeders = [] if self.provision.feeder is None else [self.provision.feeder.answers]

        def kill(how: signal.Signals) -> None:
            for started in running:
                started.kill(how)

        def over(ready: set[int]) -> bool:
            feeder = self.provision.feeder
            if feeder is not None and feeder.answers in ready:
                feeders.clear()
                self._stop(kill, Cause.DATA, feeder.error() or "InternalServerError: What fed the channels has ended.")
                self.provision.end_feeder()  # after the signal: before it a program would take the end of a FIFO for that of its data
            for started in [started for started in running if started.process in ready]:
                running.remove(started)
                self._collect(started, kill, last=not running)
            return not running

        if self.failed is not None:  # one could not be started
            kill(signal.SIGKILL)
        self._wait(kill, over, running, feeders)
        if self.asked is not None and self.failed is None:
            self.cause, self.message = self.asked

    def _collect(self, ended: HostedProgram, kill: Callable[[signal.Signals], object], *, last: bool) -> None:
        """Take a program that has ended, and what it has printed last; one that ought not to have ends those of the other hosts."""
        if last:
            self.provision.end_feeder()
        code = ended.reap(self.output.matching.pid, last=last)
        self.output.drain(ended.reading, ended.number)
        os.close(ended.reading)
        ends_all = code or self.run_.contract is Contract.SERVING  # whose programs are not to end by themselves
        if ends_all and self.asked is None and self.failed is None:
            self.failed = ended.run.host, code
            if not last:
                kill(signal.SIGTERM)
                self.kill_at = time.monotonic() + self.run_.stop_grace

    def _take_container_error(self) -> None:
        """Take the reason why the container that failed first could not do its work, unless it was to end anyway."""
        error = None if self.failed is None else read_facts(self.folder.host(self.failed[0]).container_error)
        if self.cause is Cause.EXIT and error is not None:
            self.cause, self.message = Cause(error["cause"]), error["message"]

    def _wait(
        self,
        kill: Callable[[signal.Signals], object],
        over: Callable[[set[int]], bool],
        programs: Sequence[HostedProgram] = (),
        watched: Sequence[int] = (),
    ) -> None:
        """Wait for the end of something; meanwhile handle output, stop requests, deadlines, the disk.

        Args:
            kill: Ends what is waited for: SIGTERM asks for it, SIGKILL does it.
            over: Whether it has ended, asked with the descriptors that are ready.
            programs: Those that run and print; `over` wants to know their descriptors' readiness too, and may remove some.
            watched: Descriptors whose readiness `over` wants to know.
        """
        check_disk_at = time.monotonic() + _CHECK_DISK_EVERY
        self._check_for_stop(kill)
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
            if self.notify_at is not None and now >= self.notify_at:
                self._notify_of_values(now)
            if now >= check_disk_at:
                self._check(kill, programs)
                check_disk_at = time.monotonic() + _CHECK_DISK_EVERY
            moments = [
                check_disk_at,
                *([now + until] if until is not None else []),
                *([self.kill_at] if self.kill_at is not None else []),
                *([self.notify_at] if self.notify_at is not None else []),
            ]
            processes = [started.process for started in programs]
            printing = [started for started in programs if not started.silent and not self.output.matching.full]
            outputs = {started.reading: started for started in printing}
            ready = self._poll([self.control, *watched, *processes, *outputs], max(min(moments) - now, 0.0))
            for descriptor in ready & outputs.keys():
                if not self.output.read(descriptor, outputs[descriptor].number):
                    outputs[descriptor].silent = True
            self.output.match()
            if self.asked is None and self.output.full:
                self._end_for_disk(kill, _FULL)
            if self.control in ready:
                os.read(self.control, 4096)
                self._check_for_stop(kill)

    def _poll(self, reading: Sequence[int], seconds: float) -> set[int]:
        """Wait for descriptors, those of the matching helper among them; which are ready."""
        poll = select.poll()
        for descriptor in (*reading, *([] if self.output.matching.reading is None else [self.output.matching.reading])):
            poll.register(descriptor, select.POLLIN)
        if self.output.matching.writing is not None:
            poll.register(self.output.matching.writing, select.POLLOUT)
        return {descriptor for descriptor, _ in poll.poll(0 if self.output.matching.busy else seconds * 1000 + 1)}

    def _check(self, kill: Callable[[signal.Signals], object], programs: Sequence[HostedProgram]) -> None:
        self._check_disk(kill)
        self._check_for_stop(kill)  # the program may have removed what it is woken by
        self.output.matching.check()
        for started in programs:
            started.measure()

    def _check_for_stop(self, kill: Callable[[signal.Signals], object]) -> None:
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

    def _check_disk(self, kill: Callable[[signal.Signals], object]) -> None:
        self.disk_checks += 1
        if self.run_.contract is Contract.SERVING and not self.folder.run_json.exists():
            self._stop(kill, Cause.STOP)  # nobody would ever end it
        limit = self.run_.disk_limit if self.disk_checks % _MEASURE_EVERY == 0 else None
        for host in self.hosts:
            if message := disk.shortage(host.work, self.run_.disk_floor, limit):
                self._end_for_disk(kill, f"ClientError: No space left on device: {message}")
                break

    def _end_for_disk(self, kill: Callable[[signal.Signals], object], message: str) -> None:
        self._stop(kill, Cause.DISK, message)
        self.kill_at = time.monotonic()

    def _finish_matching(self) -> None:
        """Wait for the values in what has been printed."""
        self._allow_grace()
        self._wait(helper.only_kill(self.output.matching.close), lambda _: self.output.matching.done)
        self.output.finish_matching()

    # --- its results ----------------------------------------------------------------------------------------------------

    def _pack(self, code: int) -> tuple[bool, bool]:
        """Pack what it has left; whether there is a model, and output."""
        if self.run_.contract is not Contract.TRAINING:
            return False, False
        for number, mounts in self.mounts.items():
            for path in program_mounts.hidden_results(mounts, self.run_.checkpoints):
                self.output.insert(f"not uploaded: what the program wrote to {path}, over which it has mounted something", number)
        if not has_results(self.hosts, self.run_.checkpoints):
            return False, False
        packed = self._pack_results() if small(self.hosts, self.run_.checkpoints) else self._pack_apart(code)
        for note in ("omitted", "repeated"):
            if note in packed:
                self.output.insert(str(packed[note]))
        if "error" in packed:
            self.message = self.message or f"ClientError: Artifact upload failed: {packed['error']}"
        return packed.get("model") is True, packed.get("output") is True

    def _pack_results(self) -> Mapping[str, bool | str]:
        run = self.run_
        return pack_results(self.folder, self.hosts, run.checkpoints, run.disk_limit, compress=run.compress)

    def _pack_apart(self, code: int) -> Mapping[str, bool | str]:
        """Let a helper pack, which ends when its time is over."""

        def work(_: int, answering: int) -> None:
            os.write(answering, json.dumps(self._pack_results()).encode())

        packer = helper.start(work)
        self._allow_grace()
        self._wait(helper.only_kill(packer.kill), lambda ready: packer.process in ready, watched=[packer.process])
        answer = os.read(packer.answers, _LARGEST_ANSWER)
        packer.reap()
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

    def _values_written(self) -> None:
        now = time.monotonic()
        if now - self.notified_at >= _NEWS_EVERY:
            self._notify_of_values(now)
        else:
            self.notify_at = self.notified_at + _NEWS_EVERY

    def _notify_of_values(self, now: float) -> None:
        self.notified_at, self.notify_at = now, None
        self.notify()

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


def main(path: Path, wakeup: Path | None) -> NoReturn:
    """Supervise and end this process, whatever happens."""
    try:
        supervise(path, wakeup)
    except BaseException:  # noqa: BLE001 - the run is then LOST, which is the truth; the supervisor's log has the reason
        traceback.print_exc(file=sys.stderr)
        os._exit(1)
    os._exit(0)
