"""Jobs whose programs are functions of a test."""

from typing import Any

import boto3


def train(name: str, **changes: Any) -> str:
    request = {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": "image",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": r"^loss=([0-9.]+)"}],
        },
        "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/output"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    }
    boto3.client("sagemaker").create_training_job(**request | changes)
    return name


def trainings_of(name: str) -> Any:
    client = boto3.client("sagemaker")
    return client.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name, SortOrder="Ascending")[
        "TrainingJobSummaries"
    ]
