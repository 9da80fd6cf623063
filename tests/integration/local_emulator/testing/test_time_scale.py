"""Service time that runs faster than the clock: what jobs tell of themselves, and their limits."""

import math
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_emulator.assembly import Emulator
from local_emulator.domain.errors import EmulatorError
from local_emulator.settings import Settings
from local_emulator.testing import emulated_sagemaker
from tests.integration.local_emulator.jobs import train

HOUR = 3600.0
FASTER = 36_000  # an hour in a tenth of a second


@pytest.fixture(scope="module")
def emulator() -> Iterator[Any]:
    images = {"endless": ("sh", "-c", "echo loss=1.5; sleep 1000")}
    with emulated_sagemaker(parallel=4, stop_grace=1.0, images=images, time_scale=FASTER) as emulator:
        boto3.client("s3").create_bucket(Bucket="bucket")
        yield emulator


def endless(_: Mapping[str, str]) -> Iterator[None]:
    while True:
        time.sleep(0.01)
        yield None


def of_image(image: str) -> dict[str, Any]:
    metrics = [{"Name": "loss", "Regex": r"loss=([0-9.]+)"}]
    return {"TrainingImage": image, "TrainingInputMode": "File", "MetricDefinitions": metrics}


def test_times_of_a_job_are_of_service_time(emulator: Any) -> None:
    def function(_: Mapping[str, str]) -> Iterator[Mapping[str, float]]:
        for loss in (3.0, 2.0, 1.0):
            time.sleep(0.1)
            yield {"loss": loss}

    emulator.trains(function, image="steps")
    before = emulator.now()
    train("steps", AlgorithmSpecification=of_image("steps"), StoppingCondition={"MaxRuntimeInSeconds": 28 * 86_400})
    job = emulator.wait("steps")
    assert before <= job["CreationTime"] <= job["TrainingStartTime"] <= job["TrainingEndTime"] <= emulator.now()
    assert job["TrainingTimeInSeconds"] >= 3 * HOUR
    assert job["BillableTimeInSeconds"] >= 3 * HOUR
    assert job["TrainingEndTime"] - job["TrainingStartTime"] >= timedelta(hours=3)
    times = [observation.time for observation in emulator.store.observations(job["TrainingJobArn"])]
    assert [later - earlier >= timedelta(hours=1) for earlier, later in pairwise(times)] == [True, True]
    points = boto3.client("cloudwatch").get_metric_statistics(
        Namespace="/aws/sagemaker/TrainingJobs",
        MetricName="loss",
        Dimensions=[{"Name": "TrainingJobName", "Value": "steps"}],
        StartTime=before - timedelta(hours=1),
        EndTime=emulator.now(),
        Period=60,
        Statistics=["Average"],
    )["Datapoints"]
    assert [point["Average"] for point in sorted(points, key=lambda point: point["Timestamp"])] == [3.0, 2.0, 1.0]


@pytest.mark.parametrize("image", ["endless", "function"])
def test_the_runtime_is_limited_in_service_time(emulator: Any, image: str) -> None:
    emulator.trains(endless, image="function")
    begun = time.monotonic()
    train(f"limited-{image}", AlgorithmSpecification=of_image(image), StoppingCondition={"MaxRuntimeInSeconds": 10 * 3600})
    job = emulator.wait(f"limited-{image}")
    taken = (time.monotonic() - begun) * FASTER
    assert job["SecondaryStatus"] == "MaxRuntimeExceeded"
    assert 10 * HOUR <= job["TrainingTimeInSeconds"] <= taken
    if image == "endless":  # its supervisor ended it in its own time: what it printed is there
        assert emulator.metrics("limited-endless") == {"loss": [1.5]}


def test_the_wait_for_an_instance_is_limited_in_service_time() -> None:
    with emulated_sagemaker(parallel=1, time_scale=FASTER) as emulator:
        boto3.client("s3").create_bucket(Bucket="bucket")
        emulator.trains(endless)
        train("first", StoppingCondition={"MaxRuntimeInSeconds": 28 * 86_400})
        condition = {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 2 * 3600}
        train("spot", EnableManagedSpotTraining=True, StoppingCondition=condition)
        assert emulator.wait("spot")["SecondaryStatus"] == "MaxWaitTimeExceeded"
        assert emulator._describe(emulator._find("first"))["TrainingJobStatus"] == "InProgress"


def test_the_wait_of_a_spot_run_is_limited_in_service_time(emulator: Any) -> None:
    emulator.trains(endless)
    condition = {"MaxRuntimeInSeconds": 5 * 3600, "MaxWaitTimeInSeconds": 5 * 3600}  # it waits before it runs
    train("waiting", EnableManagedSpotTraining=True, StoppingCondition=condition)
    assert emulator.wait("waiting")["SecondaryStatus"] == "MaxWaitTimeExceeded"


def test_a_tuning_jobs_runtime_is_limited_in_service_time(emulator: Any, request_of: Any) -> None:
    emulator.trains(endless)
    request = request_of("tuned", "s3://b/none", bucket="bucket", jobs=3)
    request["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxRuntimeInSeconds"] = 5 * 3600
    request["TrainingJobDefinition"]["StoppingCondition"]["MaxRuntimeInSeconds"] = 28 * 86_400
    boto3.client("sagemaker").create_hyper_parameter_tuning_job(**request)
    job = emulator.wait("tuned")
    assert job["TuningJobCompletionDetails"]["NumberOfTrainingJobsObjectiveNotImproving"] >= 0
    assert timedelta(hours=5) <= job["HyperParameterTuningEndTime"] - job["CreationTime"]
    assert job["ConsumedResources"]["RuntimeInSeconds"] >= 5 * HOUR


def test_a_scripts_own_sleep_is_as_long_as_ever(emulator: Any) -> None:
    begun = time.monotonic()

    def function(_: Mapping[str, str]) -> None:
        time.sleep(0.2)

    emulator.trains(function, image="sleeping")
    train("sleeping", AlgorithmSpecification=of_image("sleeping"), StoppingCondition={"MaxRuntimeInSeconds": 28 * 86_400})
    assert emulator.wait("sleeping")["TrainingTimeInSeconds"] >= 0.2 * FASTER
    assert time.monotonic() - begun >= 0.2


def test_slower_time() -> None:
    with emulated_sagemaker(time_scale=0.001) as emulator:
        first, begun = emulator.now(), time.monotonic()
        time.sleep(0.1)
        assert emulator.now() - first < timedelta(seconds=time.monotonic() - begun)


def test_the_decorator_and_the_marker_take_it(request: pytest.FixtureRequest) -> None:
    @emulated_sagemaker(time_scale=FASTER)
    def decorated() -> str:
        client = boto3.client("sagemaker")
        with pytest.raises(ClientError):
            client.describe_training_job(TrainingJobName="none")
        return "called"

    assert decorated() == "called"
    request.node.add_marker(pytest.mark.emulated_sagemaker(time_scale=60))
    emulator = request.getfixturevalue("emulated_sagemaker")
    assert emulator.settings.time_scale == 60
    assert abs(emulator.now() - datetime.now(UTC)) < timedelta(days=1)


@pytest.mark.parametrize("scale", [0, -1, math.nan, math.inf, "60", None, True, 1_000_001])
def test_a_scale_that_is_none_is_refused(scale: Any) -> None:
    with pytest.raises(ValueError, match=r"time_scale=.*: it must be a number greater than 0 and at most 1,000,000"):
        emulated_sagemaker(time_scale=scale)


def test_what_is_no_setting_is_refused() -> None:
    with pytest.raises(TypeError, match="no field of Settings: time_scales"):
        emulated_sagemaker(time_scales=60)


def test_a_server_keeps_the_clocks_time(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="time_scale=60: time may run faster"):
        Emulator(Settings(state=tmp_path, time_scale=60))
