"""Addresses in S3."""

import pytest

from sm_tuning.spec.s3 import split_uri


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("s3://bucket/prefix/deep/file", ("bucket", "prefix/deep/file")),
        ("s3://bucket/prefix/", ("bucket", "prefix/")),
        ("s3://bucket/", ("bucket", "")),
        ("s3://bucket", ("bucket", "")),
        ("https://s3-eu-west-1.amazonaws.com/bucket/file", ("bucket", "file")),
    ],
)
def test_bucket_and_key(uri: str, parts: tuple[str, str]) -> None:
    assert split_uri(uri) == parts
