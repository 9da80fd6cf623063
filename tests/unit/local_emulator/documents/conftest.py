"""A tuning job and its first training job."""

from datetime import UTC, datetime
from typing import Any

import pytest

from local_emulator.documents import parse
from local_emulator.documents.children import new_training_job
from local_emulator.domain.jobs import Status
from local_emulator.domain.names import AwsScope
from local_emulator.domain.training import TrainingJob
from local_emulator.domain.tuning import TuningJob

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCOPE = AwsScope(region="us-east-1", account="123456789012")


def tuning_job(**definition: Any) -> TuningJob:
    """A tuning job of one definition."""
    request = {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": {"MaxParallelTrainingJobs": 1, "MaxNumberOfTrainingJobs": 9},
            "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]},
        },
        "TrainingJobDefinition": {
            "DefinitionName": "d",
            "StaticHyperParameters": {"z": "1", "a": "2"},
            "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
            "OutputDataConfig": {"S3OutputPath": "s3://box/out/"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        }
        | definition,
    }
    return TuningJob(
        name="Tune",
        arn=SCOPE.tuning_arn("Tune"),
        region="us-east-1",
        request=request,
        plan=parse.tuning(request),
        status=Status.IN_PROGRESS,
        created=NOW,
        modified=NOW,
        seed=1,
        tags={"team": "blue"},
    )


def child(tuning: TuningJob) -> TrainingJob:
    """The first training job of a tuning job."""
    return new_training_job(tuning, tuning.plan.definitions[0], {"x": "0.5"}, 1, "f" * 32, NOW)


@pytest.fixture
def job() -> TrainingJob:
    """A training job that has just been made."""
    return child(tuning_job())
