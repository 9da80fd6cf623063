"""Two tuning jobs with nothing but boto3: the same program runs in AWS and on the emulator.

On the emulator:

    python -m local_emulator serve            # in one terminal; it prints the exports for the other
    export AWS_ENDPOINT_URL=http://127.0.0.1:4577 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1
    python docs/examples/plain_boto3.py
"""

import io
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

import boto3
import numpy as np
from sklearn.datasets import load_digits

SCRIPT = Path(__file__).parents[2] / "training_scripts" / "mlp.py"
BUCKET = "plain-boto3-example"
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
NUMBER = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"

s3 = boto3.client("s3")
sagemaker = boto3.client("sagemaker")
logs = boto3.client("logs")


def upload() -> None:
    """Put the digits and the script where SageMaker finds them."""
    s3.create_bucket(Bucket=BUCKET)
    digits = load_digits()
    with tempfile.TemporaryDirectory() as folder:
        for channel, rows in (("train", slice(0, 1400)), ("validation", slice(1400, None))):
            path = Path(folder) / f"{channel}.npz"
            np.savez_compressed(path, x=digits.data[rows], y=digits.target[rows])
            s3.upload_file(str(path), BUCKET, f"data/{channel}/digits.npz")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name in (SCRIPT.name, "contract.py", "images.py", "network.py"):  # mlp.py imports these from beside itself
            tar.add(SCRIPT.with_name(name), arcname=name)
    s3.put_object(Bucket=BUCKET, Key="source/sourcedir.tar.gz", Body=archive.getvalue())


def channel(name: str) -> dict[str, Any]:
    """One input channel below s3://BUCKET/data/."""
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/data/{name}", "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def tune(name: str, strategy: str, ranges: dict[str, Any], limits: dict[str, int]) -> None:
    """Create a tuning job."""
    metrics = ("train:loss", "train:accuracy", "validation:loss", "validation:accuracy")
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig={
            "Strategy": strategy,
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:accuracy"},
            "ResourceLimits": limits,
            "ParameterRanges": ranges,
        },
        TrainingJobDefinition={
            "StaticHyperParameters": {
                "epochs": "6",
                "sagemaker_program": SCRIPT.name,
                "sagemaker_submit_directory": f"s3://{BUCKET}/source/sourcedir.tar.gz",
            },
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": metric, "Regex": f"{metric}={NUMBER}"} for metric in metrics],
            },
            "RoleArn": ROLE,
            "InputDataConfig": [channel("train"), channel("validation")],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/output"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        },
    )


def wait(name: str) -> dict[str, Any]:
    """Poll until the tuning job has ended."""
    while True:
        job: dict[str, Any] = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        print(name, job["HyperParameterTuningJobStatus"], job["TrainingJobStatusCounters"])
        if job["HyperParameterTuningJobStatus"] not in {"InProgress", "Stopping"}:
            return job
        time.sleep(1)


def show(name: str) -> None:
    """List by objective, read the best job's log, fetch its model."""
    listed = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name, SortBy="FinalObjectiveMetricValue", SortOrder="Descending"
    )["TrainingJobSummaries"]
    for row in listed:
        value = row["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
        print(f"  {row['TrainingJobName']}  {row['TrainingJobStatus']:9}  {value:.4f}  {row['TunedHyperParameters']}")
    best = sagemaker.describe_training_job(TrainingJobName=listed[0]["TrainingJobName"])
    group = "/aws/sagemaker/TrainingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{best['TrainingJobName']}/")["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"], startFromHead=True)["events"]
    print("  last line of its log:", events[-1]["message"])
    model = best["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{BUCKET}/")
    body = s3.get_object(Bucket=BUCKET, Key=model)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        print("  its model holds:", ", ".join(sorted(tar.getnames())))


def main() -> int:
    """A Grid and a Random job, side by side."""
    upload()
    grid = {
        "CategoricalParameterRanges": [
            {"Name": "learning_rate", "Values": ["0.001", "0.01"]},
            {"Name": "batch_size", "Values": ["32", "128"]},
        ]
    }
    random = {
        "ContinuousParameterRanges": [
            {"Name": "learning_rate", "MinValue": "0.0001", "MaxValue": "0.05", "ScalingType": "Logarithmic"},
            {"Name": "regularization", "MinValue": "1e-6", "MaxValue": "0.1", "ScalingType": "Logarithmic"},
        ],
        "IntegerParameterRanges": [{"Name": "batch_size", "MinValue": "16", "MaxValue": "128", "ScalingType": "Logarithmic"}],
    }
    tune("grid-example", "Grid", grid, {"MaxParallelTrainingJobs": 2})
    tune("random-example", "Random", random, {"MaxParallelTrainingJobs": 2, "MaxNumberOfTrainingJobs": 4})
    statuses = [wait(name)["HyperParameterTuningJobStatus"] for name in ("grid-example", "random-example")]
    for name in ("grid-example", "random-example"):
        print(name)
        show(name)
    return 0 if statuses == ["Completed", "Completed"] else 1


if __name__ == "__main__":
    sys.exit(main())
