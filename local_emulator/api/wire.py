"""AWS JSON 1.1: bytes in, bytes out."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from local_emulator.domain.errors import AwsError, SerializationException, ValidationException
from local_emulator.domain.jobs import Document

Answer = tuple[int, Mapping[str, str], bytes]
"""HTTP status, headers and body."""

_TYPE = "application/x-amz-json-1.1"


def parse(body: bytes) -> Mapping[str, Any]:
    """A request's JSON object; whatever is wrong with it is a SerializationException."""
    if not body.strip():
        return {}
    try:
        value = json.loads(body, parse_constant=_refuse, object_pairs_hook=_unique)
        if not isinstance(value, dict):
            raise SerializationException("the body of the request must be a JSON object")
        json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate can be read but never be written again
    except (ValueError, RecursionError) as error:
        raise SerializationException(
            f"the body of the request is no valid JSON: {type(error).__name__}: {str(error)[:200]}"
        ) from error
    return value


def _refuse(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is there twice")
    return members


def _headers(body: bytes) -> dict[str, str]:
    return {"Content-Type": _TYPE, "x-amzn-RequestId": str(uuid.uuid4()), "Content-Length": str(len(body))}


def success(document: Document | None) -> Answer:
    """A modelled answer; None for the operations that answer nothing."""
    body = b"" if document is None else json.dumps(document, separators=(",", ":")).encode()
    return 200, _headers(body), body


def failure(error: AwsError) -> Answer:
    """A modelled error; always 400, since a 5xx makes clients send the request again."""
    body = json.dumps({"__type": error.code, "message": error.message, "Message": error.message}).encode()
    named = {"x-sm-emulator-rules": ",".join(error.rules)} if isinstance(error, ValidationException) and error.rules else {}
    return 400, {**_headers(body), "x-amzn-errortype": error.code, **named}, body
