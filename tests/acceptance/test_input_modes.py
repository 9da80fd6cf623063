"""Training jobs whose channels are piped, streamed or compressed, as clients of AWS ask for them."""

import gzip
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_emulator.settings import Settings
from local_emulator.testing import emulated_sagemaker
from tests.conftest import IMAGE, ROLE, source_archive

GROUP = "/aws/sagemaker/TrainingJobs"
SYSTEM = "fs-01234567890"
SCRIPTS = {
    "epochs.py": "for epoch in range(3): print(open(f'/opt/ml/input/data/train_{epoch}', 'rb').read(), flush=True)\n",
    "view.py": """
import json, os
data = '/opt/ml/input/data'
print(json.load(open('/opt/ml/input/config/inputdataconfig.json')))
print({name: sorted(os.listdir(f'{data}/{name}')) for name in ('fast', 'file')}, os.environ['SM_CHANNEL_FAST'])
for name in ('fast', 'file'):
    try:
        open(f'{data}/{name}/new', 'w')
        print(name, 'written')
    except OSError as error:
        print(name, error.strerror)
""",
}
OBJECTS = {
    "train/a": b"<a>",
    "train/b": b"<b>",
    "train/c": b"<c>",
    "train/d": b"<d>",
    "zipped/a": gzip.compress(b"12345"),
    "manifest": b'[{"prefix": "s3://bucket/train/"}, "c", "a"]',
    "augmented": b'{"image-ref": "s3://bucket/train/b", "class": 1}\n{"image-ref": "s3://bucket/train/a", "class": "cat"}\n',
}


def s3(uri: str, kind: str = "S3Prefix", **more: object) -> dict[str, Any]:
    return {"S3DataSource": {"S3Uri": f"s3://bucket/{uri}", "S3DataType": kind, **more}}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shared")
    (folder / "data").mkdir()
    return folder


@pytest.fixture(scope="module", autouse=True)
def _emulator(shared: Path) -> Iterator[None]:
    with emulated_sagemaker(Settings(parallel=4, file_systems={SYSTEM: shared})):
        client = boto3.client("s3")
        client.create_bucket(Bucket="bucket")
        for key, body in {**OBJECTS, "code.tar.gz": source_archive(SCRIPTS)}.items():
            client.put_object(Bucket="bucket", Key=key, Body=body)
        yield


def start(name: str, *channels: Mapping[str, Any], script: str = "epochs.py", hosts: int = 1) -> None:
    boto3.client("sagemaker").create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "Pipe"},
        RoleArn=ROLE,
        InputDataConfig=[{"ChannelName": "train", **channel} for channel in channels],
        OutputDataConfig={"S3OutputPath": "s3://bucket/output"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": hosts, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        HyperParameters={"sagemaker_program": script, "sagemaker_submit_directory": "s3://bucket/code.tar.gz"},
    )


def ended(name: str, host: int = 1) -> tuple[dict[str, Any], Sequence[str]]:
    """A training job that has ended, and what one of its hosts printed."""
    job: dict[str, Any] = {"TrainingJobStatus": "InProgress"}
    while job["TrainingJobStatus"] == "InProgress":  # MaxRuntimeInSeconds ends it
        time.sleep(0.05)
        job = boto3.client("sagemaker").describe_training_job(TrainingJobName=name)
    logs = boto3.client("logs")
    (stream,) = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{name}/algo-{host}-")["logStreams"]
    events = logs.get_log_events(logGroupName=GROUP, logStreamName=stream["logStreamName"], startFromHead=True)["events"]
    return job, [event["message"] for event in events]


def epochs(name: str, host: int = 1) -> list[bytes]:
    job, lines = ended(name, host)
    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
    return [eval(line) for line in lines if line.startswith("b'")]  # noqa: S307 - what the script printed


def test_what_the_fifos_of_each_epoch_bring() -> None:
    wrapped = {"RecordWrapperType": "RecordIO"}
    augmented = s3("augmented", "AugmentedManifestFile", AttributeNames=["class", "image-ref"])
    start("plain", {"DataSource": s3("train/")})
    start("manifest", {"DataSource": s3("manifest", "ManifestFile"), "ShuffleConfig": {"Seed": 4}})
    start("zipped", {"DataSource": s3("zipped/"), "CompressionType": "Gzip", **wrapped})
    start("augmented", {"DataSource": augmented, **wrapped})
    start("sharded", {"DataSource": s3("train/", S3DataDistributionType="ShardedByS3Key"), "ShuffleConfig": {"Seed": 2}}, hosts=2)
    assert epochs("plain") == [b"<a><b><c><d>"] * 3
    assert set(epochs("manifest")) == {b"<a><c>", b"<c><a>"}
    header = (0xCED7230A).to_bytes(4, "little")
    assert epochs("zipped") == [header + b"\x05\0\0\0" + b"12345\0\0\0"] * 3
    parts = [b"\x01\0\0\0001\0\0\0", b"\x03\0\0\0<b>\0", b"\x03\0\0\0cat\0", b"\x03\0\0\0<a>\0"]
    assert epochs("augmented") == [b"".join(header + part for part in parts)] * 3
    for first, second in zip(epochs("sharded"), epochs("sharded", 2), strict=True):
        assert len(first) == len(second) == 6
        assert {(first + second)[at : at + 3] for at in range(0, 12, 3)} == {b"<a>", b"<b>", b"<c>", b"<d>"}


def test_a_channel_in_fast_file_mode_is_for_reading() -> None:
    modes = {"fast": "FastFile", "file": "File"}
    channels = [{"ChannelName": name, "InputMode": mode, "DataSource": s3("train/")} for name, mode in modes.items()]
    start("view", *channels, script="view.py")
    job, lines = ended("view")
    assert job["TrainingJobStatus"] == "Completed"
    config = json.loads(next(line for line in lines if line.startswith("{'fast'")).replace("'", '"'))
    assert {name: channel["TrainingInputMode"] for name, channel in config.items()} == modes
    listed = ["a", "b", "c", "d"]
    assert f"{ {'fast': listed, 'file': listed} } /opt/ml/input/data/fast" in lines
    assert "fast Read-only file system" in lines
    assert "file written" in lines


def test_a_file_system_is_a_folder_of_this_machine(shared: Path) -> None:
    system = {"FileSystemId": SYSTEM, "FileSystemType": "EFS", "DirectoryPath": "/data"}
    channels: list[Any] = [
        {
            "ChannelName": name,
            "InputMode": "File",
            "DataSource": {"FileSystemDataSource": {**system, "FileSystemAccessMode": mode}},
        }
        for name, mode in (("fast", "ro"), ("file", "rw"))
    ]
    start("system", *channels, script="view.py")
    job, lines = ended("system")
    assert job["TrainingJobStatus"] == "Completed"
    assert "fast Read-only file system" in lines
    assert "file written" in lines
    assert (shared / "data" / "new").exists()
    channels[0]["DataSource"]["FileSystemDataSource"]["FileSystemId"] = "fs-00000000001"
    with pytest.raises(ClientError, match="serve --file-system fs-00000000001=DIR"):
        start("elsewhere", *channels, script="view.py")
