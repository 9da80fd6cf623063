"""Whose jobs they are: the account of moto, of the settings, of an assumed role; names follow the seed alone."""

import os
import time
from typing import Any

import pytest

from local_emulator.settings import Settings
from local_emulator.testing import emulated_sagemaker
from tests.integration.local_emulator.testing.clients import aws_client


def test_role_and_caller_are_those_of_the_server() -> None:
    with emulated_sagemaker():
        arn = aws_client("sts").get_caller_identity()["Arn"]
        assert arn == "arn:aws:sts::123456789012:assumed-role/SageMakerRole/local"
        role = aws_client("iam").get_role(RoleName=arn.split("/")[1])["Role"]["Arn"]
        simulated = aws_client("iam").simulate_principal_policy(PolicySourceArn=role, ActionNames=["sagemaker:CreateTrainingJob"])
        assert simulated["EvaluationResults"][0]["EvalDecision"] == "allowed"


def test_checked_role_is_there() -> None:
    with emulated_sagemaker(Settings(check_roles=True)) as emulator:
        assert emulator.cloud.role_exists("arn:aws:iam::123456789012:role/SageMakerRole")
        assert not emulator.cloud.role_exists("arn:aws:iam::123456789012:role/Nobody")


def _tune(client: Any, name: str, request_of: Any) -> str:
    request = request_of(name, "s3://bucket/nothing.tar.gz", bucket="bucket", jobs=1)
    arn: str = client.create_hyper_parameter_tuning_job(**request)["HyperParameterTuningJobArn"]
    return arn


def test_assumed_role_of_another_account_sees_its_own(request_of: Any) -> None:
    with emulated_sagemaker():
        assert ":123456789012:" in _tune(aws_client("sagemaker"), "mine", request_of)
        assumed = aws_client("sts").assume_role(RoleArn="arn:aws:iam::210987654321:role/other", RoleSessionName="session")
        keys = assumed["Credentials"]
        other = aws_client(
            "sagemaker",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )
        assert other.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"] == []
        assert ":210987654321:" in _tune(other, "theirs", request_of)


def test_moto_account_id_alone_suffices(monkeypatch: pytest.MonkeyPatch, request_of: Any) -> None:
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "111122223333")
    with emulated_sagemaker():
        assert ":111122223333:" in _tune(aws_client("sagemaker"), "job", request_of)
        assert aws_client("sts").get_caller_identity()["Arn"] == "arn:aws:sts::111122223333:assumed-role/SageMakerRole/local"
        monkeypatch.setenv("MOTO_ACCOUNT_ID", "444455556666")  # moto reads it with each request
        assert aws_client("sagemaker").list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"] == []


def test_account_of_the_settings_is_moto_s_too(request_of: Any) -> None:
    with emulated_sagemaker(Settings(account="999988887777")):
        assert ":999988887777:" in _tune(aws_client("sagemaker"), "job", request_of)
        assert aws_client("sts").get_caller_identity()["Account"] == "999988887777"
    assert "MOTO_ACCOUNT_ID" not in os.environ


def _children(request_of: Any, **config: int) -> list[str]:
    """The names of two training jobs of a tuning job."""
    with emulated_sagemaker():
        client = aws_client("sagemaker")
        client.create_hyper_parameter_tuning_job(
            **request_of("job", "s3://bucket/nothing", bucket="bucket", jobs=2, config=config)
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            names = [job["TrainingJobName"] for job in client.list_training_jobs(SortBy="Name")["TrainingJobSummaries"]]
            if len(names) == 2:
                return sorted(names)
            time.sleep(0.02)
    raise AssertionError(names)


def test_names_of_training_jobs_follow_the_seed(request_of: Any) -> None:
    seeded = _children(request_of, RandomSeed=7)
    assert seeded == _children(request_of, RandomSeed=7)
    assert not set(seeded) & set(_children(request_of, RandomSeed=8))
    assert not set(seeded) & set(_children(request_of))
