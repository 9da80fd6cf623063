"""Addresses of S3."""

import re

# AWS's own examples write https://s3-REGION.amazonaws.com/BUCKET/KEY; the address may begin with the bucket, too.
_HOST = re.compile(r"(?:(?P<bucket>.+)\.)?s3(?:[.-][a-z0-9.-]+)?\.amazonaws\.com(?:\.cn)?")


def bucket_of_host(host: str) -> str | None:
    """The bucket that a host of S3's in AWS names (`BUCKET.s3.REGION.amazonaws.com`); None of any other host."""
    match = _HOST.fullmatch(host)
    return match["bucket"] if match else None


def split_s3(uri: str) -> tuple[str, str] | None:
    """Bucket and key (or prefix) of `s3://bucket/key` or of an https address of S3; None of any other text."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme == "https":
        if _HOST.fullmatch(bucket) is None:
            return None
        if named := bucket_of_host(bucket):
            return named, key
        bucket, _, key = key.partition("/")
    elif scheme not in {"s3", "S3"}:
        return None
    return (bucket, key) if bucket else None
