"""What a script is packed into, and what a launch says that fails."""

import gzip
import io
import os
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError

from sm_tuning import Channel, Script, TuningJob
from sm_tuning.cli.failures import explain
from sm_tuning.client import launch, source_archive
from sm_tuning.client.emulator_process import LOCAL_OUTPUT, LOCAL_ROLE
from sm_tuning.errors import NameTaken, NotLaunched, Unreachable
from tests.unit.sm_tuning.conftest import JOB_FILE
from tests.unit.sm_tuning.descriptions import Make


def test_the_same_files_are_the_same_bytes(folder: Path) -> None:
    (folder / "train.py").chmod(0o755)
    packed = source_archive.pack(Script(str(folder / "train.py")))
    os.utime(folder / "train.py", (1, 1))
    assert source_archive.pack(Script(str(folder / "train.py"))) == packed
    assert gzip.decompress(packed)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        members = {member.name: (member.mode, member.mtime, member.uid) for member in archive}
    assert members["train.py"] == (0o755, 0, 0)
    assert members["contract.py"] == (0o644, 0, 0)
    assert "unused.py" not in members


def test_a_source_folder_that_is_too_large(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_archive, "_MOST_SOURCE", 10)
    with pytest.raises(NotLaunched, match=r"holds \d+ bytes; at most 10 are sent as code"):
        source_archive.pack(Script("train.py", source=str(folder)))


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

    put_object = describe_hyper_parameter_tuning_job = create_hyper_parameter_tuning_job


class Account(Service):
    """A session and its clients, of an account that takes everything but a tuning job's name twice; what was uploaded, by its key."""

    def __init__(self, *, answers_describe: bool = True) -> None:
        super().__init__(ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Describe"))
        self.answers_describe = answers_describe
        self.created: dict[str, dict[str, Any]] = {}
        self.objects: dict[str, bytes] = {}

    def describe_hyper_parameter_tuning_job(self, **request: Any) -> None:
        if not self.answers_describe or request["HyperParameterTuningJobName"] not in self.created:
            raise self.error

    def create_hyper_parameter_tuning_job(self, **request: Any) -> None:
        if request["HyperParameterTuningJobName"] in self.created:
            raise ClientError({"Error": {"Code": "ResourceInUse", "Message": "it already exists."}}, "Create")
        self.created[request["HyperParameterTuningJobName"]] = request["TrainingJobDefinition"]

    def put_object(self, **request: Any) -> None:
        self.objects[f"s3://{request['Bucket']}/{request['Key']}"] = request["Body"]

    def upload_file(self, path: str, bucket: str, key: str) -> None:
        self.objects[f"s3://{bucket}/{key}"] = Path(path).read_bytes()


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


@pytest.mark.parametrize("answers_describe", [True, False])
def test_a_launch_that_is_refused_changes_nothing_of_the_tuning_job_that_has_the_name(
    job: Make, folder: Path, monkeypatch: pytest.MonkeyPatch, *, answers_describe: bool
) -> None:
    monkeypatch.setattr("sm_tuning.client.loopback.client", lambda session, *_, **__: session)
    account: Any = Account(answers_describe=answers_describe)
    (folder / "data").mkdir()
    (folder / "data" / "rows.csv").write_text("1\n")
    described = job(channels=[Channel("train", str(folder / "data"))], script=Script(str(folder / "train.py")))
    described.launch(account)
    before = dict(account.objects)
    (folder / "data" / "rows.csv").write_text("2\n")
    (folder / "train.py").write_text("raise SystemExit('another')\n")
    with pytest.raises(NameTaken) as raised:
        described.launch(account)
    assert {uri: account.objects[uri] for uri in before} == before
    definition = account.created["good"]
    (channel,) = definition["InputDataConfig"]
    read = [definition["StaticHyperParameters"]["sagemaker_submit_directory"], channel["DataSource"]["S3DataSource"]["S3Uri"]]
    assert {read[0], f"{read[1]}/rows.csv"} == before.keys()
    left = str(raised.value).partition("what was uploaded stays: ")[2].partition(";")[0].split(", ")
    uploaded = account.objects.keys() - before.keys()
    assert uploaded == (set() if answers_describe else {left[0], f"{left[1]}/rows.csv"})


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


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (NoRegionError(), "no region is set; --region, boto3.Session(region_name=…) or AWS_DEFAULT_REGION names one"),
        (NoCredentialsError(), "there are no credentials; aws configure sso makes some"),
    ],
)
def test_what_a_launch_in_aws_lacks_is_said_with_how_to_give_it(error: Exception, sentence: str, job: Make) -> None:
    service: Any = Service(error)
    with pytest.raises(NotLaunched, match=rf"was not created: {re.escape(sentence)}.*; launch\(local=True\) does without$"):
        job().launch(service)


def test_a_file_without_a_role_and_an_output_is_for_the_emulator(folder: Path) -> None:
    lines = [line for line in JOB_FILE.splitlines() if not line.startswith(("role", "output"))]
    (folder / "job.toml").write_text("\n".join(lines))
    bare = TuningJob.from_toml(folder / "job.toml")
    assert [problem.argument for problem in bare.dry_run().problems] == ["role", "output"]
    assert launch.for_emulator(bare).dry_run().ok
