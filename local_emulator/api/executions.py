"""The operations on executions of pipelines."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from local_emulator.api import pipelines, records
from local_emulator.api.context import Context
from local_emulator.api.paging import filters, page_of
from local_emulator.documents import pipeline_requests, serialize_pipelines
from local_emulator.documents.pipelines import definition, parameter_value
from local_emulator.documents.serialize import milliseconds
from local_emulator.domain.errors import AlreadyExists, ResourceNotFound, ValidationException
from local_emulator.domain.jobs import Document
from local_emulator.domain.names import PIPELINE, AwsScope
from local_emulator.domain.pipeline import (
    ExecutionStatus,
    PipelineDefinition,
    PipelineExecution,
    Scalar,
)
from local_emulator.domain.pipeline_names import execution_id
from local_emulator.pipelines import selection
from local_emulator.pipelines.values import experiment

_ARN = re.compile(r"arn:[a-z\-]+:sagemaker:[a-z0-9\-]*:\d{12}:pipeline/([^/]+/execution/[^/]+)")


def start(context: Context, request: Document, scope: AwsScope) -> Document:
    """StartPipelineExecution; a repetition with the same ClientRequestToken answers with the same execution."""
    pipelines.refuse_versions(request)
    pipelines.check_parallelism(request)
    pipeline = pipelines.find(context, request, scope)
    plan = definition(pipeline.request["PipelineDefinition"])
    values = _parameters(plan, request)
    now = context.now()
    echo = pipeline_requests.execution(pipeline, request, now)
    token = request["ClientRequestToken"]
    # Of this pipeline, not of one of its name that was deleted: jobs' names follow from the id.
    name = f"{pipeline.name}/execution/{execution_id(f'{pipeline.arn} {pipeline.created} {token}')}"
    execution = PipelineExecution(
        name=name,
        arn=scope.arn(PIPELINE, name),
        request=echo,
        plan=plan,
        parameters=values,
        parallelism=pipeline_requests.parallelism(echo),
        status=ExecutionStatus.EXECUTING,
        created=now,
        modified=now,
        tags=pipeline.tags,
    )
    execution = _selected(context, execution)
    try:
        with context.store.transaction():
            context.store.executions.add(execution)
            latest = pipelines.find(context, request, scope)  # which somebody may have changed, or deleted, since
            context.store.pipelines.put(replace(latest, last_run=now))
    except AlreadyExists:
        return {"PipelineExecutionArn": execution.shown_arn}
    context.notify()
    return {"PipelineExecutionArn": execution.shown_arn}


def _parameters(plan: PipelineDefinition, request: Document) -> Mapping[str, Scalar]:
    """The values of all parameters: those that the caller names, and the defaults."""
    given = pipeline_requests.parameters(request)
    known = {parameter.name: parameter for parameter in plan.parameters}
    if unknown := sorted(given.keys() - known.keys()):
        raise ValidationException(f"Unknown parameters {unknown}: the pipeline has {sorted(known)}.")
    missing = sorted(parameter.name for parameter in plan.parameters if parameter.default is None and parameter.name not in given)
    if missing:
        raise ValidationException(f"Parameters {missing} have no default value and are not given.")
    try:
        named = {name: parameter_value(known[name], value) for name, value in given.items()}
    except ValueError as error:
        raise ValidationException(str(error)) from error
    return {parameter.name: parameter.default for parameter in plan.parameters if parameter.default is not None} | named


def _selected(context: Context, execution: PipelineExecution) -> PipelineExecution:
    """The execution with what its SelectiveExecutionConfig takes from another."""
    config = execution.request.get("SelectiveExecutionConfig")
    if not config:
        return execution
    arn = config.get("SourcePipelineExecutionArn")
    source = None if arn is None else _get(context, arn, execution.scope)
    try:
        return selection.selected(execution, [step["StepName"] for step in config["SelectedSteps"]], source)
    except ValueError as error:
        raise ValidationException(str(error)) from error


def find(context: Context, request: Mapping[str, Any], scope: AwsScope) -> PipelineExecution:
    """The execution that a request names; raises ResourceNotFound."""
    return _get(context, request.get("PipelineExecutionArn", ""), scope)


def _get(context: Context, arn: str, scope: AwsScope) -> PipelineExecution:
    match = _ARN.fullmatch(arn)
    missing = ResourceNotFound(f"Pipeline execution '{arn}' does not exist.")
    if match is None or (known := scope.arn(PIPELINE, match[1])) != arn.lower():
        raise missing
    return records.get(context.store.executions, known, missing)


def _change(
    context: Context, request: Document, scope: AwsScope, change: Callable[[PipelineExecution], PipelineExecution | None]
) -> Document:
    """Change the execution that a request names, unless it is as it should be already."""

    def modified(execution: PipelineExecution) -> PipelineExecution | None:
        changed = change(execution)
        return changed and replace(changed, modified=max(context.now(), execution.modified))

    execution, changed = records.change(context, partial(find, context, request, scope), modified)
    if changed:
        context.notify()
    return {"PipelineExecutionArn": execution.shown_arn}


def stop(context: Context, request: Document, scope: AwsScope) -> Document:
    """StopPipelineExecution."""

    def change(execution: PipelineExecution) -> PipelineExecution | None:
        if execution.status is ExecutionStatus.EXECUTING:
            return replace(execution, status=ExecutionStatus.STOPPING, stop_token=request["ClientRequestToken"])
        if execution.status.terminal and execution.stop_token != request["ClientRequestToken"]:
            raise ValidationException(
                f"Only pipelines with 'Executing' status can be stopped. {execution.shown_arn} is in status '{execution.status}'."
            )
        return None

    return _change(context, request, scope, change)


def retry(context: Context, request: Document, scope: AwsScope) -> Document:
    """RetryPipelineExecution: what has succeeded is kept, everything else begins again."""
    pipelines.check_parallelism(request)

    def change(execution: PipelineExecution) -> PipelineExecution | None:
        if execution.retry_token == request["ClientRequestToken"]:
            return None
        if execution.status not in {ExecutionStatus.FAILED, ExecutionStatus.STOPPED}:
            raise ValidationException(
                "Only pipeline executions in 'Failed' or 'Stopped' status can be retried. "
                f"{execution.shown_arn} is in status '{execution.status}'."
            )
        return pipeline_requests.retried_execution(execution, request, max(context.now(), execution.modified))

    return _change(context, request, scope, change)


def update(context: Context, request: Document, scope: AwsScope) -> Document:
    """UpdatePipelineExecution."""
    pipelines.check_parallelism(request)
    return _change(context, request, scope, lambda execution: pipeline_requests.updated_execution(execution, request))


def describe(context: Context, request: Document, scope: AwsScope) -> Document:
    """DescribePipelineExecution."""
    execution = find(context, request, scope)
    return serialize_pipelines.described_execution(execution, experiment(execution))


def describe_definition(context: Context, request: Document, scope: AwsScope) -> Document:
    """DescribePipelineDefinitionForExecution."""
    execution = find(context, request, scope)
    return {
        "PipelineDefinition": execution.request["PipelineDefinition"],
        "CreationTime": milliseconds(execution.created),
    }


def list_(context: Context, request: Document, scope: AwsScope) -> Document:
    """ListPipelineExecutions."""
    pipelines.refuse_versions(request)
    pipeline = pipelines.find(context, request, scope)
    operation = "ListPipelineExecutions"
    query = replace(filters(operation, request, scope, descending=True), name_prefix=f"{pipeline.name}/execution/")
    shown = "PipelineExecutionSummaries", serialize_pipelines.execution_summary
    return records.listed(context.store.executions, operation, request, query, shown)


def list_steps(context: Context, request: Document, scope: AwsScope) -> Document:
    """ListPipelineExecutionSteps: those that have begun."""
    execution = find(context, request, scope)
    steps = sorted(execution.steps, key=lambda step: step.started)
    if request.get("SortOrder", "Descending") == "Descending":
        steps.reverse()
    summaries = [serialize_pipelines.step_summary(execution, step) for step in steps]
    return page_of("ListPipelineExecutionSteps", request, "PipelineExecutionSteps", summaries)


def list_parameters(context: Context, request: Document, scope: AwsScope) -> Document:
    """ListPipelineParametersForExecution: those that the caller has named."""
    parameters = serialize_pipelines.parameters(find(context, request, scope))
    return page_of("ListPipelineParametersForExecution", request, "PipelineParameters", parameters)
