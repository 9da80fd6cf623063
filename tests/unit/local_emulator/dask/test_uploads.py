"""Objects that may be away for a while, and checkpoints that are uploaded once they are left alone."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from botocore.exceptions import ConnectTimeoutError

from local_emulator.dask import uploads
from local_emulator.dask.uploads import CheckpointUploads, RetryingObjects
from local_emulator.domain.objects import ObjectInfo, ObjectsUnavailable
from local_emulator.domain.spec import CheckpointConfig
from local_emulator.runs.folder import RunFolder
from tests.made_jobs import training


class Objects:
    """Fails as often as it is told to, then keeps what is uploaded."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.uploaded: list[str] = []

    def list(self, bucket: str, prefix: str) -> Sequence[ObjectInfo]:
        raise AssertionError((bucket, prefix))

    def download(self, bucket: str, key: str, target: Path) -> None:
        raise AssertionError((bucket, key, target))

    def upload(self, bucket: str, key: str, source: Path) -> None:
        if self.errors:
            raise self.errors.pop()
        self.uploaded.append(f"{bucket}/{key}={source.read_text()}")


def away() -> ObjectsUnavailable:
    error = ObjectsUnavailable("no answer")
    error.__cause__ = ConnectTimeoutError(endpoint_url="x")
    return error


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(uploads, "_PAUSE", 0.0)
    (tmp_path / "file").write_text("x")
    return tmp_path / "file"


def test_no_answer_is_asked_again(file: Path) -> None:
    objects = Objects(away(), away())
    RetryingObjects(objects).upload("b", "k", file)
    assert objects.uploaded == ["b/k=x"]


@pytest.mark.parametrize(("error", "wanted"), [(ObjectsUnavailable("denied"), lambda: True), (away(), lambda: False)])
def test_an_answer_or_the_end_is_final(error: Exception, wanted: Callable[[], bool], file: Path) -> None:
    with pytest.raises(ObjectsUnavailable):
        RetryingObjects(Objects(error), wanted).upload("b", "k", file)


def test_checkpoints_go_when_they_have_changed_and_rest(tmp_path: Path) -> None:
    job = training("j")
    job = replace(job, spec=replace(job.spec, checkpoints=CheckpointConfig(s3_uri="s3://b/c")))
    folder = RunFolder(tmp_path / "runs" / "r")
    here = folder.ml / "checkpoints"
    here.mkdir(parents=True)
    (here / "old").write_text("from S3")
    objects = Objects()
    saver = CheckpointUploads(job, folder, objects)
    (here / "new").write_text("1")
    saver.save()
    assert objects.uploaded == [], "it may be written just now"
    rested = time.time() - 10
    os.utime(here / "new", (rested, rested))
    saver.save()
    saver.save()
    assert objects.uploaded == ["b/c/new=1"]
