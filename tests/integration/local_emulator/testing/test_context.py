"""The context takes nothing from the environment, puts it back, and stands beside moto's own contexts."""

import os
from contextlib import suppress
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local_emulator.domain.errors import EmulatorError
from local_emulator.testing import emulated_sagemaker
from tests.integration.local_emulator.jobs import train
from tests.integration.local_emulator.testing.clients import aws_client

pytestmark = pytest.mark.usefixtures("no_address_elsewhere")


def test_mock_false_needs_moto() -> None:
    with pytest.raises(EmulatorError, match="not active"), emulated_sagemaker(mock=False):
        pass
    with mock_aws(), emulated_sagemaker(mock=False):
        assert aws_client().list_training_jobs()["TrainingJobSummaries"] == []


def test_environment_is_dummy_inside_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "real")
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", "https://elsewhere.example.com")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    before = dict(os.environ)
    with suppress(ZeroDivisionError), emulated_sagemaker():
        assert os.environ["AWS_ACCESS_KEY_ID"] != "real"
        assert "AWS_PROFILE" not in os.environ
        assert not [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL")]
        client = boto3.client("sagemaker")
        assert client.meta.region_name == "eu-central-1"
        assert client.list_models()["Models"] == []
        os.environ["A_TESTS_OWN"] = "kept"
        raise ZeroDivisionError
    assert os.environ.pop("A_TESTS_OWN") == "kept"
    assert dict(os.environ) == before


def test_configured_endpoint_of_a_profile_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nendpoint_url = http://127.0.0.1:9\nregion = eu-west-3\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with emulated_sagemaker():
        assert boto3.client("sagemaker").list_models()["Models"] == []


def test_session_wide_emulator_beside_mocks_of_functions() -> None:
    with emulated_sagemaker():
        aws_client("s3").create_bucket(Bucket="session")
        for _ in range(2):
            with mock_aws():
                assert aws_client().list_training_jobs()["TrainingJobSummaries"] == []
                assert [bucket["Name"] for bucket in aws_client("s3").list_buckets()["Buckets"]] == ["session"]
        assert aws_client("s3").list_buckets()["Buckets"]


def test_the_refusal_of_what_cannot_be_run_names_the_function_that_can() -> None:
    remedy = r" Or let a function of the test stand in for all of it: emulated_sagemaker\.trains\(function\)\.$"
    with emulated_sagemaker() as emulator:
        with pytest.raises(ClientError, match=rf"The image image cannot be run here\. .*serve --image 'image=COMMAND'\.{remedy}"):
            train("mine")
        emulator.trains(lambda _: {"loss": 1.0})
        train("mine")
        assert emulator.wait("mine")["TrainingJobStatus"] == "Completed"
