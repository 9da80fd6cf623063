"""Answers of AWS about jobs. Members without a value are left out, never null."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from local_emulator.completion import converged_at, not_improving
from local_emulator.documents.children import resources_of
from local_emulator.domain.errors import NotFound
from local_emulator.domain.history import History, Trial, objective_status
from local_emulator.domain.jobs import Document, Status
from local_emulator.domain.names import Arn
from local_emulator.domain.training import TrainingJob, TrainingSummary
from local_emulator.domain.tuning import TuningJob
from local_emulator.domain.warm_pool import pool_status, retained_seconds

_SPOT_SHARE = 0.4  # recorded: 714 of 1921 seconds, 508 of 2282, 31 of 67


def milliseconds(time: datetime | None) -> float | None:
    """A time as AWS tells it: seconds since the epoch, to the millisecond."""
    return None if time is None else int(time.timestamp() * 1000) / 1000


def _seconds(time: datetime | None) -> int | None:
    return None if time is None else int(time.timestamp())


def present(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members that have a value."""
    return {name: value for name, value in members.items() if value is not None}


def _with_resources(echoed: Any) -> Any:  # noqa: ANN401 - a definition, a list of them, or another member
    """Add ResourceConfig to a definition with a HyperParameterTuningResourceConfig of one instance (docs/decisions/0012)."""
    if isinstance(echoed, list):
        return [_with_resources(definition) for definition in echoed]
    chosen = echoed.get("HyperParameterTuningResourceConfig", {})
    return echoed if "InstanceType" not in chosen else {**echoed, "ResourceConfig": resources_of(echoed)}


def tag_list(tags: Mapping[str, str]) -> list[Document]:
    """Tags as AWS lists them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


# --- tuning jobs ----------------------------------------------------------------------------------------------------------


def described_tuning_job(job: TuningJob, history: History, get: Callable[[Arn], TrainingJob]) -> Document:
    """Answer of DescribeHyperParameterTuningJob. `get` reads a training job; it may raise NotFound."""

    def training(trial: Trial | None) -> TrainingJob | None:
        try:
            return None if trial is None else get(job.scope.training_arn(trial.name))
        except NotFound:
            return None  # deleted meanwhile

    best, overall = training(history.best), training(_overall_best(job, history))
    echoed = ("HyperParameterTuningJobConfig", "TrainingJobDefinition", "TrainingJobDefinitions", "WarmStartConfig", "Autotune")
    converged = converged_at(job.plan, history)
    return present(
        {
            "HyperParameterTuningJobName": job.name,
            "HyperParameterTuningJobArn": job.arn,
            **{member: _with_resources(job.request[member]) for member in echoed if member in job.request},
            "HyperParameterTuningJobStatus": job.status.value,
            "CreationTime": milliseconds(job.created),
            "HyperParameterTuningEndTime": milliseconds(job.ended),
            "LastModifiedTime": milliseconds(job.modified),
            "TrainingJobStatusCounters": history.counters(),
            "ObjectiveStatusCounters": history.objective_counters(),
            "BestTrainingJob": None if best is None else child_summary(best, job),
            "OverallBestTrainingJob": None
            if overall is None
            else {"TuningJobName": overall.tuning, **child_summary(overall, job)},
            "FailureReason": job.failure_reason,
            "TuningJobCompletionDetails": present(
                {
                    "NumberOfTrainingJobsObjectiveNotImproving": not_improving(history),
                    "ConvergenceDetectedTime": _seconds(converged),
                }
            ),
            "ConsumedResources": {"RuntimeInSeconds": _consumed(job)},
        }
    )


def _overall_best(job: TuningJob, history: History) -> Trial | None:
    """Best trial of a tuning job and its parents; None without parents that were trained on the same data."""
    if not job.plan.parents or job.plan.transfer:
        return None
    rivals = [trial for trial in (replace(history, trials=history.parents).best, history.best) if trial is not None]
    return replace(history, trials=rivals).best


def _consumed(job: TuningJob) -> int:
    """Consumed seconds, as last updated; the whole duration for jobs of an earlier version of this program."""
    return job.consumed if job.consumed is not None else int(((job.ended or job.modified) - job.created).total_seconds())


def tuning_job_summary(job: TuningJob, history: History) -> Document:
    """An item of HyperParameterTuningJobSummaries."""
    config = job.request["HyperParameterTuningJobConfig"]
    return present(
        {
            "HyperParameterTuningJobName": job.name,
            "HyperParameterTuningJobArn": job.arn,
            "HyperParameterTuningJobStatus": job.status.value,
            "Strategy": config["Strategy"],
            "CreationTime": milliseconds(job.created),
            "HyperParameterTuningEndTime": milliseconds(job.ended),
            "LastModifiedTime": milliseconds(job.modified),
            "TrainingJobStatusCounters": history.counters(),
            "ObjectiveStatusCounters": history.objective_counters(),
            "ResourceLimits": config["ResourceLimits"],
        }
    )


def child_summary(job: TrainingJob | TrainingSummary, tuning: TuningJob, latest: float | None = None) -> Document:
    """A training job as lists of a tuning job and BestTrainingJob show it.

    `latest` is the last value of the objective of a running job.
    """
    value = job.final_objective if job.status.terminal else latest
    return present(
        {
            "TrainingJobDefinitionName": job.definition,
            "TrainingJobName": job.name,
            "TrainingJobArn": job.arn,
            "CreationTime": _seconds(job.created),
            "TrainingStartTime": _seconds(job.started),
            "TrainingEndTime": _seconds(job.ended) if job.started else None,
            "TrainingJobStatus": job.status.value,
            "TunedHyperParameters": dict(job.tuned),
            "FailureReason": job.failure_reason,
            "FinalHyperParameterTuningJobObjectiveMetric": None if value is None else _objective(job, tuning, value),
            "ObjectiveStatus": objective_status(job.status, job.final_objective),
        }
    )


def _objective(job: TrainingJob | TrainingSummary, tuning: TuningJob, value: float) -> Document:
    """Value of the objective; with several definitions also the objective's type."""
    goals = (definition.objective.goal for definition in tuning.plan.definitions if definition.name == job.definition)
    goal = next(goals, None)
    several = {} if job.definition is None or goal is None else {"Type": goal.value}
    return {**several, "MetricName": job.objective, "Value": value}


# --- training jobs --------------------------------------------------------------------------------------------------------


def described_training_job(job: TrainingJob, now: datetime) -> Document:
    """Answer of DescribeTrainingJob."""
    seconds = max(round(job.trained(job.ended or now)), 1) if job.started else None
    uploaded = job.status in {Status.COMPLETED, Status.STOPPED}
    return present(
        {
            "TrainingJobName": job.name,
            "TrainingJobArn": job.arn,
            "TuningJobArn": job.tuning_arn,
            "ModelArtifacts": {"S3ModelArtifacts": _model_uri(job)} if uploaded else None,
            "TrainingJobStatus": job.status.value,
            "SecondaryStatus": job.secondary.value,
            "FailureReason": job.failure_reason,
            **{name: value for name, value in job.request.items() if name not in {"TrainingJobName", "Tags"}},
            # Empty, not absent: SDK v2 reads it of every training job.
            "OutputDataConfig": {"KmsKeyId": "", **job.request["OutputDataConfig"]},
            "CreationTime": milliseconds(job.created),
            "TrainingStartTime": milliseconds(job.started),
            "TrainingEndTime": milliseconds(job.ended) if job.started else None,
            "LastModifiedTime": milliseconds(job.modified),
            "SecondaryStatusTransitions": [
                present(
                    {
                        "Status": transition.status.value,
                        "StartTime": milliseconds(transition.start),
                        "EndTime": milliseconds(transition.end),
                        "StatusMessage": transition.message,
                    }
                )
                for transition in job.transitions
            ],
            "FinalMetricDataList": _final_metrics(job) or None,
            "TrainingTimeInSeconds": seconds,
            "BillableTimeInSeconds": _billable(job, seconds),
            "ProfilingStatus": "Enabled" if job.spec.profiler else "Disabled",
            "WarmPoolStatus": _warm_pool(job, now),
        }
    )


def _warm_pool(job: TrainingJob, now: datetime) -> Document | None:
    status, seconds = pool_status(job, now), retained_seconds(job, now)
    if status is None:
        return None
    return present({"Status": status.value, "ResourceRetainedBillableTimeInSeconds": None if seconds is None else int(seconds)})


def _billable(job: TrainingJob, seconds: int | None) -> int | None:
    """BillableTimeInSeconds of an ended job; of a spot job the share that was billed in AWS's examples."""
    if seconds is None or job.ended is None:
        return None
    return max(round(seconds * _SPOT_SHARE), 1) if job.spot else seconds


def _final_metrics(job: TrainingJob) -> Sequence[Document]:
    return [
        {"MetricName": metric.name, "Value": metric.value, "Timestamp": _seconds(metric.time)} for metric in job.final_metrics
    ]


def _model_uri(job: TrainingJob) -> str:
    """Location of the uploaded model."""
    output = job.spec.output
    name = "model.tar.gz" if output.compressed else "model"
    return f"{output.s3_output_path.rstrip('/')}/{job.name}/output/{name}"


def training_job_summary(job: TrainingSummary) -> Document:
    """An item of TrainingJobSummaries."""
    return present(
        {
            "TrainingJobName": job.name,
            "TrainingJobArn": job.arn,
            "CreationTime": milliseconds(job.created),
            "TrainingEndTime": milliseconds(job.ended) if job.status is not Status.IN_PROGRESS else None,
            "LastModifiedTime": milliseconds(job.modified),
            "TrainingJobStatus": job.status.value,
            "SecondaryStatus": job.secondary.value,
        }
    )
