"""What tests ask the emulator."""

import threading
from typing import Any

import boto3
import pytest

from local_emulator.domain.errors import NotFound
from tests.integration.local_emulator.jobs import train


def test_the_function_of_an_image(emulator: Any) -> None:
    emulator.trains(lambda _: {"loss": 1.0})
    emulator.trains(lambda _: {"loss": 2.0}, image="im?ge")
    emulator.wait(train("of-image"))
    assert emulator.metrics("of-image") == {"loss": [2.0]}


def test_who_waits_hears_what_is_wrong(emulator: Any, tune: Any) -> None:
    go_on = threading.Event()
    emulator.trains(lambda _: go_on.wait(60) and None)
    with pytest.raises(NotFound, match="no job 'never'"):
        emulator.wait("never")
    for kind in ("model/m", "pipeline/p"):  # whether it is there or not: nothing to wait for
        with pytest.raises(NotFound, match="is neither a job nor an execution of a pipeline"):
            emulator.wait(f"arn:aws:sagemaker:us-east-1:123456789012:{kind}")
    tune("slow", jobs=1)
    with pytest.raises(TimeoutError, match="slow is still InProgress after 0 seconds"):
        emulator.wait("slow", timeout=0)
    with pytest.raises(NotFound, match="it is a tuning job"):
        emulator.logs("slow")
    go_on.set()
    assert emulator.wait("slow")["HyperParameterTuningJobStatus"] in {"Completed", "Failed"}


def test_requests_are_recorded(emulator: Any) -> None:
    emulator.trains(lambda _: {"loss": 1.0})
    train("recorded", HyperParameters={"lr": "0.1", "epochs": "3"})
    client = boto3.client("sagemaker")
    with pytest.raises(client.exceptions.ClientError):
        client.describe_training_job(TrainingJobName="missing")
    requests = emulator.requests
    requests.assert_made("CreateTrainingJob", HyperParameters={"lr": "0.1"}, TrainingJobName="recorded")
    requests.assert_made("CreateTrainingJob", times=1)
    requests.assert_made("StopTrainingJob", times=0)
    with pytest.raises(
        AssertionError, match=r"CreateTrainingJob\(TrainingJobName=\"other\"\) was not called; these were:\n  Create"
    ):
        requests.assert_made("CreateTrainingJob", TrainingJobName="other")
    assert [(call.service, call.operation, call.error) for call in requests] == [
        ("sagemaker", "CreateTrainingJob", None),
        ("sagemaker", "DescribeTrainingJob", "ValidationException"),
    ]
    assert requests.snapshot("DescribeTrainingJob") == [
        {"service": "sagemaker", "operation": "DescribeTrainingJob", "parameters": {"TrainingJobName": "missing"}}
    ]
