"""Tuning jobs and training jobs in short."""

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from sm_tuning import NotFound
from sm_tuning.client.summaries import TrainingJobSummary, training_job, tuning_jobs

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:123456789012:"


@pytest.fixture
def stub() -> Stubber:
    client = boto3.client("sagemaker", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    return Stubber(client)


def test_tuning_jobs(stub: Stubber) -> None:
    counters = {"Completed": 3, "InProgress": 2, "Stopped": 1}
    summary = {
        "HyperParameterTuningJobName": "mine",
        "HyperParameterTuningJobArn": f"{ARN}hyper-parameter-tuning-job/mine",
        "HyperParameterTuningJobStatus": "InProgress",
        "Strategy": "Random",
        "CreationTime": NOW,
        "TrainingJobStatusCounters": counters,
        "ObjectiveStatusCounters": {},
    }
    answer = {"HyperParameterTuningJobSummaries": [summary, {**summary, "HyperParameterTuningJobName": "older"}]}
    stub.add_response("list_hyper_parameter_tuning_jobs", answer, {"SortBy": "CreationTime", "SortOrder": "Descending"})
    with stub:
        (job,) = tuning_jobs(stub.client, most=1)
    assert (job.name, job.status, job.strategy, job.created) == ("mine", "InProgress", "Random", NOW)
    assert (job.training_jobs, job.running, job.answer) == (6, 2, summary)


def test_a_training_job(stub: Stubber) -> None:
    answer = {
        "TrainingJobName": "mine-001",
        "TrainingJobArn": f"{ARN}training-job/mine-001",
        "TuningJobArn": f"{ARN}hyper-parameter-tuning-job/mine",
        "ModelArtifacts": {"S3ModelArtifacts": "s3://bucket/model"},
        "TrainingJobStatus": "Failed",
        "SecondaryStatus": "Failed",
        "FailureReason": "AlgorithmError",
        "HyperParameters": {"rate": "0.1", "sagemaker_program": "train.py", "_tuning_objective_metric": "loss"},
        "AlgorithmSpecification": {
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": "loss=(.*)"}, {"Name": "ObjectiveMetric", "Regex": "loss=(.*)"}],
        },
        "ResourceConfig": {"VolumeSizeInGB": 1},
        "StoppingCondition": {},
        "CreationTime": NOW,
        "TrainingStartTime": NOW,
        "TrainingEndTime": NOW + timedelta(seconds=1.5),
    }
    stub.add_response("describe_training_job", answer)
    stub.add_client_error("describe_training_job", "ValidationException", "Requested resource not found.")
    with stub:
        assert training_job(stub.client, "mine-001") == TrainingJobSummary(
            name="mine-001",
            status="Failed",
            step="Failed",
            failure_reason="AlgorithmError",
            tuning_job="mine",
            hyperparameters={"rate": "0.1"},
            metrics={"loss": "loss=(.*)"},
            model="s3://bucket/model",
            created=NOW,
            started=NOW,
            ended=NOW + timedelta(seconds=1.5),
        )
        with pytest.raises(NotFound, match="no training job 'none'"):
            training_job(stub.client, "none")


def test_a_training_job_that_may_not_be_seen_is_not_called_missing(stub: Stubber) -> None:
    stub.add_client_error(
        "describe_training_job", "AccessDeniedException", "not authorized to perform: sagemaker:DescribeTrainingJob"
    )
    with stub, pytest.raises(ClientError, match="not authorized"):
        training_job(stub.client, "mine-001")
