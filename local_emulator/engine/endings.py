"""How a job ends, by the evidence that its run has left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from local_emulator.domain import transitions
from local_emulator.domain.errors import INTERNAL_ERROR
from local_emulator.domain.history import Observation
from local_emulator.domain.jobs import Secondary, Status
from local_emulator.domain.training import FinalMetric, TrainingJob
from local_emulator.runs.data import artifacts
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.run import Cause, Exit

NO_CAPACITY = "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type."


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a job ends: its last status, a training job's secondary status and message, and why, if it failed.

    `exit_message` is what the program of a processing job has left to be shown.
    """

    status: Status
    secondary: Secondary
    message: str
    reason: str | None = None
    retryable: bool = False
    exit_message: str | None = None


COMPLETED = Ending(status=Status.COMPLETED, secondary=Secondary.COMPLETED, message=transitions.COMPLETED)
STOPPED = Ending(status=Status.STOPPED, secondary=Secondary.STOPPED, message="Training job stopped")
INTERRUPTED = Ending(status=Status.IN_PROGRESS, secondary=Secondary.INTERRUPTED, message=transitions.INTERRUPTED)
MAX_WAIT = Ending(
    status=Status.STOPPED,
    secondary=Secondary.MAX_WAIT_TIME_EXCEEDED,
    message="Training job wait time exceeded MaxWaitTimeInSeconds provided",
)
MAX_RUNTIME = Ending(
    status=Status.STOPPED,
    secondary=Secondary.MAX_RUNTIME_EXCEEDED,
    message="Training job runtime exceeded MaxRuntimeInSeconds provided",
)


def failed(reason: str, *, retryable: bool = False) -> Ending:
    """The ending of a job that failed; AWS shows 1024 letters of the reason."""
    return Ending(
        status=Status.FAILED,
        secondary=Secondary.FAILED,
        message="Training job failed",
        reason=reason[:1024],
        retryable=retryable,
    )


RUN_LOST = failed(INTERNAL_ERROR, retryable=True)


def ending_of(folder: RunFolder, ended: Exit, environment: Mapping[str, str]) -> Ending:
    """How a job ends whose run has. The values of its `environment` are not shown in its FailureReason."""
    if ended.cause is Cause.STOP:
        return STOPPED
    if ended.cause is Cause.INTERRUPT:
        return INTERRUPTED
    if ended.cause is Cause.MAX_WAIT:
        return MAX_WAIT
    if ended.cause is Cause.MAX_RUNTIME:
        return MAX_RUNTIME
    if ended.cause is Cause.EXIT and ended.code == 0:
        return failed(ended.message) if ended.message else COMPLETED
    return failed(artifacts.failure_reason(folder, ended, environment), retryable=ended.cause is Cause.ENGINE)


def final_metrics(observations: Sequence[Observation], job: TrainingJob) -> tuple[FinalMetric, ...]:
    """The last value of each metric of a job, in the order of its definitions."""
    last = {observation.metric: observation for observation in observations}
    return tuple(
        FinalMetric(name=name, value=last[name].value, time=last[name].time)
        for name in (definition.name for definition in job.spec.algorithm.metric_definitions)
        if name in last
    )


def ended(job: TrainingJob, ending: Ending, observations: Sequence[Observation], now: datetime) -> TrainingJob:
    """The record of a training job that has ended."""
    if ending is COMPLETED and job.status is Status.STOPPING:
        ending = STOPPED  # it was asked to stop while its program ended by itself
    now = max(now, job.modified)
    last = job.moved(ending.secondary, now, transitions.completed(job) if ending is COMPLETED else ending.message)
    return replace(
        last,
        transitions=(*last.transitions[:-1], replace(last.transitions[-1], end=now)),
        status=ending.status,
        ended=now,
        failure_reason=ending.reason,
        retryable=ending.retryable,
        final_metrics=final_metrics(observations, job),
    )
