"""The fixture for users' own test suites."""

from typing import Any

import boto3
import pytest

from local_emulator.testing import emulated_sagemaker
from tests.acceptance.amt import SCORE
from tests.conftest import source_archive, until


def _tune(request_of: Any, name: str) -> dict[str, Any]:
    boto3.client("s3").create_bucket(Bucket="bucket")
    boto3.client("s3").put_object(Bucket="bucket", Key="source.tar.gz", Body=source_archive({"train.py": SCORE}))
    client = boto3.client("sagemaker")
    client.create_hyper_parameter_tuning_job(**request_of(name, "s3://bucket/source.tar.gz", bucket="bucket", jobs=3))
    job: dict[str, Any] = until(
        lambda: client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name),
        so=lambda job: job["HyperParameterTuningJobStatus"] != "InProgress",
    )
    return job


def test_fixture_runs_jobs_next_to_moto(emulated_sagemaker: Any, request_of: Any) -> None:
    job = _tune(request_of, "fixture")
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    best = job["BestTrainingJob"]["TrainingJobName"]
    streams = boto3.client("logs").describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=best)
    assert len(streams["logStreams"]) == 1
    assert boto3.client("sagemaker").list_models()["Models"] == []


def test_contexts_are_separate(request_of: Any) -> None:
    for _ in range(2):
        with emulated_sagemaker():
            assert boto3.client("sagemaker").list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"] == []
            _tune(request_of, "same-name")


def test_the_variable_of_moto_alone_sets_the_account(monkeypatch: pytest.MonkeyPatch, request_of: Any) -> None:
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "444455556666")
    with emulated_sagemaker():
        job = _tune(request_of, "elsewhere")
        assert job["HyperParameterTuningJobArn"].split(":")[4] == "444455556666"
        assert job["BestTrainingJob"]["TrainingJobArn"].split(":")[4] == "444455556666"
        assert boto3.client("sts").get_caller_identity()["Account"] == "444455556666"
        best = job["BestTrainingJob"]["TrainingJobName"]
        streams = boto3.client("logs").describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=best)
        assert len(streams["logStreams"]) == 1
