"""SageMaker Runtime: what is passed on, what comes back, and AWS's errors."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer

from local_emulator.api.async_invocations import AsyncInvocations
from local_emulator.api.calls import MOST_BODY
from local_emulator.api.invocations import Runtime, is_invocation
from local_emulator.domain.endpoint import Endpoint, EndpointStatus, Instance
from local_emulator.store.sqlite import SqliteStore
from tests.made_endpoints import deployment, endpoint, variant
from tests.made_jobs import NOW, SCOPE
from tests.serving_programs import Answer, Response, serving

Invoke = Callable[..., tuple[int, Mapping[str, str], Any]]
LOG = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/Endpoints/endpoint"


class Measured:
    """The metrics of invocations."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, int]] = []

    def invoked(self, _endpoint: Endpoint, name: str, status: int, containers: Mapping[str, float], seconds: float) -> None:
        assert 0 <= sum(containers.values()) <= seconds
        self.taken.append((name, status))


@pytest.fixture
def measured() -> Measured:
    return Measured()


@pytest.fixture
def runtime(store: SqliteStore, measured: Measured) -> Iterator[Runtime]:
    queue = AsyncInvocations(store=store, now=lambda: NOW, token=lambda: "0" * 32, notify=lambda: None)
    made = Runtime(store=store, metrics=measured, queue=queue)
    yield made
    made.close()


@pytest.fixture
def invoke(runtime: Runtime) -> Invoke:
    def call(body: bytes = b"1", kind: str = "invocations", name: str = "endpoint", **headers: str) -> Any:
        named = {header.replace("_", "-"): value for header, value in headers.items()}
        return runtime.answer(f"/endpoints/{name}/{kind}", named, body, SCOPE)

    return call


def deploy(store: SqliteStore, port: int, **config: Any) -> Endpoint:
    chosen = deployment(variant("v", Instance(run="r", ports=(port,), healthy=True)), **config)
    made = endpoint(status=EndpointStatus.IN_SERVICE, serving=chosen)
    store.endpoints.add(made)
    return made


def echo(path: str, headers: dict[str, str], body: bytes) -> Response:
    said = {"path": path, "headers": headers, "body": body.decode()}
    custom = {"X-Amzn-SageMaker-Custom-Attributes": "answered"}
    return Response(json.dumps(said).encode(), headers={"Content-Type": "text/x", "X-Secret": "no", **custom})


def document(answer: tuple[int, Mapping[str, str], Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(answer[2])
    return document


def test_paths_of_the_api() -> None:
    for kind in ("invocations", "async-invocations", "invocations-response-stream"):
        assert is_invocation("sagemaker", f"/endpoints/e/{kind}")
    assert is_invocation("", "/endpoints/e/invocations")
    assert not is_invocation("s3", "/endpoints/e/invocations")
    assert not is_invocation("sagemaker", "/endpoints/e/invocations/more")


def test_an_invocation_is_passed_on_and_answered(store: SqliteStore, invoke: Invoke, measured: Measured) -> None:
    with serving(echo) as program:
        deploy(store, program.port)
        status, headers, body = invoke(
            b"\xc3\xa4", content_type="a/b", accept="c/d", x_amzn_sagemaker_custom_attributes="k=v", authorization="secret"
        )
        assert (status, headers["Content-Type"], headers["x-Amzn-Invoked-Production-Variant"]) == (200, "text/x", "v")
        assert headers["X-Amzn-SageMaker-Custom-Attributes"] == "answered"
        assert "X-Secret" not in headers
        said = json.loads(body)
        assert (said["path"], said["body"]) == ("/invocations", "ä")
        sent = said["headers"]
        assert (sent["content-type"], sent["accept"], sent["x-amzn-sagemaker-custom-attributes"]) == ("a/b", "c/d", "k=v")
        assert "authorization" not in sent
    assert measured.taken == [("v", 200)]


@pytest.mark.parametrize(
    ("status", "body", "whose", "shown"),
    [
        (500, b"broken", "server error (500)", 'with message "broken"'),
        (415, b"", "client error (415)", 'with message ""'),
        (500, b"x" * (MOST_BODY + 1), "server error (500)", "and could not load the entire response body"),
    ],
)
def test_what_a_program_answers_as_an_error(
    store: SqliteStore, invoke: Invoke, measured: Measured, status: int, body: bytes, whose: str, shown: str
) -> None:
    with serving(lambda *_: Response(body, status)) as program:
        deploy(store, program.port)
        code, headers, content = invoke()
    error = json.loads(content)
    assert (code, headers["x-amzn-errortype"]) == (424, "ModelError")
    assert error["Message"].startswith(f"Received {whose} from primary {shown}. See https://us-east-1.console.aws.amazon.com/")
    assert error["Message"].endswith(
        "#logEventViewer:group=/aws/sagemaker/Endpoints/endpoint in account 123456789012 for more information."
    )
    assert (error["OriginalStatusCode"], error["LogStreamArn"]) == (status, LOG)
    assert error["OriginalMessage"] == ("" if len(body) > MOST_BODY else body.decode())
    assert measured.taken == [("v", 424)]


def test_the_failure_that_a_program_of_the_emulator_tells(store: SqliteStore, invoke: Invoke) -> None:
    headers = {"X-Sm-Emulator-Failure": "ValueError: one dimension"}
    with serving(lambda *_: Response(b"page", 500, headers)) as program:
        deploy(store, program.port)
        error = document(invoke())
    assert error["Message"].endswith(" for more information. The log says: ValueError: one dimension")
    assert error["OriginalMessage"] == "page"


def test_a_program_that_does_not_answer(store: SqliteStore, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_emulator.api.invocations._SECONDS", 0.1)
    going_on: list[bool] = []

    def slow(*_: object) -> Response:
        def parts() -> Any:
            while not going_on:
                yield b"."

        return Response(parts())

    with serving(slow) as program:
        deploy(store, program.port)
        error = document(invoke())
        going_on.append(True)
    assert error["OriginalStatusCode"] == 0
    assert "Your invocation timed out while waiting for a response from container primary." in error["Message"]


def test_a_program_that_dies_and_one_that_is_not_there(store: SqliteStore, invoke: Invoke) -> None:
    with serving(lambda *_: Response(status=None)) as program:
        made = deploy(store, program.port)
        assert document(invoke())["Message"].startswith('Received server error (0) from primary with message "".')
    assert invoke()[0] == 503
    store.endpoints.put(replace(made, serving=deployment(variant("v", Instance(run="r")))))
    status, headers, _ = invoke()
    assert (status, headers["x-amzn-errortype"]) == (503, "ServiceUnavailable")


def several(store: SqliteStore, *ports: int, **model: Any) -> None:
    """An endpoint whose model has several containers."""
    definitions = [{"Image": "a", "ContainerHostname": name} for name, _ in zip(("first", "second"), ports, strict=True)]
    part = variant("v", Instance(run="r", ports=ports, healthy=True))
    described = {"ModelName": "model", "Containers": definitions, **model}
    store.endpoints.add(endpoint(status=EndpointStatus.IN_SERVICE, serving=deployment(replace(part, model=described))))


def test_containers_answer_one_after_another(store: SqliteStore, invoke: Invoke, measured: Measured) -> None:
    seen: list[dict[str, str]] = []

    def first(_path: str, headers: dict[str, str], body: bytes) -> Response:
        seen.append(headers)
        return Response(body + b" first", headers={"Content-Type": "text/first; charset=utf-8"})

    with serving(first) as head, serving(echo) as tail:
        several(store, head.port, tail.port)
        status, _, body = invoke(b"x", content_type="a/b", accept="c/d", x_amzn_sagemaker_custom_attributes="k=v")
        assert (status, document((status, {}, body))["body"]) == (200, "x first")
        sent = document((status, {}, body))["headers"]
        assert (sent["content-type"], sent["accept"]) == ("text/first; charset=utf-8", "c/d")
        assert (seen[0]["content-type"], seen[0]["x-amzn-sagemaker-custom-attributes"]) == ("a/b", "k=v")
        assert "accept" not in seen[0]
        refused = document(invoke(x_amzn_sagemaker_target_container_hostname="first"))["Message"]
        assert refused == "TargetContainerHostname is for endpoints whose containers are invoked directly, which endpoint is not."
    assert measured.taken == [("v", 200)]


def test_the_container_that_fails_is_named(store: SqliteStore, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda *_: Response(b"x", 200)) as head, serving(lambda *_: Response(b"no", 415)) as tail:
        several(store, head.port, tail.port)
        assert document(invoke())["Message"].startswith('Received client error (415) from second with message "no". See https://')
        monkeypatch.setattr("local_emulator.api.calls.MOST_BODY", 0)
        assert document(invoke())["Message"].startswith(
            'Received server error (200) from first with message "The response has more'
        )


def test_containers_are_invoked_directly(store: SqliteStore, invoke: Invoke) -> None:
    with serving(echo) as head, serving(lambda *_: Response(b"second")) as tail:
        several(store, head.port, tail.port, InferenceExecutionConfig={"Mode": "Direct"})
        assert invoke(x_amzn_sagemaker_target_container_hostname="second")[2] == b"second"
        assert document(invoke(b"x", x_amzn_sagemaker_target_container_hostname="first"))["body"] == "x"
        assert "TargetContainerHostname must name one of first, second." in document(invoke())["Message"]
        missing = document(invoke(x_amzn_sagemaker_target_container_hostname="third"))["Message"]
        assert missing == "The endpoint endpoint has no container third: it has first, second."


@pytest.mark.parametrize("status", [EndpointStatus.CREATING, EndpointStatus.DELETING, None])
def test_endpoints_that_do_not_serve_are_not_there(store: SqliteStore, invoke: Invoke, status: EndpointStatus | None) -> None:
    if status is not None:
        store.endpoints.add(endpoint(status=status))
    code, headers, content = invoke()
    assert (code, headers["x-amzn-errortype"]) == (400, "ValidationError")
    assert json.loads(content)["Message"] == "Endpoint endpoint of account 123456789012 not found."


def test_limits_and_what_is_not_emulated(store: SqliteStore, invoke: Invoke) -> None:
    deploy(store, 1)
    status, headers, content = invoke(b"x" * (MOST_BODY + 1))
    assert (status, headers.get("x-amzn-errortype")) == (413, None)
    assert json.loads(content)["message"] == "HTTP content length exceeded 6291456 bytes."
    assert "it may have at most 1024" in document(invoke(x_amzn_sagemaker_custom_attributes="x" * 1025))["Message"]
    assert "multi-model endpoints, which are not" in document(invoke(x_amzn_sagemaker_target_model="m"))["Message"]
    assert "The variant w of the endpoint endpoint" in document(invoke(x_amzn_sagemaker_target_variant="w"))["Message"]
    assert "is a real-time endpoint. Use InvokeEndpoint." in document(invoke(kind="async-invocations"))["Message"]


def test_a_serverless_endpoint_takes_less(store: SqliteStore, invoke: Invoke) -> None:
    serverless = {"VariantName": "v", "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}
    deploy(store, 1, ProductionVariants=[serverless])
    assert "has oversize body" in document(invoke(b"x" * (4 * 2**20 + 1)))["Message"]
    assert "does not support response streams" in document(invoke(kind="invocations-response-stream"))["Message"]


def events(answer: tuple[int, Mapping[str, str], Any]) -> list[tuple[str, bytes]]:
    buffer: Any = EventStreamBuffer()
    for part in answer[2]:
        buffer.add_data(part)
    return [(event.headers.get(":event-type") or event.headers[":exception-type"], event.payload) for event in buffer]


def streamed(*parts: bytes) -> Answer:
    return lambda *_: Response(iter(parts), headers={"Content-Type": "text/x"})


def test_a_response_stream(store: SqliteStore, invoke: Invoke, measured: Measured) -> None:
    with serving(streamed(b"one", b"two")) as program:
        deploy(store, program.port)
        answer = invoke(kind="invocations-response-stream", x_amzn_sagemaker_accept="c/d")
        assert answer[1]["Content-Type"] == "application/vnd.amazon.eventstream"
        assert answer[1]["X-Amzn-SageMaker-Content-Type"] == "text/x"
        assert b"".join(payload for _, payload in events(answer)) == b"onetwo"
        invoke(kind="invocations-response-stream")[2].close()  # a client that goes away before it reads
    assert measured.taken == [("v", 200), ("v", 200)]


def test_a_response_stream_that_breaks_off(store: SqliteStore, invoke: Invoke, measured: Measured) -> None:
    with serving(streamed(b"one", b"")) as program:
        deploy(store, program.port)
        answer = invoke(kind="invocations-response-stream")
        (first, payload), (last, error) = events(answer)
    assert (first, payload, last) == ("PayloadPart", b"one", "ModelStreamError")
    assert json.loads(error)["ErrorCode"] == "StreamBroken"
    assert measured.taken == [("v", 424)]


def test_too_many_at_once_are_throttled(store: SqliteStore, invoke: Invoke) -> None:
    with serving(streamed(b"one")) as program:
        deploy(store, program.port)
        open_streams = [invoke(kind="invocations-response-stream") for _ in range(48)]
        assert invoke()[0] == 429
        for answer in open_streams:
            answer[2].close()
        assert invoke()[0] == 200


def test_an_asynchronous_endpoint_queues(store: SqliteStore, invoke: Invoke) -> None:
    deploy(store, 1, AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": "s3://bucket/out"}})
    assert "is an asynchronous endpoint. Use InvokeEndpointAsync." in document(invoke())["Message"]
    status, headers, _ = invoke(kind="async-invocations")
    assert (status, headers["X-Amzn-SageMaker-OutputLocation"]) == (202, f"s3://bucket/out/{'0' * 32}.out")
