"""Processing jobs, asked for and read as a user does it: their scripts really run, and what they leave is what S3 gets."""

import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_emulator.testing import emulated_sagemaker
from tests.conftest import until

CODE = "/opt/ml/processing/input/code"
DATA, OUT, ALONG = "/opt/ml/processing/input/data", "/opt/ml/processing/out", "/opt/ml/processing/along"
SCRIPT = """
import json, os, signal, subprocess, sys, time
from pathlib import Path

do, config = sys.argv[1], Path("/opt/ml/config")
me = json.loads((config / "resourceconfig.json").read_text())["current_host"]
job = json.loads((config / "processingjobconfig.json").read_text())
text = "".join(path.read_text() for path in sorted(Path("/opt/ml/processing/input/data").iterdir()))
print(do, job["ProcessingJobName"], os.environ["COLOUR"], Path(sys.executable).name.startswith("python"))
if do == "raise":
    Path("/opt/ml/processing/along/left").write_text(me)
    Path("/opt/ml/processing/out/lost").write_text(me)
    raise ValueError("boom")
if do == "bytes":
    Path("/opt/ml/output/message").write_bytes(b"\\xff")
if do == "hang":
    Path("/opt/ml/processing/along/early").write_text(me)
    subprocess.Popen(["sleep", "600"], start_new_session=True)
    time.sleep(600)
if do == "upper":
    Path(f"/opt/ml/processing/out/{me}.txt").write_text(text.upper())
    Path("/opt/ml/processing/out/link").symlink_to(f"{me}.txt")
    (Path("/opt/ml/output/message")).write_text(f"{me} has done it. " + "x" * 1100)
"""


@pytest.fixture(scope="module")
def sagemaker() -> Iterator[Any]:
    with emulated_sagemaker(parallel=2):
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="code/script.py", Body=SCRIPT.encode())
        for name in ("a", "b", "c"):
            s3.put_object(Bucket="bucket", Key=f"data/{name}", Body=name.encode())
        yield boto3.client("sagemaker")


def transfer(name: str, uri: str, path: str, **members: Any) -> Any:
    kind = {"S3UploadMode": "EndOfJob"} if path in {OUT, ALONG} else {"S3DataType": "S3Prefix", "S3InputMode": "File"}
    member, word = ("S3Output", "OutputName") if path in {OUT, ALONG} else ("S3Input", "InputName")
    return {word: name, member: {"S3Uri": uri, "LocalPath": path, **kind, **members}}


@pytest.fixture
def create(sagemaker: Any, request: pytest.FixtureRequest) -> Callable[..., str]:
    """Make a processing job that does something; its name."""

    def make(do: str, count: int = 1, **members: Any) -> str:
        name = f"{do}-{zlib.crc32(request.node.name.encode()):x}"
        shards = {"S3DataDistributionType": "ShardedByS3Key"}
        default = {
            "RoleArn": "arn:aws:iam::123456789012:role/r",
            "AppSpecification": {
                "ImageUri": "image",
                "ContainerEntrypoint": ["python3", f"{CODE}/script.py"],
                "ContainerArguments": [do],
            },
            "ProcessingInputs": [
                transfer("code", "s3://bucket/code/script.py", CODE),
                transfer("data", "s3://bucket/data/", DATA, **shards),
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    transfer("out", f"s3://bucket/{name}/out", OUT),
                    transfer("along", f"s3://bucket/{name}/along", ALONG, S3UploadMode="Continuous"),
                ]
            },
            "Environment": {"COLOUR": "green"},
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": count, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
            },
        }
        sagemaker.create_processing_job(ProcessingJobName=name, **{**default, **members})
        return name

    return make


def ended(sagemaker: Any, name: str) -> Any:
    def over() -> Any:
        job = sagemaker.describe_processing_job(ProcessingJobName=name)
        return job if job["ProcessingJobStatus"] not in {"InProgress", "Stopping"} else None

    return until(over)


def content(name: str) -> dict[str, str]:
    s3 = boto3.client("s3")
    listed = s3.list_objects_v2(Bucket="bucket", Prefix=f"{name}/").get("Contents", ())
    return {
        entry["Key"].removeprefix(f"{name}/"): s3.get_object(Bucket="bucket", Key=entry["Key"])["Body"].read().decode()
        for entry in listed
    }


def log(name: str) -> dict[str, list[str]]:
    logs, group = boto3.client("logs"), "/aws/sagemaker/ProcessingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
    events = {
        stream["logStreamName"]: logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
        for stream in streams
    }
    return {stream.split("/")[1].rpartition("-")[0]: [event["message"] for event in of] for stream, of in events.items()}


def test_a_script_finds_its_inputs_and_its_outputs_go_to_s3(sagemaker: Any, create: Callable[..., str]) -> None:
    name = create("upper")
    job = ended(sagemaker, name)
    assert job["ProcessingJobStatus"] == "Completed", job
    assert content(name) == {"out/algo-1.txt": "ABC"}, "links are not followed"
    assert job["ExitMessage"] == ("algo-1 has done it. " + "x" * 1100)[:1024]
    assert job["CreationTime"] <= job["ProcessingStartTime"] <= job["ProcessingEndTime"] == job["LastModifiedTime"]
    assert job["StoppingCondition"] == {"MaxRuntimeInSeconds": 86400}
    assert log(name) == {"algo-1": [f"upper {name} green True"]}
    (summary,) = sagemaker.list_processing_jobs(NameContains=name)["ProcessingJobSummaries"]
    assert summary["ProcessingJobStatus"] == "Completed"
    sagemaker.add_tags(ResourceArn=job["ProcessingJobArn"], Tags=[{"Key": "team", "Value": "a"}])
    assert sagemaker.list_tags(ResourceArn=job["ProcessingJobArn"])["Tags"] == [{"Key": "team", "Value": "a"}]
    sagemaker.delete_processing_job(ProcessingJobName=name)
    with pytest.raises(ClientError, match=f"Could not find requested job with name: {name}"):
        sagemaker.describe_processing_job(ProcessingJobName=name)


def test_each_of_several_instances_gets_its_share(sagemaker: Any, create: Callable[..., str]) -> None:
    name = create("upper", count=2)
    job = ended(sagemaker, name)
    assert job["ProcessingJobStatus"] == "Completed", job
    assert content(name) == {"out/algo-1.txt": "AC", "out/algo-2.txt": "B"}
    assert {host: lines[0].split()[0] for host, lines in log(name).items()} == {"algo-1": "upper", "algo-2": "upper"}


def test_a_script_that_raises_fails_its_job_and_only_continuous_outputs_are_kept(
    sagemaker: Any, create: Callable[..., str]
) -> None:
    name = create("raise")
    job = ended(sagemaker, name)
    assert (job["ProcessingJobStatus"], job["FailureReason"]) == ("Failed", "AlgorithmError: , exit code: 1")
    assert content(name) == {"along/left": "algo-1"}
    assert "ValueError: boom" in log(name)["algo-1"]


def test_a_script_that_hangs_is_stopped_with_all_that_it_has_started(sagemaker: Any, create: Callable[..., str]) -> None:
    name = create("hang")
    until(lambda: content(name) == {"along/early": "algo-1"})
    assert sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"] == "InProgress"
    with pytest.raises(ClientError, match="is not in a terminal state"):
        sagemaker.delete_processing_job(ProcessingJobName=name)
    sagemaker.stop_processing_job(ProcessingJobName=name)
    assert ended(sagemaker, name)["ProcessingJobStatus"] == "Stopped"
    with pytest.raises(ClientError, match="the processing job is in status Stopped"):
        sagemaker.stop_processing_job(ProcessingJobName=name)


def test_time_is_limited(sagemaker: Any, create: Callable[..., str]) -> None:
    name = create("hang", StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert ended(sagemaker, name)["ProcessingJobStatus"] == "Stopped"


@pytest.mark.parametrize(
    ("do", "members", "reason"),
    [
        ("bytes", {}, "ClientError: The exit message in /opt/ml/output/message is not UTF-8 encoded."),
        (
            "upper",
            {"ProcessingInputs": [transfer("data", "s3://bucket/nothing/", DATA)]},
            "ClientError: Failed to download data. No objects found under s3://bucket/nothing/.",
        ),
        (
            "upper",
            {"AppSpecification": {"ImageUri": "spark", "ContainerEntrypoint": ["smspark-submit", "a"]}},
            "ClientError: The program cannot be started: smspark-submit: No such file or directory",
        ),
        (
            "upper",
            {"ProcessingOutputConfig": {"Outputs": [transfer("out", "s3://nobodys-bucket/a", OUT)]}},
            "ClientError: Failed to upload the output out to s3://nobodys-bucket/a.",
        ),
    ],
)
def test_why_a_job_fails(sagemaker: Any, create: Callable[..., str], do: str, members: Any, reason: str) -> None:
    job = ended(sagemaker, create(do, **members))
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith(reason), job["FailureReason"]


def test_an_input_in_the_folder_of_another_and_an_output_in_an_input(sagemaker: Any, create: Callable[..., str]) -> None:
    """runproc.sh of the SDK's FrameworkProcessor unpacks and writes where its inputs are."""
    command = "cd /opt/ml/processing; cat in/a in/deep/b > in/out/both; python -c 'print(1)' >> in/out/both; pip --version"
    outputs = [{"OutputName": "o", "S3Output": {"S3Uri": "s3://bucket/nested", "LocalPath": "/opt/ml/processing/in/out"}}]
    outputs[0]["S3Output"]["S3UploadMode"] = "EndOfJob"  # type: ignore[index] # a dict
    name = create(
        "nested",
        AppSpecification={"ImageUri": "image", "ContainerEntrypoint": ["/bin/bash", "-ec", command]},
        ProcessingInputs=[
            transfer("data", "s3://bucket/data/a", "/opt/ml/processing/in"),
            transfer("deep", "s3://bucket/data/b", "/opt/ml/processing/in/deep"),
        ],
        ProcessingOutputConfig={"Outputs": outputs},
    )
    job = ended(sagemaker, name)
    assert job["ProcessingJobStatus"] == "Completed", job
    assert content("nested") == {"both": "ab1\n"}


def test_what_a_job_of_the_same_name_and_one_that_is_not_there_are_answered(sagemaker: Any, create: Callable[..., str]) -> None:
    name = create("upper")
    with pytest.raises(ClientError, match="a processing job with this name already exists") as refused:
        create("upper")
    assert refused.value.response["Error"]["Code"] == "ResourceInUse"
    ended(sagemaker, name)
    with pytest.raises(ClientError, match="Could not find requested job") as missing:
        sagemaker.stop_processing_job(ProcessingJobName="nobody")
    assert missing.value.response["Error"]["Code"] == "ResourceNotFound"


def test_changes_of_state_are_events(sagemaker: Any, create: Callable[..., str]) -> None:
    events, logs = boto3.client("events"), boto3.client("logs")
    logs.create_log_group(logGroupName="/events")
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Processing Job State Change"]}
    events.put_rule(Name="rule", EventPattern=json.dumps(pattern))
    target = "arn:aws:logs:us-east-1:123456789012:log-group:/events"
    events.put_targets(Rule="rule", Targets=[{"Id": "1", "Arn": target}])
    name = create("raise")
    ended(sagemaker, name)

    def seen() -> list[Any]:
        listed = logs.filter_log_events(logGroupName="/events")["events"]
        return [json.loads(event["message"])["detail"]["ProcessingJobStatus"] for event in listed]

    until(lambda: seen() == ["InProgress", "Failed"])


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"AppSpecification": {"ImageUri": "image"}}, "has no ContainerEntrypoint"),
        ({"ProcessingInputs": [transfer("a", "s3://b/c", DATA, S3InputMode="Pipe")]}, "S3InputMode Pipe, which is not emulated"),
    ],
)
def test_what_cannot_be_run_is_refused(create: Callable[..., str], members: Any, sentence: str) -> None:
    with pytest.raises(ClientError, match=sentence) as refused:
        create("upper", **members)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
