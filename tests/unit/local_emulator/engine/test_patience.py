"""How long a supervisor may hold up the end of its training job."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local_emulator.domain.jobs import Phase, Status
from local_emulator.engine import endings
from local_emulator.engine.patience import Patience
from local_emulator.runs.folder import RunFolder

START = datetime(2026, 1, 1, tzinfo=UTC)


JOB: Any = SimpleNamespace(  # of a minute at most
    run="run",
    status=Status.IN_PROGRESS,
    phase=Phase.RUNNING,
    phase_started=START,
    max_runtime=60,
)


@pytest.fixture
def control(tmp_path: Path) -> Iterator[int]:
    """The end of its FIFO that a supervisor reads."""
    os.mkfifo(RunFolder(tmp_path).control)
    reading = os.open(RunFolder(tmp_path).control, os.O_RDWR | os.O_NONBLOCK)
    yield reading
    os.close(reading)


@pytest.mark.parametrize("supervisor", ["awake", "stopped"])
def test_a_stopped_supervisor_does_not_hold_up_the_end_by_time(tmp_path: Path, control: int, supervisor: str) -> None:
    folder = RunFolder(tmp_path)
    now = 0.0
    patience = Patience(grace=120.0, clock=lambda: now)
    for second in range(300):
        now = float(second)
        ending = patience.with_supervisor(JOB, folder, START + timedelta(seconds=second))
        if supervisor == "awake" and folder.has_unread_control:
            os.read(control, 1)
        if ending is not None:
            break
    if supervisor == "awake":
        assert ending is None
    else:
        assert ending is endings.MAX_RUNTIME
        assert 60 + 120 < second < 60 + 120 + 15


def test_the_control_of_a_job_that_runs_within_its_time_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[RunFolder] = []

    def has_unread_control(folder: RunFolder) -> bool:
        read.append(folder)
        return False

    monkeypatch.setattr(RunFolder, "has_unread_control", property(has_unread_control))
    patience = Patience(grace=120.0, clock=lambda: 0.0)
    assert patience.with_supervisor(JOB, RunFolder(tmp_path), START) is None
    assert not read
    stopping: Any = SimpleNamespace(**{**vars(JOB), "status": Status.STOPPING})
    assert patience.with_supervisor(stopping, RunFolder(tmp_path), START) is None
    assert read
