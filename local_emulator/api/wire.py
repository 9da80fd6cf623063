"""AWS JSON 1.1: bytes in, bytes out; and errors in the other protocols."""

import json
import uuid
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from local_emulator.domain.errors import AwsError, SerializationException, ValidationException
from local_emulator.domain.jobs import Document

Answer = tuple[int, Mapping[str, str], bytes]
"""HTTP status, headers and body."""

HttpAnswer = tuple[str, Sequence[tuple[str, str]], bytes]
"""HTTP status line, headers and body."""

_TYPE = "application/x-amz-json-1.1"
_SCOPE_PARTS = 5  # access key, date, region, service, aws4_request


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


def error(environ: Mapping[str, Any], code: str, message: str, status: str = "400 Bad Request") -> HttpAnswer:
    """An error in the protocol of a WSGI request; mostly 400, as a 5xx makes clients send the request again."""
    kind = str(environ.get("CONTENT_TYPE", ""))
    headers = [("X-Content-Type-Options", "nosniff"), ("x-amzn-errortype", code)]
    if environ.get("HTTP_X_AMZ_TARGET") or "json" in kind:
        body = json.dumps({"__type": code, "message": message, "Message": message}).encode()
        return status, [("Content-Type", _TYPE), *headers], body
    inner = f"<Code>{escape(code)}</Code><Message>{escape(_printable(message))}</Message>"
    wrapped = f"<ErrorResponse><Error>{inner}</Error></ErrorResponse>" if "form" in kind else f"<Error>{inner}</Error>"
    body = f'<?xml version="1.0" encoding="UTF-8"?>{wrapped}'.encode("utf-8", "backslashreplace")
    return status, [("Content-Type", "application/xml"), *headers], body


def _printable(text: str) -> str:
    """XML has no way to say a control character."""
    return "".join(char if char >= " " or char in "\t\n" else f"\\x{ord(char):02x}" for char in text)


def scope(authorization: str) -> tuple[str, str, str] | None:
    """Access key, region and service of an Authorization header; None if it names none."""
    _, named, rest = authorization.partition("Credential=")
    parts = rest.partition(",")[0].strip().split("/")
    if not named or len(parts) != _SCOPE_PARTS or parts[4] != "aws4_request" or not parts[1].isdecimal():
        return None
    key, _, region, service, _ = parts
    if not (region.replace("-", "").isalnum() and service.replace("-", "").isalnum()):
        return None
    return key, region, service
