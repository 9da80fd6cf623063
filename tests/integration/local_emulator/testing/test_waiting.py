"""What polls SageMaker waits no longer than a job takes."""

import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import WaiterError

from local_emulator.settings import Settings
from local_emulator.testing import emulated_sagemaker
from sm_tuning.client.run import TuningRun


@pytest.fixture(scope="module")
def jobs() -> Iterator[Any]:
    """Ends of training jobs: a command that takes a moment, and one that takes for ever."""
    images = {"short": ("sh", "-c", "sleep 0.3"), "long": ("sh", "-c", "sleep 1000")}
    with emulated_sagemaker(Settings(parallel=4, stop_grace=1.0, images=images)):
        boto3.client("s3").create_bucket(Bucket="bucket")
        yield boto3.client("sagemaker")


def create(client: Any, name: str, image: str) -> None:
    client.create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"},
        RoleArn="arn:aws:iam::123456789012:role/SageMakerRole",
        OutputDataConfig={"S3OutputPath": "s3://bucket/output"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 3600},
    )


# First: later tests share a context that stays open.
def test_everything_is_put_back() -> None:
    from botocore.waiter import Waiter  # noqa: PLC0415 - beside what is compared

    before = time.sleep, Waiter.wait
    with emulated_sagemaker():
        assert time.sleep is not before[0]
    assert (time.sleep, Waiter.wait) == before


def test_a_waiter_takes_no_longer_than_the_job(jobs: Any) -> None:
    create(jobs, "waited-for", "short")
    begun = time.monotonic()
    jobs.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName="waited-for")
    assert jobs.describe_training_job(TrainingJobName="waited-for")["TrainingJobStatus"] == "Completed"
    assert time.monotonic() - begun < 30  # its delay is 120 s


def test_a_waiter_gives_up_after_the_same_time(jobs: Any) -> None:
    create(jobs, "endless", "long")
    begun = time.monotonic()
    config = {"Delay": 0.5, "MaxAttempts": 2}
    with pytest.raises(WaiterError, match="Max attempts exceeded"):
        jobs.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName="endless", WaiterConfig=config)
    assert time.monotonic() - begun > 0.9
    jobs.stop_training_job(TrainingJobName="endless")


def test_only_who_polls_sagemaker_sleeps_less(jobs: Any) -> None:
    begun = time.monotonic()
    time.sleep(0.1)
    assert time.monotonic() - begun >= 0.1
    in_sdk: dict[str, Any] = {"__name__": "sagemaker.core.resources", "time": time}
    exec("def poll(): time.sleep(1000)", in_sdk)  # noqa: S102 - a function of another module
    in_sdk["poll"]()


def test_our_own_wait_follows_the_emulator(jobs: Any, request_of: Any) -> None:
    request = request_of("waited", "s3://bucket/none", bucket="bucket", jobs=1)
    request["TrainingJobDefinition"]["AlgorithmSpecification"]["TrainingImage"] = "short"
    jobs.create_hyper_parameter_tuning_job(**request)
    run = TuningRun("waited")
    looks: list[float] = []
    status = run.wait(lambda _: looks.append(time.monotonic()), timeout=60)
    assert status.over
    assert looks[-1] - looks[0] < 9  # our own look at AWS is every 10 s
