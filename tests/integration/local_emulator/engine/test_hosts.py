"""Training jobs on several instances, asked for and read as a user does it."""

import io
import tarfile
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.conftest import source_archive
from tests.integration.local_emulator.jobs import train

GROUP = "/aws/sagemaker/TrainingJobs"
SCRIPT = """
import json, os, socket, sys, time
from pathlib import Path

me, hosts = os.environ["SM_CURRENT_HOST"], json.loads(os.environ["SM_HOSTS"])
ml = Path("/opt/ml")
mine = sorted(path.read_text() for path in (ml / "input/data/train").iterdir())
print("files", *mine)
print("channels", os.environ["SM_CHANNELS"], os.environ["SM_CURRENT_INSTANCE_GROUP"])
print("seen", *sorted(path.name for path in (ml / "checkpoints").iterdir()))
if me == os.environ.get("FAILS"):
    raise ValueError("boom")
if "FAILS" in os.environ:
    time.sleep(600)
if me == hosts[0]:
    server = socket.create_server((me, 7777))
    total = len(mine)
    for _ in hosts[1:]:
        connection, _ = server.accept()
        total += int(connection.recv(10))
    print(f"loss={total}")
else:
    while True:
        try:
            connection = socket.create_connection((hosts[0], 7777))
            break
        except ConnectionRefusedError:
            time.sleep(0.02)
    connection.send(str(len(mine)).encode())
(ml / "model" / me).write_text(me)
if me == hosts[0]:
    for path in (ml / "checkpoints").glob("before"):
        path.write_text(me)
(ml / "checkpoints" / me).write_text(me)
"""


@pytest.fixture
def run(emulator: Any) -> Callable[..., dict[str, Any]]:
    s3 = boto3.client("s3")
    s3.put_object(Bucket="bucket", Key="code.tar.gz", Body=source_archive({"train.py": SCRIPT}))
    for number in range(5):
        s3.put_object(Bucket="bucket", Key=f"data/{number}", Body=str(number).encode())
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/data/", "S3DataDistributionType": "ShardedByS3Key"}

    def run(name: str, **changes: Any) -> dict[str, Any]:
        request = {
            "HyperParameters": {"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://bucket/code.tar.gz"},
            "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
            "CheckpointConfig": {"S3Uri": f"s3://bucket/checkpoints/{name}"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 3, "VolumeSizeInGB": 1},
        }
        train(name, **{**request, **changes})
        job: dict[str, Any] = {"TrainingJobStatus": "InProgress"}
        deadline = time.monotonic() + 120
        while job["TrainingJobStatus"] == "InProgress":
            assert time.monotonic() < deadline, job
            time.sleep(0.02)
            job = boto3.client("sagemaker").describe_training_job(TrainingJobName=name)
        return job

    return run


def streams(name: str) -> dict[str, list[str]]:
    """The log of each host."""
    logs = boto3.client("logs")
    listed = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{name}/")["logStreams"]
    names = [stream["logStreamName"] for stream in listed]
    read = [logs.get_log_events(logGroupName=GROUP, logStreamName=stream, startFromHead=True)["events"] for stream in names]
    hosts = [stream.removeprefix(f"{name}/").rpartition("-")[0] for stream in names]
    return {host: [event["message"] for event in events] for host, events in zip(hosts, read, strict=True)}


def test_the_only_host_has_its_name_too(run: Callable[..., dict[str, Any]]) -> None:
    job = run("alone", ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1})
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert [metric["Value"] for metric in job["FinalMetricDataList"]] == [5.0]


def test_hosts_share_a_job(run: Callable[..., dict[str, Any]]) -> None:
    job = run("three")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert [metric["Value"] for metric in job["FinalMetricDataList"]] == [5.0]
    assert isinstance(job["TrainingEndTime"], datetime)
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"], (
        "AWS's is wall-clock time, which InstanceCount multiplies"
    )
    logs = streams("three")
    assert {host: [line for line in lines if line.startswith("files")] for host, lines in logs.items()} == {
        "algo-1": ["files 0 3"],
        "algo-2": ["files 1 4"],
        "algo-3": ["files 2"],
    }
    assert all(lines[-1].endswith("Reporting training SUCCESS") for lines in logs.values())
    s3 = boto3.client("s3")
    model = s3.get_object(Bucket="bucket", Key="output/three/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(model)) as tar:
        assert sorted(tar.getnames()) == ["algo-1", "algo-2", "algo-3"]
    saved = [listed["Key"] for listed in s3.list_objects_v2(Bucket="bucket", Prefix="checkpoints/three/")["Contents"]]
    assert saved == [f"checkpoints/three/algo-{number}" for number in (1, 2, 3)]


def test_the_failure_of_one_host_is_the_jobs(run: Callable[..., dict[str, Any]]) -> None:
    job = run("fails", Environment={"FAILS": "algo-2"})
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith('AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "ValueError: boom"')
    logs = streams("fails")
    failures = [host for host, lines in logs.items() if any("Reporting training FAILURE" in line for line in lines)]
    assert failures == ["algo-2"]


def test_groups_get_their_own_channels_and_all_checkpoints(run: Callable[..., dict[str, Any]]) -> None:
    boto3.client("s3").put_object(Bucket="bucket", Key="checkpoints/groups/before", Body=b"")
    kinds = (("a", "ml.m5.large"), ("b", "ml.c5.xlarge"))
    groups = [{"InstanceGroupName": name, "InstanceType": kind, "InstanceCount": 1} for name, kind in kinds]
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/data/"}
    of_b = {**source, "S3Uri": "s3://bucket/data/1", "InstanceGroupNames": ["b"]}
    channels = [{"ChannelName": name, "DataSource": {"S3DataSource": of}} for name, of in (("train", source), ("more", of_b))]
    job = run("groups", ResourceConfig={"InstanceGroups": groups, "VolumeSizeInGB": 1}, InputDataConfig=channels)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    logs = streams("groups")
    assert all("files 0 1 2 3 4" in lines and "seen before" in lines for lines in logs.values())
    printed = {host: next(line for line in lines if line.startswith("channels")) for host, lines in logs.items()}
    assert printed == {"algo-1": 'channels ["train"] a', "algo-2": 'channels ["more","train"] b'}
    kept = boto3.client("s3").get_object(Bucket="bucket", Key="checkpoints/groups/before")["Body"].read()
    assert kept == b"algo-1", "what a host has written, not the copy that the other began with"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {
                "AlgorithmSpecification": {
                    "TrainingImage": "766337827248.dkr.ecr.us-east-1.amazonaws.com/lda:1",
                    "TrainingInputMode": "File",
                },
                "HyperParameters": {"num_topics": "2", "feature_dim": "2"},
            },
            "Training on 3 instances is not emulated for AWS's Latent Dirichlet Allocation, which trains on one.",
        ),
    ],
)
def test_what_cannot_be_done_on_several_is_refused(run: Callable[..., Any], changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ClientError, match=sentence):
        run("refused", **changes)


@pytest.mark.parametrize(("version", "method"), [("1.7-1", "auto"), ("1.0-1-cpu-py3", "exact")])
def test_xgboost_trains_on_the_shards_of_all_hosts(version: str, method: str, run: Callable[..., dict[str, Any]]) -> None:
    s3 = boto3.client("s3")
    for label in (0, 1):  # a host's own shard teaches nothing: it has one class
        lines = "".join(f"{label},{row + 40 * label},{row % 7}\n" for row in range(40))
        s3.put_object(Bucket="bucket", Key=f"table/{label}.csv", Body=lines.encode())
    table = {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/table/"}
    sources = {"train": {**table, "S3DataDistributionType": "ShardedByS3Key"}, "validation": table}
    job = run(
        f"xgboost-{method}",
        AlgorithmSpecification={
            "TrainingImage": f"683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:{version}",
            "TrainingInputMode": "File",
        },
        HyperParameters={
            "num_round": "5",
            "min_child_weight": "0",
            "objective": "binary:logistic",
            "eval_metric": "error,accuracy",
            "tree_method": method,
        },
        InputDataConfig=[
            {"ChannelName": name, "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}
            for name, source in sources.items()
        ],
    )
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    values = {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}
    logs = streams(f"xgboost-{method}")
    shown = {
        host: [line for line in lines if "Train matrix has" in line or line.startswith("[0]")] for host, lines in logs.items()
    }
    assert [len(lines) for lines in shown.values()] == [2, 1, 0], shown
    assert "Host algo-3 does not have training data" in "\n".join(logs["algo-3"])
    assert (values["validation:error"], values["validation:accuracy"]) == (0.0, 1.0)


HYPERBAND = """
import json, os, socket, sys, time

me, hosts = os.environ["SM_CURRENT_HOST"], json.loads(os.environ["SM_HOSTS"])
x, first = float(sys.argv[sys.argv.index("-x") + 1]), hosts[0]
connections = []
if me == first:
    server = socket.create_server((me, 7777))
    connections = [server.accept()[0] for _ in hosts[1:]]
while me != first and not connections:
    try:
        connections.append(socket.create_connection((first, 7777)))
    except ConnectionRefusedError:
        time.sleep(0.02)
for epoch in range(9):
    share = len(open(f"/opt/ml/input/data/train_{epoch}").read())  # of 5 bytes
    if me == first:
        total = share + sum(int(connection.recv(1)) for connection in connections)
        print(f"epoch={epoch} score={x * (epoch + 1) * total}", flush=True)
    else:
        connections[0].send(str(share).encode())
    time.sleep(0.05)
    for connection in connections:  # all go on together
        connection.send(b"n") if me == first else connection.recv(1)
"""


@pytest.mark.usefixtures("run")
def test_hyperband_over_three_instances(request_of: Callable[..., dict[str, Any]]) -> None:
    """Each training job reads its shards from pipes; what Hyperband stops, it stops on all hosts."""
    boto3.client("s3").put_object(Bucket="bucket", Key="tuned.tar.gz", Body=source_archive({"train.py": HYPERBAND}))
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/data/", "S3DataDistributionType": "ShardedByS3Key"}
    channel = {"ChannelName": "train", "InputMode": "Pipe", "DataSource": {"S3DataSource": source}}
    config = {"Strategy": "Hyperband", "StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 9}}}
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 3, "VolumeSizeInGB": 1}
    request = request_of("hyperband", "s3://bucket/tuned.tar.gz", bucket="bucket", jobs=6, config=config)
    request["TrainingJobDefinition"] |= {"InputDataConfig": [channel], "ResourceConfig": resources}
    client = boto3.client("sagemaker")
    client.create_hyper_parameter_tuning_job(**request)
    job: dict[str, Any] = {"HyperParameterTuningJobStatus": "InProgress"}
    deadline = time.monotonic() + 240
    while job["HyperParameterTuningJobStatus"] == "InProgress":
        assert time.monotonic() < deadline, job
        time.sleep(0.05)
        job = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="hyperband")
    counters = job["TrainingJobStatusCounters"]
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert counters["Completed"] + counters["Stopped"] == 6  # at MaxResource a training job is stopped, if it is still there
    best = job["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == pytest.approx(
        9 * 5 * float(best["TunedHyperParameters"]["x"]), rel=1e-3
    )
    jobs = client.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName="hyperband")
    for summary in jobs["TrainingJobSummaries"]:
        assert sorted(streams(summary["TrainingJobName"])) == ["algo-1", "algo-2", "algo-3"]
