"""Warm pools: instances that are kept after the end of a training job (KeepAlivePeriodInSeconds)."""

from datetime import datetime, timedelta
from enum import StrEnum

from local_emulator.domain.jobs import Status
from local_emulator.domain.training import TrainingJob


class PoolStatus(StrEnum):
    """Status of a warm pool. AWS also has `Reused`, which does not occur here: no job takes over another's pool."""

    IN_USE = "InUse"
    AVAILABLE = "Available"
    TERMINATED = "Terminated"


def pool_status(job: TrainingJob, now: datetime) -> PoolStatus | None:
    """Status of a job's warm pool; None if it has none."""
    keep_alive = job.spec.resources.keep_alive_period
    if keep_alive == 0 and not job.pooled:
        return None
    if job.ended is None:
        return PoolStatus.IN_USE
    over = job.status is not Status.COMPLETED or now >= job.ended + timedelta(seconds=keep_alive)
    return PoolStatus.TERMINATED if over else PoolStatus.AVAILABLE


def retained_seconds(job: TrainingJob, now: datetime) -> float | None:
    """Seconds that a completed job's instances have been kept; None for any other job."""
    if job.ended is None or job.status is not Status.COMPLETED:
        return None
    return min((now - job.ended).total_seconds(), job.spec.resources.keep_alive_period)
