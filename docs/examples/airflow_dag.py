"""A tuning job as an Airflow task, with the operator of Airflow's Amazon provider, as for AWS.

pip install apache-airflow-providers-amazon
eval "$(sm-tuning emulator env)"
cp docs/examples/airflow_dag.py docs/examples/sgd.py "$AIRFLOW_HOME/dags"
airflow dags test tuning
"""

import io
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.amazon.aws.operators.sagemaker import SageMakerTuningOperator
from airflow.sdk import DAG, task

BUCKET = "airflow-example"
CONFIG = {
    "HyperParameterTuningJobName": "airflow-tuning",
    "HyperParameterTuningJobConfig": {
        "Strategy": "Random",
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "accuracy"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
        "ParameterRanges": {
            "ContinuousParameterRanges": [
                {"Name": "alpha", "MinValue": "0.000001", "MaxValue": "0.1", "ScalingType": "Logarithmic"}
            ],
            "CategoricalParameterRanges": [{"Name": "penalty", "Values": ["l1", "l2"]}],
        },
    },
    "TrainingJobDefinition": {
        "StaticHyperParameters": {
            "sagemaker_program": "sgd.py",
            "sagemaker_submit_directory": f"s3://{BUCKET}/sourcedir.tar.gz",
        },
        "AlgorithmSpecification": {
            "TrainingImage": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "accuracy", "Regex": "accuracy: ([0-9.]+);"}],
        },
        # The script brings its data along, but Airflow's hook insists on a channel.
        "InputDataConfig": [
            {
                "ChannelName": "source",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/sourcedir.tar.gz"}},
            }
        ],
        "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/output"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    },
}

with DAG("tuning", start_date=datetime(2026, 1, 1, tzinfo=UTC), schedule=None):

    @task
    def upload() -> None:
        """Put the script where training jobs find it."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            tar.add(Path(__file__).parent / "sgd.py", arcname="sgd.py")
        s3 = S3Hook()
        s3.create_bucket(BUCKET)
        s3.load_bytes(archive.getvalue(), "sourcedir.tar.gz", BUCKET, replace=True)

    @task
    def tell(tuned: dict[str, Any]) -> None:
        """What the operator hands on."""
        job = tuned["Tuning"]
        best = job["BestTrainingJob"]
        value = best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
        print(f"tuning {job['HyperParameterTuningJobStatus']}, best {best['TrainingJobName']} {value:.4f}")

    tune = SageMakerTuningOperator(task_id="tune", config=CONFIG, wait_for_completion=True, check_interval=1)
    upload() >> tune >> tell(tune.output)
