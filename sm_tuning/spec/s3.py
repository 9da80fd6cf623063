"""Addresses in S3."""

from sm_tuning.rules.s3_uri import split_s3


def is_uri(text: str) -> bool:
    """Whether it is meant as an address in S3, not as a path."""
    return text.startswith("s3://") or split_s3(text) is not None


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an `s3://` URI or an https address of S3; of other text what would be them."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return split_s3(uri) or (bucket, key)
