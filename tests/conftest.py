"""What the tests of several rooms share: an emulator in a process of its own, and clients of it."""

import io
import json
import os
import shlex
import signal
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

ROOT = Path(__file__).parents[1]
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"


@dataclass
class Server:
    """`python -m local_emulator serve` on a state folder. `port` 0 until the first start has told it."""

    state: Path
    arguments: tuple[str, ...] = ()
    port: int = 0
    process: "subprocess.Popen[str] | None" = None
    log: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a client in another process."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {
            **clean,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    @property
    def proxied(self) -> dict[str, str]:
        """The environment of a client that has AWS's addresses in its code: what `sm-tuning emulator env --proxy` prints."""
        code = "import sys; from sm_tuning.cli import main; sys.argv[0] = 'sm-tuning'; main()"
        command = [sys.executable, "-c", code, "emulator", "env", "--proxy", "--state", str(self.state)]
        lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
        told = [shlex.split(line)[1].split("=", 1) for line in lines if line.startswith("export ")]
        return {**self.environment, **dict(told)}

    def start(self) -> "Server":
        command = [sys.executable, "-m", "local_emulator", "serve", "--state", str(self.state), "--port", str(self.port)]
        self.process = subprocess.Popen(
            [*command, *self.arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.log.append(line)
            if "http://" in line:
                self.port = int(line.split("http://127.0.0.1:")[1].split(",")[0].split()[0])
                return self
        raise AssertionError("the emulator did not start:\n" + "".join(self.log))

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is None:
            return
        self.process.send_signal(how)
        self.process.wait(timeout=60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None

    def health(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/_health", timeout=10) as answer:
            facts: dict[str, Any] = json.load(answer)
            return facts

    def client(self, service: Any) -> Any:
        return boto3.client(
            service, endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
        )

    def upload_source(self, bucket: str, script: str, name: str = "train.py") -> str:
        """Put a script as a source archive; gives its URI."""
        s3 = self.client("s3")
        s3.create_bucket(Bucket=bucket)
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            member = tarfile.TarInfo(name)
            member.size = len(script.encode())
            tar.addfile(member, io.BytesIO(script.encode()))
        s3.put_object(Bucket=bucket, Key="sourcedir.tar.gz", Body=archive.getvalue())
        return f"s3://{bucket}/sourcedir.tar.gz"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A running emulator with its own state, ended (with its runs) after the test."""
    one = Server(state=tmp_path / "state", arguments=("--stop-grace", "2"))
    try:
        yield one.start()
    finally:
        one.end()
        subprocess.run([sys.executable, "-m", "local_emulator", "reset", "--yes", "--state", str(one.state)], cwd=ROOT, check=False,
                       stdout=subprocess.DEVNULL)  # fmt: skip


@pytest.fixture
def request_of() -> Any:
    """A function that makes a CreateHyperParameterTuningJob request for a script-mode source."""

    def make(name: str, source: str, *, bucket: str, jobs: int | None = 4, parallel: int = 2, **changes: Any) -> dict[str, Any]:
        limits = {"MaxParallelTrainingJobs": parallel} | ({} if jobs is None else {"MaxNumberOfTrainingJobs": jobs})
        config = {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": limits,
            "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0.0", "MaxValue": "1.0"}]},
        } | changes.pop("config", {})
        definition = {
            "StaticHyperParameters": {"sagemaker_program": "train.py", "sagemaker_submit_directory": source}
            | changes.pop("static", {}),
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "score", "Regex": r"score=([-+0-9.eE]+)"}],
            },
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/output"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 300},
        } | changes.pop("definition", {})
        return {
            "HyperParameterTuningJobName": name,
            "HyperParameterTuningJobConfig": config,
            "TrainingJobDefinition": definition,
        } | changes

    return make
