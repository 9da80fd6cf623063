"""The status of a warm pool, second by second."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from local_emulator.domain.jobs import Status
from local_emulator.domain.training import TrainingJob
from local_emulator.domain.warm_pool import PoolStatus, pool_status, retained_seconds
from tests.made_jobs import NOW
from tests.unit.local_emulator.documents.conftest import child, tuning_job


def job(status: Status, keep_alive: int = 60, *, pooled: bool = False) -> TrainingJob:
    started = child(tuning_job())
    resources = replace(started.spec.resources, keep_alive_period=keep_alive)
    ended = NOW if status.terminal else None
    return replace(started, spec=replace(started.spec, resources=resources), status=status, ended=ended, pooled=pooled)


def after(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("training", "seconds", "status", "retained"),
    [
        (job(Status.COMPLETED, 0), 0, None, 0),
        (job(Status.IN_PROGRESS), 5, PoolStatus.IN_USE, None),
        (job(Status.STOPPING), 5, PoolStatus.IN_USE, None),
        (job(Status.COMPLETED), 59, PoolStatus.AVAILABLE, 59),
        (job(Status.COMPLETED), 60, PoolStatus.TERMINATED, 60),
        (job(Status.COMPLETED), 500, PoolStatus.TERMINATED, 60),
        (job(Status.FAILED), 5, PoolStatus.TERMINATED, None),
        (job(Status.STOPPED), 5, PoolStatus.TERMINATED, None),
        (job(Status.COMPLETED, 0, pooled=True), 5, PoolStatus.TERMINATED, 0),
    ],
)
def test_a_pool_is_in_use_then_available_then_terminated(
    training: TrainingJob, seconds: int, status: PoolStatus | None, retained: float | None
) -> None:
    assert pool_status(training, after(seconds)) == status
    assert retained_seconds(training, after(seconds)) == retained
