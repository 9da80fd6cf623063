"""Codes of services' errors."""

from botocore.exceptions import ClientError

NOT_FOUND = frozenset({"ResourceNotFound", "ResourceNotFoundException"})
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


def code_of(error: ClientError) -> str:
    """The service's code of an error."""
    code: str = error.response["Error"]["Code"]
    return code
