"""Models of training jobs in S3, where a script may have left none."""

from functools import partial
from pathlib import Path

from botocore.exceptions import ClientError, ParamValidationError

from sm_tuning.boto import Client
from sm_tuning.client.errors import NO_OBJECT, code_of, is_absent
from sm_tuning.errors import NotFound
from sm_tuning.spec.s3 import split_uri

_ARCHIVE = ".tar.gz"


def is_there(s3: Client, uri: str) -> bool:
    """Whether S3 holds a model, an archive or a folder of files (output_compression NONE), as far as the caller may ask."""
    bucket, key = split_uri(uri)
    try:
        if not is_absent(partial(s3.head_object, Bucket=bucket, Key=key)):
            return True
    except ParamValidationError:  # no name of a bucket, which a server may answer that is not AWS
        return False
    return not key.endswith(_ARCHIVE) and _is_folder(s3, bucket, key)


def _is_folder(s3: Client, bucket: str, key: str) -> bool:
    answer = s3.list_objects_v2(Bucket=bucket, Prefix=f"{key.rstrip('/')}/", MaxKeys=1)
    return bool(answer.get("Contents"))


def lacking(training: str, uri: str) -> NotFound:
    """The error that says of a model that it is not there."""
    return NotFound(f"there is no model of {training} at {uri}: its script left nothing in SM_MODEL_DIR, or it was deleted")


def download(s3: Client, training: str, uri: str, path: Path) -> None:
    """Write a model's archive to a file; raises NotFound."""
    bucket, key = split_uri(uri)
    try:
        s3.download_file(bucket, key, str(path))
    except ClientError as error:
        if code_of(error) not in NO_OBJECT:
            raise
        if not key.endswith(_ARCHIVE) and is_there(s3, uri):
            raise NotFound(
                f"the model of {training} is no archive but the files below {uri}/, as its output_compression is NONE: "
                f"`aws s3 cp --recursive {uri} FOLDER` fetches them"
            ) from error
        raise lacking(training, uri) from error
