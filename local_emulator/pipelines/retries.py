"""What becomes of a step whose attempt has failed: another attempt by its retry policies, or its failure in AWS's words."""

from dataclasses import replace
from datetime import datetime, timedelta

from local_emulator.domain.pipeline import (
    PipelineExecution,
    RetryPolicy,
    Step,
    StepException,
    StepExecution,
    StepKind,
    StepStatus,
)

_ALWAYS = RetryPolicy(exceptions=frozenset({StepException.THROTTLING, StepException.SERVICE_FAULT}))
_LONGEST = timedelta(hours=12)
LONGEST_REASON = 1024


def of_job(kind: StepKind, reason: str) -> StepException | None:
    """The exception type of a failed job's FailureReason; None for one that no policy applies to. Tuning jobs retry by themselves."""
    if reason.startswith("InternalServerError"):
        return None if kind is StepKind.TUNING else StepException.JOB_INTERNAL_ERROR
    return StepException.CAPACITY_ERROR if reason.startswith("CapacityError") else None


def failed(
    execution: PipelineExecution,
    step: Step,
    record: StepExecution,
    reason: str,
    now: datetime,
    exception: StepException | None = None,
) -> StepExecution:
    """What becomes of a step after a failed attempt; `exception` is the type to which retry policies may apply."""
    over = replace(record, status=StepStatus.FAILED, ended=now, failure_reason=reason[:LONGEST_REASON], retry_at=None)
    if exception is None:
        return over
    policy = _policy(step, exception)
    if policy is None:
        configured = (
            f"Retry not appropriate on execution of step with PipelineExecutionArn {execution.arn} and StepId {step.name}. "
            f"No retry policy configured for the exception type {exception.upper().replace('.', '_')}."
        )
        return replace(over, failure_reason=f"{reason}\n{configured}"[:LONGEST_REASON])
    first = record.failed_at or now
    retries = sum(_policy(step, earlier) is policy for earlier in record.retried)
    retry_at = now + _pause(policy, retries)
    if retries >= policy.max_attempts or (policy.expire_after is not None and retry_at - first > policy.expire_after):
        return over
    return replace(
        record,
        status=StepStatus.STARTING,
        failure_reason=None,
        retry_at=retry_at,
        failed_at=first,
        retried=(*record.retried, exception),
        job=None,
    )


def _policy(step: Step, exception: StepException) -> RetryPolicy | None:
    """The policy that applies to an exception type: the step's first, or what is retried anyway."""
    return next((policy for policy in (*step.retry_policies, _ALWAYS) if exception in policy.exceptions), None)


def _pause(policy: RetryPolicy, retries: int) -> timedelta:
    """The time before a retry: the interval, each time multiplied by the backoff rate."""
    seconds = policy.interval.total_seconds()
    for _ in range(retries):
        seconds = min(seconds * policy.backoff, _LONGEST.total_seconds())
    return timedelta(seconds=seconds)
