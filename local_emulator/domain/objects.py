"""The object store that training jobs read from and write to."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from local_emulator.domain.errors import EmulatorError
from sm_tuning.rules.s3_uri import split_s3


class NoSuchBucket(EmulatorError):  # noqa: N818 - S3's name
    """The bucket does not exist; the text is the bucket's name."""


class NoSuchKey(EmulatorError):  # noqa: N818 - S3's name
    """The object does not exist; the text is the object's key."""


class ObjectsUnavailable(EmulatorError):  # noqa: N818 - reads as a fact
    """The object store refused or did not answer; the text says why."""


@dataclass(frozen=True, kw_only=True)
class ObjectInfo:
    """An object. `etag` changes with the content; `size` is in bytes."""

    key: str
    size: int
    etag: str


class Objects(Protocol):
    """Buckets of files. Every method may raise NoSuchBucket or ObjectsUnavailable."""

    def list(self, bucket: str, prefix: str) -> Sequence[ObjectInfo]:
        """Every object whose key begins with the prefix, in key order."""

    def download(self, bucket: str, key: str, target: Path) -> None:
        """Write an object's content to a file; raises NoSuchKey."""

    def upload(self, bucket: str, key: str, source: Path) -> None:
        """Store a file's content under a key; durable once this returns."""


def parse_s3(uri: str) -> tuple[str, str]:
    """(bucket, key or prefix) of an `s3://` URI or an https address of S3; raises ValueError for any other text."""
    parts = split_s3(uri)
    if parts is None:
        raise ValueError(f"{uri!r} is no S3 URI; it must look like s3://bucket/prefix")
    return parts
