"""Whether S3 has a model: an archive, or a folder of files."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from sm_tuning import NotFound
from sm_tuning.client import models


class Storage:
    """S3 with one object."""

    def __init__(self, key: str) -> None:
        self.key = key

    def head_object(self, **request: str) -> None:
        if request != {"Bucket": "box", "Key": self.key}:
            raise ClientError({"Error": {"Code": "404", "Message": "Not Found"}}, "HeadObject")

    def list_objects_v2(self, Bucket: str, Prefix: str, MaxKeys: int) -> Mapping[str, Any]:  # noqa: N803 - AWS's
        assert (Bucket, MaxKeys) == ("box", 1)
        return {"Contents": [{"Key": self.key}]} if self.key.startswith(Prefix) else {"KeyCount": 0}

    def download_file(self, bucket: str, key: str, _path: str) -> None:
        self.head_object(Bucket=bucket, Key=key)


@pytest.mark.parametrize(
    ("key", "uri", "there"),
    [
        ("out/model.tar.gz", "s3://box/out/model.tar.gz", True),
        ("out/other", "s3://box/out/model.tar.gz", False),
        ("out/model/weights", "s3://box/out/model", True),
        ("out/model/weights", "s3://box/out/model/", True),
        ("out/model2", "s3://box/out/model", False),
    ],
)
def test_a_model_is_an_archive_or_a_folder(key: str, uri: str, *, there: bool, tmp_path: Path) -> None:
    assert models.is_there(Storage(key), uri) is there
    reason = "is no archive but the files below" if there and not uri.endswith(".gz") else "left nothing in SM_MODEL_DIR"
    if key not in uri:
        with pytest.raises(NotFound, match=reason):
            models.download(Storage(key), "a", uri, tmp_path / "a.tar.gz")


def test_what_is_no_address_in_s3_has_no_model() -> None:
    def head(**_: str) -> None:
        raise ParamValidationError(report="Invalid bucket name")

    assert not models.is_there(SimpleNamespace(head_object=head), "<b>")
