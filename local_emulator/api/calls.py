"""One call of a program that serves, and the errors of SageMaker Runtime that it may end with."""

import json
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from local_emulator.api import event_stream
from local_emulator.documents import hosting
from local_emulator.domain.endpoint import Endpoint, Instance, Variant
from local_emulator.domain.errors import ValidationError
from local_emulator.domain.names import AwsScope, endpoint_log_group
from local_emulator.runs.hosting.backends import BackendAnswer, BackendGone, Backends, BackendTimeout
from local_emulator.runs.hosting.sequence import ContainerSequence, OversizedAnswer

MOST_BODY = 6_291_456  # bytes of a request, and of an answer
_OK = range(200, 300)
_CLIENT_ERRORS = range(400, 500)
_CUSTOM_ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"
_PASSED_ON = ("content-type", "accept", _CUSTOM_ATTRIBUTES, "x-amzn-sagemaker-inference-id")
_FAILURE = "x-sm-emulator-failure"  # local_emulator.inference.serving.messages
_NOTHING: Mapping[str, object] = MappingProxyType({})


_LATE = (
    "Your invocation timed out while waiting for a response from container {}. Review the latency metrics for each container in "
    "Amazon CloudWatch, resolve the issue, and try again."
)


class InvocationMetrics(Protocol):
    """Takes what is measured of invocations."""

    def invoked(self, endpoint: Endpoint, variant: str, status: int, containers: Mapping[str, float], seconds: float) -> None:
        """An invocation ended with an HTTP status; so many seconds it took each container by its name, and everything."""


@dataclass(frozen=True)
class Invocation:
    """A request of SageMaker Runtime; names of headers are in lower case."""

    endpoint: str
    kind: str
    headers: Mapping[str, str]
    body: bytes
    scope: AwsScope

    def named(self, header: str) -> str | None:
        """The value of a header of SageMaker's own."""
        return self.headers.get(f"x-amzn-sagemaker-{header}")


class InvocationError(Exception):
    """An error of SageMaker Runtime; `members` are those of its document beside the message."""

    def __init__(self, status: int, code: str, message: str, members: Mapping[str, object] = _NOTHING) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.members = members


class Call:
    """A call of the containers of one instance, from its beginning to `measure`."""

    def __init__(
        self, invocation: Invocation, endpoint: Endpoint, variant: Variant, instance: Instance, backends: Backends
    ) -> None:
        self._invocation = invocation
        self._endpoint = endpoint
        self._variant = variant
        self._began = time.perf_counter()
        self._status = 200
        self._sequence = ContainerSequence(backends, asked) if (asked := _asked(invocation, variant, instance)) else None

    def ask(self, seconds: float) -> BackendAnswer:
        """The last program's answer, of which the headers are there; raises InvocationError unless it is a good one."""
        sequence, invocation = self._sequence, self._invocation
        if sequence is None:
            raise self._unavailable()
        headers = {name: invocation.headers[name] for name in _PASSED_ON if name in invocation.headers}
        if (accept := invocation.named("accept")) is not None:  # of a stream
            headers["accept"] = accept
        with self._in_words_of_aws(sequence):
            answer = sequence.ask(headers, invocation.body, seconds, MOST_BODY)
        if answer.status not in _OK:
            with self._in_words_of_aws(sequence):
                raise self._model_error(sequence, answer.status, answer.read(MOST_BODY), answer.headers.get(_FAILURE))
        return answer

    def body(self, answer: BackendAnswer) -> bytes:
        """The whole body of an answer; raises InvocationError."""
        if self._sequence is None:
            raise self._unavailable()
        with self._in_words_of_aws(self._sequence):
            return self._sequence.read(answer, MOST_BODY)

    @contextmanager
    def _in_words_of_aws(self, sequence: ContainerSequence) -> Iterator[None]:
        """Turn what is wrong with a program, or its answer, into InvocationError."""
        try:
            yield
        except BackendTimeout as error:
            late = _LATE.format(sequence.container).encode()
            raise self._model_error(sequence, 0, late) from error
        except BackendGone as error:
            raise (self._model_error(sequence, 0, b"") if error.sent else self._unavailable(error)) from error
        except OversizedAnswer as error:
            raise self._model_error(sequence, error.status, f"The response has more than {MOST_BODY} bytes.".encode()) from error

    def events(self, answer: BackendAnswer) -> Generator[bytes]:
        """The body of an answer as an event stream, part by part; an error ends it as an event."""
        began = time.perf_counter()
        try:
            for part in answer.parts():
                yield event_stream.part("PayloadPart", part)
        except (BackendTimeout, BackendGone) as error:
            late = isinstance(error, BackendTimeout)
            self._status = 424
            code = "ModelInvocationTimeExceeded" if late else "StreamBroken"
            message = (
                "The model failed to finish sending the response in time." if late else "The response of the model broke off."
            )
            yield event_stream.failure("ModelStreamError", json.dumps({"Message": message, "ErrorCode": code}).encode())
        finally:
            if self._sequence is not None:
                self._sequence.took(time.perf_counter() - began)

    def headers(self, answer: BackendAnswer) -> Mapping[str, str]:
        """SageMaker's headers of the answer to the client."""
        custom = answer.headers.get(_CUSTOM_ATTRIBUTES)
        variant = {"x-Amzn-Invoked-Production-Variant": self._variant.name}
        return variant if custom is None else {**variant, "X-Amzn-SageMaker-Custom-Attributes": custom}

    def measure(self, metrics: InvocationMetrics) -> None:
        """Hand over what was measured."""
        seconds = self._sequence.seconds if self._sequence is not None else {}
        metrics.invoked(self._endpoint, self._variant.name, self._status, seconds, time.perf_counter() - self._began)

    def _model_error(
        self, sequence: ContainerSequence, status: int, original: bytes | None, failure: str | None = None
    ) -> InvocationError:
        """ModelError in AWS's words, and behind them the failure that a program of the emulator has told.

        `original` is None if the program's message is too long.
        """
        self._status = 424
        scope, group = self._invocation.scope, endpoint_log_group(self._endpoint.name)
        whose = "client" if status in _CLIENT_ERRORS else "server"
        text = None if original is None else original.decode("utf-8", "replace")
        said = f'with message "{text}"' if text is not None else "and could not load the entire response body"
        console = f"https://{scope.region}.console.aws.amazon.com/cloudwatch/home?region={scope.region}"
        message = (
            f"Received {whose} error ({status}) from {sequence.container} {said}. See {console}#logEventViewer:group={group} in "
            f"account {scope.account} for more information."
        )
        if failure is not None:
            message += f" The log says: {failure}"
        log = f"arn:{scope.partition}:logs:{scope.region}:{scope.account}:log-group:{group}"
        members = {"OriginalStatusCode": status, "OriginalMessage": text or "", "LogStreamArn": log}
        return InvocationError(424, "ModelError", message, members)

    def _unavailable(self, gone: BackendGone | None = None) -> InvocationError:
        self._status = 503
        text = f"The program of the variant {self._variant.name} has ended and is being started again."
        if gone is not None and gone.short is not None:
            text = f"The program of the variant {self._variant.name} cannot be asked now: {gone.short}."
        return InvocationError(503, "ServiceUnavailable", text)


def _asked(invocation: Invocation, variant: Variant, instance: Instance) -> Sequence[tuple[str, int]]:
    """The containers that answer, by their names and ports; none while their ports are not known. Raises ValidationError."""
    names, target = hosting.container_names(variant.model), invocation.named("target-container-hostname")
    containers = list(zip(names, instance.ports, strict=False))
    if not hosting.is_direct(variant.model):
        if target is not None:
            raise ValidationError(
                f"TargetContainerHostname is for endpoints whose containers are invoked directly, which {invocation.endpoint} is not."
            )
        return containers
    if target is None:
        raise ValidationError(
            f"The containers of the endpoint {invocation.endpoint} are invoked directly: TargetContainerHostname must name one of "
            f"{', '.join(names)}."
        )
    if target not in names:
        raise ValidationError(f"The endpoint {invocation.endpoint} has no container {target}: it has {', '.join(names)}.")
    return [container for container in containers if container[0] == target]
