"""WSGI application: the emulator's own operations, and moto for the rest of AWS. The server's guard checks requests before."""

import io
import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl

from local_emulator.api import refusals, wire
from local_emulator.api.faults import Faults
from local_emulator.api.invocations import RuntimeAnswer, is_invocation
from local_emulator.api.pruning import pruned
from local_emulator.api.trial_components import METRICS
from local_emulator.api.wire import HttpAnswer, error, scope
from local_emulator.cloud.environ import call
from local_emulator.domain.errors import AwsError, is_passing
from local_emulator.domain.names import AwsScope
from local_emulator.settings import Settings

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_INTERRUPT = "/_interrupt/"
_MOTO_RESET = "/moto-api/reset"
_LONGEST_NAME = 500
_LONGEST_FORM = 64 * 2**10  # bytes in which an Action is looked for
_OBJECT_HEADERS = [
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "sandbox"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
]


class Operations(Protocol):
    """The emulator's own operations."""

    def owns(self, operation: str, body: bytes) -> bool:
        """Whether a request is about our jobs."""

    def answer(self, operation: str, body: bytes, region: str, account: str | None) -> wire.Answer:
        """Answer an operation; never raises."""

    def put_metrics(self, body: bytes, region: str, account: str | None) -> wire.Answer:
        """Answer BatchPutMetrics; never raises."""

    def interrupt(self, training: str) -> None:
        """Interrupt a spot training job; raises AwsError."""


class Invocations(Protocol):
    """SageMaker Runtime."""

    def answer(self, path: str, headers: Mapping[str, str], body: bytes, scope: AwsScope) -> RuntimeAnswer:
        """Answer an invocation; names of headers are in lower case. Never raises."""


StreamedAnswer = tuple[str, Sequence[tuple[str, str]], bytes | Iterable[bytes]]
"""HTTP status line, headers and body, or the parts of the body as they come."""


class Gateway:
    """`/_health` and `/_interrupt/JOB`, invocations of endpoints, then our operations, then moto.

    `before` is called with the service, and for CloudWatch Logs with the body, before a request to moto. `account_of` returns the
    account of an access key, None for the settings' account. `reset` deletes all jobs; it is called before moto's own reset.
    """

    def __init__(
        self,
        *,
        api: Operations,
        runtime: Invocations,
        rest: "WSGIApplication",
        settings: Settings,
        health: Callable[[], Mapping[str, object]],
        before: Callable[[str, bytes], None],
        faults: Faults,
        account_of: Callable[[str], str | None] = lambda _key: None,
        reset: Callable[[], None] = lambda: None,
    ) -> None:
        self._api = api
        self._runtime = runtime
        self._rest = rest
        self._settings = settings
        self._health = health
        self._before = before
        self._faults = faults
        self._account_of = account_of
        self._reset = reset

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request."""
        try:
            status, headers, body = self._answer(environ)
        except Exception as fault:  # noqa: BLE001 - the client must get an error that it understands
            self._faults.failed(fault)
            text = f"the emulator failed: {type(fault).__name__}: {fault}"
            status, headers, body = _short(environ, fault) or error(environ, "InternalFailure", text)
        kept = [(name, _on_one_line(value)) for name, value in headers if not name.lower().startswith("access-control-")]
        there = {name.lower() for name, _ in kept}
        if "x-amzn-requestid" not in there:
            kept.append(("x-amzn-RequestId", str(uuid.uuid4())))
        if not isinstance(body, bytes):
            start_response(status, kept)
            return body
        if "content-length" not in there and environ["REQUEST_METHOD"] != "HEAD" and not status.startswith("204"):
            kept.append(("Content-Length", str(len(body))))
        start_response(status, kept)
        return [body]

    def _answer(self, environ: "WSGIEnvironment") -> StreamedAnswer:
        access_key, region, service = scope(str(environ.get("HTTP_AUTHORIZATION", ""))) or ("", self._settings.region, "")
        if is_invocation(service, environ["PATH_INFO"]):
            return self._invoke(environ, AwsScope(region=region, account=self._account_of(access_key) or self._settings.account))
        if service == "sagemaker" and environ["PATH_INFO"] == METRICS:
            return _http(self._api.put_metrics(_body(environ), region, self._account_of(access_key)))
        return self._answer_whole(environ, access_key, region, service)

    def _answer_whole(self, environ: "WSGIEnvironment", access_key: str, region: str, service: str) -> HttpAnswer:
        if environ["PATH_INFO"] == "/_health":
            return "200 OK", [("Content-Type", "application/json")], json.dumps(self._health()).encode()
        if environ["PATH_INFO"].startswith(_INTERRUPT) and environ["REQUEST_METHOD"] == "POST":
            return self._interrupt(environ["PATH_INFO"].removeprefix(_INTERRUPT))
        if environ["PATH_INFO"] == _MOTO_RESET and environ["REQUEST_METHOD"] == "POST":
            self._reset()
        target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
        if target.startswith("SageMaker."):
            body = _body(environ)
            operation = target.removeprefix("SageMaker.")
            if self._api.owns(operation, body):
                return _http(self._api.answer(operation, body, region, self._account_of(access_key)))
            environ["wsgi.input"] = io.BytesIO(body)
        elif target.startswith("Logs_") or refusals.needs_body(service, target):
            body = _body(environ)
            environ["wsgi.input"] = io.BytesIO(body)
        else:
            body = b""
        refusal = refusals.refusal(service, target, environ["PATH_INFO"], body)
        if refusal is not None and not self._settings.pretend:
            return _http(wire.failure(refusal))
        self._before(service, body)
        status, answered, content = self._ask_moto(environ, service, target)
        if refusal is None or not status.startswith("2"):
            return status, answered, content
        what = target or environ["PATH_INFO"]
        self._faults.report(f"pretended {what}", f"{what}: moto's answer is invented; nothing runs (--pretend)")
        return status, [*answered, refusals.PRETENDED], content

    def _invoke(self, environ: "WSGIEnvironment", scope: AwsScope) -> StreamedAnswer:
        if environ["REQUEST_METHOD"] != "POST":
            sentence = f"SageMaker Runtime takes POST, not {environ['REQUEST_METHOD']}."
            return error(environ, "UnknownOperationException", sentence, "404 Not Found")
        headers = {name[5:].replace("_", "-").lower(): str(value) for name, value in environ.items() if name.startswith("HTTP_")}
        if kind := environ.get("CONTENT_TYPE"):
            headers["content-type"] = str(kind)
        code, answered, content = self._runtime.answer(environ["PATH_INFO"], headers, _body(environ), scope)
        return f"{code} {HTTPStatus(code).phrase}", list(answered.items()), content

    def _interrupt(self, training: str) -> HttpAnswer:
        kind = [("Content-Type", "text/plain; charset=utf-8")]
        try:
            self._api.interrupt(training)
        except AwsError as refused:
            return "400 Bad Request", kind, refused.message.encode()
        return "200 OK", kind, b""

    def _ask_moto(self, environ: "WSGIEnvironment", service: str, target: str) -> HttpAnswer:
        try:
            status, headers, content = call(self._rest, environ)
        except AwsError as refused:
            return error(environ, refused.code, refused.message)
        except NotImplementedError as missing:
            return error(environ, "UnknownOperationException", _not_emulated(environ, service, target, missing))
        except ImportError as missing:
            extra = "'sm-tuning[cloudformation]'" if service == "cloudformation" else f"'moto[{service}]'"
            needed = f"{service} needs packages that are not installed ({missing}): pip install {extra}"
            return error(environ, "UnknownOperationException", needed)
        except Exception as fault:  # noqa: BLE001 - moto raises anything on requests it does not know
            self._faults.failed_elsewhere(f"moto cannot take a request to {service or 'an unknown service'}", fault)
            return _short(environ, fault) or error(
                environ, "UnknownOperationException", _not_emulated(environ, service, target, fault)
            )
        if status.startswith("5"):
            return error(environ, "UnknownOperationException", _not_emulated(environ, service, target, None))
        if target.startswith("SageMaker.") and status.startswith("2"):
            content = pruned(target.removeprefix("SageMaker."), content)
            headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
        if service in {"s3", ""} and environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
            headers = [*headers, *_OBJECT_HEADERS]
        return status, headers, content


def _short(environ: "WSGIEnvironment", fault: Exception) -> HttpAnswer | None:
    """The answer if this machine is short of something (too many open files, say): clients send the request again. Else None."""
    if not isinstance(fault, OSError) or not is_passing(fault):
        return None
    return error(environ, "SlowDown", f"Reduce your request rate. ({fault.strerror})", "503 Service Unavailable")


def _http(answer: wire.Answer) -> HttpAnswer:
    code, headers, content = answer
    return f"{code} {HTTPStatus(code).phrase}", list(headers.items()), content


def _on_one_line(value: str) -> str:
    """A header's value as HTTP allows it; moto repeats values of the request unchecked."""
    return value.replace("\r", " ").replace("\n", " ").encode("latin-1", "replace").decode("latin-1")


def _body(environ: "WSGIEnvironment") -> bytes:
    """Body of a JSON request; the server limits its size."""
    length = str(environ.get("CONTENT_LENGTH") or "")
    content: bytes = environ["wsgi.input"].read(int(length) if length.isdecimal() else 0)
    return content


def _not_emulated(environ: "WSGIEnvironment", service: str, target: str, fault: BaseException | None) -> str:
    """Name of an operation that moto cannot answer: by target, Action, or method and path."""
    what = target or " ".join(filter(None, (service, _action(environ) or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")))
    why = f" ({type(fault).__name__}: {fault})" if fault is not None else ""
    return (
        f"{what[:_LONGEST_NAME]} is not emulated here: moto does not know it, or cannot take what was sent{why[:_LONGEST_NAME]}."
    )


def _action(environ: "WSGIEnvironment") -> str:
    """Action of a query request, from the URL or from the beginning of the body, which moto has read."""
    sent = str(environ.get("QUERY_STRING", ""))
    with suppress(AttributeError, OSError, ValueError):  # the body cannot be read again, or has too many fields
        if "form" in str(environ.get("CONTENT_TYPE", "")):
            environ["wsgi.input"].seek(0)
            sent += "&" + environ["wsgi.input"].read(_LONGEST_FORM).decode("latin-1")
        return next((value for name, value in parse_qsl(sent) if name == "Action"), "")
    return ""
