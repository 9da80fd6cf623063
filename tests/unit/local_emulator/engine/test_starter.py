"""A run is prepared and started once, also by an emulator that knows of none of it."""

import threading
from pathlib import Path

import pytest

from local_emulator.domain.errors import RunError
from local_emulator.engine.starter import EvidenceGoneError, RunStarter
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.run import Command, Run, RunState
from tests.conftest import until

WITHIN = 60.0  # seconds


class _Executor:
    """Starts nothing; what is killed had left something if `leftover`."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.leftover = False

    def start(self, run: Run) -> None:
        self.started.append(run.id)

    def state(self, folder: Path) -> RunState:
        return RunFolder(folder).state()

    def stop(self, folder: Path, *, interrupt: bool = False) -> None:
        raise NotImplementedError(folder, interrupt)

    def kill(self, _folder: Path) -> bool:
        return self.leftover

    def close(self) -> None:
        """Hold nothing."""


@pytest.fixture
def executor() -> _Executor:
    return _Executor()


class _Clock:
    now = 0.0


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def starter(tmp_path: Path, executor: _Executor, clock: _Clock) -> RunStarter:
    (tmp_path / "runs").mkdir()
    return RunStarter(executor=executor, runs=tmp_path / "runs", threads=2, notify=lambda: None, steady=lambda: clock.now)


def lay_out(folder: Path) -> Run:
    RunFolder(folder).make()
    RunFolder(folder).ml.mkdir()
    return Run(id=folder.name, folder=folder, program=Command(argv=("true",)))


def test_a_run_is_prepared_then_started(starter: RunStarter, executor: _Executor, clock: _Clock) -> None:
    starter.prepare("run", lay_out)
    until(starter.preparing["run"].done)
    run = starter.prepared("run")
    assert run is not None
    assert not starter.preparing
    assert not starter.started("run")
    starter.start(run)
    assert executor.started == ["run"]
    assert starter.started("run")
    assert not starter.lost("run")
    clock.now = 11.0
    assert starter.lost("run"), "its supervisor has not claimed it"
    assert starter.withdraw("run")
    assert not starter.started("run"), "it may be prepared again"


def test_a_run_that_a_supervisor_has_claimed_is_not_withdrawn(starter: RunStarter) -> None:
    starter.folder("run").make()
    starter.folder("run").claim.touch()
    assert not starter.withdraw("run")


def test_why_a_run_cannot_be_prepared_is_raised_once(starter: RunStarter) -> None:
    def fail(folder: Path) -> Run:
        raise RunError(f"ClientError: {folder.name}")

    starter.prepare("run", fail)
    until(starter.preparing["run"].done)
    with pytest.raises(RunError, match="ClientError: run"):
        starter.prepared("run")
    assert not starter.preparing


@pytest.mark.parametrize("leftover", [True, False])
def test_a_run_that_left_processes_is_not_prepared_again(starter: RunStarter, executor: _Executor, *, leftover: bool) -> None:
    executor.leftover = leftover
    starter.prepare("run", lay_out, again=True)
    until(starter.preparing["run"].done)
    if leftover:
        with pytest.raises(EvidenceGoneError):
            starter.prepared("run")
    else:
        assert starter.prepared("run")


def test_a_preparation_that_hangs_is_given_up_and_cleared_away_when_it_ends(starter: RunStarter) -> None:
    go_on = threading.Event()

    def hang(folder: Path) -> Run:
        run = lay_out(folder)
        assert go_on.wait(WITHIN)
        return run

    starter.prepare("run", hang)
    until(starter.folder("run").ml.exists)
    assert starter.prepared("run") is None
    starter.give_up_preparing("run")
    assert not starter.preparing
    go_on.set()
    until(lambda: not starter.folder("run").ml.exists())
    starter.close()
