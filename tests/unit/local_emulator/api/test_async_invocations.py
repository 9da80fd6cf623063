"""InvokeEndpointAsync: what is accepted is stored before it is acknowledged."""

import json
from typing import Any

import pytest

from local_emulator.api.async_invocations import AsyncInvocations
from local_emulator.api.calls import Invocation
from local_emulator.domain.endpoint import EndpointStatus
from local_emulator.domain.errors import ValidationError
from local_emulator.domain.invocation import QueuedInvocation
from local_emulator.store.base import Query
from local_emulator.store.sqlite import SqliteStore
from tests.made_endpoints import deployment, endpoint
from tests.made_jobs import NOW, SCOPE

OUTPUT = {"S3OutputPath": "s3://bucket/out/", "S3FailurePath": "s3://bucket/bad"}


def accept(store: SqliteStore, body: bytes = b"", output: dict[str, str] = OUTPUT, **headers: str) -> Any:
    queue = AsyncInvocations(store=store, now=lambda: NOW, token=lambda: "ab" * 16, notify=lambda: None)
    named = {f"x-amzn-sagemaker-{name.replace('_', '-')}": value for name, value in headers.items()}
    chosen = deployment(AsyncInferenceConfig={"OutputConfig": output})
    invocation = Invocation("endpoint", "async-invocations", named, body, SCOPE)
    return queue.accept(invocation, endpoint(status=EndpointStatus.IN_SERVICE, serving=chosen), chosen)


def queued(store: SqliteStore) -> QueuedInvocation:
    return store.invocations.find(Query()).items[0]


def test_an_invocation_is_accepted(store: SqliteStore) -> None:
    status, headers, body = accept(store, inputlocation="s3://bucket/in", content_type="a/b", accept="c/d", inference_id="mine")
    assert (status, json.loads(body)) == (202, {"InferenceId": "mine"})
    assert headers["X-Amzn-SageMaker-OutputLocation"] == f"s3://bucket/out/{'ab' * 16}.out"
    assert headers["X-Amzn-SageMaker-FailureLocation"] == f"s3://bucket/bad/{'ab' * 16}-error.out"
    kept = queued(store)
    assert dict(kept.headers) == {"content-type": "a/b", "accept": "c/d", "x-amzn-sagemaker-inference-id": "mine"}
    assert (kept.location, kept.body, kept.seconds, kept.ttl) == ("s3://bucket/in", None, 900, 21600)


def test_names_of_outputs_and_limits(store: SqliteStore) -> None:
    _, headers, _ = accept(
        store,
        b"1",
        {"S3OutputPath": "s3://bucket"},
        s3outputpathextension="more/here",
        filename="answer.json",
        invocationtimeoutseconds="5",
    )
    assert headers["X-Amzn-SageMaker-OutputLocation"] == "s3://bucket/more/here/answer.json"
    assert "X-Amzn-SageMaker-FailureLocation" not in headers
    assert (queued(store).body, queued(store).seconds) == ("MQ==", 5)


@pytest.mark.parametrize(
    ("body", "headers", "sentence"),
    [
        (b"", {}, "Exactly one of InputLocation and Body"),
        (b"1", {"inputlocation": "s3://b/k"}, "Exactly one of InputLocation and Body"),
        (b"", {"inputlocation": "https://b/k"}, "must be a URI of S3"),
        (b"x" * 128_001, {}, "at most 128000"),
        (b"1", {"filename": "a/b"}, "The Filename"),
        (b"1", {"s3outputpathextension": "s3://x"}, "The S3OutputPathExtension"),
        (b"1", {"requestttlseconds": "59"}, "from 60 to 21600"),
        (b"1", {"invocationtimeoutseconds": "1.5"}, "InvocationTimeoutSeconds is 1.5"),
    ],
)
def test_what_is_refused(store: SqliteStore, body: bytes, headers: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        accept(store, body, OUTPUT, **headers)
    assert store.invocations.find(Query()).items == ()
