"""Transform jobs: a server really runs, gets the records of every file, and its answers are what S3 gets."""

import gzip
import json
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_emulator.testing import emulated_sagemaker
from tests.conftest import source_archive

WITHIN = 120.0  # seconds
# Doubles numbers, a line each; what else it does its environment says. It prints what it was sent.
SERVER = """
import http.server, json, os, sys, time

model = open("/opt/ml/model/factor").read()

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/execution-parameters" and "PARAMETERS" in os.environ:
            return self.answer(200, os.environ["PARAMETERS"].encode())
        self.answer(200 if self.path == "/ping" and "DOWN" not in os.environ else 404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        print("sent", repr(body), self.headers["Content-Type"], self.headers["Accept"], flush=True)
        if b"die" in body:
            os._exit(3)
        if b"hang" in body:
            time.sleep(600)
        if b"bad" in body:
            return self.answer(415, b"no such data")
        lines = body.decode().splitlines()
        if self.headers["Accept"] == "application/jsonlines":
            return self.answer(200, "".join(json.dumps({"sum": sum(json.loads(line)["x"])}) + "\\\\n" for line in lines).encode())
        self.answer(200, "\\\\n".join(str(float(model) * float(line.split(",")[-1] or 0)) for line in lines).encode())

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
""".replace("\\\\n", "\\n")


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    script = tmp_path_factory.mktemp("server") / "server.py"
    script.write_text(SERVER)
    return script


@pytest.fixture(scope="module")
def sagemaker(script: Path) -> Iterator[Any]:
    with emulated_sagemaker(parallel=2, images={"plain": (sys.executable, str(script))}):
        s3, client = boto3.client("s3"), boto3.client("sagemaker")
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="model.tar.gz", Body=source_archive({"factor": "2"}))
        container = {"Image": "plain", "ModelDataUrl": "s3://bucket/model.tar.gz"}
        client.create_model(ModelName="model", PrimaryContainer=container, ExecutionRoleArn="arn:aws:iam::123456789012:role/r")
        yield client


@pytest.fixture
def transform(sagemaker: Any, request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Transform some files, named as keys below `NAME/in/`; the job that has ended, and its name."""

    def run(files: dict[str, bytes], given: Any = None, taken: Any = None, *, wait: bool = True, **members: Any) -> Any:
        name = f"{request.node.originalname}-{time.monotonic_ns() % 10**9}".replace("_", "-")[-60:].strip("-")
        for key, content in files.items():
            boto3.client("s3").put_object(Bucket="bucket", Key=f"{name}/in/{key}", Body=content)
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://bucket/{name}/in"}
        sagemaker.create_transform_job(
            TransformJobName=name,
            ModelName=members.pop("ModelName", "model"),
            TransformInput={
                "DataSource": {"S3DataSource": source},
                "ContentType": "text/csv",
                "SplitType": "Line",
                **(given or {}),
            },
            TransformOutput={"S3OutputPath": f"s3://bucket/{name}/out", "AssembleWith": "Line", **(taken or {})},
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
            **members,
        )
        return ended(sagemaker, name) if wait else name

    return run


def ended(sagemaker: Any, name: str) -> Any:
    deadline = time.monotonic() + WITHIN
    while True:
        job = sagemaker.describe_transform_job(TransformJobName=name)
        if job["TransformJobStatus"] not in {"InProgress", "Stopping"}:
            return job
        assert time.monotonic() < deadline
        time.sleep(0.02)


def outputs(job: Any) -> dict[str, bytes]:
    s3, prefix = boto3.client("s3"), f"{job['TransformJobName']}/out/"
    listed = s3.list_objects_v2(Bucket="bucket", Prefix=prefix).get("Contents", ())
    return {
        entry["Key"].removeprefix(prefix): s3.get_object(Bucket="bucket", Key=entry["Key"])["Body"].read() for entry in listed
    }


def logs(job: Any) -> tuple[list[str], list[str]]:
    """What the server has printed, and the data log."""
    client, group = boto3.client("logs"), "/aws/sagemaker/TransformJobs"
    streams = client.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job['TransformJobName']}/i-")["logStreams"]
    lines: tuple[list[str], list[str]] = [], []
    for stream in streams:
        events = client.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
        lines[stream["logStreamName"].endswith("/data-log")].extend(event["message"] for event in events)
    return lines


def test_every_file_gets_its_answer_in_the_same_layout(sagemaker: Any, transform: Callable[..., Any]) -> None:
    job = transform({"a.csv": b"1\n2\n", "deep/b.csv": b"7,3"}, Environment={"COLOUR": "green"})
    assert job["TransformJobStatus"] == "Completed", (job, logs(job))
    assert outputs(job) == {"a.csv.out": b"2.0\n4.0\n", "deep/b.csv.out": b"6.0\n"}
    assert job["CreationTime"] <= job["TransformStartTime"] <= job["TransformEndTime"]
    assert job["DataProcessing"] == {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}
    printed, data = logs(job)
    assert sorted(printed) == ["sent b'1\\n2\\n' text/csv None", "sent b'7,3' text/csv None"]
    assert data[0].endswith("[sagemaker logs]: MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD")
    (summary,) = sagemaker.list_transform_jobs(NameContains=job["TransformJobName"])["TransformJobSummaries"]
    assert summary["TransformJobStatus"] == "Completed"
    sagemaker.add_tags(ResourceArn=job["TransformJobArn"], Tags=[{"Key": "team", "Value": "a"}])
    assert sagemaker.list_tags(ResourceArn=job["TransformJobArn"])["Tags"] == [{"Key": "team", "Value": "a"}]


def test_single_records_at_once_of_a_packed_file_keep_their_order(transform: Callable[..., Any]) -> None:
    numbers = range(20)
    content = gzip.compress("".join(f"{number}\n" for number in numbers).encode())
    job = transform({"a.csv.gz": content}, {"CompressionType": "Gzip"}, BatchStrategy="SingleRecord", MaxConcurrentTransforms=4)
    assert outputs(job) == {"a.csv.gz.out": "".join(f"{2.0 * number}\n" for number in numbers).encode()}
    assert len(logs(job)[0]) == 20


def test_the_server_says_what_the_request_does_not(transform: Callable[..., Any]) -> None:
    parameters = {"MaxConcurrentTransforms": 2, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 1}
    job = transform({"a.csv": b"1\n2\n"}, MaxPayloadInMB=3, Environment={"PARAMETERS": json.dumps(parameters)})
    assert outputs(job) == {"a.csv.out": b"2.0\n4.0\n"}
    printed, data = logs(job)
    assert len(printed) == 2
    assert data[0].endswith("MaxConcurrentTransforms=2, MaxPayloadInMB=3, BatchStrategy=SINGLE_RECORD")


def test_whole_files_and_recordio_are_sent_as_they_are(transform: Callable[..., Any]) -> None:
    frame = struct.pack("<II", 0xCED7230A, 3) + b"1,5\0"
    job = transform({"a": b"1\n2"}, {"SplitType": "None"}, {"AssembleWith": "None"})
    assert outputs(job) == {"a.out": b"2.0\n4.0"}
    job = transform({"bad": frame}, {"SplitType": "RecordIO", "ContentType": "application/x-recordio-protobuf"})
    assert logs(job)[0][0].startswith(r"sent b'\n#\xd7\xce\x03\x00\x00\x001,5\x00'")


def test_columns_are_left_out_and_joined(transform: Callable[..., Any]) -> None:
    processing = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
    job = transform({"a.csv": b'"id, 1",9,1\nid2,8,2\n'}, taken={"Accept": "text/csv"}, DataProcessing=processing)
    assert outputs(job) == {"a.csv.out": b'"id, 1",2.0\nid2,4.0\n'}
    assert logs(job)[0] == [r"sent b'9,1\n8,2\n' text/csv text/csv"]


def test_records_of_json_are_joined(transform: Callable[..., Any]) -> None:
    lines = {"ContentType": "application/jsonlines"}
    processing = {"JoinSource": "Input", "OutputFilter": "$['id','SageMakerOutput']", "InputFilter": "$"}
    content = b'{"id": 1, "x": [1, 2]}\n{"id": 2, "x": [5]}\n'
    job = transform({"a": content}, lines, {"Accept": "application/jsonlines"}, DataProcessing=processing)
    assert outputs(job) == {"a.out": b'[1,{"sum":3}]\n[2,{"sum":5}]\n'}


@pytest.mark.parametrize(
    ("content", "members", "reason", "said"),
    [
        (b"1\nbad\n", {}, "ClientError: See job logs for more information", "Bad HTTP status received from algorithm: 415"),
        (b"die\n", {}, "AlgorithmError: See job logs for more information", "The model server has closed the connection"),
        (
            b"hang\n",
            {"ModelClientConfig": {"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 0}},
            "AlgorithmError: See job logs for more information",
            "Model server did not respond to /invocations request in time",
        ),
        (b"x" * 2**20 + b"y", {"MaxPayloadInMB": 1}, "ClientError: Too much data for max payload size", "Too much data for max"),
    ],
)
def test_a_file_that_fails_fails_the_job_and_the_others_are_kept(
    transform: Callable[..., Any], content: bytes, members: Any, reason: str, said: str
) -> None:
    job = transform({"a.csv": b"1\n", "b.csv": content}, **members)
    assert (job["TransformJobStatus"], job["FailureReason"]) == ("Failed", reason)
    assert outputs(job) == {"a.csv.out": b"2.0\n"}
    (line,) = [line for line in logs(job)[1] if said in line]
    assert f"[sagemaker logs]: bucket/{job['TransformJobName']}/in/b.csv: {said}" in line


def test_a_job_is_stopped_with_its_server_and_keeps_nothing(sagemaker: Any, transform: Callable[..., Any]) -> None:
    name = transform({"a.csv": b"1\n", "b.csv": b"hang\n"}, wait=False)
    with pytest.raises(ClientError, match="a transform job with this name already exists"):
        sagemaker.create_transform_job(
            TransformJobName=name,
            ModelName="model",
            TransformInput={"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/x"}}},
            TransformOutput={"S3OutputPath": "s3://bucket/x"},
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        )
    sagemaker.stop_transform_job(TransformJobName=name)
    job = ended(sagemaker, name)
    assert job["TransformJobStatus"] == "Stopped"
    assert outputs(job) == {}
    with pytest.raises(ClientError, match="the transform job is in status Stopped"):
        sagemaker.stop_transform_job(TransformJobName=name)


def test_what_is_not_there_is_refused(sagemaker: Any, transform: Callable[..., Any]) -> None:
    with pytest.raises(ClientError, match='Could not find model "arn:aws:sagemaker:us-east-1:123456789012:model/nobody"'):
        transform({}, ModelName="nobody")
    with pytest.raises(ClientError, match="Could not find requested job with name: nobody"):
        sagemaker.describe_transform_job(TransformJobName="nobody")
    job = transform({})
    assert job["FailureReason"].startswith("ClientError: Failed to download data. No objects found under s3://bucket/")


def test_a_server_that_dies_before_it_is_up_fails_the_job(sagemaker: Any, transform: Callable[..., Any]) -> None:
    sagemaker.create_model(
        ModelName="empty", PrimaryContainer={"Image": "plain"}, ExecutionRoleArn="arn:aws:iam::123456789012:role/r"
    )
    job = transform({"a.csv": b"1\n"}, ModelName="empty")
    assert job["FailureReason"] == "AlgorithmError: See job logs for more information"
    printed, data = logs(job)
    assert "FileNotFoundError" in printed[-1]
    assert "did not pass the ping health check" in data[-1]


def test_no_server_is_left(script: Path) -> None:
    """After all that was asked of it above, and a job that was stopped."""
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [command for command in commands if str(script).encode() in command]
