"""The operations on processing jobs."""

from functools import partial

from local_emulator.api import processing_rules, quotas, records
from local_emulator.api.context import Context
from local_emulator.api.paging import filters
from local_emulator.api.validation import raise_if_invalid
from local_emulator.documents import parse
from local_emulator.documents import processing as documents
from local_emulator.domain.errors import ResourceNotFound
from local_emulator.domain.jobs import Document, Status
from local_emulator.domain.names import PROCESSING_JOB, AwsScope
from local_emulator.domain.processing import ProcessingJob


def create(context: Context, request: Document, scope: AwsScope) -> Document:
    """CreateProcessingJob."""
    raise_if_invalid(processing_rules.violations(request))
    echo = documents.with_defaults(request)
    spec = documents.parse(echo)
    context.check_processing(spec)
    quotas.check_processing_job(spec, context.store, context.settings.quotas, scope)
    name, now = request["ProcessingJobName"], context.now()
    job = ProcessingJob(
        name=name,
        arn=scope.arn(PROCESSING_JOB, name),
        request=echo,
        spec=spec,
        run=context.token(),
        status=Status.IN_PROGRESS,
        created=now,
        modified=now,
        phase_started=now,
        tags=parse.tags(request),
    )
    records.add(context.store.processings, job, records.taken("processing job", job))
    context.notify()
    return {"ProcessingJobArn": job.arn}


def _get(context: Context, request: Document, scope: AwsScope) -> ProcessingJob:
    name = request["ProcessingJobName"]
    arn, missing = scope.arn(PROCESSING_JOB, name), ResourceNotFound(f"Could not find requested job with name: {name}")
    return records.get(context.store.processings, arn, missing)


def describe(context: Context, request: Document, scope: AwsScope) -> Document:
    """DescribeProcessingJob."""
    return documents.described(_get(context, request, scope))


def list_(context: Context, request: Document, scope: AwsScope) -> Document:
    """ListProcessingJobs."""
    operation = "ListProcessingJobs"
    query = filters(operation, request, scope, descending="SortBy" not in request)
    shown = "ProcessingJobSummaries", documents.summary
    return records.listed(context.store.processings, operation, request, query, shown)


def stop(context: Context, request: Document, scope: AwsScope) -> None:
    """StopProcessingJob."""
    records.stop(context, partial(_get, context, request, scope), "processing job is")


def delete(context: Context, request: Document, scope: AwsScope) -> None:
    """DeleteProcessingJob."""
    job = _get(context, request, scope)
    records.check_ended(job, "processing job")
    records.delete(context, job, partial(_get, context, request, scope))
