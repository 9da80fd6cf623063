"""The emulator as a process: start, restart, commands, and what survives."""

import io
import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import ROOT, Server, until

SCRIPT = "import sys\nprint('score=' + sys.argv[sys.argv.index('-x') + 1])\nopen('/opt/ml/model/m', 'w').write('model')\n"
LOGS = "/aws/sagemaker/TrainingJobs"


def command(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "local_emulator", *words], cwd=ROOT, capture_output=True, text=True, check=False)


def ended(client: Any, name: str, within: float = 60.0) -> dict[str, Any]:
    job: dict[str, Any] = until(
        lambda: client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name),
        so=lambda job: job["HyperParameterTuningJobStatus"] not in {"InProgress", "Stopping"},
        within=within,
    )
    return job


def asked(s3: Any) -> list[dict[str, Any]]:
    """What is said of buckets and of an object."""
    locked = {"Bucket": "locked"}
    answers = [
        s3.list_buckets(),
        s3.get_bucket_versioning(**locked),
        s3.get_object_lock_configuration(**locked),
        s3.get_bucket_ownership_controls(**locked),
        s3.head_object(**locked, Key="held", ChecksumMode="ENABLED"),
        s3.get_object_legal_hold(**locked, Key="held"),
        s3.list_object_versions(**locked),
    ]
    answers[0]["Buckets"].sort(key=lambda bucket: bucket["Name"])
    return [{name: value for name, value in answer.items() if name != "ResponseMetadata"} for answer in answers]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_everything_survives_a_restart(server: Server, request_of: Any, how: signal.Signals) -> None:
    source = server.upload_source("keep", SCRIPT)
    s3 = server.client("s3")
    s3.put_object(Bucket="keep", Key="a b/ü?#", Body=b"odd", Metadata={"k": "v"}, ContentType="text/x")
    s3.put_bucket_versioning(Bucket="keep", VersioningConfiguration={"Status": "Enabled"})
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True, ObjectOwnership="BucketOwnerEnforced")
    held = {"StorageClass": "STANDARD_IA", "ServerSideEncryption": "AES256", "ObjectLockLegalHoldStatus": "ON"}
    s3.put_object(Bucket="locked", Key="held", Body=b"held", ChecksumAlgorithm="SHA256", **held)
    asked_before = asked(s3)
    s3.put_object(Bucket="keep", Key="gone", Body=b"x")
    s3.delete_object(Bucket="keep", Key="gone")
    server.client("iam").create_role(RoleName="Mine", AssumeRolePolicyDocument="{}")
    sagemaker = server.client("sagemaker")
    sagemaker.create_hyper_parameter_tuning_job(**request_of("keep", source, bucket="keep"))
    before = ended(sagemaker, "keep")
    assert before["TrainingJobStatusCounters"]["Completed"] == 4, "".join(server.log)
    logs, best = server.client("logs"), before["BestTrainingJob"]["TrainingJobName"]
    streams = [stream["logStreamName"] for stream in logs.describe_log_streams(logGroupName=LOGS)["logStreams"]]
    deleted, *remaining = sorted(streams, key=lambda stream: stream.startswith(best))
    logs.delete_log_stream(logGroupName=LOGS, logStreamName=deleted)
    server.end(how)
    run = min((server.state / "runs").iterdir())
    left = [
        run / "model.tar.gz",
        server.state / "work" / run.name / "ml" / "model" / "m",
    ]  # as if it was killed before it removed them
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    server.start()
    after = server.client("sagemaker").describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="keep")
    for facts in (before, after):
        facts.pop("ResponseMetadata")
    assert after == before
    s3 = server.client("s3")
    assert asked(s3) == asked_before
    odd = s3.get_object(Bucket="keep", Key="a b/ü?#")
    assert (odd["Body"].read(), odd["Metadata"], odd["ContentType"]) == (b"odd", {"k": "v"}, "text/x")
    assert s3.get_bucket_versioning(Bucket="keep")["Status"] == "Enabled"
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket="keep")["Contents"]]
    assert "gone" not in keys
    assert f"output/{best}/output/model.tar.gz" in keys
    logs = server.client("logs")
    streams = [stream["logStreamName"] for stream in logs.describe_log_streams(logGroupName=LOGS)["logStreams"]]
    assert sorted(streams) == sorted(remaining)
    events = logs.get_log_events(logGroupName=LOGS, logStreamName=remaining[-1])["events"]
    assert any(event["message"].startswith("score=") for event in events)
    until(lambda: not (any(path.exists() for path in left)))
    assert run.is_dir()  # its evidence stays


@pytest.mark.really_starts
def test_commands(server: Server) -> None:
    state = str(server.state)
    status = json.loads(command("status", "--json", "--state", state).stdout)
    assert (status["running"], status["url"], status["health"]["status"]) == (True, server.url, "ok")
    assert command("status", "--healthy", "--state", state).returncode == 0
    assert server.process is not None
    server.process.send_signal(signal.SIGSTOP)
    silent = command("status", "--healthy", "--state", state)
    server.process.send_signal(signal.SIGCONT)
    assert silent.returncode == 1
    assert f"(process {server.process.pid}) does not answer: timed out" in silent.stderr
    taken = command("serve", "--state", state, "--port", "0")
    assert taken.returncode == 3
    assert f"in use by the emulator at {server.url}" in taken.stderr
    port = command("serve", "--state", state + "-other", "--port", str(server.port))
    assert port.returncode == 3
    assert f"cannot listen on 127.0.0.1 port {server.port}: Address already in use" in port.stderr
    refused = command("reset", "--yes", "--state", state)
    assert refused.returncode == 3
    assert command("stop", "--state", state).returncode == 0
    assert command("stop", "--state", state).stdout == f"No emulator holds {state}.\n"
    assert command("status", "--state", state).returncode == 3
    assert "all state forgotten" in command("reset", "--yes", "--state", state).stdout
    assert command("serve", "--parallel", "0", "--state", state).returncode == 2
    assert command("serve", "--nonsense").returncode == 2


def test_unknown_things_are_modelled_errors_and_never_5xx(server: Server) -> None:
    sagemaker = server.client("sagemaker")
    assert sagemaker.list_models()["Models"] == []
    with pytest.raises(ClientError) as raised:
        sagemaker.describe_cluster(ClusterName="none")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    for body in (
        b"",
        b"{",
        b"[]",
        b'{"a": NaN}',
        b"\xff",
        b'{"a": 1, "a": 2}',
        b"[" * 100_000,
        b'{"HyperParameterTuningJobName": "\\ud800"}',
    ):
        request = urllib.request.Request(
            server.url,
            data=body,
            headers={
                "X-Amz-Target": "SageMaker.DescribeHyperParameterTuningJob",
                "Content-Type": "application/x-amz-json-1.1",
                "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sagemaker/aws4_request",
            },
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)
        with refused.value as error:
            assert error.code == 400
            assert json.load(error)["__type"] in {"SerializationException", "ValidationException"}


@pytest.fixture
def another(tmp_path: Path) -> Iterator[Server]:
    """Somebody else's S3: a second emulator, of which only S3 is used."""
    another = Server(state=tmp_path / "another")
    try:
        yield another.start()
    finally:
        another.end()


def test_an_object_may_be_empty(server: Server) -> None:
    s3 = server.client("s3")  # which sends `Expect: 100-continue` even so
    s3.create_bucket(Bucket="box")
    s3.put_object(Bucket="box", Key="_SUCCESS", Body=b"")
    assert s3.head_object(Bucket="box", Key="_SUCCESS")["ContentLength"] == 0


def test_beside_an_s3_of_somebody_else(another: Server, tmp_path: Path, request_of: Any) -> None:
    source = another.upload_source("theirs", SCRIPT)
    server = Server(state=tmp_path / "state", arguments=("--s3-endpoint", another.url)).start()
    try:
        sagemaker = server.client("sagemaker")
        sagemaker.create_hyper_parameter_tuning_job(**request_of("remote", source, bucket="theirs", jobs=2))
        job = ended(sagemaker, "remote")
        assert job["TrainingJobStatusCounters"]["Completed"] == 2, job
        key = f"output/{job['BestTrainingJob']['TrainingJobName']}/output/model.tar.gz"
        assert io.BytesIO(another.client("s3").get_object(Bucket="theirs", Key=key)["Body"].read()).getbuffer().nbytes > 0
    finally:
        server.end()
