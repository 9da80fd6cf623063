"""AWS JSON 1.1, and errors in the other protocols."""

import json

import pytest

from local_emulator.api import wire
from local_emulator.domain.errors import SerializationException, ThrottlingException, ValidationException


@pytest.mark.parametrize("body", [b"", b" \n", b"{}"])
def test_no_body_is_an_empty_request(body: bytes) -> None:
    assert wire.parse(body) == {}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[1]", "must be a JSON object"),
        (b"{", "JSONDecodeError"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": 1, "a": 2}', "a member is there twice"),
        (b'{"a": "\\ud800"}', "UnicodeEncodeError"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "RecursionError"),
        (b"\xff", "UnicodeDecodeError"),
    ],
)
def test_what_is_no_json_is_a_serialization_exception(body: bytes, reason: str) -> None:
    with pytest.raises(SerializationException, match=reason):
        wire.parse(body)


def test_an_answer_is_json_or_nothing() -> None:
    status, headers, body = wire.success({"a": [1, "é"]})
    assert (status, json.loads(body), headers["Content-Length"]) == (200, {"a": [1, "é"]}, str(len(body)))
    assert wire.success(None)[2] == b""


def test_an_error_is_400_with_its_code_and_rules() -> None:
    status, headers, body = wire.failure(ThrottlingException("Rate exceeded"))
    assert (status, headers["x-amzn-errortype"]) == (400, "ThrottlingException")
    assert json.loads(body) == {"__type": "ThrottlingException", "message": "Rate exceeded", "Message": "Rate exceeded"}
    assert "x-sm-emulator-rules" not in headers
    assert wire.failure(ValidationException("no", ("max-jobs", "model-min")))[1]["x-sm-emulator-rules"] == "max-jobs,model-min"


@pytest.mark.parametrize(
    ("environ", "kind", "body"),
    [
        ({"HTTP_X_AMZ_TARGET": "Logs.x"}, "application/x-amz-json-1.1", '{"__type": "Code", "message": "a<\\u0001", '),
        ({"CONTENT_TYPE": "application/x-www-form-urlencoded"}, "application/xml", "<ErrorResponse><Error><Code>Code</Code>"),
        ({}, "application/xml", '<?xml version="1.0" encoding="UTF-8"?><Error><Code>Code</Code><Message>a&lt;\\x01</Message>'),
    ],
)
def test_an_error_is_in_the_protocol_of_its_request(environ: dict[str, str], kind: str, body: str) -> None:
    status, headers, content = wire.error(environ, "Code", "a<\x01")
    assert (status, dict(headers)["Content-Type"], dict(headers)["x-amzn-errortype"]) == ("400 Bad Request", kind, "Code")
    assert body in content.decode()


@pytest.mark.parametrize(
    ("authorization", "scope"),
    [
        ("AWS4-HMAC-SHA256 Credential=key/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host", ("key", "eu-west-1", "s3")),
        ("AWS4-HMAC-SHA256 Credential=key/20260101/eu-west-1/s3/aws5_request, SignedHeaders=host", None),
        ("AWS4-HMAC-SHA256 Credential=key/today/eu-west-1/s3/aws4_request", None),
        ("AWS4-HMAC-SHA256 Credential=key/20260101/../s3/aws4_request", None),
        ("Basic abc", None),
        ("", None),
    ],
)
def test_a_scope_is_read_from_the_authorization(authorization: str, scope: tuple[str, str, str] | None) -> None:
    assert wire.scope(authorization) == scope
