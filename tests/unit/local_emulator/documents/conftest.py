"""A tuning job and its first training job."""

from dataclasses import replace
from typing import Any

import pytest

from local_emulator.documents.children import new_training_job
from local_emulator.domain.training import TrainingJob
from local_emulator.domain.tuning import TuningJob
from tests import made_jobs
from tests.made_jobs import NOW


def tuning_job(**definition: Any) -> TuningJob:
    """A tuning job of one definition."""
    complete = {
        "DefinitionName": "d",
        "StaticHyperParameters": {"z": "1", "a": "2"},
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://box/out/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    return replace(made_jobs.tuning("Tune", **(complete | definition)), tags={"team": "blue"})


def child(tuning: TuningJob) -> TrainingJob:
    """The first training job of a tuning job."""
    return new_training_job(tuning, tuning.plan.definitions[0], {"x": "0.5"}, 1, "f" * 32, NOW)


@pytest.fixture
def job() -> TrainingJob:
    """A training job that has just been made."""
    return child(tuning_job())
