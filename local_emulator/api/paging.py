"""What all List operations have in common: filters, pages, and NextToken, which is opaque and valid for its own query only."""

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from local_emulator.domain.errors import ValidationException
from local_emulator.domain.jobs import Document, RecordStatus, Status
from local_emulator.domain.names import AwsScope
from local_emulator.store.base import Query, Sort

_NOT_OF_THE_QUERY = ("NextToken", "MaxResults")
_PAGE = 10


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


def time(value: object) -> datetime | None:
    """Value of a time filter, in seconds since the epoch."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise ValidationException(f"{value} is not a time that can be represented") from error


_SORTS = {**{sort.value: sort for sort in Sort}, "PipelineExecutionArn": Sort.NAME}


def filters(
    operation: str,
    request: Document,
    scope: AwsScope,
    *,
    descending: bool,
    sort: Sort = Sort.CREATED,
    statuses: type[RecordStatus] = Status,
) -> Query:
    """The query of a List operation, from the members that many of them have; `sort` and `descending` are its own order."""
    status = request.get("StatusEquals")
    return Query(
        scope=scope,
        statuses=[statuses(status)] if status in set(statuses) else (),
        name_contains=request.get("NameContains"),
        created_after=time(request.get("CreationTimeAfter", request.get("CreatedAfter"))),
        created_before=time(request.get("CreationTimeBefore", request.get("CreatedBefore"))),
        modified_after=time(request.get("LastModifiedTimeAfter")),
        modified_before=time(request.get("LastModifiedTimeBefore")),
        sort=_SORTS[request["SortBy"]] if "SortBy" in request else sort,
        descending=request["SortOrder"] == "Descending" if "SortOrder" in request else descending,
        limit=request.get("MaxResults", _PAGE),
        after=after(operation, request),
    )


def with_token(operation: str, request: Document, document: dict[str, Any], rest: str | None) -> Document:
    """A list's answer, with NextToken if there is a next page."""
    return document if rest is None else {**document, "NextToken": _token(operation, request, rest)}


def page_of(operation: str, request: Document, member: str, items: Sequence[Document], size: int = _PAGE) -> Document:
    """A list's answer, of items that are all at hand; `size` is that of a page unless the request says so."""
    position = after(operation, request)
    begin = json.loads(position) if position else 0
    end = begin + request.get("MaxResults", size)
    return with_token(operation, request, {member: list(items[begin:end])}, json.dumps(end) if end < len(items) else None)
