"""What goes to S3 of a run, and the reason of a failure."""

import errno
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from local_emulator.domain.errors import RunError
from local_emulator.domain.objects import NoSuchBucket, ObjectInfo, ObjectsUnavailable
from local_emulator.domain.spec import CheckpointConfig, OutputConfig
from local_emulator.domain.training import TrainingJob
from local_emulator.runs.data import artifacts
from local_emulator.runs.data.log import LogWriter
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.run import Cause, Command, Exit, Mode, Run
from tests.made_jobs import NOW, training


class Objects:
    """Keeps the keys of what is uploaded, or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.keys: list[str] = []

    def list(self, bucket: str, prefix: str) -> Sequence[ObjectInfo]:
        raise AssertionError((bucket, prefix))

    def download(self, bucket: str, key: str, target: Path) -> None:
        raise AssertionError((bucket, key, target))

    def upload(self, bucket: str, key: str, source: Path) -> None:
        if self.error is not None:
            raise self.error
        self.keys.append(f"{bucket}/{key} {source.name}")


class Contents(Objects):
    """Keeps the content of what is uploaded beside its key."""

    def upload(self, bucket: str, key: str, source: Path) -> None:
        self.keys.append(f"{bucket}/{key} {source.read_text()}")


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path / "runs" / "r")
    run.make()
    (run.ml / "output").mkdir(parents=True, exist_ok=True)
    return run


def job(**output: object) -> TrainingJob:
    base = training("j")
    return replace(base, spec=replace(base.spec, output=OutputConfig(s3_output_path="s3://b/p/", **output)))  # type: ignore[arg-type] # members


def end(code: int = 0, cause: Cause = Cause.EXIT, **changes: object) -> Exit:
    return Exit(cause=cause, code=code, time=NOW, **changes)  # type: ignore[arg-type] # members


def test_archives_lie_where_sagemaker_puts_them(folder: RunFolder) -> None:
    objects = Objects()
    artifacts.upload(job(), folder, end(model=True, output=True), objects)
    assert objects.keys == ["b/p/j/output/model.tar.gz model.tar.gz", "b/p/j/output/output.tar.gz output.tar.gz"]
    assert artifacts.nothing(job(), end())
    assert not artifacts.nothing(job(), end(model=True))


def test_without_compression_files_are_uploaded_as_they_are(folder: RunFolder) -> None:
    (folder.ml / "model" / "deep").mkdir(parents=True)
    (folder.ml / "model" / "deep" / "w").write_text("1")
    (folder.ml / "model" / "link").symlink_to("deep/w")
    objects = Objects()
    artifacts.upload(job(compressed=False), folder, end(), objects)
    assert objects.keys == ["b/p/j/output/model/deep/w w"]


def test_checkpoints_lie_below_their_own_prefix(folder: RunFolder) -> None:
    config = CheckpointConfig(s3_uri="s3://c/k/", local_path="/opt/ml/mine")
    (folder.ml / "mine").mkdir()
    (folder.ml / "mine" / "1").write_text("")
    objects = Objects()
    artifacts.upload_checkpoints(replace(job(), spec=replace(job().spec, checkpoints=config)), folder, objects)
    assert objects.keys == ["c/k/1 1"]


@pytest.mark.parametrize("newest", [1, 2])
def test_of_the_checkpoints_of_several_hosts_the_newest_counts(newest: int, folder: RunFolder) -> None:
    config = CheckpointConfig(s3_uri="s3://c/k/")
    for number in (1, 2):  # each has begun with the copy of S3
        host = folder.host(f"algo-{number}")
        host.make()
        (host.ml / "checkpoints").mkdir(parents=True)
        (host.ml / "checkpoints" / "state").write_text(f"{number}")
        os.utime(host.ml / "checkpoints" / "state", (1000, 1001 if number == newest else 1000))
    objects = Contents()
    artifacts.upload_checkpoints(replace(job(), spec=replace(job().spec, checkpoints=config)), folder, objects)
    assert objects.keys == [f"c/k/state {newest}"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NoSuchBucket("b"), "Error 7: NoSuchBucket (404): The specified bucket does not exist"),
        (ObjectsUnavailable("denied"), "ClientError: Artifact upload failed:Error 7: denied"),
        (OSError(errno.EACCES, "Permission denied"), "Error 7: .*Permission denied"),
    ],
)
def test_what_cannot_be_uploaded_fails_the_job(error: Exception, reason: str, folder: RunFolder) -> None:
    with pytest.raises(RunError, match=reason if "*" in reason else reason.replace("(", r"\(").replace(")", r"\)")):
        artifacts.upload(job(), folder, end(model=True), Objects(error))


def test_what_may_pass_fails_no_job(folder: RunFolder) -> None:
    with pytest.raises(OSError, match="full"):
        artifacts.upload(job(), folder, end(model=True), Objects(OSError(errno.ENOSPC, "full")))


def test_what_the_program_wrote_is_the_reason_without_its_environment(folder: RunFolder) -> None:
    folder.save_run(Run(id="r", folder=folder.path, program=Command(argv=("train",))))
    (folder.ml / "output" / "failure").write_text("no data at hunter2-secret\0")
    reason = artifacts.failure_reason(folder, end(7), {"PASSWORD": "hunter2-secret"})
    assert reason.startswith("AlgorithmError: no data at ")
    assert reason.endswith(", exit code: 7")
    assert "hunter2-secret" not in reason


def write_missing(module: str, folder: RunFolder) -> None:
    """The log of a script that imports a module that is not there."""
    folder.save_run(Run(id="r", folder=folder.path, program=Command(argv=("/v/python", "train.py")), mode=Mode.SCRIPT))
    log = LogWriter(folder, 2**20)
    log.write(f"Traceback (most recent call last):\nModuleNotFoundError: No module named {module}\n".encode(), 1)
    log.close()


@pytest.mark.parametrize("module", ["'sklearn.nosuch'", "'json.nosuch'; 'json' is not a package"])
def test_no_package_is_asked_for_when_only_something_in_it_is_missing(module: str, folder: RunFolder) -> None:
    write_missing(module, folder)
    reason = artifacts.failure_reason(folder, end(1), {})
    assert module in reason
    assert "requirements.txt" not in reason


@pytest.mark.parametrize(("module", "package"), [("torch", "torch"), ("sklearn", "scikit-learn")])
def test_a_module_that_is_not_there_is_named_with_its_package(module: str, package: str, folder: RunFolder) -> None:
    write_missing(f"'{module}'", folder)
    assert (
        f"\nScripts run with /v/python; name {package} in the requirements.txt of the source, or start the emulator with "
        "another Python: sm-tuning emulator start -- --python PATH, exit code: 1"
    ) in artifacts.failure_reason(folder, end(1), {})


@pytest.mark.parametrize(("code", "whose"), [(2, "ClientError"), (1, "AlgorithmError")])
def test_an_algorithm_says_by_its_code_whose_fault_it_is(code: int, whose: str, folder: RunFolder) -> None:
    folder.save_run(Run(id="r", folder=folder.path, program=Command(argv=("train",)), mode=Mode.ALGORITHM))
    assert artifacts.failure_reason(folder, end(code), {}) == f"{whose}: , exit code: {code}"


def test_a_reason_is_cut_before_its_code(folder: RunFolder) -> None:
    folder.save_run(Run(id="r", folder=folder.path, program=Command(argv=("train",))))
    (folder.ml / "output" / "failure").write_text("x" * 5000)
    reason = artifacts.failure_reason(folder, end(1), {})
    assert (len(reason), reason[-14:]) == (1024, ", exit code: 1")
    assert artifacts.failure_reason(folder, end(1, Cause.START, message="no such program"), {}) == "no such program"
