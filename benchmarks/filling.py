"""Jobs that have ended, put straight into a store: what the benchmarks of the API and of scale begin with."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from local_emulator.documents import parse
from local_emulator.documents.children import new_training_job
from local_emulator.domain.history import Observation
from local_emulator.domain.jobs import Secondary, Status
from local_emulator.domain.names import AwsScope
from local_emulator.domain.training import FinalMetric, TrainingJob
from local_emulator.domain.tuning import TuningJob
from local_emulator.store.base import Store

ACCOUNT = "123456789012"
REGION = "us-east-1"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
METRIC = "validation:accuracy"


def request(name: str, jobs: int, parallel: int = 2, strategy: str = "Random", **config: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """A tuning job over three hyperparameters, as Describe echoes it; also what CreateHyperParameterTuningJob takes."""
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": strategy,
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": METRIC},
            "ResourceLimits": {"MaxParallelTrainingJobs": parallel, "MaxNumberOfTrainingJobs": jobs},
            "ParameterRanges": {
                "ContinuousParameterRanges": [
                    {"Name": "learning_rate", "MinValue": "0.0001", "MaxValue": "0.1", "ScalingType": "Logarithmic"},
                    {"Name": "dropout", "MinValue": "0.0", "MaxValue": "0.5", "ScalingType": "Linear"},
                ],
                "IntegerParameterRanges": [{"Name": "units", "MinValue": "16", "MaxValue": "512", "ScalingType": "Auto"}],
            },
            "TrainingJobEarlyStoppingType": "Off",
        }
        | config,
        "TrainingJobDefinition": {
            "StaticHyperParameters": {
                "_tuning_objective_metric": METRIC,
                "epochs": "10",
                "sagemaker_program": "train.py",
                "sagemaker_submit_directory": "s3://data/source.tar.gz",
            },
            "AlgorithmSpecification": {
                "TrainingImage": f"683313688378.dkr.ecr.{REGION}.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
                "TrainingInputMode": "File",
                "MetricDefinitions": [
                    {"Name": METRIC, "Regex": "validation:accuracy=([0-9.eE+-]+)"},
                    {"Name": "train:loss", "Regex": "train:loss=([0-9.eE+-]+)"},
                ],
            },
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/SageMakerRole",
            "InputDataConfig": [
                {
                    "ChannelName": "training",
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3Uri": "s3://data/training",
                            "S3DataDistributionType": "FullyReplicated",
                        }
                    },
                }
            ],
            "OutputDataConfig": {"S3OutputPath": "s3://data/output"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
            "EnableNetworkIsolation": False,
            "EnableInterContainerTrafficEncryption": False,
            "EnableManagedSpotTraining": False,
        },
    }


def tuning_job(asked: Mapping[str, Any], created: datetime = BEGIN) -> TuningJob:
    """A tuning job that has begun."""
    name = asked["HyperParameterTuningJobName"]
    return TuningJob(
        name=name,
        arn=AwsScope(region=REGION, account=ACCOUNT).tuning_arn(name),
        region=REGION,
        request=asked,
        plan=parse.tuning(asked),
        status=Status.IN_PROGRESS,
        created=created,
        modified=created,
        seed=1,
    )


def ended(job: TrainingJob, value: float, at: datetime) -> TrainingJob:
    """A training job after all its statuses."""
    began = job.created
    for secondary in (Secondary.DOWNLOADING, Secondary.TRAINING, Secondary.UPLOADING, Secondary.COMPLETED):
        began += (at - job.created) / 4
        job = job.moved(secondary, began, "What AWS says of it.")
    metrics = tuple(FinalMetric(name=name, value=value, time=at) for name in (METRIC, "train:loss"))
    return replace(job, status=Status.COMPLETED, started=began, ended=at, modified=at, final_metrics=metrics)


def epochs(value: float, at: datetime, count: int = 10) -> list[Observation]:
    """What a training job told."""
    names = ("train:loss", METRIC)
    return [
        Observation(seq=2 * epoch + index + 1, metric=name, value=value * epoch / count, time=at)
        for epoch in range(count)
        for index, name in enumerate(names)
    ]


def fill(store: Store, tunings: int, each: int) -> Iterator[str]:
    """Ended tuning jobs with their ended training jobs; gives the names of the latter."""
    for number in range(tunings):
        began = BEGIN + timedelta(hours=number)
        tuning = tuning_job(request(f"tuning-{number:03d}", each), began)
        with store.transaction():
            store.tunings.add(tuning)
            for index in range(1, each + 1):
                now = began + timedelta(seconds=10 * index)
                point = {"dropout": "0.25", "learning_rate": repr(0.0001 + index / 1e6), "units": str(16 + index % 497)}
                token = f"{number * each + index:08x}" + "0" * 24
                job = new_training_job(tuning, tuning.plan.definitions[0], point, index, token, now)
                store.trainings.add(job)
                value = 0.5 + (index * 7919 % each) / (2 * each)
                store.record(job.arn, epochs(value, now), 100)
                store.trainings.put(ended(job, value, now + timedelta(seconds=8)))
                yield job.name
            over = began + timedelta(seconds=10 * each + 10)
            store.tunings.put(replace(tuning, status=Status.COMPLETED, ended=over, modified=over))
