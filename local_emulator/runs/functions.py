"""Runs of Python functions in this process, in place of programs: for tests that need no process.

All of them share one thread. In each turn every function reports once, then the engine's steps are taken, in the same thread, until
they have nothing more to do. So the same functions give the same history, however many run side by side.
"""

import contextlib
import json
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local_emulator.runs.clock import Clock
from local_emulator.runs.data.log import LogWriter
from local_emulator.runs.data.metric_lines import line_of
from local_emulator.runs.data.metrics import Matcher, cut_notice, disabled_notice
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.process import ProcessExecutor
from local_emulator.runs.run import Cause, Exit, Run, RunState

_CLOSES_WITHIN = 5.0  # seconds that the current step of a function may take


class FunctionExecutor:
    """Runs functions itself and hands programs to processes. Safe to use from several threads.

    `settle` returns once the engine has done what follows from all that is known.
    """

    def __init__(self, processes: ProcessExecutor, *, clock: Clock, settle: Callable[[], None]) -> None:
        self._processes = processes
        self._clock = clock
        self._settle = settle
        self._changed = threading.Condition()
        self._running: dict[Path, _Training] = {}
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, run: Run) -> None:
        """Start a run that is NEW; do nothing for any other."""
        if run.function is None:
            self._processes.start(run)
            return
        folder = RunFolder(run.folder)
        if self.state(run.folder) is not RunState.NEW:
            return
        folder.write_run(run)
        folder.claim.touch(mode=0o600)
        with self._changed:
            self._running[run.folder] = _Training(run, folder, run.function, self._clock)
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._take_turns, name="functions", daemon=True)
                self._thread.start()

    def state(self, folder: Path) -> RunState:
        """Last known state of a run."""
        return RunState.RUNNING if folder in self._running else self._processes.state(folder)

    def stop(self, folder: Path, *, interrupt: bool = False) -> None:
        """Ask a run to end; a function ends when it next reports something."""
        training = self._running.get(folder)
        if training is None:
            self._processes.stop(folder, interrupt=interrupt)
        else:
            training.stop_cause = Cause.INTERRUPT if interrupt else Cause.STOP

    def kill(self, folder: Path) -> bool:
        """Forget a function's run: what it still computes is dropped."""
        with self._changed:
            training = self._running.pop(folder, None)
        if training is None:
            return self._processes.kill(folder)
        training.release()
        return True

    def close(self) -> None:
        """End after what is computed just now, if that is soon; then the processes."""
        with self._changed:
            self._closing.set()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(_CLOSES_WITHIN)
        for folder in list(self._running):
            self.kill(folder)
        self._processes.close()

    def _take_turns(self) -> None:
        while not self._closing.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._running or self._closing.is_set())
            self._settle()
            while self._running and not self._closing.is_set():
                self._take_turn()
                self._settle()

    def _take_turn(self) -> None:
        """Let each function report once more."""
        for folder, training in list(self._running.items()):
            if self._closing.is_set():
                return
            try:
                over = training.advance()
            except OSError:  # a full disk, say: nothing tells how the run ended, so its job fails as a lost one does
                over = True
            if over:
                training.release()
                with self._changed:
                    self._running.pop(folder, None)


@dataclass
class _Training:
    """One run of a function: prints what the function reports, and finds the metrics in what is printed.

    `stop_cause` is set once the run is to stop. Nothing is written any more once it is `released`.
    """

    run: Run
    folder: RunFolder
    function: Callable[[], object]
    clock: Clock
    stop_cause: Cause | None = None
    steps: Iterator[object] | None = None
    seq: int = 0
    released: bool = False
    guard: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        definitions = dict(enumerate(self.run.metrics))
        self.log = LogWriter(self.folder, self.run.log_limit)
        self.matcher = Matcher(definitions, clock=time.thread_time, mark=lambda _: None)
        self.deadline = self.run.deadline(self.clock.seconds())

    def advance(self) -> bool:
        """Take one step of the function and report its result, unless the run is to stop; whether the run has ended."""
        try:
            over = self.stop_cause is None and self._step()
        except BaseException as error:  # noqa: BLE001 - stated as the run's end with exit code 1, as an exception is a script's
            own = error.__traceback__.tb_next.tb_next if error.__traceback__ and error.__traceback__.tb_next else None
            self._print("".join(traceback.format_exception(type(error), error, own)).rstrip())
            return self._end(Cause.EXIT, 1)
        if over:
            return self._end(Cause.EXIT, 0)
        if self.stop_cause is not None:
            return self._end(self.stop_cause, 0)
        return self.deadline is not None and self.clock.seconds() >= self.deadline[0] and self._end(self.deadline[1], 0)

    def _step(self) -> bool:
        """Take one step and report its result; whether the function has returned."""
        if self.steps is None:
            result = self.function()
            if result is None or isinstance(result, Mapping | str):
                self._report(result)
                return True
            if not hasattr(result, "__iter__"):
                raise TypeError(f"a training function returns metrics, or steps of them one by one; not {result!r}")
            self.steps = iter(result)
        try:
            self._report(next(self.steps))
        except StopIteration:
            return True
        return False

    def _report(self, what: object) -> None:
        if isinstance(what, str):
            self._print(what)
        elif isinstance(what, Mapping):
            for name, value in what.items():
                self._print(line_of(self.run.metrics, str(name), float(value)))
        elif what is not None:
            raise TypeError(f"a training function reports metrics by their names, or lines of its log; not {what!r}")

    def _print(self, text: str) -> None:
        ms = int(self.clock.seconds() * 1000)
        rows = []
        with self.guard:
            if self.released:
                return
            for line in self.log.write(text.encode("utf-8", "replace") + b"\n", ms):
                for number, value in self.matcher.match(line.decode()):
                    self.seq += 1
                    rows.append(json.dumps({"seq": self.seq, "ms": ms, "name": self.run.metrics[number].name, "value": value}))
                for number in self.matcher.disabled:
                    self.log.insert(disabled_notice(self.run.metrics[number].name), ms)
                for number in self.matcher.cut:
                    self.log.insert(cut_notice(self.run.metrics[number].name), ms)
            if rows:
                with self.folder.metrics.open("a") as file:
                    file.write("\n".join([*rows, ""]))

    def _end(self, cause: Cause, code: int) -> bool:
        if isinstance(self.steps, Generator):
            with contextlib.suppress(BaseException):  # GeneratorExit, as a script's SIGTERM: errors change nothing
                self.steps.close()
        with self.guard:
            if not self.released:
                self.released = True
                self.log.close()
                self.folder.write_exit(Exit(cause=cause, code=code, time=self.clock()))
        return True

    def release(self) -> None:
        """Release the run's folder."""
        with self.guard:
            if not self.released:
                self.released = True
                self.log.close()
