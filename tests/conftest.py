"""What the tests of several packages share: an emulator in a process of its own, and clients of it."""

import io
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import boto3
import pytest

from local_emulator.assembly import end_runs
from local_emulator.state_folder import StateLock, wipe
from local_emulator.store.sqlite import SqliteStore
from tests import debian
from tests.acceptance.programs import one_loader, rare_gc  # noqa: F401 - they change botocore and this process
from tests.forked_programs import (  # noqa: F401 - hooks of pytest
    pytest_configure,
    pytest_configure_node,
    pytest_runtest_protocol,
    pytest_unconfigure,
)

ROOT = Path(__file__).parents[1]
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"


PURE = (ROOT / "tests" / "unit", ROOT / "tests" / "contracts")
_IMPURE: tuple[tuple[Any, str], ...] = (
    *((socket.socket, name) for name in ("connect", "connect_ex", "bind")),
    *((os, name) for name in ("fork", "posix_spawn")),
    (subprocess.Popen, "__init__"),
)


@pytest.fixture(autouse=True)
def _stores_are_closed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the stores that a pure test has opened: Python 3.13 warns of a database that nobody has closed."""
    if not any(request.path.is_relative_to(folder) for folder in PURE):
        yield
        return
    opened: list[SqliteStore] = []
    initialize = SqliteStore.__init__

    def initialize_and_note(store: SqliteStore, *arguments: Any, **options: Any) -> None:
        initialize(store, *arguments, **options)
        opened.append(store)

    monkeypatch.setattr(SqliteStore, "__init__", initialize_and_note)
    yield
    for store in opened:
        store.close()


@pytest.fixture(autouse=True)
def _guard_of_pure_tests(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a pure test that opens a socket or starts a program. The failure is no Exception: code under test cannot swallow it."""
    if not any(request.path.is_relative_to(folder) for folder in PURE) or request.node.get_closest_marker("processes"):
        yield
        return

    def refusing(call: str) -> Any:
        def refuse(*_: Any, **__: Any) -> None:
            pytest.fail(
                f"{request.node.nodeid} calls {call}: unit tests open no socket and start no program. "
                "Move it to tests/integration, or if it is one of tests/contracts, mark it `processes`."
            )

        return refuse

    with pytest.MonkeyPatch.context() as patches:
        for owner, name in _IMPURE:
            patches.setattr(owner, name, refusing(f"{owner.__name__}.{name}"))
        yield


@dataclass
class Server:
    """`python -m local_emulator serve` on a state folder. `port` 0 until the first start has told it."""

    state: Path
    arguments: tuple[str, ...] = ()
    port: int = 0
    process: "subprocess.Popen[str] | None" = None
    log: list[str] = field(default_factory=list)
    _read: bool = False  # whether a thread reads its output, and closes it
    _clients: dict[tuple[str, int], Any] = field(default_factory=dict)

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
        exports = [shlex.split(line)[1].split("=", 1) for line in lines if line.startswith("export ")]
        return {**self.environment, **dict(exports)}

    def launch(self) -> None:
        """Begin its process, without waiting for anything."""
        command = [sys.executable, "-m", "local_emulator", "serve", "--state", str(self.state), "--port", str(self.port)]
        self._read = False
        self.process = subprocess.Popen(
            [*command, *self.arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def start(self) -> "Server":
        self.launch()
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.log.append(line)
            if "http://" in line:
                self.port = int(line.split("http://127.0.0.1:")[1].split(",")[0].split()[0])
                # An emulator whose output nobody reads would stand still one day.
                threading.Thread(target=_keep, args=(self.process.stdout, self.log), daemon=True).start()
                self._read = True
                return self
        raise AssertionError("the emulator did not start:\n" + "".join(self.log))

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is None:
            return
        self.process.send_signal(how)
        self.process.wait(timeout=60)
        if not self._read and self.process.stdout is not None:  # it was not awaited
            self.process.stdout.close()
        self.process = None

    def reset(self) -> None:
        """End all runs and forget everything; the emulator goes on."""
        request = urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")
        with urllib.request.urlopen(request, timeout=60):
            pass

    def remove(self) -> None:
        """End the emulator and all runs, and remove the state folder: what `local_emulator reset` does, without its start."""
        self.end()
        with StateLock(self.state):
            end_runs(self.state)
            wipe(self.state)

    def health(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/_health", timeout=10) as answer:
            facts: dict[str, Any] = json.load(answer)
            return facts

    def client(self, service: Any) -> Any:
        """A client, made once: making it takes longer than most requests."""
        if (service, self.port) not in self._clients:
            self._clients[service, self.port] = boto3.client(
                service, endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
            )
        return self._clients[service, self.port]

    def upload_source(self, bucket: str, script: str, name: str = "train.py") -> str:
        """Put a script as a source archive; gives its URI."""
        s3 = self.client("s3")
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="sourcedir.tar.gz", Body=source_archive({name: script}))
        return f"s3://{bucket}/sourcedir.tar.gz"


def until(look: Callable[[], Any], within: float = 120.0, so: Callable[[Any], object] = bool, pause: float = 0.1) -> Any:
    """Look again and again, for so many seconds at most, until something is `so` of what is seen, which is returned.

    The `pause` between looks grows to so many seconds.
    """
    deadline, longest = time.monotonic() + within, pause
    pause = min(longest, 0.01)
    while not so(seen := look()):
        assert time.monotonic() < deadline, f"it took too long; the last was {seen!r}"
        time.sleep(pause)
        pause = min(1.2 * pause, longest)  # a request takes some of the processors that it waits for
    return seen


def source_archive(files: Mapping[str, str]) -> bytes:
    """A source archive (`sourcedir.tar.gz`) of some files: name -> text."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return archive.getvalue()


def unpack(archive: bytes, folder: Path) -> None:
    """Unpack a source archive into a new folder. Not by `tarfile`: Debian's Python 3.11.2 has no `filter`, which others ask for."""
    folder.mkdir(parents=True)
    subprocess.run(["tar", "--extract", "--gzip", "--directory", str(folder)], input=archive, check=True)


def _keep(output: IO[str], log: list[str]) -> None:
    with output:
        log.extend(output)


@dataclass
class Engine:
    """A Docker engine of the tests' own, without networks: containers have this machine's or none."""

    folder: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def host(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    def start(self) -> None:
        names = ("--data-root", "data"), ("--exec-root", "exec"), ("--pidfile", "docker.pid")
        options = [word for option, name in names for word in (option, str(self.folder / name))]
        for stale in ("docker.pid", "exec/containerd/containerd.pid"):  # a killed engine's, whose numbers may be others' by now
            (self.folder / stale).unlink(missing_ok=True)
        command = ["dockerd", "--iptables=false", "--bridge=none", "--host", self.host, *options]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 60
        while self.docker("info", check=False).returncode:
            assert time.monotonic() < deadline, (self.folder / "log").read_text()[-3000:]
            time.sleep(0.2)

    def docker(self, *words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "DOCKER_HOST": self.host, "DOCKER_BUILDKIT": "0"}
        done = subprocess.run(["docker", *words], env=environment, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def kill(self) -> None:
        """End it at once; its containers go on."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(timeout=60)
        debian.unmount_below(self.folder)  # a killed engine has left some
        subprocess.run(["rm", "--recursive", "--force", str(self.folder)], check=False)  # images have many files


BASE_IMAGE = "debian-python"


@pytest.fixture(scope="session")
def _engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine that holds a Debian with Python."""
    missing = [name for name in ("dockerd", "docker", "debootstrap") if shutil.which(name) is None]
    if missing or os.getuid() != 0:
        pytest.skip(f"a Docker engine needs root and Debian's docker.io and debootstrap; missing: {missing or 'root'}")
    engine = Engine(tmp_path_factory.mktemp("docker"))
    engine.start()
    try:
        engine.docker("import", str(debian.made()), BASE_IMAGE)
        yield engine
    finally:
        engine.end()


@pytest.fixture
def docker(_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A running Docker engine, which programs find in their environment; after the test no container may be left."""
    monkeypatch.setenv("DOCKER_HOST", _engine.host)
    yield _engine
    assert _engine.docker("ps", "--all", "--quiet").stdout == ""


@pytest.fixture(scope="session")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """Emulators that know nothing, one at most."""
    servers: list[Server] = []
    yield servers
    for server in servers:
        server.remove()


@pytest.fixture
def server(_running: list[Server], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running emulator that knows nothing. Unless a test ends it, it serves the next test too."""
    if not _running:
        _running.append(Server(tmp_path_factory.mktemp("emulator") / "state", ("--stop-grace", "2")).start())
    running = _running.pop()
    process = running.process
    yield running
    if process is not None and running.process is process and process.poll() is None:
        running.reset()
        _running.append(running)
    else:
        running.remove()


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Server]:
    """A running emulator as it is after a start: with the role and the assumed caller, which a reset takes away."""
    running = Server(tmp_path / "state", ("--stop-grace", "2")).start()
    yield running
    running.remove()


def tuning_request(
    name: str, source: str, *, bucket: str, jobs: int | None = 4, parallel: int = 2, **changes: Any
) -> dict[str, Any]:
    """A CreateHyperParameterTuningJob request for a script-mode source."""
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


@pytest.fixture
def request_of() -> Any:
    """The function that makes such a request."""
    return tuning_request
