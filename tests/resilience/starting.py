"""A state folder with jobs and objects, and what must be said where the emulator cannot start."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from local_emulator.domain.jobs import Status
from local_emulator.store.sqlite import SqliteStore
from tests.made_jobs import NOW, SCOPE
from tests.unit.local_emulator.cloud.test_persistence import fill as fill_s3
from tests.unit.local_emulator.store.test_damage import fill as fill_jobs

PYTHON = sys.executable


def a_state(state: Path) -> None:
    """As an emulator leaves it: jobs, objects, a run."""
    state.mkdir(mode=0o700)
    (state / "emulator.lock").touch(mode=0o600)
    fill_s3(state)
    fill_jobs(state / "jobs.sqlite")
    store = SqliteStore(state / "jobs.sqlite")
    store.tunings.put(replace(store.tunings.get(SCOPE.tuning_arn("tune")), status=Status.COMPLETED, ended=NOW))
    store.close()
    run = state / "runs" / ("f" * 32)
    run.mkdir(parents=True)
    (run / "log").touch()


def cut(name: str, size: int) -> Callable[[Path], None]:
    def do(state: Path) -> None:
        a_state(state)
        os.truncate(state / name, size)

    return do


def with_blob(do: Callable[[Path], object]) -> Callable[[Path], None]:
    def change(state: Path) -> None:
        a_state(state)
        do(min((state / "blobs").glob("*/*")))

    return change


def one_sentence(said: str) -> None:
    assert "Traceback" not in said
    assert "fault of the emulator itself" not in said
    assert said.startswith("local_emulator: ")
    assert len(said.splitlines()) == 1, said
