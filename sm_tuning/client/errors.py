"""Errors of services: their codes, and those that a reader does without."""

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import ClientError

from sm_tuning.errors import NotFound

T = TypeVar("T")

NOT_FOUND = frozenset({"ResourceNotFound", "ResourceNotFoundException"})
NO_OBJECT = frozenset({"404", "NoSuchKey", "NoSuchBucket"})  # of S3, which answers HEAD with HTTP's code alone
DENIED = frozenset({"403", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})  # the first is that of HEAD


def code_of(error: ClientError) -> str:
    """The service's code of an error."""
    code: str = error.response["Error"]["Code"]
    return code


def unless_denied(read: Callable[[], T]) -> T | None:
    """What a function reads; None where the caller has not the right to read it, or where it has been deleted."""
    try:
        return read()
    except NotFound:
        return None
    except ClientError as error:
        if code_of(error) not in DENIED:
            raise
        return None


def is_absent(head: Callable[[], object]) -> bool:
    """Whether S3 says that what a function asks for is not there; False where the caller has not the right to know."""
    try:
        head()
    except ClientError as error:
        if code_of(error) in NO_OBJECT:
            return True
        if code_of(error) not in DENIED:
            raise
    return False
