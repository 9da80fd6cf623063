"""Answers of AWS about pipelines and their executions."""

from collections.abc import Mapping
from typing import Any

from local_emulator.documents.serialize import milliseconds, present
from local_emulator.domain.jobs import Document
from local_emulator.domain.pipeline import Pipeline, PipelineExecution, StepExecution, StepKind

_PIPELINE_ECHO = ("PipelineDisplayName", "PipelineDescription", "RoleArn")
METADATA: Mapping[StepKind, str] = {
    StepKind.TRAINING: "TrainingJob",
    StepKind.TUNING: "TuningJob",
    StepKind.PROCESSING: "ProcessingJob",
    StepKind.TRANSFORM: "TransformJob",
    StepKind.MODEL: "Model",
    StepKind.REGISTER_MODEL: "RegisterModel",
}
"""The member of a step's Metadata that has the ARN of what the step has made."""


def _echo(request: Document, *names: str) -> dict[str, Any]:
    return {name: request[name] for name in names if name in request}


def described_pipeline(pipeline: Pipeline) -> Document:
    """Answer of DescribePipeline."""
    return {
        **_pipeline(pipeline),
        **_echo(pipeline.request, "PipelineDefinition", "ParallelismConfiguration"),
        "PipelineStatus": pipeline.status.value,
        **present({"LastRunTime": milliseconds(pipeline.last_run)}),
    }


def pipeline_summary(pipeline: Pipeline) -> Document:
    """An entry of ListPipelines."""
    return {**_pipeline(pipeline), **present({"LastExecutionTime": milliseconds(pipeline.last_run)})}


def _pipeline(pipeline: Pipeline) -> dict[str, Any]:
    return {
        "PipelineArn": pipeline.shown_arn,
        "PipelineName": pipeline.name,
        **_echo(pipeline.request, *_PIPELINE_ECHO),
        "CreationTime": milliseconds(pipeline.created),
        "LastModifiedTime": milliseconds(pipeline.modified),
    }


def described_execution(execution: PipelineExecution, experiment: Document) -> Document:
    """Answer of DescribePipelineExecution; `experiment` is its PipelineExperimentConfig."""
    request = execution.request
    return {
        "PipelineArn": execution.shown_pipeline_arn,
        "PipelineExecutionArn": execution.shown_arn,
        "PipelineExecutionStatus": execution.status.value,
        **_echo(request, "PipelineExecutionDisplayName", "PipelineExecutionDescription", "ParallelismConfiguration"),
        **_echo(request, "SelectiveExecutionConfig"),
        **({"PipelineExperimentConfig": experiment} if experiment else {}),
        **present({"FailureReason": execution.failure_reason}),
        "CreationTime": milliseconds(execution.created),
        "LastModifiedTime": milliseconds(execution.modified),
        "RoleArn": request["RoleArn"],
    }


def execution_summary(execution: PipelineExecution) -> Document:
    """An entry of ListPipelineExecutions."""
    return {
        "PipelineExecutionArn": execution.shown_arn,
        "StartTime": milliseconds(execution.created),
        "PipelineExecutionStatus": execution.status.value,
        **_echo(execution.request, "PipelineExecutionDisplayName", "PipelineExecutionDescription"),
        **present({"PipelineExecutionFailureReason": execution.failure_reason}),
    }


def step_summary(execution: PipelineExecution, record: StepExecution) -> Document:
    """An entry of ListPipelineExecutionSteps."""
    step = execution.plan.step(record.name)
    source = {"SourcePipelineExecutionArn": record.cached_from or record.reused_from}
    return {
        "StepName": record.name,
        "StepStatus": record.status.value,
        "StartTime": milliseconds(record.started),
        "AttemptCount": record.attempts,
        "Metadata": metadata(execution, record),
        **present(
            {
                "StepDisplayName": step.display_name,
                "StepDescription": step.description,
                "EndTime": milliseconds(record.ended),
                "FailureReason": record.failure_reason,
                "CacheHitResult": source if record.cached_from else None,
                "SelectiveExecutionResult": source if record.reused_from else None,
            }
        ),
    }


def metadata(execution: PipelineExecution, record: StepExecution) -> dict[str, Any]:
    """A step's Metadata; empty before it has made anything."""
    step, properties = execution.plan.step(record.name), record.properties
    if step.kind is StepKind.CONDITION:
        return {"Condition": {"Outcome": str(properties["Outcome"])}} if "Outcome" in properties else {}
    if step.kind is StepKind.FAIL:
        return {"Fail": {"ErrorMessage": properties.get("ErrorMessage", "")}}
    if step.kind is StepKind.LAMBDA:
        outputs = properties.get("OutputParameters", {})
        named = [{"Name": name, "Value": str(value)} for name, value in outputs.items()]
        return {"Lambda": {"Arn": step.function_arn, "OutputParameters": named}}
    return {METADATA[step.kind]: {"Arn": record.job}} if record.job else {}


def parameters(execution: PipelineExecution) -> list[Document]:
    """The parameters of ListPipelineParametersForExecution: those that the caller has named."""
    return list(execution.request.get("PipelineParameters", ()))
