"""What only processes have: a spawner, and evidence that a program can reach."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_emulator.runs.folder import RunFolder, read_metrics
from local_emulator.runs.process import ProcessExecutor, living
from local_emulator.runs.run import Cause, Command, Run, RunState
from tests.conftest import until
from tests.contracts.executors import Processes, marked


@pytest.fixture
def kind(tmp_path: Path) -> Iterator[Processes]:
    kind = Processes(tmp_path)
    yield kind
    kind.executor.close()


def executor_of(kind: Processes) -> ProcessExecutor:
    assert isinstance(kind.executor, ProcessExecutor)
    return kind.executor


def test_runs_survive_the_spawner(kind: Processes) -> None:
    executor = executor_of(kind)
    folder = kind.start("import time; time.sleep(0.5); print('x=1')")
    until(lambda: folder.state() is RunState.RUNNING)
    assert executor._spawner is not None
    executor._spawner.kill()
    executor._spawner.wait()
    assert kind.ended(kind.start("print('x=2')")).code == 0
    assert kind.ended(folder).code == 0
    assert read_metrics(folder, 0)[0][0].value == 1.0


def test_many_supervisors_of_one_run_begin_it_once(kind: Processes) -> None:
    folder = kind.start("print('x=1')\nimport time; time.sleep(0.3)")
    for _ in range(20):
        executor_of(kind)._hand_over(folder.path)
    assert kind.ended(folder).code == 0
    kind.ended(kind.start(""))  # the spawner has come that far
    assert [observation.value for observation in read_metrics(folder, 0)[0]] == [1.0]


def test_what_lies_in_model_is_a_model(kind: Processes) -> None:
    folder = kind.new_folder()
    end = kind.ended(kind.start(f"open({str(folder.ml / 'model' / 'm')!r}, 'w').write('w')", folder))
    assert (end.cause, end.code, end.model, end.output) == (Cause.EXIT, 0, True, False)


def test_a_withdrawn_run_is_not_begun(kind: Processes, tmp_path: Path) -> None:
    folder = kind.new_folder()
    folder.save_run(kind.run(["touch", str(tmp_path / "began")], folder))
    assert folder.withdraw()
    executor_of(kind)._hand_over(folder.path)
    kind.ended(kind.start(""))  # the spawner has come that far
    assert folder.state() is RunState.NEW
    assert not (tmp_path / "began").exists()


def test_a_run_that_has_begun_cannot_be_withdrawn(kind: Processes) -> None:
    folder = kind.start("import time; time.sleep(600)")
    until(lambda: folder.state() is RunState.RUNNING)
    assert not folder.withdraw()
    assert kind.executor.kill(folder.path)


def test_a_run_without_evidence_is_found_and_killed(kind: Processes) -> None:
    folder = kind.start("print('x=1')\nimport time; time.sleep(600)")
    until(lambda: read_metrics(folder, 0)[0])
    shutil.rmtree(folder.path)
    assert folder.state() is RunState.NEW
    assert folder.path.name in living(folder.path.parent)
    assert kind.executor.kill(folder.path)
    assert marked(folder.path.name) == []
    assert living(folder.path.parent) == set()


def test_the_end_is_told_even_without_a_folder(kind: Processes) -> None:
    folder = kind.start("print('x=1')\nimport time; time.sleep(0.5)")
    until(lambda: read_metrics(folder, 0)[0])
    shutil.rmtree(folder.path)
    until(lambda: folder.state() is RunState.EXITED)
    assert kind.ended(folder).code == 0


def test_a_removed_state_is_not_begun_again(kind: Processes) -> None:
    folder = kind.start("print('x=1')\nimport time; time.sleep(0.5)")
    until(lambda: read_metrics(folder, 0)[0])
    shutil.rmtree(folder.path.parent)
    until(lambda: marked(folder.path.name) == [])
    assert not folder.path.parent.exists()


def test_a_full_volume_ends_the_run(kind: Processes) -> None:
    folder = RunFolder(kind.path / "runs" / os.urandom(16).hex())
    (folder.ml / "model").mkdir(parents=True)
    script = f"import time\nopen({str(folder.ml / 'model' / 'm')!r}, 'wb').write(b'x' * 3_000_000)\ntime.sleep(600)"
    program = Command(argv=(sys.executable, "-c", script))
    kind.executor.start(Run(id=folder.path.name, folder=folder.path, program=program, disk_floor=0, disk_limit=2**21))
    assert kind.ended(folder).code != 0
