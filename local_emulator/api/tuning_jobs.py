"""The operations on tuning jobs."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from local_emulator.api import autotune, paging, quotas, rules, warm_start, writing
from local_emulator.documents import parse
from local_emulator.documents.children import with_objective_metric, with_stock_metrics
from local_emulator.domain.errors import AlreadyExists, Conflict, NotFound, ResourceInUse, ResourceNotFound, ValidationException
from local_emulator.domain.history import Trial
from local_emulator.domain.jobs import Document, Status
from local_emulator.domain.names import OBJECTIVE_STATIC, AwsScope
from local_emulator.domain.spec import TrainingSpec
from local_emulator.domain.training import TrainingJob
from local_emulator.domain.tuning import TuningJob
from local_emulator.settings import Settings
from local_emulator.store.base import Query, Sort, Store

_DAY = 86_400
_BOOLEANS = ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining")


@dataclass(frozen=True, kw_only=True)
class Context:
    """What every operation needs."""

    store: Store
    settings: Settings
    now: Callable[[], datetime]
    token: Callable[[], str]
    notify: Callable[[], None]
    check: Callable[[TrainingSpec, str], None]


def create(context: Context, request: Document, scope: AwsScope) -> Document:
    """CreateHyperParameterTuningJob."""
    request = autotune.filled(request)
    rules.refuse([*rules.tuning_problems(request), *warm_start.form_problems(request)])
    name = request["HyperParameterTuningJobName"]
    request = _measured(request)
    echo = _echo(request)
    _check_parents(context, echo, scope)
    plan = parse.tuning(echo)
    for definition in plan.definitions:
        context.check(definition.training, scope.region)
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
    try:
        context.store.tunings.add(job)
    except AlreadyExists as error:
        raise ResourceInUse(
            f"A hyperparameter tuning job with the name, {name}, already exists. Choose a different name."
        ) from error
    context.notify()
    return {"HyperParameterTuningJobArn": job.arn}


def _check_parents(context: Context, echo: Document, scope: AwsScope) -> None:
    names = warm_start.parent_names(echo)
    if not names:
        return
    parents = [_find(context, name, scope) for name in names]
    children = sum(len(context.store.history(parent).trials) for parent in parents)
    rules.refuse(warm_start.problems(echo, parents, children))


def _measured(request: Document) -> Document:
    """A request whose built-in algorithms have the metric definitions that AWS has for them."""
    single, several = request.get("TrainingJobDefinition"), request.get("TrainingJobDefinitions")
    if single is not None:
        objective = request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
        return {**request, "TrainingJobDefinition": with_stock_metrics(single, objective)}
    measured = [with_stock_metrics(definition, definition["TuningObjective"]["MetricName"]) for definition in several or ()]
    return {**request, "TrainingJobDefinitions": measured}


def _definitions(request: Document) -> list[Document]:
    return list(request.get("TrainingJobDefinitions") or [request["TrainingJobDefinition"]])


def _echo(request: Document) -> Document:
    """The request as Describe shows it: what AWS fills in, filled in."""
    config = dict(request["HyperParameterTuningJobConfig"])
    if "ParameterRanges" in config:
        config["ParameterRanges"] = _scaled(config["ParameterRanges"])
    limits = config["ResourceLimits"]
    if "MaxNumberOfTrainingJobs" not in limits:  # Grid: the SDK's attach() wants to see it
        sizes = [
            parse.space(one.get("HyperParameterRanges") or config["ParameterRanges"]).size or 0 for one in _definitions(request)
        ]
        config["ResourceLimits"] = {**limits, "MaxNumberOfTrainingJobs": sum(sizes)}
    objective = config.get("HyperParameterTuningJobObjective", {})
    echo = {**request, "HyperParameterTuningJobConfig": config}
    echo.pop("Tags", None)
    if "TrainingJobDefinition" in request:
        echo["TrainingJobDefinition"] = _echoed_definition(request["TrainingJobDefinition"], objective)
    if "TrainingJobDefinitions" in request:
        several = request["TrainingJobDefinitions"]
        echo["TrainingJobDefinitions"] = [_echoed_definition(one, one["TuningObjective"]) for one in several]
    return echo


def _scaled(ranges: Document) -> Document:
    return {
        kind: [one if kind == "CategoricalParameterRanges" else {"ScalingType": "Auto", **one} for one in some]
        if kind != "AutoParameters"
        else some
        for kind, some in ranges.items()
    }


def _echoed_definition(definition: Document, objective: Document) -> Document:
    static = {**definition.get("StaticHyperParameters", {}), OBJECTIVE_STATIC: objective["MetricName"]}
    echoed = {
        **definition,
        "StaticHyperParameters": dict(sorted(static.items())),
        "StoppingCondition": {"MaxRuntimeInSeconds": _DAY, **definition["StoppingCondition"]},
        **{flag: definition.get(flag, False) for flag in _BOOLEANS},
    }
    if "HyperParameterRanges" in definition:
        echoed["HyperParameterRanges"] = _scaled(definition["HyperParameterRanges"])
    return with_objective_metric(echoed, objective["MetricName"])


def _get(context: Context, request: Mapping[str, Any], scope: AwsScope) -> TuningJob:
    return _find(context, request["HyperParameterTuningJobName"], scope)


def _find(context: Context, name: str, scope: AwsScope) -> TuningJob:
    try:
        return context.store.tunings.get(scope.tuning_arn(name))
    except NotFound as error:
        raise ResourceNotFound(f"Amazon SageMaker can't find a tuning job called {name}. Type another name.") from error


def describe(context: Context, request: Document, scope: AwsScope) -> Document:
    """DescribeHyperParameterTuningJob."""
    return described(context, _get(context, request, scope))


def described(context: Context, job: TuningJob) -> Document:
    """What Describe says of a tuning job."""
    history = context.store.history(job)
    best = _training(context, history.best, job.scope)
    overall = None
    if job.plan.parents and not job.plan.transfer:
        rivals = [one for one in (replace(history, trials=history.parents).best, history.best) if one is not None]
        overall = _training(context, replace(history, trials=rivals).best, job.scope)
    return writing.described_tuning_job(job, history, best, overall)


def _training(context: Context, trial: Trial | None, scope: AwsScope) -> TrainingJob | None:
    """A trial's training job; None if it was deleted meanwhile."""
    if trial is None:
        return None
    try:
        return context.store.trainings.get(scope.training_arn(trial.name))
    except NotFound:
        return None


def time(value: object) -> datetime | None:
    """A time filter: seconds since the epoch."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise ValidationException(f"{value} is not a time that can be told") from error


def filters(operation: str, request: Document, scope: AwsScope, *, sort: Sort, descending: bool) -> Query:
    """The members that every List operation has in common."""
    return Query(
        scope=scope,
        statuses=[Status(request["StatusEquals"])] if request.get("StatusEquals") in set(Status) else (),
        name_contains=request.get("NameContains"),
        created_after=time(request.get("CreationTimeAfter")),
        created_before=time(request.get("CreationTimeBefore")),
        modified_after=time(request.get("LastModifiedTimeAfter")),
        modified_before=time(request.get("LastModifiedTimeBefore")),
        sort=Sort(request["SortBy"]) if "SortBy" in request else sort,
        descending=request["SortOrder"] == "Descending" if "SortOrder" in request else descending,
        limit=request.get("MaxResults", 10),
        after=paging.after(operation, request),
    )


def with_token(operation: str, request: Document, document: dict[str, Any], rest: str | None) -> Document:
    """A list's answer with the token of its next page, if there is one."""
    return document if rest is None else {**document, "NextToken": paging.token(operation, request, rest)}


def list_(context: Context, request: Document, scope: AwsScope) -> Document:
    """ListHyperParameterTuningJobs."""
    operation = "ListHyperParameterTuningJobs"
    query = filters(operation, request, scope, sort=Sort.NAME, descending=False)
    if "StatusEquals" in request and not query.statuses:  # a status that no job here ever has
        return {"HyperParameterTuningJobSummaries": []}
    page = context.store.tunings.find(query)
    summaries = [writing.tuning_job_summary(job, context.store.history(job)) for job in page.items]
    return with_token(operation, request, {"HyperParameterTuningJobSummaries": summaries}, page.next)


def list_children(context: Context, request: Document, scope: AwsScope) -> Document:
    """ListTrainingJobsForHyperParameterTuningJob."""
    operation = "ListTrainingJobsForHyperParameterTuningJob"
    job = _get(context, request, scope)
    # Documented: by Name, Ascending. Seen: newest first when neither is asked for.
    query = filters(operation, request, scope, sort=Sort.CREATED, descending="SortBy" not in request)
    if "StatusEquals" in request and not query.statuses:
        return {"TrainingJobSummaries": []}
    page = context.store.summaries(replace(query, tuning=job.arn))
    latest = {trial.name: trial.values[-1] for trial in context.store.history(job).running if trial.values}
    summaries = [writing.child_summary(child, job, latest.get(child.name)) for child in page.items]
    return with_token(operation, request, {"TrainingJobSummaries": summaries}, page.next)


def stop(context: Context, request: Document, scope: AwsScope) -> None:
    """StopHyperParameterTuningJob."""
    while True:
        job = _get(context, request, scope)
        if job.status.terminal:
            raise ValidationException(
                f"The request was rejected because the hyperparameter tuning job {job.name} is already in status {job.status.value}."
            )
        if job.status is Status.STOPPING:
            return
        now = max(context.now(), job.modified)
        try:
            context.store.tunings.put(replace(job, status=Status.STOPPING, modified=now))
        except (Conflict, NotFound):
            continue
        context.notify()
        return


def delete(context: Context, request: Document, scope: AwsScope) -> None:
    """DeleteHyperParameterTuningJob."""
    job = _get(context, request, scope)
    if not job.status.terminal:
        raise ValidationException(
            f"The hyperparameter tuning job {job.name} is not in a terminal state: its status is {job.status.value}. "
            "Stop it or wait for its end before you delete it."
        )
    try:
        context.store.tunings.delete(job.arn)
    except NotFound:
        _get(context, request, scope)  # raises AWS's error
