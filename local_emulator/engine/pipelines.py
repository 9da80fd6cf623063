"""Moves the executions of pipelines: looks after what their steps have made, decides, carries the decisions out.

Steps are launched and stopped by the API's own operations, so that all of its rules hold. What a step makes has a name that follows
from execution, step and attempt, and a step is noted as Starting before: an emulator that begins again finds what there is.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol

from local_emulator.domain.errors import INTERNAL_ERROR, AwsError, Conflict, NotFound, Unreadable
from local_emulator.domain.jobs import Perform, Status
from local_emulator.domain.names import Arn
from local_emulator.domain.pipeline import ExecutionStatus, PipelineExecution, Step, StepExecution, StepStatus
from local_emulator.engine.faults import FaultLog, Retries, result_of
from local_emulator.engine.mover import Mover, real_seconds_until
from local_emulator.engine.steps import Launcher, properties
from local_emulator.engine.workers import Workers
from local_emulator.pipelines import retries
from local_emulator.pipelines.decide import Finish, Launch, Stop, decide, next_time
from local_emulator.pipelines.operations import OPERATIONS
from local_emulator.store.base import Store

if TYPE_CHECKING:
    from concurrent.futures import Future

_AT_A_TIME = 8  # steps that are being launched, and functions that run
_SECONDS_TO_END = 2.0
_LOST_FUNCTION = "InternalServerError: the emulator ended while the function ran; how far it came is not known."


class _HasOutcome(Protocol):
    status: Status
    failure_reason: str | None


class Pipelines(Mover):
    """The mover of pipeline executions."""

    moves = "pipeline executions"

    def __init__(
        self,
        *,
        store: Store,
        perform: Perform,
        launcher: Launcher,
        now: Callable[[], datetime],
        notify: Callable[[], None],
        log: FaultLog,
        scale: float = 1.0,
    ) -> None:
        self._store = store
        self._perform = perform
        self._launcher = launcher
        self._now = now
        self._notify = notify
        self._scale = scale
        self._retries = Retries(log, "moving a pipeline execution", notify)
        self._workers = Workers(_AT_A_TIME)
        self._launching: dict[tuple[Arn, str], Future[None]] = {}
        self._deadlines: list[datetime] = []

    def step(self) -> float | None:
        """Move every active execution; real seconds until time alone changes something, None for never."""
        active = self._store.executions.active()
        for key in [key for key in self._launching if key[0] not in active and self._launching[key].done()]:
            del self._launching[key]
        self._deadlines = []
        for arn in active:
            self._retries.guard(arn, partial(self._advance, arn), partial(self._give_up, arn))
        return real_seconds_until(self._deadlines, self._now(), self._scale)

    @property
    def unsettled(self) -> bool:
        """Whether steps are being launched, or were and have not been looked at since."""
        return bool(self._launching)

    def reset(self) -> None:
        """Forget all executions; what is being launched finds its execution gone."""
        self._workers.abandon(*self._launching.values())
        self._launching.clear()

    def close(self) -> None:
        """End what is being launched."""
        self._workers.close(_SECONDS_TO_END)

    # --- one execution ------------------------------------------------------------------------------------------------------

    def _advance(self, arn: Arn) -> None:
        for key in [key for key in self._launching if key[0] == arn and self._launching[key].done()]:
            result_of(self._launching.pop(key))
        execution = self._observed(self._store.executions.get(arn))
        now = self._now()
        if (time := next_time(execution, now)) is not None:
            self._deadlines.append(time)
        for action in decide(execution, now):
            if isinstance(action, Finish):
                self._put(replace(execution, status=action.status, failure_reason=action.reason))
                self._retries.forget(arn)
            elif (arn, action.step.name) not in self._launching:
                execution = self._carry_out(execution, action)

    def _carry_out(self, execution: PipelineExecution, action: Launch | Stop) -> PipelineExecution:
        self._notify()
        if isinstance(action, Stop):
            return self._put(execution.with_step(self._stopped(execution, action.step)))
        record = execution.record_of(action.step.name)
        again = record is not None and record.retry_at is None  # an emulator ended between this and the job's making
        begun = (
            StepExecution(name=action.step.name, status=StepStatus.STARTING, started=self._now()) if record is None else record
        )
        if not again:
            begun = replace(begun, attempts=action.attempt, retry_at=None)
            execution = self._put(execution.with_step(begun))
        future = self._workers.submit(self._launch, execution, action.step, begun, again=again)
        self._launching[execution.arn, action.step.name] = future
        future.add_done_callback(lambda _: self._notify())  # not before it is done: a step of the loop would pass it over
        return execution

    def _launch(self, execution: PipelineExecution, step: Step, record: StepExecution, *, again: bool) -> None:
        """Launch a step, in a thread of its own, and note what has become of it."""
        note = partial(self._note, execution.arn)
        note(self._launcher.launched(execution, step, record, note, again=again))

    def _note(self, arn: Arn, record: StepExecution) -> None:
        """Note what has become of a step, whatever else has changed meanwhile."""
        while True:
            execution = self._store.executions.get(arn)
            if execution.status.terminal and not record.status.terminal:  # it was given up meanwhile
                self._stopped(execution.with_step(record), execution.plan.step(record.name))
                record = self._given_up(record)
            try:
                self._put(execution.with_step(record))
            except Conflict:
                continue
            return

    def _stopped(self, execution: PipelineExecution, step: Step) -> StepExecution:
        """A step that is asked to stop, or has stopped if nothing of it runs."""
        record = execution.record_of(step.name)
        assert record is not None  # noqa: S101 - only what has begun is stopped
        operations = OPERATIONS.get(step.kind)
        if record.job is None or operations is None or operations.stop is None:
            return replace(record, status=StepStatus.STOPPED, retry_at=None, ended=self._now())
        with suppress(AwsError, NotFound):  # it has ended meanwhile, or was deleted: the next look tells
            self._perform(operations.stop, {operations.name: self._store.table(record.job).get(record.job).name}, execution.scope)
        return replace(record, status=StepStatus.STOPPING)

    def _give_up(self, arn: Arn, error: Exception) -> None:
        """Fail an execution that cannot be moved; the server's log has the details."""
        if isinstance(error, Unreadable):
            self._store.mark_failed(arn, INTERNAL_ERROR, self._now())
            return
        execution = self._store.executions.get(arn)
        for record in execution.active:
            if record.job is not None:
                self._stopped(execution, execution.plan.step(record.name))
        steps = tuple(step if step.status.terminal else self._given_up(step) for step in execution.steps)
        self._put(replace(execution, steps=steps, status=ExecutionStatus.FAILED, failure_reason=INTERNAL_ERROR))
        self._retries.forget(arn)  # who retries it begins anew

    def _given_up(self, record: StepExecution) -> StepExecution:
        return replace(record, status=StepStatus.FAILED, failure_reason=INTERNAL_ERROR, ended=self._now(), retry_at=None)

    def _put(self, execution: PipelineExecution) -> PipelineExecution:
        return self._store.executions.put(replace(execution, modified=max(self._now(), execution.modified)))

    # --- what the steps' jobs have come to -----------------------------------------------------------------------------------

    def _observed(self, execution: PipelineExecution) -> PipelineExecution:
        """The execution with the ends of its steps' jobs."""
        changed = execution
        for record in execution.active:
            if (execution.arn, record.name) in self._launching or record.status is StepStatus.STARTING:
                continue
            observed = self._looked_after(execution, execution.plan.step(record.name), record)
            if observed is not record:
                changed = changed.with_step(observed)
        return execution if changed is execution else self._put(changed)

    def _looked_after(self, execution: PipelineExecution, step: Step, record: StepExecution) -> StepExecution:
        now = self._now()
        if record.job is None:
            return retries.failed(execution, step, record, _LOST_FUNCTION, now)
        try:
            job: _HasOutcome = self._store.table(record.job).get(record.job)
        except NotFound:
            return retries.failed(execution, step, record, f"ClientError: {record.job} was deleted.", now)
        return self._ended(execution, step, record, job) if job.status.terminal else record

    def _ended(self, execution: PipelineExecution, step: Step, record: StepExecution, job: _HasOutcome) -> StepExecution:
        now = self._now()
        if job.status is Status.COMPLETED:
            described = properties(self._perform, step.kind, Arn(record.job or ""), execution.scope)
            return replace(record, status=StepStatus.SUCCEEDED, ended=now, properties=described)
        if record.status is StepStatus.STOPPING:
            return replace(record, status=StepStatus.STOPPED, ended=now)
        if job.status is Status.STOPPED:
            return retries.failed(execution, step, record, f"ClientError: {record.job} was stopped.", now)
        reason = job.failure_reason or ""
        return retries.failed(execution, step, record, f"ClientError: {reason}", now, retries.of_job(step.kind, reason))
