"""The front door: a WSGI application that guards, answers what is ours, and hands the rest to moto."""

import io
import json
import re
import sys
import traceback
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

from local_emulator.api.guard import refusal
from local_emulator.domain.errors import AwsError
from local_emulator.settings import Settings

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_INTERRUPT = "/_interrupt/"
_MOST_JSON = 10 * 2**20
_SCOPE = re.compile(r"Credential=([^/]*)/\d+/([A-Za-z0-9-]+)/([A-Za-z0-9-]+)/aws4_request")
_JSON = "application/x-amz-json-1.1"
_OBJECT_HEADERS = [
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "sandbox"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
]

Headers = Sequence[tuple[str, str]]


class Operations(Protocol):
    """The operations that are ours."""

    operations: Collection[str]

    def owns(self, operation: str, body: bytes) -> bool:
        """Whether an operation is about our jobs."""

    def answer(self, operation: str, body: bytes, region: str, account: str | None) -> tuple[int, Mapping[str, str], bytes]:
        """Carry out one operation; never raises."""

    def interrupt(self, training: str) -> None:
        """Take the instance of a spot training job away; raises AwsError."""


class Gateway:
    """Guard, then `/_health` and `/_interrupt/JOB`, then our operations, then moto.

    `before` is told the service, and of CloudWatch Logs the body, just before moto is asked. `account_of` tells the account
    that an access key is of, None for the settings'.
    """

    def __init__(
        self,
        *,
        api: Operations,
        rest: "WSGIApplication",
        settings: Settings,
        health: Callable[[], Mapping[str, object]],
        before: Callable[[str, bytes], None],
        proxy_token: str | None = None,
        account_of: Callable[[str], str | None] = lambda _key: None,
    ) -> None:
        self._api = api
        self._rest = rest
        self._settings = settings
        self._health = health
        self._before = before
        self._account_of = account_of
        self._proxy_token = proxy_token

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        try:
            status, headers, body = self._answer(environ)
        except Exception as error:  # noqa: BLE001 - a fault of ours must reach the client as an error it understands
            traceback.print_exc(file=sys.stderr)
            status, headers, body = _failure(environ, "InternalFailure", f"the emulator failed: {type(error).__name__}: {error}")
        kept = [(name, value) for name, value in headers if not name.lower().startswith("access-control-")]
        there = {name.lower() for name, _ in kept}
        if "x-amzn-requestid" not in there:
            kept.append(("x-amzn-RequestId", str(uuid.uuid4())))
        if "content-length" not in there and environ["REQUEST_METHOD"] != "HEAD" and not status.startswith("204"):
            kept.append(("Content-Length", str(len(body))))
        start_response(status, kept)
        return [body]

    def _answer(self, environ: "WSGIEnvironment") -> tuple[str, Headers, bytes]:
        refused = refusal(environ, self._settings.allowed_hosts, self._proxy_token)
        if refused is not None:
            return refused.status, [("Content-Type", "text/plain; charset=utf-8")], f"{refused.reason}\n".encode()
        if environ["PATH_INFO"] == "/_health":
            return "200 OK", [("Content-Type", "application/json")], json.dumps(self._health()).encode()
        if environ["PATH_INFO"].startswith(_INTERRUPT) and environ["REQUEST_METHOD"] == "POST":
            return self._interrupt(environ["PATH_INFO"].removeprefix(_INTERRUPT))
        found = _SCOPE.search(str(environ.get("HTTP_AUTHORIZATION", "")))
        access_key, region, service = found.groups() if found else ("", self._settings.region, "")
        target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
        if target.startswith("SageMaker."):
            body = _body(environ)
            if body is None:
                return _failure(environ, "RequestEntityTooLarge", f"the body is larger than {_MOST_JSON:,} bytes")
            operation = target.removeprefix("SageMaker.")
            if self._api.owns(operation, body):
                code, headers, content = self._api.answer(operation, body, region, self._account_of(access_key))
                return f"{code} {'OK' if code == 200 else 'Bad Request'}", list(headers.items()), content  # noqa: PLR2004 - HTTP
            environ["wsgi.input"] = io.BytesIO(body)
        elif target.startswith("Logs_") and (body := _body(environ)) is not None:
            environ["wsgi.input"] = io.BytesIO(body)
        else:
            body = b""
        self._before(service, body)
        return self._ask_moto(environ, service, target)

    def _interrupt(self, training: str) -> tuple[str, Headers, bytes]:
        kind = [("Content-Type", "text/plain; charset=utf-8")]
        try:
            self._api.interrupt(training)
        except AwsError as error:
            return "400 Bad Request", kind, error.message.encode()
        return "200 OK", kind, b""

    def _ask_moto(self, environ: "WSGIEnvironment", service: str, target: str) -> tuple[str, Headers, bytes]:
        answer: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], _error: object = None) -> Callable[[bytes], object]:
            answer[:] = [status, headers]
            return lambda _content: None

        try:
            content = b"".join(self._rest(environ, start))
        except NotImplementedError as error:
            return _failure(environ, "UnknownOperationException", _not_emulated(service, target, error))
        except ImportError as error:
            extra = "'sm-tuning[cloudformation]'" if service == "cloudformation" else f"'moto[{service}]'"
            needed = f"{service} needs packages that are not installed ({error}): pip install {extra}"
            return _failure(environ, "UnknownOperationException", needed)
        except Exception as error:  # noqa: BLE001 - moto raises anything on requests it does not know
            traceback.print_exc(file=sys.stderr)
            return _failure(environ, "InternalFailure", f"moto failed: {type(error).__name__}: {error}")
        status, headers = answer
        if status.startswith("5"):
            return _failure(environ, "UnknownOperationException", _not_emulated(service, target, None))
        if service in {"s3", ""} and environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
            headers = [*headers, *_OBJECT_HEADERS]
        return status, headers, content


def _body(environ: "WSGIEnvironment") -> bytes | None:
    """The body of a JSON request; None if it is too large."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if length > _MOST_JSON:
        return None
    content: bytes = environ["wsgi.input"].read(length)
    return content


def _not_emulated(service: str, target: str, error: BaseException | None) -> str:
    what = target or service or "this request"
    return (
        f"{what} is not emulated here: moto does not know it, or cannot take what was sent"
        + (f" ({error})" if error else "")
        + "."
    )


def _failure(environ: Mapping[str, Any], code: str, message: str) -> tuple[str, Headers, bytes]:
    """A modelled error in the protocol of the request; always 400, as a 5xx makes clients send the request again."""
    kind = str(environ.get("CONTENT_TYPE", ""))
    if environ.get("HTTP_X_AMZ_TARGET") or "json" in kind:
        body = json.dumps({"__type": code, "message": message, "Message": message}).encode()
        return "400 Bad Request", [("Content-Type", _JSON), ("x-amzn-errortype", code)], body
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    wrapped = f"<ErrorResponse><Error>{inner}</Error></ErrorResponse>" if "form" in kind else f"<Error>{inner}</Error>"
    return "400 Bad Request", [("Content-Type", "application/xml")], f'<?xml version="1.0" encoding="UTF-8"?>{wrapped}'.encode()
