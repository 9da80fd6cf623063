"""Another S3 than the emulator's, for an emulator that serves as AWS_ENDPOINT_URL_SAGEMAKER only."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import boto3
from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local_emulator.domain.objects import NoSuchBucket, NoSuchKey, ObjectInfo, ObjectsUnavailable

_CONNECT, _READ = 5.0, 20.0  # seconds without an answer, after which the endpoint counts as away
_ONE_THREAD = TransferConfig(use_threads=False)  # Python would wait at its end for threads of boto's that hang
_DUMMY = "test"  # key and secret


class RemoteObjects:
    """Objects on an S3 endpoint, with dummy credentials."""

    def __init__(self, endpoint: str, region: str) -> None:
        self._endpoint = endpoint
        self._s3 = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id=_DUMMY,
            aws_secret_access_key=_DUMMY,
            config=Config(
                s3={"addressing_style": "path"},
                connect_timeout=_CONNECT,
                read_timeout=_READ,
                retries={"total_max_attempts": 2, "mode": "standard"},
            ),
        )

    def list(self, bucket: str, prefix: str) -> Sequence[ObjectInfo]:
        """Every object whose key begins with the prefix, in key order."""
        with self._translated(bucket, prefix):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            return [
                ObjectInfo(key=entry["Key"], size=entry["Size"], etag=entry["ETag"])
                for page in pages
                for entry in page.get("Contents", ())
            ]

    def download(self, bucket: str, key: str, target: Path) -> None:
        """Write an object's content to a file."""
        with self._translated(bucket, key):
            self._s3.download_file(bucket, key, str(target), Config=_ONE_THREAD)

    def upload(self, bucket: str, key: str, source: Path) -> None:
        """Keep a file's content under a key."""
        with self._translated(bucket, key):
            self._s3.upload_file(str(source), bucket, key, Config=_ONE_THREAD)

    @contextmanager
    def _translated(self, bucket: str, key: str) -> Iterator[None]:
        try:
            yield
        except (ClientError, S3UploadFailedError) as raised:
            # The transfer manager turns S3's code into words; the code is in the context.
            error = raised if isinstance(raised, ClientError) else raised.__context__
            if not isinstance(error, ClientError):
                raise ObjectsUnavailable(f"{self._endpoint}: {raised}") from raised
            code = error.response["Error"]["Code"]
            if code == "NoSuchBucket":
                raise NoSuchBucket(bucket) from error
            if code in {"NoSuchKey", "404"}:
                raise NoSuchKey(key) from error
            raise ObjectsUnavailable(f"{self._endpoint}: {error}") from error
        except BotoCoreError as error:
            raise ObjectsUnavailable(f"{self._endpoint}: {error}") from error
