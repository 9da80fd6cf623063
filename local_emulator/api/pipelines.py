"""The operations on pipelines."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from local_emulator.api import records, step_arguments
from local_emulator.api.context import Context
from local_emulator.api.paging import filters
from local_emulator.documents import parse, pipeline_requests, pipelines, processing, serialize_pipelines
from local_emulator.documents.pipelines import DefinitionError
from local_emulator.domain.errors import AlreadyExists, ConflictException, ResourceNotFound, ValidationException
from local_emulator.domain.jobs import Document
from local_emulator.domain.names import PIPELINE, AwsScope
from local_emulator.domain.pipeline import Pipeline, PipelineDefinition, Step, StepKind
from local_emulator.domain.pipeline_names import function_name
from local_emulator.pipelines.operations import OPERATIONS
from local_emulator.store.base import Query

_NOT_HERE = ("PipelineVersionId", "PipelineVersionAlias", "PipelineVersionAliases", "MlflowExperimentName")
_MOST_PARALLEL = 200


def create(context: Context, request: Document, scope: AwsScope) -> Document:
    """CreatePipeline."""
    refuse_versions(request)
    check_parallelism(request)
    name, now = request["PipelineName"], context.now()
    echo = pipeline_requests.pipeline(request, _definition(context, request))
    pipeline = Pipeline(
        name=name, arn=scope.arn(PIPELINE, name), request=echo, created=now, modified=now, tags=parse.tags(request)
    )
    try:
        context.store.pipelines.add(pipeline)
    except AlreadyExists as error:
        stored = _find(context, name, scope)
        if stored.request.get("ClientRequestToken") == request["ClientRequestToken"]:
            return {"PipelineArn": stored.shown_arn}
        raise ValidationException(
            f"Pipeline names must be unique within an AWS account and region. Pipeline with name ({name}) already exists."
        ) from error
    return {"PipelineArn": pipeline.shown_arn}


def update(context: Context, request: Document, scope: AwsScope) -> Document:
    """UpdatePipeline: executions that have begun keep their definition."""
    refuse_versions(request)
    check_parallelism(request)
    changed = "PipelineDefinition" in request or "PipelineDefinitionS3Location" in request
    definition = _definition(context, request) if changed else None

    def updated(pipeline: Pipeline) -> Pipeline:
        return pipeline_requests.updated_pipeline(pipeline, request, definition, context.now())

    pipeline, _ = records.change(context, partial(find, context, request, scope), updated)
    return {"PipelineArn": pipeline.shown_arn}


def describe(context: Context, request: Document, scope: AwsScope) -> Document:
    """DescribePipeline."""
    refuse_versions(request)
    return serialize_pipelines.described_pipeline(find(context, request, scope))


def delete(context: Context, request: Document, scope: AwsScope) -> Document:
    """DeletePipeline: its executions are deleted with it, what their steps have made is not."""
    with context.store.transaction():
        pipeline = find(context, request, scope)
        executions = context.store.executions.find(Query(scope=scope, name_prefix=f"{pipeline.name}/execution/")).items
        active = [execution.shown_arn for execution in executions if not execution.status.terminal]
        if active:
            raise ConflictException(
                f"Pipeline {pipeline.shown_arn} has running executions: {', '.join(active)}. Stop them by StopPipelineExecution first."
            )
        for execution in executions:
            context.store.executions.delete(execution.arn)
        context.store.pipelines.delete(pipeline.arn)
    return {"PipelineArn": pipeline.shown_arn}


def list_(context: Context, request: Document, scope: AwsScope) -> Document:
    """ListPipelines."""
    if "ManagedBy" in request:
        return {"PipelineSummaries": []}  # nothing here is managed by AWS
    query = replace(filters("ListPipelines", request, scope, descending=True), name_prefix=request.get("PipelineNamePrefix"))
    shown = "PipelineSummaries", serialize_pipelines.pipeline_summary
    return records.listed(context.store.pipelines, "ListPipelines", request, query, shown)


def find(context: Context, request: Mapping[str, Any], scope: AwsScope) -> Pipeline:
    """The pipeline that a request names, by its name or ARN; raises ResourceNotFound."""
    return _find(context, request["PipelineName"].rpartition("/")[2], scope)


def _find(context: Context, name: str, scope: AwsScope) -> Pipeline:
    arn = scope.arn(PIPELINE, name)
    return records.get(context.store.pipelines, arn, ResourceNotFound(f"Pipeline '{arn}' does not exist."))


def refuse_versions(request: Mapping[str, Any]) -> None:
    """Raise ValidationException for what is not emulated of pipelines."""
    for member in _NOT_HERE:
        if request.get(member):
            raise ValidationException(f"{member} is not emulated: of a pipeline there is the last version only.")


def check_parallelism(request: Mapping[str, Any]) -> None:
    """Raise ValidationException for more parallel steps than AWS allows."""
    most = pipeline_requests.parallelism(request)
    if most > _MOST_PARALLEL:
        raise ValidationException(f"MaxParallelExecutionSteps is {most}; it must be at most {_MOST_PARALLEL}.")


# --- the definition -----------------------------------------------------------------------------------------------------------


def _definition(context: Context, request: Mapping[str, Any]) -> str:
    """The text of the definition of a request, checked."""
    text, location = request.get("PipelineDefinition"), request.get("PipelineDefinitionS3Location")
    if (text is None) == (location is None):
        what = "Both Pipeline Definition and Pipeline Definition S3 Location shouldn't be present"
        neither = "Either Pipeline Definition or Pipeline Definition S3 location should be provided"
        raise ValidationException(neither if text is None else what)
    if text is None:
        text = _stored(context, location or {})
    try:
        parsed = pipelines.definition(text)
        for step in parsed.steps:
            _check_runs(context, step.kind, step.name)
            step_arguments.check(step)
            _check_program(context, step)
        _check_functions(context, parsed)
    except DefinitionError as error:
        raise ValidationException(str(error)) from error
    return text


def _stored(context: Context, location: Mapping[str, Any]) -> str:
    """A definition in S3."""
    if "VersionId" in location:
        raise ValidationException("PipelineDefinitionS3Location.VersionId is not emulated: the object's last version is read.")
    uri = f"s3://{location['Bucket']}/{location['ObjectKey']}"
    try:
        return context.read(uri).decode()
    except ValueError as error:
        raise ValidationException(f"The pipeline definition at {uri} cannot be read: {error}") from error


def _check_runs(context: Context, kind: StepKind, name: str) -> None:
    operations = OPERATIONS.get(kind)
    if operations is not None and operations.create not in context.operations:
        raise DefinitionError(f"Step '{name}' is of Type '{kind}', which is not emulated: nothing here would carry it out.")


def _check_program(context: Context, step: Step) -> None:
    """Whether a processing job's program can run here, where that is known: not only after all steps before it."""
    spec = processing.program_of_step(step.arguments) if step.kind is StepKind.PROCESSING else None
    if spec is not None:
        try:
            context.check_processing(spec)
        except ValidationException as error:
            raise DefinitionError(f"Step '{step.name}': {error.message}") from error


def _check_functions(context: Context, parsed: PipelineDefinition) -> None:
    for step in parsed.steps:
        name = function_name(step.function_arn or "")
        if step.kind is not StepKind.LAMBDA or name in context.settings.functions:
            continue
        function = context.function(step.function_arn or "")
        if function is None or function.problem:
            raise DefinitionError(
                f"Step '{step.name}' invokes the function '{name}', and "
                f"{'there is none' if function is None else function.problem}: make it with CreateFunction, or say what stands in for "
                f"it (serve --lambda {name}=module:function, in a test emulated_sagemaker(functions={{...}}))."
            )
