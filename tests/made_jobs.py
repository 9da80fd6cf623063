"""Jobs as records, for tests of what keeps and moves them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from local_emulator.documents import parse
from local_emulator.documents import processing as documents
from local_emulator.documents import transform as transforms
from local_emulator.domain.jobs import Document, Secondary, Status, Transition
from local_emulator.domain.names import PROCESSING_JOB, TRANSFORM_JOB, AwsScope
from local_emulator.domain.processing import ProcessingJob
from local_emulator.domain.training import FinalMetric, TrainingJob
from local_emulator.domain.transform import TransformJob
from local_emulator.domain.tuning import TuningJob

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCOPE = AwsScope(region="us-east-1", account="123456789012")


def performs_nothing(operation: str, _request: Document, _scope: AwsScope) -> Document:
    """Stands for the API where nothing is asked of it."""
    raise AssertionError(operation)


def tuning(name: str = "tune", minutes: int = 0, **definition: Any) -> TuningJob:
    """A tuning job of one definition, made so many minutes after NOW."""
    created = NOW + timedelta(minutes=minutes)
    request = {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": {"MaxParallelTrainingJobs": 1, "MaxNumberOfTrainingJobs": 9},
            "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]},
        },
        "TrainingJobDefinition": {"AlgorithmSpecification": {"MetricDefinitions": []}} | definition,
    }
    return TuningJob(
        name=name,
        arn=SCOPE.tuning_arn(name),
        region=SCOPE.region,
        request=request,
        plan=parse.tuning(request),
        status=Status.IN_PROGRESS,
        created=created,
        modified=created,
        seed=1,
    )


def training(name: str, minutes: int = 0, **changes: Any) -> TrainingJob:
    """A training job of the tuning job `tune`, made so many minutes after NOW."""
    created = NOW + timedelta(minutes=minutes)
    job = TrainingJob(
        name=name,
        arn=SCOPE.training_arn(name),
        region=SCOPE.region,
        request={"HyperParameters": {"x": "1"}},
        spec=parse.training({"HyperParameters": {"x": "1"}}),
        run=f"run-{name}",
        status=Status.IN_PROGRESS,
        secondary=Secondary.STARTING,
        created=created,
        modified=created,
        transitions=(Transition(status=Secondary.STARTING, start=created, message="m"),),
        tuning="tune",
        tuning_arn=SCOPE.tuning_arn("tune"),
        objective="score",
        tuned={"x": "0.5"},
        index=minutes + 1,
    )
    return replace(job, **changes)


def processing(name: str, minutes: int = 0, members: Document | None = None, **changes: Any) -> ProcessingJob:
    """A processing job, made so many minutes after NOW, with `members` of its request."""
    created = NOW + timedelta(minutes=minutes)
    request = documents.with_defaults(
        {
            "ProcessingJobName": name,
            "RoleArn": "arn:aws:iam::123456789012:role/r",
            "AppSpecification": {"ImageUri": "image", "ContainerEntrypoint": ["true"]},
            "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}},
        }
        | dict(members or {})
    )
    job = ProcessingJob(
        name=name,
        arn=SCOPE.arn(PROCESSING_JOB, name),
        request=request,
        spec=documents.parse(request),
        status=Status.IN_PROGRESS,
        created=created,
        modified=created,
        phase_started=created,
        run=f"run-{name}",
    )
    return replace(job, **changes)


def transform(name: str, **members: Any) -> TransformJob:
    """A transform job, made at NOW, with `members` of its request."""
    request = transforms.with_defaults(
        {
            "TransformJobName": name,
            "ModelName": "model",
            "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in"}}},
            "TransformOutput": {"S3OutputPath": "s3://bucket/out"},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
            **members,
        }
    )
    return TransformJob(
        name=name,
        arn=SCOPE.arn(TRANSFORM_JOB, name),
        request=request,
        spec=transforms.parse(request),
        model={"ModelName": "model", "PrimaryContainer": {"Image": "image", "Environment": {"A": "model's"}}},
        status=Status.IN_PROGRESS,
        created=NOW,
        modified=NOW,
        phase_started=NOW,
        run=f"run-{name}",
    )


def ended(job: TrainingJob, value: float | None, at: datetime = NOW) -> TrainingJob:
    """The job at its end: completed with a value of the objective, or failed without."""
    metrics = () if value is None else (FinalMetric(name="score", value=value, time=at),)
    status = Status.FAILED if value is None else Status.COMPLETED
    return replace(job, status=status, ended=at, final_metrics=metrics, failure_reason=None if value is not None else "why")
