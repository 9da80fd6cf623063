"""What training jobs share and what each has to itself: data, processors, GPUs, imports."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_emulator.settings import Settings
from local_emulator.testing import emulated_sagemaker
from tests.conftest import source_archive, until

SCRIPT = """
import json, os, sys, time
facts = {name: os.environ.get(name) for name in ("CUDA_VISIBLE_DEVICES", "SM_NUM_GPUS", "OMP_NUM_THREADS")}
os.chdir("/opt/ml/input/data/train")
with open("data", "ab") as file:
    file.write(b"x")
open("mine", "x").close()
os.utime("data", (0, 0))
os.remove("other")
time.sleep(1.0)
facts |= {"size": os.stat("data").st_size, "names": sorted(os.listdir())}
print("facts", json.dumps(facts))
print("score=1")
"""


@pytest.fixture
def emulator() -> Iterator[Any]:
    with emulated_sagemaker(Settings(parallel=4, gpus=("3", "5", "7", "9"), threads=3)) as running:
        yield running


def jobs_of(emulator: Any, request: dict[str, Any]) -> list[dict[str, Any]]:
    """What each training job of a tuning job has told of itself."""
    client, logs = boto3.client("sagemaker"), boto3.client("logs")
    client.create_hyper_parameter_tuning_job(**request)
    name = request["HyperParameterTuningJobName"]
    until(
        lambda: (
            client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)["HyperParameterTuningJobStatus"]
            != "InProgress"
        )
    )
    facts = []
    for summary in client.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)[
        "TrainingJobSummaries"
    ]:
        prefix = summary["TrainingJobName"]
        (stream,) = logs.describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=prefix)[
            "logStreams"
        ]
        events = logs.get_log_events(logGroupName="/aws/sagemaker/TrainingJobs", logStreamName=stream["logStreamName"])["events"]
        (line,) = [event["message"] for event in events if event["message"].startswith("facts ")]
        facts.append(json.loads(line.removeprefix("facts ")))
    return facts


def test_gpus_are_dealt_out_and_data_is_each_jobs_own(emulator: Any, request_of: Any) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="source.tar.gz", Body=source_archive({"train.py": SCRIPT}))
    s3.put_object(Bucket="bucket", Key="data/data", Body=os.urandom(1 << 20))
    s3.put_object(Bucket="bucket", Key="data/other", Body=b"other")
    request = request_of("sharing", "s3://bucket/source.tar.gz", bucket="bucket", jobs=6)
    request["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxParallelTrainingJobs"] = 4
    where = {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/data/"}
    request["TrainingJobDefinition"]["InputDataConfig"] = [{"ChannelName": "train", "DataSource": {"S3DataSource": where}}]
    jobs = jobs_of(emulator, request)
    assert len(jobs) == 6
    assert {job["CUDA_VISIBLE_DEVICES"] for job in jobs} == {"3", "5", "7", "9"}  # four at a time, a GPU each
    assert {(job["SM_NUM_GPUS"], job["OMP_NUM_THREADS"]) for job in jobs} == {("1", "3")}
    # Each has written beside its data and into it, and none has seen another's writing.
    assert [(job["size"], job["names"]) for job in jobs] == [((1 << 20) + 1, ["data", "mine"])] * 6
    (cached,) = (Path(emulator.settings.state) / "cache" / "channels").glob("*/data")
    assert {path.name: path.stat().st_size for path in cached.iterdir()} == {"data": 1 << 20, "other": 5}
    runs = Path(emulator.settings.state) / "runs"
    assert all(json.loads((run / "run.json").read_text())["fork_server"] for run in runs.iterdir())
