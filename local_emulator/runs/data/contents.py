"""The content of one small object of S3."""

from pathlib import Path
from tempfile import TemporaryDirectory

from local_emulator.domain.objects import NoSuchBucket, NoSuchKey, Objects, ObjectsUnavailable, parse_s3

MOST = 16 * 2**20  # bytes


def content(objects: Objects, uri: str) -> bytes:
    """The content of the object at an `s3://` URI, of at most 16 MiB; raises ValueError, whose text says why there is none."""
    bucket, key = parse_s3(uri)
    try:
        info = next((info for info in objects.list(bucket, key) if info.key == key), None)
        if info is None:
            raise ValueError(f"{uri} does not exist")
        if info.size > MOST:
            raise ValueError(f"{uri} has {info.size:,} bytes; there may be at most {MOST:,}")
        with TemporaryDirectory(prefix="sm-content-") as folder:
            target = Path(folder) / "content"
            objects.download(bucket, key, target)
            return target.read_bytes()
    except NoSuchBucket as error:
        raise ValueError(f"{uri} does not exist: there is no bucket {bucket}") from error
    except (NoSuchKey, ObjectsUnavailable) as error:
        raise ValueError(f"{uri} cannot be read: {error}") from error
