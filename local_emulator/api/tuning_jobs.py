"""The operations on tuning jobs."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from local_emulator.api import limits, quotas, records
from local_emulator.api.context import Context
from local_emulator.api.paging import filters, with_token
from local_emulator.api.validation import raise_if_invalid
from local_emulator.documents import autotune, defaults, parse, serialize
from local_emulator.domain.errors import ResourceInUse, ResourceNotFound, ValidationException
from local_emulator.domain.jobs import Document, Status
from local_emulator.domain.names import AwsScope
from local_emulator.domain.tuning import Plan, TuningJob
from local_emulator.runs.data import expressions
from local_emulator.store.base import Sort, Store
from sm_tuning.rules import tuning_job, warm_start


def create(context: Context, request: Document, scope: AwsScope) -> Document:
    """CreateHyperParameterTuningJob."""
    raise_if_invalid([*tuning_job.violations(request, expressions.errors), *limits.tuning_violations(request)])
    request = autotune.filled(request)
    raise_if_invalid(limits.chosen_violations(request))
    name = request["HyperParameterTuningJobName"]
    echo = defaults.tuning_job(request)
    plan = parse.tuning(echo)
    _check_parents(context, echo, plan, scope)
    for definition in plan.definitions:
        context.check(definition.spec, scope.region)
    quotas.check_tuning_job(plan, context.store, context.settings.quotas, scope)
    now = context.now()
    job = TuningJob(
        name=name,
        arn=scope.tuning_arn(name),
        region=scope.region,
        request=echo,
        plan=plan,
        status=Status.IN_PROGRESS,
        created=now,
        modified=now,
        seed=int(context.token()[:8], 16) if plan.seed is None else plan.seed,
        tags=parse.tags(request),
        consumed=0,
    )
    taken = ResourceInUse(f"A hyperparameter tuning job with the name, {name}, already exists. Choose a different name.")
    records.add(context.store.tunings, job, taken)
    context.notify()
    return {"HyperParameterTuningJobArn": job.arn}


def _check_parents(context: Context, echo: Document, plan: Plan, scope: AwsScope) -> None:
    parents = [described(context.store, _find(context, name, scope)) for name in plan.parents]
    raise_if_invalid(warm_start.violations(echo, parents) if parents else ())


def _get(context: Context, request: Mapping[str, Any], scope: AwsScope) -> TuningJob:
    return _find(context, request["HyperParameterTuningJobName"], scope)


def _find(context: Context, name: str, scope: AwsScope) -> TuningJob:
    missing = ResourceNotFound(f"Amazon SageMaker can't find a tuning job called {name}. Type another name.")
    return records.get(context.store.tunings, scope.tuning_arn(name), missing)


def describe(context: Context, request: Document, scope: AwsScope) -> Document:
    """DescribeHyperParameterTuningJob."""
    return described(context.store, _get(context, request, scope))


def described(store: Store, job: TuningJob) -> Document:
    """DescribeHyperParameterTuningJob's answer about a job."""
    return serialize.described_tuning_job(job, store.history(job), store.trainings.get)


def list_(context: Context, request: Document, scope: AwsScope) -> Document:
    """ListHyperParameterTuningJobs."""
    operation = "ListHyperParameterTuningJobs"
    query = filters(operation, request, scope, sort=Sort.NAME, descending=False)
    if "StatusEquals" in request and not query.statuses:  # a status of AWS that no job has here
        return {"HyperParameterTuningJobSummaries": []}
    page = context.store.tunings.find(query)
    summaries = [serialize.tuning_job_summary(job, context.store.history(job)) for job in page.items]
    return with_token(operation, request, {"HyperParameterTuningJobSummaries": summaries}, page.next)


def list_children(context: Context, request: Document, scope: AwsScope) -> Document:
    """ListTrainingJobsForHyperParameterTuningJob."""
    operation = "ListTrainingJobsForHyperParameterTuningJob"
    job = _get(context, request, scope)
    # Documented default: by Name, Ascending. Observed: newest first if neither is given.
    query = filters(operation, request, scope, sort=Sort.CREATED, descending="SortBy" not in request)
    if "StatusEquals" in request and not query.statuses:
        return {"TrainingJobSummaries": []}
    page = context.store.summaries(replace(query, tuning=job.arn))
    latest = {trial.name: trial.values[-1] for trial in context.store.history(job).running if trial.values}
    summaries = [serialize.child_summary(child, job, latest.get(child.name)) for child in page.items]
    return with_token(operation, request, {"TrainingJobSummaries": summaries}, page.next)


def stop(context: Context, request: Document, scope: AwsScope) -> None:
    """StopHyperParameterTuningJob."""
    records.stop(context, partial(_get, context, request, scope), "hyperparameter tuning job {} is already")


def delete(context: Context, request: Document, scope: AwsScope) -> None:
    """DeleteHyperParameterTuningJob."""
    job = _get(context, request, scope)
    records.check_ended(job, "hyperparameter tuning job", ValidationException)
    records.delete(context, job, partial(_get, context, request, scope))
