"""Requests about pipelines: what is kept of them, how later requests change that, and what steps send in their turn."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from local_emulator.domain.jobs import Document
from local_emulator.domain.names import Arn
from local_emulator.domain.pipeline import MOST_PARALLEL_STEPS, ExecutionStatus, Pipeline, PipelineExecution, StepStatus
from local_emulator.domain.pipeline_names import token_of

_OF_PIPELINE = (
    "PipelineName",
    "PipelineDisplayName",
    "PipelineDescription",
    "RoleArn",
    "ParallelismConfiguration",
    "ClientRequestToken",
)
_OF_EXECUTION = ("PipelineExecutionDescription", "PipelineParameters", "SelectiveExecutionConfig", "ClientRequestToken")
_CHANGED_BY_UPDATE = ("PipelineExecutionDescription", "PipelineExecutionDisplayName", "ParallelismConfiguration")
_EXECUTION_TAG = "sagemaker:pipeline-execution-arn"
_MOST_SUMMARIES = 50


def pipeline(request: Document, definition: str) -> Document:
    """CreatePipeline as it is kept, with its definition as text."""
    given = {member: request[member] for member in _OF_PIPELINE if member in request}
    return {"PipelineDisplayName": request["PipelineName"], **given, "PipelineDefinition": definition}


def updated_pipeline(stored: Pipeline, request: Document, definition: str | None, now: datetime) -> Pipeline:
    """The pipeline after UpdatePipeline; `definition` is a new one's text."""
    changes = {member: request[member] for member in _OF_PIPELINE if member in request and member != "PipelineName"}
    changed = changes if definition is None else {**changes, "PipelineDefinition": definition}
    return replace(stored, request={**stored.request, **changed}, modified=max(now, stored.modified))


def execution(stored: Pipeline, request: Document, now: datetime) -> Document:
    """StartPipelineExecution as it is kept, with what it takes from the pipeline."""
    config = request.get("ParallelismConfiguration") or stored.request.get("ParallelismConfiguration")
    return {
        "PipelineExecutionDisplayName": f"execution-{int(now.timestamp() * 1000)}",
        **{name: stored.request[name] for name in ("PipelineName", "PipelineDefinition", "RoleArn")},
        **{name: request[name] for name in (*_OF_EXECUTION, "PipelineExecutionDisplayName", "RoleArn") if name in request},
        **({"ParallelismConfiguration": config} if config else {}),
    }


def parameters(request: Document) -> Mapping[str, str]:
    """The parameters that StartPipelineExecution names."""
    return {parameter["Name"]: parameter["Value"] for parameter in request.get("PipelineParameters", ())}


def parallelism(request: Mapping[str, Any], default: int = MOST_PARALLEL_STEPS) -> int:
    """MaxParallelExecutionSteps of a request."""
    steps: int = request.get("ParallelismConfiguration", {}).get("MaxParallelExecutionSteps", default)
    return steps


def updated_execution(stored: PipelineExecution, request: Document) -> PipelineExecution:
    """The execution after UpdatePipelineExecution."""
    changes = {name: request[name] for name in _CHANGED_BY_UPDATE if name in request}
    return replace(stored, request={**stored.request, **changes}, parallelism=parallelism(changes, stored.parallelism))


def retried_execution(stored: PipelineExecution, request: Document, now: datetime) -> PipelineExecution:
    """The execution after RetryPipelineExecution: what has succeeded is kept, everything else begins again."""
    steps = [
        step
        if step.status is StepStatus.SUCCEEDED
        else replace(
            step,
            status=StepStatus.STARTING,
            retry_at=now,
            ended=None,
            failure_reason=None,
            failed_at=None,
            retried=(),
            job=None,
            properties={},
        )
        for step in stored.steps
    ]
    changes = {"ParallelismConfiguration": request["ParallelismConfiguration"]} if "ParallelismConfiguration" in request else {}
    return replace(
        stored,
        status=ExecutionStatus.EXECUTING,
        failure_reason=None,
        steps=tuple(steps),
        retry_token=request["ClientRequestToken"],
        request={**stored.request, **changes},
        parallelism=parallelism(changes, stored.parallelism),
    )


# --- of steps -----------------------------------------------------------------------------------------------------------------


def of_job(arguments: Document, member: str, name: str, execution_arn: Arn) -> Document:
    """The request of a step's job or model, with the tag by which AWS tells of which execution it is."""
    tags = [*arguments.get("Tags", ()), {"Key": _EXECUTION_TAG, "Value": execution_arn}]
    return {**arguments, member: name, "Tags": tags}


def of_package(arguments: Document, step: str, attempt: int, execution_arn: Arn) -> Document:
    """The request of a step's model package, which is made once however often it is sent. The tags go to its group."""
    token = token_of(f"{execution_arn}\n{step}\n{attempt}", 32)
    generated = {"GeneratedBy": execution_arn, **arguments.get("MetadataProperties", {})}
    kept = {name: value for name, value in arguments.items() if name != "Tags" or "ModelPackageGroupName" not in arguments}
    return {**kept, "ClientToken": token, "MetadataProperties": generated}


def of_group(arguments: Document) -> Document:
    """The request of the group that a step's model package is a version of; empty if it is none."""
    names = ("ModelPackageGroupName", "Tags") if "ModelPackageGroupName" in arguments else ()
    return {name: arguments[name] for name in names if name in arguments}


def of_best_jobs(tuning_job: Document) -> Document:
    """The request of the best training jobs of a tuning job, in order; it has been described."""
    objective = tuning_job["HyperParameterTuningJobConfig"].get("HyperParameterTuningJobObjective", {})
    return {
        "HyperParameterTuningJobName": tuning_job["HyperParameterTuningJobName"],
        "SortBy": "FinalObjectiveMetricValue",
        "SortOrder": "Ascending" if objective.get("Type") == "Minimize" else "Descending",
        "MaxResults": _MOST_SUMMARIES,
    }


def best_first(tuning_job: Document, training_jobs: Document) -> Document:
    """The list of the best training jobs, begun by BestTrainingJob, which others may equal.

    Who registers the first registers the one whose value a condition has looked at.
    """
    best = tuning_job.get("BestTrainingJob", {}).get("TrainingJobName")
    summaries = sorted(training_jobs["TrainingJobSummaries"], key=lambda summary: summary["TrainingJobName"] != best)
    return {**training_jobs, "TrainingJobSummaries": summaries}
