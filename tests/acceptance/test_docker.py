"""Training jobs in real containers: the project's own training image, built here, on an engine of the tests' own."""

import json
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import BASE_IMAGE, ROLE, ROOT, Engine, Server

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/digits:0.1"
PLAIN = "123456789012.dkr.ecr.us-east-1.amazonaws.com/plain:1"
PYTHON = """
FROM {base}
COPY wheels /wheels
RUN python3 -m venv /opt/venv && printf '[global]\\nno-index = true\\nfind-links = /wheels\\n' > /etc/pip.conf
ENV PATH=/opt/venv/bin:/usr/bin:/bin
"""


@pytest.fixture(scope="module")
def images(_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The project's training image, as its Dockerfile makes it; the packages come from a folder, for a build has no network here."""
    context = tmp_path_factory.mktemp("python")
    scripts = ROOT / "training_scripts"
    wanted = ["--requirement", str(scripts / "requirements-image.txt"), "--dest", str(context / "wheels")]
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:", "--python-version=3.11", *wanted]
    subprocess.run(download, check=True, capture_output=True)
    (context / "Dockerfile").write_text(PYTHON.format(base=BASE_IMAGE))
    _engine.docker("build", "--network=none", "--tag=python", str(context))
    _engine.docker("build", "--network=none", "--build-arg=BASE=python", f"--tag={IMAGE}", str(scripts))
    _engine.docker("tag", BASE_IMAGE, PLAIN)


@pytest.fixture
def served(docker: Engine, images: None, tmp_path: Path) -> Iterator[Server]:
    server = Server(state=tmp_path / "state", arguments=("--stop-grace", "2", "--image", "*.dkr.ecr.*=docker:"))
    try:
        yield server.start()
    finally:
        server.remove()


def until_ended(describe: Any, status: str) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        job: dict[str, Any] = describe()
        if job[status] not in {"InProgress", "Stopping"}:
            return job
        time.sleep(0.1)
    raise AssertionError(job)


def run(server: Server, name: str, *command: str, **changes: Any) -> dict[str, Any]:
    """A training job of the plain image with a command; how it ended."""
    sagemaker = server.client("sagemaker")
    server.client("s3").create_bucket(Bucket="box")
    sagemaker.create_training_job(**_request(name, *command, **changes))
    return until_ended(lambda: sagemaker.describe_training_job(TrainingJobName=name), "TrainingJobStatus")


def _request(name: str, *command: str, **changes: Any) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": PLAIN,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": [command[0]],
            **({"ContainerArguments": list(command[1:])} if command[1:] else {}),
        },
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://box/output"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **changes,
    }


_SCRIPT = ("python3", "/opt/ml/input/data/code/script.py")


def _code(server: Server, script: str, **others: str) -> dict[str, Any]:
    """A channel with a script, as SDK 3's ModelTrainer sends one."""
    s3 = server.client("s3")
    s3.create_bucket(Bucket="box")
    for name, text in {"script.py": script, **others}.items():
        s3.put_object(Bucket="box", Key=f"code/{name}", Body=text.encode())
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://box/code/"}
    return {"InputDataConfig": [{"ChannelName": "code", "DataSource": {"S3DataSource": source}}]}


def test_a_tuning_job_of_the_projects_image(served: Server, tmp_path: Path) -> None:
    sagemaker, s3, logs = (served.client(name) for name in ("sagemaker", "s3", "logs"))
    s3.create_bucket(Bucket="box")
    metric = {"Name": "validation:accuracy", "Regex": "validation:accuracy=([0-9.eE+-]+)"}
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="digits",
        HyperParameterTuningJobConfig={
            "Strategy": "Random",
            "RandomSeed": 1,
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:accuracy"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {
                "ContinuousParameterRanges": [
                    {"Name": "learning_rate", "MinValue": "0.0005", "MaxValue": "0.05", "ScalingType": "Logarithmic"}
                ],
                "IntegerParameterRanges": [{"Name": "batch_size", "MinValue": "32", "MaxValue": "128"}],
            },
        },
        TrainingJobDefinition={
            "StaticHyperParameters": {"epochs": "4"},
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File", "MetricDefinitions": [metric]},
            **{
                name: value
                for name, value in _request("x", "x").items()
                if name not in {"TrainingJobName", "AlgorithmSpecification"}
            },
        },
    )
    job = until_ended(
        lambda: sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="digits"),
        "HyperParameterTuningJobStatus",
    )
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["Completed"] == 4, served.log
    best = job["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] > 0.85
    training = sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])
    bucket, key = training["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").split("/", 1)
    s3.download_file(bucket, key, str(tmp_path / "model.tar.gz"))
    with tarfile.open(tmp_path / "model.tar.gz") as archive:
        assert any(name.startswith("model.") for name in archive.getnames())
    group = "/aws/sagemaker/TrainingJobs"
    (stream,) = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=best["TrainingJobName"])["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    assert sum("validation:accuracy=" in event["message"] for event in events) == 4


def test_it_finds_its_data_its_variables_and_the_emulator(served: Server) -> None:
    s3 = served.client("s3")
    script = (
        "import json, os, urllib.request\n"
        "urllib.request.urlopen(os.environ['AWS_ENDPOINT_URL'] + '/_health')\n"
        "told = dict(os.environ) | {'data': open('/opt/ml/input/data/code/a.csv').read()}\n"
        "told |= json.load(open('/opt/ml/input/config/hyperparameters.json'))\n"
        "json.dump(told, open('/opt/ml/output/data/told.json', 'w'))\n"
    )
    code = _code(served, script, **{"a.csv": "1,2\n"})
    job = run(served, "finds", *_SCRIPT, **code, Environment={"MINE": "a b"}, HyperParameters={"lr": "1"})
    assert job["TrainingJobStatus"] == "Completed", job
    body = s3.get_object(Bucket="box", Key="output/finds/output/output.tar.gz")["Body"].read()
    held = subprocess.run(["tar", "-xzO"], input=body, capture_output=True, check=True).stdout
    facts = json.loads(held)
    assert (facts["data"], facts["MINE"], facts["lr"], facts["TRAINING_JOB_NAME"]) == ("1,2\n", "a b", "1", "finds")
    assert facts["HOME"] == "/root"  # the image's own, as PATH is


def test_it_may_run_as_any_user(served: Server) -> None:
    """Whoever it runs as: it signs with the key that it was given, and nobody else of that number is answered."""
    script = (
        "import os, urllib.error, urllib.request\n"
        "os.setuid(65534)\n"
        "def status(key):\n"
        "    signed = f'AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0'\n"
        "    request = urllib.request.Request(os.environ['AWS_ENDPOINT_URL'] + '/_health', headers={'Authorization': signed})\n"
        "    try:\n"
        "        return urllib.request.urlopen(request).status\n"
        "    except urllib.error.HTTPError as error:\n"
        "        return error.code\n"
        "assert (status(os.environ['AWS_ACCESS_KEY_ID']), status('test')) == (200, 403)\n"
    )
    job = run(served, "nobody", *_SCRIPT, **_code(served, script))
    assert job["TrainingJobStatus"] == "Completed", job


def test_its_failures_are_told_as_aws_tells_them(served: Server) -> None:
    job = run(served, "fails", "sh", "-c", "echo 'no such column' > /opt/ml/output/failure; exit 3")
    assert (job["TrainingJobStatus"], job["FailureReason"]) == ("Failed", "AlgorithmError: no such column, exit code: 3")
    job = run(served, "no-train", "x", AlgorithmSpecification={"TrainingImage": PLAIN, "TrainingInputMode": "File"})
    assert job["FailureReason"].startswith("ClientError: The container cannot be started: ")
    assert '"train": executable file not found' in job["FailureReason"]


def test_without_a_network(served: Server) -> None:
    job = run(served, "alone", "sh", "-c", 'test "$(ls /sys/class/net)" = lo', EnableNetworkIsolation=True)
    assert job["TrainingJobStatus"] == "Completed", job


def test_stop(served: Server) -> None:
    sagemaker = served.client("sagemaker")
    script = (
        "import signal, sys, time\n"
        "signal.signal(15, lambda *_: (open('/opt/ml/model/saved', 'w').write('x'), sys.exit(0)))\n"
        "print('up', flush=True)\ntime.sleep(60)\n"
    )
    sagemaker.create_training_job(**_request("stops", *_SCRIPT, **_code(served, script)))
    deadline = time.monotonic() + 60
    while not any("up" in log.read_text() for log in (served.state / "runs").glob("*/log.*")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    sagemaker.stop_training_job(TrainingJobName="stops")
    job = until_ended(lambda: sagemaker.describe_training_job(TrainingJobName="stops"), "TrainingJobStatus")
    assert job["TrainingJobStatus"] == "Stopped"
    assert served.client("s3").head_object(Bucket="box", Key="output/stops/output/model.tar.gz")


def test_a_reset_leaves_no_container(served: Server) -> None:
    """`docker`, the fixture, looks that there is none."""
    served.client("s3").create_bucket(Bucket="box")
    served.client("sagemaker").create_training_job(**_request("endless", "sleep", "60"))
    deadline = time.monotonic() + 60
    while not subprocess.run(["docker", "ps", "--quiet"], capture_output=True, text=True, check=True).stdout:
        assert time.monotonic() < deadline
        time.sleep(0.1)
