"""What all List operations have in common: filters, pages, and NextToken, which is opaque and valid for its own query only."""

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from local_emulator.domain.errors import ValidationException
from local_emulator.domain.jobs import Document, Status
from local_emulator.domain.names import AwsScope
from local_emulator.store.base import Query, Sort

_NOT_OF_THE_QUERY = ("NextToken", "MaxResults")


def _digest(operation: str, request: Mapping[str, Any]) -> str:
    query = {name: value for name, value in request.items() if name not in _NOT_OF_THE_QUERY}
    return hashlib.sha256(json.dumps([operation, query], sort_keys=True, default=str).encode()).hexdigest()[:16]


def _token(operation: str, request: Mapping[str, Any], after: str) -> str:
    """NextToken of the next page."""
    return base64.urlsafe_b64encode(json.dumps([_digest(operation, request), after]).encode()).decode()


def after(operation: str, request: Mapping[str, Any]) -> str | None:
    """Position before a request's page; None for the first page."""
    given = request.get("NextToken")
    if given is None:
        return None
    try:
        digest, position = json.loads(base64.b64decode(given, altchars=b"-_", validate=True))
        if digest == _digest(operation, request) and isinstance(position, str):
            return position
    except (binascii.Error, ValueError, TypeError):
        pass
    raise ValidationException("Invalid NextToken: it is not a token of this query. Repeat the request without NextToken.")


def _time(value: object) -> datetime | None:
    """Value of a time filter, in seconds since the epoch."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise ValidationException(f"{value} is not a time that can be represented") from error


def filters(operation: str, request: Document, scope: AwsScope, *, sort: Sort, descending: bool) -> Query:
    """The query of a List operation, from the members that all of them have."""
    return Query(
        scope=scope,
        statuses=[Status(request["StatusEquals"])] if request.get("StatusEquals") in set(Status) else (),
        name_contains=request.get("NameContains"),
        created_after=_time(request.get("CreationTimeAfter")),
        created_before=_time(request.get("CreationTimeBefore")),
        modified_after=_time(request.get("LastModifiedTimeAfter")),
        modified_before=_time(request.get("LastModifiedTimeBefore")),
        sort=Sort(request["SortBy"]) if "SortBy" in request else sort,
        descending=request["SortOrder"] == "Descending" if "SortOrder" in request else descending,
        limit=request.get("MaxResults", 10),
        after=after(operation, request),
    )


def with_token(operation: str, request: Document, document: dict[str, Any], rest: str | None) -> Document:
    """A list's answer, with NextToken if there is a next page."""
    return document if rest is None else {**document, "NextToken": _token(operation, request, rest)}
