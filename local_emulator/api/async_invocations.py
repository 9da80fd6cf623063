"""InvokeEndpointAsync: what it accepts is kept, and answered by the engine."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime

from local_emulator.api.calls import Invocation
from local_emulator.documents import hosting
from local_emulator.domain.endpoint import Deployment, Endpoint
from local_emulator.domain.errors import ValidationError
from local_emulator.domain.invocation import QueuedInvocation
from local_emulator.domain.names import ENDPOINT_INVOCATION
from local_emulator.store.base import Store
from sm_tuning.rules.s3_uri import split_s3

_MOST_INLINE = 128_000  # bytes
_SECONDS, _LONGEST_SECONDS = 900, 3600  # until a program must have answered
_TTL, _LONGEST_TTL = 6 * 3600, 6 * 3600  # seconds that an invocation may wait
_EXTENSION = re.compile(r"(?!s3:|https:)[a-zA-Z0-9!_.*'()/-]{1,512}")
_FILENAME = re.compile(r"(?!.*\..*\.)[a-zA-Z0-9][a-zA-Z0-9\-_.]{0,31}")


class AsyncInvocations:
    """Accepts invocations: each is stored before it is acknowledged."""

    def __init__(
        self, *, store: Store, now: Callable[[], datetime], token: Callable[[], str], notify: Callable[[], None]
    ) -> None:
        self._store = store
        self._now = now
        self._token = token
        self._notify = notify

    def accept(self, invocation: Invocation, endpoint: Endpoint, deployment: Deployment) -> tuple[int, Mapping[str, str], bytes]:
        """Keep an invocation, and answer where its output and its failure will be; raises ValidationError."""
        token, now = self._token(), self._now()
        location = invocation.named("inputlocation")
        _check_input(location, invocation.body)
        output = hosting.async_output(deployment.config)
        path = "/".join(filter(None, (output.path.rstrip("/"), _extension(invocation).strip("/"))))
        queued = QueuedInvocation(
            name=token,
            arn=endpoint.scope.arn(ENDPOINT_INVOCATION, token),
            request={},
            created=now,
            modified=now,
            endpoint=endpoint.name,
            headers=tuple(_headers(invocation)),
            location=location,
            body=None if location else base64.b64encode(invocation.body).decode(),
            output=f"{path}/{_filename(invocation) or f'{token}.out'}",
            failure=output.failure_path and f"{output.failure_path.rstrip('/')}/{token}-error.out",
            seconds=_number(invocation, "InvocationTimeoutSeconds", _SECONDS, 1, _LONGEST_SECONDS),
            ttl=_number(invocation, "RequestTTLSeconds", _TTL, 60, _LONGEST_TTL),
        )
        self._store.invocations.add(queued)
        self._notify()
        locations = {"X-Amzn-SageMaker-OutputLocation": queued.output, "X-Amzn-SageMaker-FailureLocation": queued.failure}
        document = json.dumps({"InferenceId": invocation.named("inference-id") or token}).encode()
        return 202, {"Content-Type": "application/json", **{name: uri for name, uri in locations.items() if uri}}, document


def _check_input(location: str | None, body: bytes) -> None:
    if bool(location) == bool(body):
        raise ValidationError("Exactly one of InputLocation and Body must be there.")
    if location is not None and split_s3(location) is None:
        raise ValidationError(f"The InputLocation {location} must be a URI of S3 (s3://bucket/key) here.")
    if len(body) > _MOST_INLINE:
        raise ValidationError(f"The Body has {len(body)} bytes; it may have at most {_MOST_INLINE}. Use InputLocation.")


def _headers(invocation: Invocation) -> list[tuple[str, str]]:
    """What is told to the program."""
    given = {
        "content-type": invocation.named("content-type"),
        "accept": invocation.named("accept"),
        "x-amzn-sagemaker-custom-attributes": invocation.named("custom-attributes"),
        "x-amzn-sagemaker-inference-id": invocation.named("inference-id"),
    }
    return [(name, value) for name, value in given.items() if value is not None]


def _extension(invocation: Invocation) -> str:
    extension = invocation.named("s3outputpathextension") or ""
    if extension and not _EXTENSION.fullmatch(extension):
        raise ValidationError(f"The S3OutputPathExtension {extension!r} must match {_EXTENSION.pattern}.")
    return extension


def _filename(invocation: Invocation) -> str | None:
    name = invocation.named("filename")
    if name is not None and not _FILENAME.fullmatch(name):
        raise ValidationError(f"The Filename {name!r} must match {_FILENAME.pattern}.")
    return name


def _number(invocation: Invocation, member: str, default: int, low: int, high: int) -> int:
    text = invocation.named(member.lower())
    if text is None:
        return default
    if not text.isdecimal() or not low <= int(text) <= high:
        raise ValidationError(f"{member} is {text}; it must be a whole number from {low} to {high}.")
    return int(text)
