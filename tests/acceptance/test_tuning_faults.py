"""Tuning jobs whose training jobs are interrupted, fail inside, find no capacity or are throttled."""

import time
from typing import Any

import boto3
import pytest

from local_emulator.settings import Faults
from tests.acceptance.amt import SCOPE
from tests.conftest import until

RESUMING = """
import pathlib, time
seen = pathlib.Path('/opt/ml/checkpoints/epoch')
done = int(seen.read_text()) if seen.exists() else 0
for epoch in range(done + 1, 9):
    print(f'score={epoch}', flush=True)
    seen.write_text(str(epoch))
    time.sleep(0.25)
"""
SPOT = {
    "EnableManagedSpotTraining": True,
    "StoppingCondition": {"MaxRuntimeInSeconds": 300, "MaxWaitTimeInSeconds": 600},
    "CheckpointConfig": {"S3Uri": "s3://box/checkpoints"},
}


def test_an_interrupted_spot_job_goes_on_from_its_checkpoint(amt: Any) -> None:
    with amt() as service:
        service.create("spot", RESUMING, jobs=1, definition=SPOT)
        while not (running := service.client.list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]):
            time.sleep(0.05)
        name = running[0]["TrainingJobName"]
        store = service.emulator.store
        until(lambda: len(store.observations(SCOPE.training_arn(name))) >= 4)
        service.emulator.api.interrupt(name)
        job = service.ended("spot")
        assert job["TrainingJobStatusCounters"]["Completed"] == 1
        (child,) = service.children("spot")
        assert [step["Status"] for step in child["SecondaryStatusTransitions"]] == [
            *(
                "Starting",
                "Downloading",
                "Training",
                "Interrupted",
                "Starting",
                "Downloading",
                "Training",
                "Uploading",
                "Completed",
            )
        ]
        values = [seen.value for seen in store.observations(SCOPE.training_arn(name)) if seen.metric == "score"]
        assert values == sorted(set(values)) == [float(epoch) for epoch in range(1, 9)], "no epoch lost, none trained twice"
        streams = boto3.client("logs", region_name="us-east-1").describe_log_streams(
            logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=name + "/"
        )["logStreams"]
        assert len(streams) == 2
        with pytest.raises(Exception, match="does not train: it is Completed"):
            service.emulator.api.interrupt(name)


def test_only_spot_jobs_can_be_interrupted(amt: Any) -> None:
    with amt() as service:
        service.run("plain", jobs=1)
        with pytest.raises(Exception, match="is not a managed spot training job"):
            service.emulator.api.interrupt(service.children("plain")[0]["TrainingJobName"])


def test_spot_jobs_that_are_always_interrupted_run_out_of_wait(amt: Any) -> None:
    condition = {"MaxRuntimeInSeconds": 3, "MaxWaitTimeInSeconds": 3}
    with amt(faults=Faults(interrupt=1.0)) as service:
        job = service.run("never", "import time\nprint('score=1', flush=True)\ntime.sleep(1)\n", jobs=1,
                      definition={**SPOT, "StoppingCondition": condition})  # fmt: skip
        (child,) = service.children("never")
        assert (child["TrainingJobStatus"], child["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")
        assert job["TrainingJobStatusCounters"]["Stopped"] == 1


def test_internal_errors_are_retried_as_often_as_asked(amt: Any) -> None:
    with amt(faults=Faults(internal=1.0)) as service:
        job = service.run("internal", jobs=2, definition={"RetryStrategy": {"MaximumRetryAttempts": 2}})
        assert job["HyperParameterTuningJobStatus"] == "Failed"
        assert job["TrainingJobStatusCounters"]["RetryableError"] == 2
        for child in service.children("internal"):
            assert child["FailureReason"] == "InternalServerError: We encountered an internal error. Please try again."
            assert [step["Status"] for step in child["SecondaryStatusTransitions"]].count("Starting") == 3
    with amt(faults=Faults(internal=0.5)) as service:
        job = service.run("lucky", jobs=4, definition={"RetryStrategy": {"MaximumRetryAttempts": 30}})
        assert job["TrainingJobStatusCounters"]["Completed"] == 4
    with amt() as service:
        service.run("own", script="raise SystemExit(1)", jobs=1, definition={"RetryStrategy": {"MaximumRetryAttempts": 30}})
        (child,) = service.children("own")
        assert [step["Status"] for step in child["SecondaryStatusTransitions"]].count("Starting") == 1, (
            "never after the script's own"
        )


def test_capacity_errors_try_the_next_configuration(amt: Any) -> None:
    kinds = ["ml.m5.large", "ml.m5.xlarge", "ml.c5.xlarge"]
    with amt(faults=Faults(capacity=0.5)) as service:
        request = service.request("capacity", jobs=12)
        definition = request["TrainingJobDefinition"]
        definition.pop("ResourceConfig")
        definition["HyperParameterTuningResourceConfig"] = {
            "InstanceConfigs": [{"InstanceType": kind, "InstanceCount": 1, "VolumeSizeInGB": 1} for kind in kinds],
            "AllocationStrategy": "Prioritized",
        }
        service.client.create_hyper_parameter_tuning_job(**request)
        job = service.ended("capacity")
        done = [child for child in service.children("capacity") if child["TrainingJobStatus"] == "Completed"]
        used = {child["ResourceConfig"]["InstanceType"] for child in done}
        assert len(used) >= 2
        reasons = {child.get("FailureReason", "")[:14] for child in service.children("capacity")} - {""}
        assert reasons <= {"CapacityError:"}
        assert job["TrainingJobStatusCounters"]["NonRetryableError"] == 0


def test_throttling_and_delays(amt: Any) -> None:
    with amt(faults=Faults(throttle=1.0)) as service:
        code, message = service.refusal("throttled")
        assert (code, message) == ("ThrottlingException", "Rate exceeded")
    with amt(faults=Faults(delay=1.5)) as service:
        service.run("late", jobs=1)
        (child,) = service.children("late")
        assert (child["TrainingStartTime"] - child["CreationTime"]).total_seconds() >= 1
