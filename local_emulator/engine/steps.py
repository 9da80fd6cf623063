"""Launches the steps of pipelines."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from local_emulator.documents import pipeline_requests
from local_emulator.documents.pipelines import is_of
from local_emulator.domain.errors import (
    AwsError,
    InternalFailure,
    ResourceLimitExceeded,
    ResourceNotFound,
    RunError,
    ThrottlingException,
    ValidationException,
)
from local_emulator.domain.jobs import Document, Perform
from local_emulator.domain.names import Arn, AwsScope
from local_emulator.domain.pipeline import PipelineExecution, Step, StepException, StepExecution, StepKind, StepStatus
from local_emulator.domain.pipeline_names import job_name
from local_emulator.pipelines import caching, conditions, retries
from local_emulator.pipelines.operations import OPERATIONS, StepOperations
from local_emulator.pipelines.values import UndefinedError, Values, as_text
from local_emulator.store.base import Query, Sort, Store

_EXCEPTIONS: Mapping[type[AwsError], StepException] = {
    ThrottlingException: StepException.THROTTLING,
    InternalFailure: StepException.SERVICE_FAULT,
    ResourceLimitExceeded: StepException.RESOURCE_LIMIT,
}


@dataclass(frozen=True, kw_only=True)
class Launcher:
    """Makes what a step makes, by the operations of the API.

    `perform` carries out an operation and raises AwsError. `read` returns the content of an S3 object and raises ValueError. `invoke`
    calls what stands in for a function and raises RunError.
    """

    store: Store
    perform: Perform
    read: Callable[[str], bytes]
    invoke: Callable[[str, Document], Any]
    now: Callable[[], datetime]

    def launched(
        self,
        execution: PipelineExecution,
        step: Step,
        record: StepExecution,
        note: Callable[[StepExecution], None],
        *,
        again: bool,
    ) -> StepExecution:
        """What becomes of a step when it is launched; `again`: it may have been before. `note` notes what becomes of it meanwhile."""
        name = job_name(execution.id, step.name, step.kind, record.attempts)
        values = Values(execution=execution, step=step, now=self.now(), job=name, read=self.read)
        own = {"Conditions": step.arguments["Conditions"]} if step.kind is StepKind.CONDITION else step.arguments
        try:
            arguments = values.evaluated(own)
            if step.kind is StepKind.CONDITION:
                return self._succeeded(record, {"Outcome": conditions.all_hold(arguments["Conditions"])})
            if step.kind is StepKind.FAIL:
                return self._failed_on_purpose(record, as_text(arguments.get("ErrorMessage", "")))
            record = replace(record, key=caching.key_of(step, arguments))
            if (cached := self._cached(execution, step, record)) is not None:
                return cached
            made = partial(self._invoked, note=note) if step.kind is StepKind.LAMBDA else partial(self._made, again=again)
            return made(execution, step, record, arguments)
        except (UndefinedError, RunError) as error:
            reason = f"ClientError: {error}" if isinstance(error, UndefinedError) else str(error)
            return retries.failed(execution, step, record, reason, self.now())

    def _succeeded(self, record: StepExecution, properties: Document) -> StepExecution:
        return replace(record, status=StepStatus.SUCCEEDED, ended=self.now(), properties=properties)

    def _failed_on_purpose(self, record: StepExecution, message: str) -> StepExecution:
        return replace(
            record,
            status=StepStatus.FAILED,
            ended=self.now(),
            failure_reason=message[: retries.LONGEST_REASON] or None,
            properties={"ErrorMessage": message},
        )

    # --- jobs, models, model packages ---------------------------------------------------------------------------------------

    def _made(
        self, execution: PipelineExecution, step: Step, record: StepExecution, arguments: dict[str, Any], *, again: bool
    ) -> StepExecution:
        operations = OPERATIONS[step.kind]
        request = self._request(execution, step, record, arguments)
        made = self._already(operations, request, execution.scope) if again else None
        try:
            if step.kind is StepKind.REGISTER_MODEL:
                self._ensure_group(pipeline_requests.of_group(arguments), execution.scope)
            answer = made or self.perform(operations.create, request, execution.scope)
        except AwsError as error:
            reason = f"ClientError: Failed to invoke sagemaker:{operations.create}. Error Details: {error.message}"
            exception = next((name for kind, name in _EXCEPTIONS.items() if isinstance(error, kind)), None)
            return retries.failed(execution, step, record, reason, self.now(), exception)
        job = Arn(answer[operations.arn])
        if operations.stop is not None:
            return replace(record, status=StepStatus.EXECUTING, job=job)
        return replace(self._succeeded(record, properties(self.perform, step.kind, job, execution.scope)), job=job)

    def _request(self, execution: PipelineExecution, step: Step, record: StepExecution, arguments: dict[str, Any]) -> Document:
        """The request of what a step makes, under the name that it must have."""
        if step.kind is StepKind.REGISTER_MODEL:
            return pipeline_requests.of_package(arguments, step.name, record.attempts, execution.arn)
        member = OPERATIONS[step.kind].name
        name = job_name(execution.id, step.name, step.kind, record.attempts, arguments.get(member))
        return pipeline_requests.of_job(arguments, member, name, execution.arn)

    def _already(self, operations: StepOperations, request: Document, scope: AwsScope) -> Document | None:
        """What an emulator that has ended since has made; a model package is found by its token when it is made again."""
        if operations.name not in request:
            return None
        return self._described(operations.describe, {operations.name: request[operations.name]}, scope)

    def _described(self, describe: str, request: Document, scope: AwsScope) -> Document | None:
        """What is there; None if nothing is. Raises AwsError if that cannot be known."""
        try:
            return self.perform(describe, request, scope)
        except (ValidationException, ResourceNotFound):
            return None

    def _ensure_group(self, group: Document, scope: AwsScope) -> None:
        """Make the model package group that a model is registered in, as AWS does; it may be there, also by another step."""
        if not group:
            return
        try:
            self.perform("CreateModelPackageGroup", group, scope)
        except AwsError:
            named = {name: value for name, value in group.items() if name != "Tags"}
            if self._described("DescribeModelPackageGroup", named, scope) is None:
                raise

    # --- functions ----------------------------------------------------------------------------------------------------------

    def _invoked(
        self,
        _execution: PipelineExecution,
        step: Step,
        record: StepExecution,
        arguments: Document,
        *,
        note: Callable[[StepExecution], None],
    ) -> StepExecution:
        note(replace(record, status=StepStatus.EXECUTING))
        answer = self.invoke(step.function_arn or "", arguments)
        outputs = {}
        for name, kind in step.outputs.items():
            if not isinstance(answer, dict) or name not in answer:
                raise UndefinedError(f"the function returned no '{name}', which is an output of the step")
            value = answer[name]
            text = kind == "String" and isinstance(value, int | float)  # AWS's own examples return 200 as a String
            outputs[name] = json.dumps(value) if text else value
            if not is_of(kind, outputs[name]):
                raise UndefinedError(f"the function returned {value!r} as '{name}', which is of type {kind}")
        return self._succeeded(record, {"OutputParameters": outputs})

    # --- results of before --------------------------------------------------------------------------------------------------

    def _cached(self, execution: PipelineExecution, step: Step, record: StepExecution) -> StepExecution | None:
        """The latest result of the step in the pipeline's executions that may be taken again."""
        if step.cache is None:
            return None
        now = self.now()
        others = Query(scope=execution.scope, name_prefix=f"{execution.pipeline}/execution/", sort=Sort.CREATED, descending=True)
        for other in self.store.executions.find(others).items:
            earlier = other.record_of(step.name)
            if (
                earlier is None
                or earlier.key != record.key
                or earlier.status is not StepStatus.SUCCEEDED
                or earlier.ended is None
            ):
                continue
            if (
                now - earlier.ended <= step.cache
                and other.arn != execution.arn
                and not (earlier.cached_from or earlier.reused_from)
            ):
                return replace(self._succeeded(record, earlier.properties), job=earlier.job, cached_from=Arn(other.shown_arn))
        return None


def properties(perform: Perform, kind: StepKind, job: Arn, scope: AwsScope) -> Document:
    """What Get finds of a step that has made something: the answer of Describe; of a tuning job also its best training jobs."""
    operations = OPERATIONS[kind]
    name = {operations.name: job if kind is StepKind.REGISTER_MODEL else job.rpartition("/")[2]}
    described = perform(operations.describe, name, scope)
    if kind is not StepKind.TUNING:
        return described
    listed = perform("ListTrainingJobsForHyperParameterTuningJob", pipeline_requests.of_best_jobs(described), scope)
    return {**described, **pipeline_requests.best_first(described, listed)}
