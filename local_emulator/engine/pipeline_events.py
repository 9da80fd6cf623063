"""The events that SageMaker sends of pipelines: one of the execution's status, one of each step's."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from local_emulator.documents.serialize import present
from local_emulator.documents.serialize_pipelines import metadata
from local_emulator.domain.jobs import Document
from local_emulator.domain.pipeline import PipelineExecution, StepExecution

EXECUTION = "SageMaker Model Building Pipeline Execution Status Change"
STEP = "SageMaker Model Building Pipeline Execution Step Status Change"


def events(execution: PipelineExecution, before: PipelineExecution | None) -> Iterator[tuple[str, Document]]:
    """The events of a change: their detail-types and details; `before` None if there was no such execution."""
    previous = {} if before is None else {step.name: step.status.value for step in before.steps}
    for step in execution.steps:
        if previous.get(step.name) != step.status:
            yield STEP, _step_detail(execution, step, previous.get(step.name))
    if before is None or before.status is not execution.status:
        yield EXECUTION, _execution_detail(execution, None if before is None else before.status.value)


def _execution_detail(execution: PipelineExecution, previous: str | None) -> Document:
    request = execution.request
    return present(
        {
            "pipelineExecutionDisplayName": request.get("PipelineExecutionDisplayName"),
            "pipelineExecutionDescription": request.get("PipelineExecutionDescription"),
            "currentPipelineExecutionStatus": execution.status.value,
            "previousPipelineExecutionStatus": previous,
            "executionStartTime": _iso(execution.created),
            "executionEndTime": _iso(execution.modified) if execution.status.terminal else None,
            **_arns(execution),
        }
    )


def _step_detail(execution: PipelineExecution, record: StepExecution, previous: str | None) -> Document:
    return present(
        {
            "metadata": _in_camel_case(metadata(execution, record)),
            "stepStartTime": _iso(record.started),
            "stepEndTime": None if record.ended is None else _iso(record.ended),
            "stepName": record.name,
            "stepType": execution.plan.step(record.name).kind.value,
            "previousStepStatus": previous,
            "currentStepStatus": record.status.value,
            "failureReason": record.failure_reason,
            "cacheHitResult": {"sourcePipelineExecutionArn": record.cached_from} if record.cached_from else None,
            **_arns(execution),
        }
    )


def _arns(execution: PipelineExecution) -> Document:
    return {"pipelineArn": execution.shown_pipeline_arn, "pipelineExecutionArn": execution.shown_arn}


def _in_camel_case(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Members as these events write them: `processingJob`, `arn`."""
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: _in_camel_case(member) for name, member in value.items()}
    return [_in_camel_case(member) for member in value] if isinstance(value, list) else value


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
