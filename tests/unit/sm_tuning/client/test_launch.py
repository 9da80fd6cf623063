"""What a script is packed into, and what a launch says that fails."""

import gzip
import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from sm_tuning import Script, TuningJob
from sm_tuning.cli.failures import explain
from sm_tuning.client import launch
from sm_tuning.client.emulator_process import LOCAL_OUTPUT, LOCAL_ROLE
from sm_tuning.errors import NotLaunched, Unreachable
from tests.unit.sm_tuning.conftest import JOB_FILE
from tests.unit.sm_tuning.descriptions import Make


def test_the_same_files_are_the_same_bytes(folder: Path) -> None:
    (folder / "train.py").chmod(0o755)
    packed = launch.pack(Script(str(folder / "train.py")))
    os.utime(folder / "train.py", (1, 1))
    assert launch.pack(Script(str(folder / "train.py"))) == packed
    assert gzip.decompress(packed)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        members = {member.name: (member.mode, member.mtime, member.uid) for member in archive}
    assert members["train.py"] == (0o755, 0, 0)
    assert members["contract.py"] == (0o644, 0, 0)
    assert "unused.py" not in members


def test_a_source_folder_that_is_too_large(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "_MOST_SOURCE", 10)
    with pytest.raises(NotLaunched, match=r"holds \d+ bytes; at most 10 are sent as code"):
        launch.pack(Script("train.py", source=str(folder)))


class Service:
    """A session and its clients, whose every request fails."""

    region_name = "us-east-1"

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.meta = self

    def client(self, *_: object, **_options: object) -> "Service":
        return self

    def create_hyper_parameter_tuning_job(self, **_: object) -> None:
        raise self.error

    put_object = create_hyper_parameter_tuning_job


def test_a_service_that_does_not_answer_is_told_from_a_refusal(job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    silent: Any = Service(EndpointConnectionError(endpoint_url="http://127.0.0.1:1/"))
    monkeypatch.setattr("sm_tuning.client.loopback.client", lambda session, *_, **__: session)
    with pytest.raises(
        Unreachable, match=r"does not answer: .*AWS_ENDPOINT_URL of this shell names http://127\.0\.0\.1:1"
    ) as raised:
        job().launch(silent)
    assert explain(raised.value)[1] == 3
    taken: Any = Service(ClientError({"Error": {"Code": "ResourceInUse", "Message": "it already exists."}}, "Create"))
    with pytest.raises(NotLaunched, match=r"it already exists; unique_name\('good'\) makes a name that is free"):
        job().launch(taken)


def test_the_emulator_has_a_role_and_an_output_of_its_own(job: Make) -> None:
    bare = launch.for_emulator(job(role="", output=""))
    assert (bare.role, bare.output) == (LOCAL_ROLE, LOCAL_OUTPUT)
    assert bare.dry_run().ok
    assert launch.for_emulator(job()) == job(), "its own stay"


def test_aws_is_sent_nothing_without_a_role_and_an_output(job: Make) -> None:
    service: Any = Service(AssertionError("asked"))
    with pytest.raises(
        NotLaunched, match=r"role is ''; AWS needs one of your account: give role= .*\n.*output is ''; .* give output="
    ):
        job(role="", output="").launch(service)


def test_a_file_without_a_role_and_an_output_is_for_the_emulator(folder: Path) -> None:
    lines = [line for line in JOB_FILE.splitlines() if not line.startswith(("role", "output"))]
    (folder / "job.toml").write_text("\n".join(lines))
    bare = TuningJob.from_toml(folder / "job.toml")
    assert [problem.argument for problem in bare.dry_run().problems] == ["role", "output"]
    assert launch.for_emulator(bare).dry_run().ok
