"""Trains models on SageMaker, with clients that are made when this module is imported."""

import io
import tarfile
import time
from typing import Any

import boto3

SAGEMAKER = boto3.client("sagemaker", region_name="eu-west-1")
S3 = boto3.client("s3", region_name="eu-west-1")
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
IMAGE = "763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-training:2.1-cpu-py310"
POLL = 0.02  # seconds


def upload(script: str) -> str:
    """Put a script into a bucket as SageMaker wants it; its address."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        member = tarfile.TarInfo("train.py")
        member.size = len(script)
        tar.addfile(member, io.BytesIO(script.encode()))
    S3.create_bucket(Bucket="shop", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    S3.put_object(Bucket="shop", Key="source.tar.gz", Body=archive.getvalue())
    return "s3://shop/source.tar.gz"


def train(name: str, script: str, limit: int = 600) -> None:
    """Start a training job; `limit` in seconds."""
    metrics = [{"Name": "score", "Regex": "score=(.*)"}]
    SAGEMAKER.create_training_job(
        TrainingJobName=name,
        RoleArn=ROLE,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File", "MetricDefinitions": metrics},
        HyperParameters={"sagemaker_program": "train.py", "sagemaker_submit_directory": upload(script)},
        OutputDataConfig={"S3OutputPath": "s3://shop/models"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": limit},
    )


def ended(name: str) -> dict[str, Any]:
    """Wait for the end of a training job; what is to be said of it. TimeoutError after two minutes."""
    for _ in range(int(120 / POLL)):  # no clock: a test may have stopped it
        job: dict[str, Any] = SAGEMAKER.describe_training_job(TrainingJobName=name)
        if job["TrainingJobStatus"] not in {"InProgress", "Stopping"}:
            return job
        time.sleep(POLL)
    raise TimeoutError(f"{name}: {job['SecondaryStatus']}")
