"""SageMaker Runtime: invocations of endpoints, passed on to the programs that serve them."""

import json
import re
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any
from urllib.parse import unquote

from local_emulator.api import event_stream, invocation_rules
from local_emulator.api.async_invocations import AsyncInvocations
from local_emulator.api.calls import Call, Invocation, InvocationError, InvocationMetrics
from local_emulator.api.routing import Router
from local_emulator.domain.endpoint import Deployment, Endpoint, EndpointStatus
from local_emulator.domain.errors import AwsError, NotFound, ValidationError
from local_emulator.domain.names import ENDPOINT, AwsScope
from local_emulator.runs.hosting.backends import Backends
from local_emulator.store.base import Store

_SECONDS = 60.0
_STREAM_SECONDS = 480.0
_MOST_AT_ONCE = 48  # the server has more threads, so that other requests are answered meanwhile
_STREAM, _ASYNC = "invocations-response-stream", "async-invocations"
_PATH = re.compile(rf"/endpoints/([^/]+)/(invocations|{_STREAM}|{_ASYNC})")

RuntimeAnswer = tuple[int, Mapping[str, str], bytes | Iterable[bytes]]
"""HTTP status, headers and body; the parts of a stream come as the program makes them."""


def is_invocation(service: str, path: str) -> bool:
    """Whether a request is one of SageMaker Runtime; `service` is its signing name, empty for one that is not signed, as by curl."""
    return service in {"sagemaker", ""} and _PATH.fullmatch(path) is not None


class Runtime:
    """Answers invocations. Safe to use from several threads."""

    def __init__(self, *, store: Store, metrics: InvocationMetrics, queue: AsyncInvocations) -> None:
        self._store = store
        self._queue = queue
        self._metrics = metrics
        self._backends = Backends()
        self._router = Router()
        self._slots = threading.BoundedSemaphore(_MOST_AT_ONCE)

    def close(self) -> None:
        """Close the connections to serving programs."""
        self._backends.close()

    def answer(self, path: str, headers: Mapping[str, str], body: bytes, scope: AwsScope) -> RuntimeAnswer:
        """The answer to a request of SageMaker Runtime; names of headers are in lower case."""
        match = _PATH.fullmatch(path)
        try:
            if match is None:
                raise ValidationError(f"{path} is no path of SageMaker Runtime.")
            return self._answer(Invocation(unquote(match[1]), match[2], headers, body, scope))
        except InvocationError as error:
            return _failure(error.status, error.code, str(error), error.members)
        except AwsError as error:
            return _failure(400, error.code, error.message, {})

    def _answer(self, invocation: Invocation) -> RuntimeAnswer:
        endpoint, deployment = self._serving(invocation)
        invocation_rules.check(invocation, deployment)
        if invocation.kind == _ASYNC:
            return self._queue.accept(invocation, endpoint, deployment)
        variant, instance = self._router.choose(endpoint, deployment, invocation.named("target-variant"))
        if not self._slots.acquire(blocking=False):
            raise InvocationError(429, "ThrottlingException", "Rate exceeded")
        with ExitStack() as stack:
            stack.callback(self._slots.release)
            stack.enter_context(self._router.using(endpoint, instance))
            call = Call(invocation, endpoint, variant, instance, self._backends)
            stack.callback(call.measure, self._metrics)
            return self._stream(call, stack) if invocation.kind == _STREAM else self._whole(call)

    def _serving(self, invocation: Invocation) -> tuple[Endpoint, Deployment]:
        missing = f"Endpoint {invocation.endpoint} of account {invocation.scope.account} not found."
        try:
            endpoint = self._store.endpoints.get(invocation.scope.arn(ENDPOINT, invocation.endpoint))
        except NotFound as error:
            raise ValidationError(missing) from error
        if endpoint.serving is None or endpoint.status is EndpointStatus.DELETING:
            raise ValidationError(missing)
        return endpoint, endpoint.serving

    def _whole(self, call: Call) -> RuntimeAnswer:
        answer = call.ask(_SECONDS)
        body = call.body(answer)
        return 200, _headers(answer.headers.get("content-type"), "Content-Type", call.headers(answer)), body

    def _stream(self, call: Call, stack: ExitStack) -> RuntimeAnswer:
        answer = call.ask(_STREAM_SECONDS)
        named = _headers(answer.headers.get("content-type"), "X-Amzn-SageMaker-Content-Type", call.headers(answer))
        stack.callback(answer.discard)
        events = _Events(call.events(answer), stack.pop_all())  # which ends with the stream, not with this function
        return 200, {**named, "Content-Type": event_stream.CONTENT_TYPE}, events


class _Events:
    """A stream; whoever takes it closes it, also if it was never begun."""

    def __init__(self, events: Generator[bytes], ends: ExitStack) -> None:
        self._events = events
        self._ends = ends

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._events
        finally:
            self.close()

    def close(self) -> None:
        """End the stream, and the call."""
        self._events.close()
        self._ends.close()


def _headers(content_type: str | None, name: str, others: Mapping[str, str]) -> Mapping[str, str]:
    return others if content_type is None else {name: content_type, **others}


def _failure(status: int, code: str, message: str, members: Mapping[str, Any]) -> RuntimeAnswer:
    headers = {"Content-Type": "application/json", **({"x-amzn-errortype": code} if code else {})}
    return status, headers, json.dumps({"Message": message, "message": message, **members}).encode()
