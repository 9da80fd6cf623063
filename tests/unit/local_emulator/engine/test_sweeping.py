"""Results of ended runs are removed when the loop has nothing else to do, and whatever a killed emulator has left when it starts."""

from collections.abc import Sequence
from pathlib import Path
from unittest.mock import Mock

import pytest

from local_emulator.engine.sweeping import Leftovers, sweep
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.run import RunState
from local_emulator.store.sqlite import SqliteStore
from tests.made_jobs import ended, processing, training


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def ended_run(runs: Path, name: str, *, results: bool = True) -> RunFolder:
    folder = RunFolder(runs / name)
    folder.make()
    if results:
        folder.ml.mkdir()
    else:
        folder.remove_results()
    return folder


def test_leftovers_wait_until_they_are_removed_each_once(runs: Path) -> None:
    removed: list[RunFolder] = []
    leftovers = Leftovers(removed.append)
    first, second = ended_run(runs, "first"), ended_run(runs, "second")
    leftovers.add(first)
    leftovers.add(second)
    assert removed == []
    leftovers.remove()
    leftovers.remove()
    assert removed == [first, second]


def test_a_run_without_results_is_no_work(runs: Path) -> None:
    removed: list[RunFolder] = []
    leftovers = Leftovers(removed.append)
    leftovers.add(ended_run(runs, "empty", results=False))
    leftovers.remove()
    assert removed == []


def test_many_do_not_wait(runs: Path) -> None:
    removed: list[RunFolder] = []
    leftovers = Leftovers(removed.append)
    folders = [ended_run(runs, str(number)) for number in range(20)]
    for count, folder in enumerate(folders, start=1):
        leftovers.add(folder)
        assert removed == ([] if count < 17 else folders[:17])
    leftovers.remove()
    assert removed == folders


@pytest.mark.parametrize(
    ("known", "state", "left"),
    [
        (True, RunState.EXITED, ["evidence"]),
        (True, RunState.RUNNING, ["evidence", "results"]),
        (False, RunState.EXITED, []),
        (False, RunState.LOST, []),
        (False, RunState.RUNNING, ["evidence", "results"]),
    ],
)
def test_what_a_sweep_leaves_of_a_run_without_an_active_job(
    runs: Path,
    store: SqliteStore,
    known: bool,  # noqa: FBT001 - a parameter of the test
    state: RunState,
    left: Sequence[str],
) -> None:
    folder = ended_run(runs, "run")
    if known:
        store.trainings.add(ended(training("job", run="run"), 0.5))
    sweep(runs, store, Mock(**{"state.return_value": state}), Mock())
    there = {"evidence": folder.path.exists(), "results": RunFolder(folder.path).has_results()}
    assert [name for name, exists in there.items() if exists] == left


def test_a_sweep_leaves_the_runs_of_active_jobs_of_every_kind(runs: Path, store: SqliteStore) -> None:
    folders = [ended_run(runs, "trains"), ended_run(runs, "processes")]
    store.trainings.add(training("job", run="trains"))
    store.processings.add(processing("job", run="processes"))
    sweep(runs, store, Mock(**{"state.return_value": RunState.EXITED}), Mock())
    assert all(folder.has_results() for folder in folders)
