"""The request of a tuning job: exact and complete."""

import json
from pathlib import Path
from typing import Any

import pytest

from sm_tuning import (
    Hyperband,
)
from sm_tuning.rules.schema import operation
from tests.unit.sm_tuning.descriptions import FULL, Make, whole


def test_the_whole_request(job: Make, tmp_path: Path) -> None:
    full = whole(job, tmp_path)
    assert full.request() == {
        "HyperParameterTuningJobName": "good",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "score"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2, "MaxRuntimeInSeconds": 600},
            "ParameterRanges": {
                "IntegerParameterRanges": [{"Name": "epochs", "MinValue": "5", "MaxValue": "50", "ScalingType": "Linear"}],
                "ContinuousParameterRanges": [
                    {"Name": "learning_rate", "MinValue": "0.0001", "MaxValue": "0.1", "ScalingType": "Logarithmic"}
                ],
                "CategoricalParameterRanges": [{"Name": "optimizer", "Values": ["adam", "sgd"]}],
            },
            "TrainingJobEarlyStoppingType": "Auto",
            "TuningJobCompletionCriteria": {
                "TargetObjectiveMetricValue": 0.1,
                "BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 5},
                "ConvergenceDetected": {"CompleteOnConvergence": "Enabled"},
            },
            "RandomSeed": 3,
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": {
                "width": "64",
                "nesterov": "True",
                "sagemaker_program": "train.py",
                "sagemaker_submit_directory": "s3://bucket/prefix/good/source/sourcedir.tar.gz",
            },
            "AlgorithmSpecification": {
                "TrainingImage": "1.dkr.ecr.us-east-1.amazonaws.com/x:1",
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "score", "Regex": "score=([-+0-9.eE]+)"}, {"Name": "loss", "Regex": "loss=(.*)"}],
            },
            "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
            "InputDataConfig": [
                {
                    "ChannelName": "train",
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3Uri": "s3://bucket/prefix/good/input/train",
                            "S3DataDistributionType": "FullyReplicated",
                        }
                    },
                    "ContentType": "text/csv",
                },
                {
                    "ChannelName": "validation",
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3Uri": "s3://else/where",
                            "S3DataDistributionType": "FullyReplicated",
                        }
                    },
                    "InputMode": "FastFile",
                },
            ],
            "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
            "OutputDataConfig": {"S3OutputPath": "s3://bucket/prefix", "KmsKeyId": "k1"},
            "ResourceConfig": {"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 5, "VolumeKmsKeyId": "k2"},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 90},
            "EnableNetworkIsolation": True,
            "EnableInterContainerTrafficEncryption": True,
            "EnableManagedSpotTraining": True,
            "CheckpointConfig": {"S3Uri": "s3://bucket/c"},
            "RetryStrategy": {"MaximumRetryAttempts": 2},
            "Environment": {"A": "b"},
        },
        "Tags": [{"Key": "team", "Value": "ml"}],
    }
    assert full.dry_run().ok, full.dry_run()
    json.dumps(full.request())


@pytest.mark.parametrize("name", FULL)
def test_every_form_keeps_the_rules(name: str, job: Make) -> None:
    report = job(**FULL[name]).dry_run()
    assert report.ok, report


def _paths(value: object, path: str = "") -> set[str]:
    """Paths to every value of a request; several definitions count as one, and so do several members of a list."""
    if isinstance(value, dict) and not path.endswith(("StaticHyperParameters", "Environment")):
        return {path_ for name, item in value.items() for path_ in _paths(item, f"{path}.{name}")}
    if isinstance(value, list):
        return {path_ for item in value for path_ in _paths(item, path)}
    return {path.replace("TrainingJobDefinitions", "TrainingJobDefinition").removeprefix(".")}


def _members(shape: Any, path: str = "") -> set[str]:
    """Paths to every value that the model of the operation knows."""
    if shape.type_name == "structure":
        return {member for name, member in shape.members.items() for member in _members(member, f"{path}.{name}")}
    if shape.type_name == "list":
        return _members(shape.member, path)
    return {path.replace("TrainingJobDefinitions", "TrainingJobDefinition").removeprefix(".")}


def test_every_member_can_be_said(job: Make, tmp_path: Path) -> None:
    """Whatever botocore's model knows of the request has a word here."""
    makers = [whole(job, tmp_path), *(job(**changes) for changes in FULL.values()), job(strategy=Hyperband(max_resource=9))]
    said = {path for maker in makers for path in _paths(maker.request())}
    shape = operation("CreateHyperParameterTuningJob").input_shape
    elsewhere = {
        # One machine is said as ResourceConfig; HyperParameterTuningResourceConfig is for several to try.
        "TrainingJobDefinition.HyperParameterTuningResourceConfig.InstanceType",
        "TrainingJobDefinition.HyperParameterTuningResourceConfig.InstanceCount",
        "TrainingJobDefinition.HyperParameterTuningResourceConfig.VolumeSizeInGB",
        # What AWS has chosen: Describe tells it.
        "TrainingJobDefinition.ResourceConfig.SelectedInstanceType",
        "TrainingJobDefinition.ResourceConfig.SelectedInstanceCount",
    }
    assert _members(shape) - said == elsewhere
    assert said <= _members(shape)
