"""What UpdateTrainingJob may change of a training job, and the warm pool that it keeps."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from local_emulator.api.violation import Broken
from local_emulator.documents import changes
from local_emulator.domain.jobs import Document, Secondary, Status
from local_emulator.domain.training import TrainingJob

_INTERVALS = (100, 200, 500, 1000, 5000, 60_000)  # milliseconds


def keep_alive(job: TrainingJob) -> int:
    """Seconds that a job's instances are kept after its end."""
    return job.spec.resources.keep_alive_period


def warm_pool(job: TrainingJob, now: datetime) -> str | None:
    """Status of a job's warm pool; None if it keeps none."""
    if keep_alive(job) == 0 and not job.pooled:
        return None
    if job.ended is None:
        return "InUse"
    over = job.status is not Status.COMPLETED or now >= job.ended + timedelta(seconds=keep_alive(job))
    return "Terminated" if over else "Available"


def described_pool(job: TrainingJob, now: datetime) -> Document | None:
    """WarmPoolStatus as Describe shows it."""
    status = warm_pool(job, now)
    if status is None:
        return None
    if job.ended is None or job.status is not Status.COMPLETED:
        return {"Status": status}
    kept = min((now - job.ended).total_seconds(), keep_alive(job))
    return {"Status": status, "ResourceRetainedBillableTimeInSeconds": int(kept)}


def profiling_status(job: TrainingJob) -> str:
    """ProfilingStatus as Describe shows it."""
    return "Enabled" if job.spec.profiler else "Disabled"


def problems(request: Document, job: TrainingJob, now: datetime) -> Iterator[Broken]:
    """What may not be changed of a job as it is now."""
    if "ResourceConfig" in request and (pool := warm_pool(job, now)) not in {"InUse", "Available"}:
        state = "has none" if pool is None else f"has one in status {pool}"
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
    return replace(changes.updated(job, request), modified=now, pooled=job.pooled or keep_alive(job) > 0)
