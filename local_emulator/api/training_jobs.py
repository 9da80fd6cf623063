"""The operations on training jobs."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from local_emulator.api import limits, quotas, records
from local_emulator.api.context import Context
from local_emulator.api.paging import filters, with_token
from local_emulator.api.validation import raise_if_invalid
from local_emulator.documents import changes, defaults, parse, serialize
from local_emulator.domain.errors import ResourceInUse, ValidationException
from local_emulator.domain.jobs import Document, Secondary, Status, Transition
from local_emulator.domain.names import Arn, AwsScope, parse_arn
from local_emulator.domain.training import TrainingJob, TrainingSummary
from local_emulator.domain.transitions import STARTING
from local_emulator.domain.warm_pool import PoolStatus, pool_status
from local_emulator.runs.data import expressions
from local_emulator.store.base import Query, Sort
from sm_tuning.rules import training_job
from sm_tuning.rules import update as update_rules


def create(context: Context, request: Document, scope: AwsScope) -> Document:
    """CreateTrainingJob."""
    raise_if_invalid([*training_job.violations(request, expressions.errors), *limits.training_violations(request)])
    echo = defaults.training_job(request)
    spec = parse.training(echo)
    context.check(spec, scope.region)
    quotas.check_training_job(spec, context.store, context.settings.quotas, scope)
    name = request["TrainingJobName"]
    now = context.now()
    job = TrainingJob(
        name=name,
        arn=scope.training_arn(name),
        region=scope.region,
        request=echo,
        spec=spec,
        run=context.token(),
        status=Status.IN_PROGRESS,
        secondary=Secondary.STARTING,
        created=now,
        modified=now,
        transitions=(Transition(status=Secondary.STARTING, start=now, message=STARTING),),
        tags=parse.tags(request),
    )
    records.add(context.store.trainings, job, records.taken("training job", job))
    context.notify()
    return {"TrainingJobArn": job.arn}


def _get(context: Context, request: Mapping[str, Any], scope: AwsScope) -> TrainingJob:
    return _find(context, scope.training_arn(request["TrainingJobName"]))


def _find(context: Context, arn: Arn) -> TrainingJob:
    return records.get(context.store.trainings, arn, ValidationException("Requested resource not found."))


def interrupt(context: Context, training: str) -> None:
    """Request the interruption of a running managed spot training job, given by ARN or by a unique name."""

    def interrupted(job: TrainingJob) -> TrainingJob:
        name = job.name
        if not job.spot:
            raise ValidationException(f"{name} is not a managed spot training job: EnableManagedSpotTraining is false.")
        if job.status is not Status.IN_PROGRESS or job.secondary is not Secondary.TRAINING:
            raise ValidationException(f"{name} does not train: it is {job.status.value}, {job.secondary.value}.")
        return replace(job, interrupt=True)

    records.change(context, partial(_find, context, _arn_of(context, training)), interrupted)
    context.notify()


def _arn_of(context: Context, training: str) -> Arn:
    if (parsed := parse_arn(training)) is not None:
        return parsed.arn
    same = [arn for arn in context.store.trainings.arns(Query()) if arn.endswith(f"/{training.lower()}")]
    if len(same) > 1:
        raise ValidationException(f"There are {len(same)} training jobs called {training}: {', '.join(same)}. Give an ARN.")
    return same[0] if same else AwsScope(region="", account="").training_arn(training)


def describe(context: Context, request: Document, scope: AwsScope) -> Document:
    """DescribeTrainingJob."""
    return serialize.described_training_job(_get(context, request, scope), context.now())


def list_(context: Context, request: Document, scope: AwsScope) -> Document:
    """ListTrainingJobs. As documented, StatusEquals is applied after a page was selected."""
    operation = "ListTrainingJobs"
    query = filters(operation, request, scope, sort=Sort.CREATED, descending="SortBy" not in request)
    page = context.store.summaries(replace(query, statuses=()))
    wanted = request.get("StatusEquals")
    jobs = [job for job in page.items if wanted in {None, job.status.value} and _is_asked_for(context, job, request)]
    summaries = [serialize.training_job_summary(job) for job in jobs]
    return with_token(operation, request, {"TrainingJobSummaries": summaries}, page.next)


def _is_asked_for(context: Context, summary: TrainingSummary, request: Document) -> bool:
    """Whether a job matches WarmPoolStatusEquals and TrainingPlanArnEquals."""
    if not {"WarmPoolStatusEquals", "TrainingPlanArnEquals"} & request.keys():
        return True
    job = _find(context, summary.arn)
    pool, plan = request.get("WarmPoolStatusEquals"), request.get("TrainingPlanArnEquals")
    if pool is not None and pool_status(job, context.now()) != pool:
        return False
    return plan is None or job.spec.resources.training_plan_arn == plan


def stop(context: Context, request: Document, scope: AwsScope) -> None:
    """StopTrainingJob."""
    # the secondary status follows when the run is stopped
    records.stop(context, partial(_get, context, request, scope), "training job is")


def update(context: Context, request: Document, scope: AwsScope) -> Document:
    """UpdateTrainingJob: recorded only; neither profiler, warm pool nor remote debugging affect the run."""

    def updated(job: TrainingJob) -> TrainingJob:
        described = serialize.described_training_job(job, context.now())
        raise_if_invalid([*update_rules.violations(request, described), *limits.training_violations(request)])
        return changes.updated(job, request, max(context.now(), job.modified))

    job, _ = records.change(context, partial(_get, context, request, scope), updated)
    return {"TrainingJobArn": job.arn}


def delete(context: Context, request: Document, scope: AwsScope) -> None:
    """DeleteTrainingJob."""
    job = _get(context, request, scope)
    records.check_ended(job, "training job")
    if pool_status(job, context.now()) is PoolStatus.AVAILABLE:
        raise ResourceInUse(
            f"The training job {job.name} has a warm pool in status Available. End it by UpdateTrainingJob first."
        )
    records.delete(context, job, partial(_get, context, request, scope))
