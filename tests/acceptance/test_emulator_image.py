"""The emulator's image as its Dockerfile makes it, and the containers of docs/examples/compose.yaml, on an engine of the tests' own.

That engine has no networks of its own: the containers have this machine's, where `emulator` is another name of loopback.
"""

import io
import json
import shutil
import socket
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from tests.acceptance import wheel
from tests.conftest import BASE_IMAGE, IMAGE, ROLE, ROOT, Engine, source_archive

pytestmark = pytest.mark.slow(45)

COMPOSE = yaml.safe_load((ROOT / "docs/examples/compose.yaml").read_text())
NAME = "sm-tuning-emulator"
WHEELS = """
FROM {base}
COPY wheels /wheels
RUN printf '[global]\\nno-index = true\\nfind-links = /wheels\\n' > /etc/pip.conf
"""


@pytest.fixture(scope="module")
def image(_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The packages come from a folder in the base, for a build has no network here."""
    context = tmp_path_factory.mktemp("image")
    wheel.copy_pinned("local_emulator", context / "base/wheels")
    (context / "base/Dockerfile").write_text(WHEELS.format(base=BASE_IMAGE))
    for name in ("dist", "local_emulator"):
        (context / name).mkdir()
    for path in (".dockerignore", "local_emulator/Dockerfile", "local_emulator/requirements-image.txt"):
        shutil.copy(ROOT / path, context / path)
    shutil.copy(wheel.build(context / "wheel"), context / "dist")
    _engine.docker("build", "--network=none", "--tag=wheels", str(context / "base"))
    build = ["build", "--network=none", "--build-arg=BASE=wheels", f"--tag={NAME}"]
    _engine.docker(*build, "--file", str(context / "local_emulator/Dockerfile"), str(context))


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number: int = listener.getsockname()[1]
        return number


class Emulator:
    """A container of the service `emulator`."""

    def __init__(self, engine: Engine, port: int) -> None:
        self._engine = engine
        self.port = port

    def start(self, *options: str) -> None:
        name = ["--detach", "--name=emulator", "--health-interval=1s", *options]
        self._engine.docker("run", *name, *service("emulator", self.port), "--host=127.0.0.1", f"--port={self.port}")
        self.wait()

    def wait(self) -> None:
        """Wait for what Docker takes for healthy."""
        deadline = time.monotonic() + 300
        while (health := self._inspect("{{.State.Status}} {{.State.Health.Status}}")) != "running healthy":
            assert time.monotonic() < deadline, health + self._engine.docker("logs", "emulator").stdout
            assert health.startswith("running"), self._engine.docker("logs", "emulator").stderr
            time.sleep(0.1)

    def _inspect(self, what: str) -> str:
        return self._engine.docker("inspect", "--format", what, "emulator").stdout.strip()

    def client(self, service: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def request(self, host: str) -> urllib.request.Request:
        """One that comes by another name."""
        return urllib.request.Request(f"http://127.0.0.1:{self.port}/_health", headers={"Host": f"{host}:{self.port}"})

    def train(self, name: str, script: str) -> None:
        self.client("s3").create_bucket(Bucket="box")
        self.client("s3").put_object(Bucket="box", Key=f"{name}.tar.gz", Body=source_archive({"train.py": script}))
        self.client("sagemaker").create_training_job(
            TrainingJobName=name,
            AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            HyperParameters={"sagemaker_program": "train.py", "sagemaker_submit_directory": f"s3://box/{name}.tar.gz"},
            RoleArn=ROLE,
            OutputDataConfig={"S3OutputPath": "s3://box/output"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 300},
        )

    def wait_for_line(self, line: str) -> None:
        """Wait until a training job has printed something."""
        deadline = time.monotonic() + 300
        logs = ["exec", "emulator", "sh", "-c", "cat /var/lib/sm-tuning/runs/*/log*"]
        while line not in self._engine.docker(*logs, check=False).stdout:
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def ended(self, name: str) -> dict[str, Any]:
        deadline = time.monotonic() + 300
        while True:
            job: dict[str, Any] = self.client("sagemaker").describe_training_job(TrainingJobName=name)
            if job["TrainingJobStatus"] != "InProgress":
                return job
            assert time.monotonic() < deadline, job
            time.sleep(0.1)

    def model(self, job: Mapping[str, Any]) -> list[str]:
        """Names of the files in a training job's model."""
        key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://box/")
        body = self.client("s3").get_object(Bucket="box", Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            return sorted(archive.getnames())


def service(name: str, port: int, folder: Path | None = None) -> list[str]:
    """What `docker compose` makes of a service: options, image and command for `docker run`, of containers that share one network."""
    facts = COMPOSE["services"][name]
    options = ["--network=host", "--add-host=emulator:127.0.0.1", *(["--init"] if facts.get("init") else [])]
    variables = facts.get("environment", {}).items()
    options += [f"--env={variable}={value.replace(':4577', f':{port}')}" for variable, value in variables]
    volumes = [volume.replace(".:", f"{folder}:", 1) if volume.startswith(".") else volume for volume in facts.get("volumes", ())]
    options += [f"--volume={volume}" for volume in volumes]
    options += [f"--workdir={facts['working_dir']}"] if "working_dir" in facts else []
    options += [f"--entrypoint={word}" for word in facts.get("entrypoint", ())]
    unknown = facts.keys() - {
        "image",
        "command",
        "init",
        "ports",
        "volumes",
        "depends_on",
        "environment",
        "working_dir",
        "entrypoint",
    }
    assert not unknown
    return [*options, facts["image"], *facts["command"]]


@contextmanager
def _removed(engine: Engine) -> Iterator[None]:
    try:
        yield
    finally:
        engine.docker("rm", "--force", "emulator", check=False)
        engine.docker("volume", "rm", "--force", *COMPOSE["volumes"])


@pytest.fixture
def emulator(docker: Engine, image: None, port: int) -> Iterator[Emulator]:
    with _removed(docker):
        yield Emulator(docker, port)


def test_it_is_what_a_user_expects(docker: Engine, image: None) -> None:
    config = json.loads(docker.docker("inspect", "--format", "{{json .Config}}", NAME).stdout)
    assert (config["User"], list(config["ExposedPorts"]), list(config["Volumes"])) == (
        "1000",
        ["4577/tcp"],
        ["/var/lib/sm-tuning"],
    )
    assert config["Healthcheck"]["Test"][0] == "CMD"
    assert COMPOSE["services"]["emulator"]["ports"] == ["127.0.0.1:4577:4577"], "nobody but this machine"
    run = ["run", "--rm", "--network=none", "--entrypoint=sh", NAME, "-c"]
    said = docker.docker(*run, "id -u; sm-tuning --version; test -w /opt/emulator || echo read only").stdout.splitlines()
    assert (said[0], said[2]) == ("1000", "read only")


def test_a_tuning_job_between_two_containers_and_a_restart(docker: Engine, emulator: Emulator, tmp_path: Path) -> None:
    emulator.start()
    for name in ("minimal.py", "contract.py"):
        shutil.copy(ROOT / "training_scripts" / name, tmp_path)
    job = (ROOT / "docs/examples/digits.toml").read_text().replace("../../training_scripts/mlp.py", "minimal.py")
    (tmp_path / "job.toml").write_text(job.replace("max_jobs = 12", "max_jobs = 2").replace("high = 16 }", "high = 5 }"))
    tmp_path.chmod(0o755)
    said = docker.docker("run", "--rm", *service("tune", emulator.port, tmp_path)).stdout
    assert "Completed" in said
    assert f"http://emulator:{emulator.port} (AWS_ENDPOINT_URL)" in said
    with urllib.request.urlopen(emulator.request("emulator")) as answer:
        assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError, match="421") as refused:
        urllib.request.urlopen(emulator.request("other"))
    refused.value.close()
    emulator.train("runs", "import time\nprint('it runs', flush=True)\ntime.sleep(600)\n")
    emulator.wait_for_line("it runs")
    docker.docker("stop", "emulator")
    docker.docker("start", "emulator")
    emulator.wait()
    (tuning,) = emulator.client("sagemaker").list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"]
    assert tuning["HyperParameterTuningJobStatus"] == "Completed", "what it knew is in the volume"
    assert emulator.ended("runs")["FailureReason"].startswith("InternalServerError"), "what ran has ended with the container"


def test_paths_of_training_jobs(emulator: Emulator) -> None:
    """Without the right to mount, scripts find their paths in the SM_* variables; with it each has an /opt/ml of its own."""
    emulator.start()
    emulator.train("variables", "import os\nopen(os.environ['SM_MODEL_DIR'] + '/variables', 'w').close()\n")
    emulator.train("paths", "open('/opt/ml/model/paths', 'w').close()\n")
    assert emulator.model(emulator.ended("variables")) == ["variables"]
    assert "No such file or directory: '/opt/ml/model/paths'" in emulator.ended("paths")["FailureReason"]


def test_private_paths_where_mounting_is_allowed(emulator: Emulator) -> None:
    emulator.start("--security-opt=seccomp=unconfined")
    emulator.train("paths", "open('/opt/ml/model/paths', 'w').close()\n")
    assert emulator.model(emulator.ended("paths")) == ["paths"]
