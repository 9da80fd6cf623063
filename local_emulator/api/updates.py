"""What UpdateTrainingJob may change of a training job."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from local_emulator.api.violation import Broken
from local_emulator.documents import changes
from local_emulator.domain.jobs import Document, Secondary, Status
from local_emulator.domain.training import TrainingJob
from local_emulator.domain.warm_pool import PoolStatus, pool_status

_INTERVALS = (100, 200, 500, 1000, 5000, 60_000)  # milliseconds


def problems(request: Document, job: TrainingJob, now: datetime) -> Iterator[Broken]:
    """What may not be changed of a job as it is now."""
    if "ResourceConfig" in request and (pool := pool_status(job, now)) not in {PoolStatus.IN_USE, PoolStatus.AVAILABLE}:
        state = "has none" if pool is None else f"has one in status {pool.value}"
        yield Broken(
            "update-warm-pool",
            f"KeepAlivePeriodInSeconds can be updated only while there is a warm pool; the training job {state}.",
        )
    if "RemoteDebugConfig" in request and job.secondary not in {Secondary.DOWNLOADING, Secondary.TRAINING}:
        yield Broken(
            "update-remote-debug",
            "RemoteDebugConfig can be updated only when the SecondaryStatus of the training job is Downloading or Training; it is "
            f"{job.secondary.value}.",
        )
    if {"ProfilerConfig", "ProfilerRuleConfigurations"} & request.keys() and job.status is not Status.IN_PROGRESS:
        yield Broken(
            "update-profiler", f"The profiler can be updated only while the training job is InProgress; it is {job.status.value}."
        )
    interval = request.get("ProfilerConfig", {}).get("ProfilingIntervalInMilliseconds")
    if interval is not None and interval not in _INTERVALS:
        known = ", ".join(map(str, _INTERVALS))
        yield Broken("update-interval", f"ProfilingIntervalInMilliseconds is {interval}; it must be one of {known}.")


def applied(request: Document, job: TrainingJob, now: datetime) -> TrainingJob:
    """The job with what was asked for."""
    return replace(changes.updated(job, request), modified=now, pooled=job.pooled or job.spec.resources.keep_alive_period > 0)
