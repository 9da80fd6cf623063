"""Decides what an execution of a pipeline does next: a pure function of its record and the time.

Law: carry the actions out, ask again, and there are none until something changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from local_emulator.domain.pipeline import ExecutionStatus, PipelineExecution, Step, StepExecution, StepKind, StepStatus

FAILED = "Step failure: One or multiple steps failed."
"""AWS's FailureReason of an execution."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """Begin an attempt (from 1) at a step."""

    step: Step
    attempt: int


@dataclass(frozen=True, kw_only=True)
class Stop:
    """End a step early."""

    step: Step


@dataclass(frozen=True, kw_only=True)
class Finish:
    """The execution is over."""

    status: ExecutionStatus
    reason: str | None = None


Action = Launch | Stop | Finish


def decide(execution: PipelineExecution, now: datetime) -> Sequence[Action]:
    """The actions to carry out now.

    When a step fails nothing more begins, and what runs goes on to its end; a Fail step stops it.
    """
    if execution.status.terminal:
        return ()
    if execution.status is ExecutionStatus.STOPPING:
        return _stop_all_then(execution, Finish(status=ExecutionStatus.STOPPED))
    failed = [
        execution.plan.step(step.name) for step in execution.steps if step.status in {StepStatus.FAILED, StepStatus.STOPPED}
    ]
    finish = Finish(status=ExecutionStatus.FAILED, reason=FAILED)
    if any(step.kind is StepKind.FAIL for step in failed):
        return _stop_all_then(execution, finish)
    if failed:
        waiting = [Stop(step=execution.plan.step(step.name)) for step in execution.active if step.retry_at is not None]
        return waiting if waiting or execution.active else (finish,)
    launches = _launches(execution, now)
    if launches or execution.active:
        return launches
    return (Finish(status=ExecutionStatus.SUCCEEDED),)


def next_time(execution: PipelineExecution, now: datetime) -> datetime | None:
    """When time alone changes the decision; what has been due before waits for something else."""
    return min((step.retry_at for step in execution.active if step.retry_at is not None and step.retry_at > now), default=None)


def _stop_all_then(execution: PipelineExecution, finish: Finish) -> Sequence[Action]:
    """Finish once no step runs; until then stop those that do."""
    if not execution.active:
        return (finish,)
    return [Stop(step=execution.plan.step(step.name)) for step in execution.active if step.status is not StepStatus.STOPPING]


def _launches(execution: PipelineExecution, now: datetime) -> Sequence[Launch]:
    """As many attempts whose time has come, then steps in the order of the definition, as may run beside those that do.

    What is Starting without a time was begun by an emulator that ended before the job was noted. What waits for its time keeps its
    place.
    """
    running = [step for step in execution.active if step.retry_at is None]
    lost = [step for step in running if step.status is StepStatus.STARTING]
    due = [step for step in execution.active if step.retry_at is not None and step.retry_at <= now]
    records = {step.name: step for step in execution.steps}
    ready = [step for step in execution.plan.steps if _is_ready(execution, step, records)]
    return [
        *(Launch(step=execution.plan.step(step.name), attempt=step.attempts) for step in lost),
        *(
            Launch(step=execution.plan.step(step.name), attempt=step.attempts + 1)
            for step in due[: max(execution.parallelism - len(running), 0)]
        ),
        *(Launch(step=step, attempt=1) for step in ready[: max(execution.parallelism - len(execution.active), 0)]),
    ]


def _is_ready(execution: PipelineExecution, step: Step, records: dict[str, StepExecution]) -> bool:
    """Whether a step has not begun and all that it waits for has succeeded; never so in a branch that was not taken."""
    if step.name in records or (execution.selected and step.name not in execution.selected):
        return False
    if any(name not in records or records[name].status is not StepStatus.SUCCEEDED for name in step.depends_on):
        return False
    return step.branch is None or records[step.branch.condition].properties.get("Outcome") is step.branch.outcome
