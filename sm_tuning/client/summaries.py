"""Tuning jobs and training jobs in short, as the service describes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from sm_tuning.boto import Client
from sm_tuning.client.description import optional_metrics
from sm_tuning.client.errors import NOT_FOUND, code_of
from sm_tuning.errors import NotFound
from sm_tuning.rules.metric_names import AWS_OWN_METRIC

_OBJECTIVE = "_tuning_objective_metric"  # the hyperparameter by which AWS tells a training job its objective
_NO_TRAINING_JOB = {*NOT_FOUND, "ValidationException"}  # DescribeTrainingJob says the latter


@dataclass(frozen=True, kw_only=True)
class TuningJobSummary:
    """A tuning job in a list. `counters` are AWS's TrainingJobStatusCounters, `answer` is all that the service says of it."""

    name: str
    status: str
    strategy: str
    created: datetime
    counters: Mapping[str, int]
    answer: Mapping[str, Any]

    @property
    def training_jobs(self) -> int:
        """Number of training jobs launched so far."""
        return sum(self.counters.values())

    @property
    def running(self) -> int:
        """Number of training jobs that run."""
        return self.counters.get("InProgress", 0)


@dataclass(frozen=True, kw_only=True)
class TrainingJobSummary:
    """A training job.

    Attributes:
        name: Its name.
        status: AWS's TrainingJobStatus.
        step: AWS's SecondaryStatus.
        failure_reason: AWS's FailureReason; None unless it failed.
        tuning_job: None for one that belongs to none.
        hyperparameters: All of them as the script gets them, without those of SageMaker itself.
        metrics: The regular expression of each metric.
        optional_metrics: Those of an algorithm of AWS's that it prints only where its settings ask for them: all but the objective.
        model: Where its model lies in S3; None before there is one.
        created: When it was created, to the millisecond.
        started: When training began; None before.
        ended: When training ended; None before.
    """

    name: str
    status: str
    step: str | None
    failure_reason: str | None
    tuning_job: str | None
    hyperparameters: Mapping[str, str]
    metrics: Mapping[str, str]
    model: str | None
    created: datetime
    started: datetime | None
    ended: datetime | None
    optional_metrics: frozenset[str] = frozenset()

    @property
    def seconds(self) -> float | None:
        """Time from its start to its end; None before its end."""
        return (self.ended - self.started).total_seconds() if self.started and self.ended else None


def tuning_jobs(client: Client, most: int | None = None, part: str = "") -> list[TuningJobSummary]:
    """The newest tuning jobs of an account and region; at most so many, all with None; those whose names have a part."""
    named = {"NameContains": part} if part else {}
    pages = client.get_paginator("list_hyper_parameter_tuning_jobs").paginate(
        SortBy="CreationTime", SortOrder="Descending", PaginationConfig={"MaxItems": most}, **named
    )
    return [
        TuningJobSummary(
            name=summary["HyperParameterTuningJobName"],
            status=summary["HyperParameterTuningJobStatus"],
            strategy=summary["Strategy"],
            created=summary["CreationTime"],
            counters=summary["TrainingJobStatusCounters"],
            answer=summary,
        )
        for page in pages
        for summary in page["HyperParameterTuningJobSummaries"]
    ]


def training_names(client: Client, part: str) -> list[str]:
    """The names of the training jobs whose names have that part, the newest first."""
    pages = client.get_paginator("list_training_jobs").paginate(
        NameContains=part, SortBy="CreationTime", SortOrder="Descending", PaginationConfig={"MaxItems": 100}
    )
    return [summary["TrainingJobName"] for page in pages for summary in page["TrainingJobSummaries"]]


def describe_training_job(client: Client, name: str) -> Mapping[str, Any]:
    """The answer of DescribeTrainingJob, as boto3 gives it; raises NotFound if there is none of that name."""
    try:
        answer: Mapping[str, Any] = client.describe_training_job(TrainingJobName=name)
    except ClientError as error:
        if code_of(error) not in _NO_TRAINING_JOB:
            raise
        raise NotFound(f"there is no training job {name!r}") from error
    return answer


def training_job(client: Client, name: str) -> TrainingJobSummary:
    """A training job; raises NotFound if there is none of that name."""
    answer = describe_training_job(client, name)
    definitions = answer["AlgorithmSpecification"].get("MetricDefinitions", [])
    return TrainingJobSummary(
        name=name,
        status=answer["TrainingJobStatus"],
        step=answer.get("SecondaryStatus"),
        failure_reason=answer.get("FailureReason"),
        tuning_job=answer.get("TuningJobArn", "").rpartition("/")[2] or None,
        hyperparameters={
            key: value for key, value in answer.get("HyperParameters", {}).items() if not key.startswith(("_", "sagemaker_"))
        },
        metrics={metric["Name"]: metric["Regex"] for metric in definitions if metric["Name"] != AWS_OWN_METRIC},
        model=answer.get("ModelArtifacts", {}).get("S3ModelArtifacts"),
        created=answer["CreationTime"],
        started=answer.get("TrainingStartTime"),
        ended=answer.get("TrainingEndTime"),
        optional_metrics=optional_metrics([answer], [answer.get("HyperParameters", {}).get(_OBJECTIVE)]),
    )
