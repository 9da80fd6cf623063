"""The fixtures and the marker of the pytest plugin, used as users use them."""

import json
import os
import subprocess
import sys
import urllib.request
from dataclasses import replace
from typing import Any

import boto3
import pytest

from local_emulator.settings import Quotas, Settings

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"


class TestSettings:
    @pytest.fixture
    def emulated_sagemaker_settings(self, emulated_sagemaker_settings: Settings) -> Settings:
        return replace(emulated_sagemaker_settings, parallel=7)

    def test_a_fixture_overrides_settings(self, emulated_sagemaker: Any) -> None:
        assert (emulated_sagemaker.settings.parallel, emulated_sagemaker.settings.stop_grace) == (7, 1.0)

    @pytest.mark.emulated_sagemaker(quotas=Quotas(tuning_jobs=3), stop_grace=2.0)
    def test_a_marker_changes_some(self, emulated_sagemaker: Any) -> None:
        settings = emulated_sagemaker.settings
        assert (settings.parallel, settings.stop_grace, settings.quotas.tuning_jobs) == (7, 2.0, 3)


@pytest.mark.emulated_sagemaker
def test_a_marker_is_enough() -> None:
    assert boto3.client("sagemaker").list_training_jobs()["TrainingJobSummaries"] == []


def test_a_marker_with_an_unknown_setting_is_refused(request: pytest.FixtureRequest) -> None:
    request.node.add_marker(pytest.mark.emulated_sagemaker(paralel=2))
    with pytest.raises(pytest.UsageError, match="no field of Settings: paralel"):
        request.getfixturevalue("emulated_sagemaker")


def test_other_processes_and_training_jobs_reach_the_server(emulated_sagemaker: Any, emulated_sagemaker_server: Any) -> None:
    boto3.client("s3").create_bucket(Bucket="from-here")
    ask = "import boto3; print(boto3.client('s3').list_buckets()['Buckets'][0]['Name'])"
    environment = {**os.environ, **emulated_sagemaker_server.environment}
    process = subprocess.run([sys.executable, "-c", ask], env=environment, capture_output=True, text=True, check=False)
    assert process.stdout == "from-here\n", process.stderr
    with urllib.request.urlopen(f"{emulated_sagemaker_server.url}/_health") as answer:
        assert json.load(answer)["status"] == "ok"
    emulated_sagemaker.trains(lambda _: {})
    boto3.client("sagemaker").create_training_job(
        TrainingJobName="seen",
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        RoleArn="arn:aws:iam::123456789012:role/SageMakerRole",
        OutputDataConfig={"S3OutputPath": "s3://from-here/output"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )
    beyond = boto3.client("sagemaker", endpoint_url=emulated_sagemaker_server.url)
    assert beyond.list_training_jobs()["TrainingJobSummaries"][0]["TrainingJobName"] == "seen"
    assert emulated_sagemaker.wait("seen")["TrainingJobStatus"] == "Completed"
