"""Another S3: its errors are told apart."""

from pathlib import Path
from typing import Any

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError, ConnectTimeoutError

from local_emulator.cloud.remote_objects import RemoteObjects
from local_emulator.domain.objects import NoSuchBucket, NoSuchKey, ObjectInfo, ObjectsUnavailable


def answer(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "GetObject")


class S3:
    """Two pages of a list; everything else raises."""

    error: Exception

    def get_paginator(self, _: str) -> "S3":
        return self

    def paginate(self, **_: Any) -> list[Any]:
        return [{"Contents": [{"Key": "a", "Size": 1, "ETag": "x"}]}, {}, {"Contents": [{"Key": "b", "Size": 2, "ETag": "y"}]}]

    def download_file(self, *_: Any, **__: Any) -> None:
        raise self.error

    upload_file = download_file


@pytest.fixture
def s3() -> S3:
    return S3()


@pytest.fixture
def objects(s3: S3, monkeypatch: pytest.MonkeyPatch) -> RemoteObjects:
    remote = RemoteObjects("http://elsewhere:9000", "us-east-1")
    monkeypatch.setattr(remote, "_s3", s3)
    return remote


def test_all_pages_are_listed(objects: RemoteObjects) -> None:
    assert objects.list("b", "") == [ObjectInfo(key="a", size=1, etag="x"), ObjectInfo(key="b", size=2, etag="y")]


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (answer("NoSuchBucket"), NoSuchBucket, "^b$"),
        (answer("NoSuchKey"), NoSuchKey, "^k$"),
        (answer("404"), NoSuchKey, "^k$"),
        (answer("AccessDenied"), ObjectsUnavailable, "http://elsewhere:9000: .*AccessDenied"),
        (ConnectTimeoutError(endpoint_url="x"), ObjectsUnavailable, "http://elsewhere:9000: Connect timeout"),
        (S3UploadFailedError("it broke"), ObjectsUnavailable, "http://elsewhere:9000: it broke"),
    ],
)
def test_errors(error: Exception, kind: type[Exception], text: str, objects: RemoteObjects, s3: S3, tmp_path: Path) -> None:
    s3.error = error
    for work in (objects.download, objects.upload):
        with pytest.raises(kind, match=text):
            work("b", "k", tmp_path / "file")


def test_the_code_behind_the_transfer_managers_words(objects: RemoteObjects, s3: S3, tmp_path: Path) -> None:
    s3.error = S3UploadFailedError("failed")
    s3.error.__context__ = answer("NoSuchBucket")
    with pytest.raises(NoSuchBucket):
        objects.upload("b", "k", tmp_path / "file")
