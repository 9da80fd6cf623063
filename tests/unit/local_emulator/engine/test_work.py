"""Jobs of several kinds share the lifecycle of runs, and its slots."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local_emulator.domain.jobs import Phase, Status
from local_emulator.domain.processing import ProcessingJob
from local_emulator.engine import endings
from local_emulator.engine.endings import Ending
from local_emulator.engine.faults import FaultLog
from local_emulator.engine.run_lifecycle import RunLifecycle
from local_emulator.engine.starter import RunStarter
from local_emulator.engine.work import RunWork
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.run import Cause, Command, Exit, Run, RunState
from local_emulator.settings import Settings
from local_emulator.store.sqlite import SqliteStore
from tests.conftest import until
from tests.made_jobs import processing

WITHIN = 60.0  # seconds


class _Processing(RunWork[ProcessingJob]):
    """Their program is none; what it leaves is as a test says."""

    def preparation(self, _job: ProcessingJob) -> Callable[[Path], Run]:
        return lambda folder: Run(id=folder.name, folder=folder, program=Command(argv=("true",)))

    def collect(self, _job: ProcessingJob, folder: RunFolder, ended: Exit | None) -> Ending:
        if ended is None:
            return endings.RUN_LOST
        return replace(endings.ending_of(folder, ended, {}), exit_message="all of it")


class _Executor:
    """A run goes on until a test ends it."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.stopped: list[str] = []

    def start(self, run: Run) -> None:
        RunFolder(run.folder).make()
        RunFolder(run.folder).claim.touch()
        self.ran.append(run.id)

    def state(self, folder: Path) -> RunState:
        state = RunFolder(folder).state()
        return RunState.RUNNING if state is RunState.LOST else state  # no process holds its lock

    def stop(self, folder: Path, *, interrupt: bool = False) -> None:
        assert not interrupt
        self.stopped.append(folder.name)
        self.end(folder, Cause.STOP)

    def end(self, folder: Path, cause: Cause = Cause.EXIT, code: int = 0) -> None:
        RunFolder(folder).write_exit(Exit(cause=cause, code=code, time=datetime.now(UTC)))

    def kill(self, _folder: Path) -> bool:
        return False

    def close(self) -> None:
        """Hold nothing."""


class _Engine:
    def __init__(self, path: Path, parallel: int) -> None:
        self.store, self.executor, self.runs = SqliteStore(None), _Executor(), path / "runs"
        self.runs.mkdir()
        settings = Settings(parallel=parallel, gpus=())
        self.lifecycle = RunLifecycle(
            store=self.store,
            works=[_Processing(self.store.processings, lambda: datetime.now(UTC))],
            starter=RunStarter(executor=self.executor, runs=self.runs, threads=2, notify=lambda: None),
            runs=self.runs,
            settings=settings,
            now=lambda: datetime.now(UTC),
            notify=lambda: None,
            touched=lambda _: None,
            log=FaultLog(pytest.fail),
        )

    def until(self, true: Callable[[], object]) -> None:
        def look() -> object:
            self.lifecycle.step()
            return true()

        if not true():
            until(look, pause=0.001)

    def job(self, name: str) -> ProcessingJob:
        return self.store.processings.get(processing(name).arn)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[_Engine]:
    engine = _Engine(tmp_path, parallel=1)
    yield engine
    engine.lifecycle.close()
    engine.store.close()


def test_a_job_runs_once_through_all_phases_while_another_waits(engine: _Engine) -> None:
    for name in ("a", "b"):
        engine.store.processings.add(processing(name))
    engine.until(lambda: engine.job("a").claimed)
    assert (engine.job("a").phase, engine.job("b").phase) == (Phase.RUNNING, Phase.WAITING)
    engine.executor.end(engine.runs / "run-a")
    engine.until(lambda: engine.job("a").status is Status.COMPLETED)
    job = engine.job("a")
    assert (job.exit_message, job.failure_reason) == ("all of it", None)
    assert job.started is not None
    assert job.ended is not None
    assert job.created <= job.started <= job.ended == job.modified
    engine.until(lambda: engine.job("b").claimed)
    engine.executor.end(engine.runs / "run-b", code=3)
    engine.until(lambda: engine.job("b").status is Status.FAILED)
    assert engine.executor.ran == ["run-a", "run-b"]


def test_a_job_is_stopped_once_whatever_its_phase(engine: _Engine) -> None:
    for name in ("runs", "waits"):
        engine.store.processings.add(processing(name))
    engine.until(lambda: engine.job("runs").claimed)
    for name in ("runs", "waits"):
        engine.store.processings.put(replace(engine.job(name), status=Status.STOPPING))
    engine.until(lambda: all(engine.job(name).status is Status.STOPPED for name in ("runs", "waits")))
    assert engine.executor.ran == engine.executor.stopped == ["run-runs"]


def test_a_step_says_when_to_look_again_only_while_something_is_active(engine: _Engine) -> None:
    assert engine.lifecycle.step() is None
    engine.store.processings.add(processing("a"))
    assert engine.lifecycle.step() == 1.0
    engine.until(lambda: engine.job("a").claimed)
    engine.executor.end(engine.runs / "run-a")
    engine.until(lambda: engine.job("a").status is Status.COMPLETED)
    engine.lifecycle.tidy()
    assert engine.lifecycle.step() is None
