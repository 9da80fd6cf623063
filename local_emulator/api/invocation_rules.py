"""What SageMaker Runtime refuses of an invocation before a program is asked."""

import json

from local_emulator.api.calls import MOST_BODY, Invocation, InvocationError
from local_emulator.api.wire import HttpAnswer
from local_emulator.documents import hosting
from local_emulator.domain.endpoint import Deployment
from local_emulator.domain.errors import ValidationError

_MOST_SERVERLESS = 4 * 2**20
_LONGEST_HEADERS = {"custom-attributes": 1024, "inference-id": 64, "target-variant": 63}
_NOT_EMULATED = {
    "target-model": "TargetModel is for multi-model endpoints",
    "inference-component": "InferenceComponentName is for endpoints with inference components",
    "session-id": "SessionId is for stateful models",
    "enable-explanations": "EnableExplanations is for endpoints with an explainer",
}


_TOO_LARGE = f"HTTP content length exceeded {MOST_BODY} bytes."  # recorded, when the limit was another


def too_large_answer() -> HttpAnswer:
    """The answer to a body that no endpoint takes."""
    return "413 Request Entity Too Large", [("Content-Type", "application/json")], json.dumps({"message": _TOO_LARGE}).encode()


def check(invocation: Invocation, deployment: Deployment) -> None:
    """Raise ValidationError, or InvocationError, for what the deployment cannot answer."""
    if len(invocation.body) > MOST_BODY:
        raise InvocationError(413, "", _TOO_LARGE)
    for header, most in _LONGEST_HEADERS.items():
        value = invocation.named(header)
        if value is not None and len(value) > most:
            raise ValidationError(
                f"The header X-Amzn-SageMaker-{header.title()} has {len(value)} letters; it may have at most {most}."
            )
    for header, sentence in _NOT_EMULATED.items():
        if invocation.named(header) is not None:
            raise ValidationError(f"{sentence}, which are not emulated.")
    asynchronous = hosting.is_asynchronous(deployment.config)
    if asynchronous != (invocation.kind == "async-invocations"):
        what, instead = ("an asynchronous", "InvokeEndpointAsync") if asynchronous else ("a real-time", "InvokeEndpoint")
        raise ValidationError(f"Endpoint {invocation.endpoint} is {what} endpoint. Use {instead}.")
    if hosting.is_serverless(deployment.config):
        if invocation.kind == "invocations-response-stream":
            raise ValidationError(f"Endpoint {invocation.endpoint} is serverless, and does not support response streams.")
        if len(invocation.body) > _MOST_SERVERLESS:
            raise ValidationError("Request has oversize body.")
