"""The operations on transform jobs."""

from functools import partial

from local_emulator.api import models, quotas, records, registry, transform_rules
from local_emulator.api.context import Context
from local_emulator.api.paging import filters
from local_emulator.api.validation import raise_if_invalid
from local_emulator.documents import hosting, parse
from local_emulator.documents import transform as documents
from local_emulator.domain.errors import ResourceNotFound, ValidationException
from local_emulator.domain.jobs import Document, Status
from local_emulator.domain.names import TRANSFORM_JOB, AwsScope
from local_emulator.domain.transform import TransformJob


def create(context: Context, request: Document, scope: AwsScope) -> Document:
    """CreateTransformJob."""
    raise_if_invalid(transform_rules.violations(request))
    model = registry.unpacked(context, models.find(context, request["ModelName"], scope).request, scope)
    if problem := hosting.unemulated_model(model):
        raise ValidationException(problem)
    if hosting.is_direct(model):
        name = request["ModelName"]
        raise ValidationException(f"The containers of the model {name} are invoked directly (Mode Direct): no transform job can.")
    for container in hosting.container_specs(model):
        context.serving.check(container)
        context.serving.check_data(container.data)
    echo, name, now = documents.with_defaults(request), request["TransformJobName"], context.now()
    spec = documents.parse(echo)
    quotas.check_transform_job(spec, context.store, context.settings.quotas, scope)
    job = TransformJob(
        name=name,
        arn=scope.arn(TRANSFORM_JOB, name),
        request=echo,
        spec=spec,
        model=model,
        run=context.token(),
        status=Status.IN_PROGRESS,
        created=now,
        modified=now,
        phase_started=now,
        tags=parse.tags(request),
    )
    records.add(context.store.transforms, job, records.taken("transform job", job))
    context.notify()
    return {"TransformJobArn": job.arn}


def _get(context: Context, request: Document, scope: AwsScope) -> TransformJob:
    name = request["TransformJobName"]
    arn, missing = scope.arn(TRANSFORM_JOB, name), ResourceNotFound(f"Could not find requested job with name: {name}")
    return records.get(context.store.transforms, arn, missing)


def describe(context: Context, request: Document, scope: AwsScope) -> Document:
    """DescribeTransformJob."""
    return documents.described(_get(context, request, scope))


def list_(context: Context, request: Document, scope: AwsScope) -> Document:
    """ListTransformJobs."""
    operation = "ListTransformJobs"
    query = filters(operation, request, scope, descending="SortBy" not in request)
    shown = "TransformJobSummaries", documents.summary
    return records.listed(context.store.transforms, operation, request, query, shown)


def stop(context: Context, request: Document, scope: AwsScope) -> None:
    """StopTransformJob."""
    records.stop(context, partial(_get, context, request, scope), "transform job is")
