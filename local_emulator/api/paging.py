"""NextToken: opaque, and good for the query that it came from only."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from local_emulator.domain.errors import ValidationException

_NOT_OF_THE_QUERY = ("NextToken", "MaxResults")


def _digest(operation: str, request: Mapping[str, Any]) -> str:
    query = {name: value for name, value in request.items() if name not in _NOT_OF_THE_QUERY}
    return hashlib.sha256(json.dumps([operation, query], sort_keys=True, default=str).encode()).hexdigest()[:16]


def token(operation: str, request: Mapping[str, Any], after: str) -> str:
    """What a client sends to get the next page."""
    return base64.urlsafe_b64encode(json.dumps([_digest(operation, request), after]).encode()).decode()


def after(operation: str, request: Mapping[str, Any]) -> str | None:
    """Where the page that a request asks for begins; None for the first."""
    said = request.get("NextToken")
    if said is None:
        return None
    try:
        digest, position = json.loads(base64.b64decode(said, altchars=b"-_", validate=True))
        if digest == _digest(operation, request) and isinstance(position, str):
            return position
    except (binascii.Error, ValueError, TypeError):
        pass
    raise invalid()


def invalid() -> ValidationException:
    """The error for a token that is not one of ours, or is another query's."""
    return ValidationException("Invalid NextToken: it is not a token of this query. Repeat the request without NextToken.")
