"""Addresses of S3 in each form that AWS takes."""

import pytest

from sm_tuning.rules.s3_uri import split_s3


@pytest.mark.parametrize(
    "uri",
    [
        "s3://box/train/a?b",
        "https://s3-us-west-2.amazonaws.com/box/train/a?b",
        "https://s3.us-west-2.amazonaws.com/box/train/a?b",
        "https://s3.dualstack.us-west-2.amazonaws.com/box/train/a?b",
        "https://s3.amazonaws.com/box/train/a?b",
        "https://s3.cn-north-1.amazonaws.com.cn/box/train/a?b",
        "https://box.s3.amazonaws.com/train/a?b",
        "https://box.s3-us-west-2.amazonaws.com/train/a?b",
        "https://box.s3.us-west-2.amazonaws.com/train/a?b",
    ],
)
def test_bucket_and_key(uri: str) -> None:
    assert split_s3(uri) == ("box", "train/a?b")


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("s3://box", ("box", "")),
        ("https://s3.amazonaws.com/box", ("box", "")),
        ("https://s3.amazonaws.com/box/", ("box", "")),
        ("https://s3.box.s3.amazonaws.com/a", ("s3.box", "a")),
    ],
)
def test_parts(uri: str, parts: tuple[str, str]) -> None:
    assert split_s3(uri) == parts


@pytest.mark.parametrize(
    "text", ["box/a", "s3://", "s3:///a", "https://box/a", "https://s3.amazonaws.com/", "https://s3.example.com/box/a", "/data"]
)
def test_other_text_is_none(text: str) -> None:
    assert split_s3(text) is None
