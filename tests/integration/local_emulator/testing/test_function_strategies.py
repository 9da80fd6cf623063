"""Strategies that stop training jobs, and several definitions, with functions in place of scripts: always the same history."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import boto3
import pytest

from local_emulator.testing import emulated_sagemaker

HYPERBAND = {"Strategy": "Hyperband", "StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 9}}}
EPOCHS = 9


@pytest.fixture(scope="module")
def _emulator() -> Iterator[Any]:
    with emulated_sagemaker(parallel=4) as emulator:
        boto3.client("s3").create_bucket(Bucket="bucket")
        yield emulator


@pytest.fixture
def emulator(_emulator: Any) -> Any:
    _emulator.reset()
    return _emulator


def definition(image: str) -> dict[str, Any]:
    return {
        "AlgorithmSpecification": {
            "TrainingImage": image,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([-0-9.e]+)"}],
        },
        "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/output"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }


RANGES = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "-1", "MaxValue": "1"}]}


def tune(jobs: int, parallel: int, strategy: Mapping[str, Any], **definitions: Any) -> None:
    config = {
        "ResourceLimits": {"MaxNumberOfTrainingJobs": jobs, "MaxParallelTrainingJobs": parallel},
        "RandomSeed": 3,
        **strategy,
    }
    if "TrainingJobDefinitions" not in definitions:
        config |= {"HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"}, "ParameterRanges": RANGES}
    boto3.client("sagemaker").create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="tuned", HyperParameterTuningJobConfig=config, **definitions
    )


def history(emulator: Any) -> list[Any]:
    """What became of each training job: its definition, point and status, and every value that it reported."""
    job = emulator.wait("tuned")
    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    summaries = boto3.client("sagemaker").list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="tuned", SortBy="CreationTime", SortOrder="Ascending", MaxResults=100
    )["TrainingJobSummaries"]
    return [
        (
            summary["TrainingJobName"],
            summary.get("TrainingJobDefinitionName"),
            summary["TunedHyperParameters"],
            summary["TrainingJobStatus"],
            emulator.metrics(summary["TrainingJobName"])["loss"],
        )
        for summary in summaries
    ]


def train(hyperparameters: Mapping[str, str]) -> Iterator[Mapping[str, float]]:
    """A curve whose order shows from the first epoch on."""
    for epoch in range(1, EPOCHS + 1):
        yield {"loss": float(hyperparameters["x"]) ** 2 + 1 / epoch}


def test_hyperband_stops_trials_at_its_rungs_and_always_alike(emulator: Any) -> None:
    histories = []
    for _ in range(2):
        emulator.reset()
        emulator.trains(train)
        tune(12, 3, HYPERBAND, TrainingJobDefinition=definition("image"))
        histories.append(history(emulator))
    assert histories[0] == histories[1]
    assert {status for _, _, _, status, _ in histories[0]} == {"Stopped"}  # at MaxResource too
    lengths = {float(point["x"]) ** 2: len(values) for _, _, point, _, values in histories[0]}
    assert len(lengths) == 12
    assert {1, 9} <= set(lengths.values()) <= {1, 3, 9}  # MinResource, three times as much, MaxResource
    assert lengths[min(lengths)] == 9  # the best trial came to the end


def test_hyperband_lets_a_function_end_before_the_most(emulator: Any) -> None:
    def short(hyperparameters: Mapping[str, str]) -> Iterator[Mapping[str, float]]:
        yield from islice(train(hyperparameters), 4)

    emulator.trains(short)
    tune(6, 2, HYPERBAND, TrainingJobDefinition=definition("image"))
    ends = {(status, len(values)) for _, _, _, status, values in history(emulator)}
    assert ("Completed", 4) in ends
    assert ends <= {("Completed", 4), ("Stopped", 1), ("Stopped", 3)}


@pytest.mark.parametrize(
    "strategy", [HYPERBAND, {"Strategy": "Bayesian", "TrainingJobEarlyStoppingType": "Auto"}], ids=["hyperband", "early"]
)
def test_several_definitions_with_a_function_each(emulator: Any, strategy: Mapping[str, Any]) -> None:
    def worse(hyperparameters: Mapping[str, str]) -> Iterator[Mapping[str, float]]:
        for reported in train(hyperparameters):
            yield {"loss": reported["loss"] + 5}

    definitions = [
        definition(image)
        | {
            "DefinitionName": image,
            "TuningObjective": {"Type": "Minimize", "MetricName": "loss"},
            "HyperParameterRanges": RANGES,
        }
        for image in ("better", "worse")
    ]
    histories = []
    for _ in range(2):
        emulator.reset()
        emulator.trains(train, image="better")
        emulator.trains(worse, image="worse")
        tune(12, 4, strategy, TrainingJobDefinitions=definitions)
        histories.append(history(emulator))
    assert histories[0] == histories[1]
    by_definition = {name: [values for _, of, _, _, values in histories[0] if of == name] for name in ("better", "worse")}
    assert all(by_definition.values())
    assert max(map(max, by_definition["better"])) < 5 < min(map(min, by_definition["worse"]))
    assert emulator.wait("tuned")["BestTrainingJob"]["TrainingJobDefinitionName"] == "better"
