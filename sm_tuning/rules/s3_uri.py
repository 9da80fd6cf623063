"""Addresses of S3."""

import re

# AWS's own examples write https://s3-REGION.amazonaws.com/BUCKET/KEY; the address may begin with the bucket, too.
_HOST = re.compile(r"(?:(?P<bucket>.+)\.)?s3(?:[.-][a-z0-9.-]+)?\.amazonaws\.com(?:\.cn)?")


def split_s3(uri: str) -> tuple[str, str] | None:
    """Bucket and key (or prefix) of `s3://bucket/key` or of an https address of S3; None of any other text."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme == "https":
        host = _HOST.fullmatch(bucket)
        if host is None:
            return None
        if host["bucket"]:
            return host["bucket"], key
        bucket, _, key = key.partition("/")
    elif scheme not in {"s3", "S3"}:
        return None
    return (bucket, key) if bucket else None
