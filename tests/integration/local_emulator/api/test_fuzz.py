"""Ten thousand requests that nobody would send on purpose: always a modelled answer, never a 5xx, never slow.

Those to other services, and those that break HTTP, are a share of what `benchmarks/fuzz.py` sends.
"""

import base64
import json
import random
import string
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from benchmarks import fuzz
from local_emulator.api import operations
from local_emulator.api.faults import Faults
from local_emulator.api.gateway import Gateway
from local_emulator.api.operations import Api
from local_emulator.domain.errors import StoreUnavailable
from local_emulator.settings import Settings
from local_emulator.store.sqlite import SqliteStore
from sm_tuning.rules import schema
from tests.conftest import Server
from tests.made_endpoints import AnythingServed

_TEXTS = (
    *("", "a", "A-1", "s3://b/k", "arn:aws:iam::123456789012:role/r", "0.5", "1e400", "nan", "-1", "job", "null", "Bayesian"),
    *("é\U0001f600", "\0", "\n", "a" * 3000, "(a+)+$", "[", "../../etc", "2026-01-01", "{{7*7}}", "%s%n"),
)
_NUMBERS = (0, 1, -1, 2, 3, 10, 100, 2**31, -(2**63), 2**70, 0.5, 1e308, -0.0)
_ODD: tuple[Any, ...] = (None, True, [], {}, "x", 7, [[]], {"a": {"b": []}}, 1e300)
_OPERATIONS = sorted(Api.operations)
_SLOWEST = 1.0  # seconds of the processor: other programs may hold this one up


def _value(shape: Shape, rng: random.Random, depth: int = 0) -> Any:  # noqa: PLR0911 - one return for each type
    """Mostly of the right type, now and then of any."""
    if rng.random() < 0.02 or depth > 8:
        return rng.choice(_ODD)
    if isinstance(shape, StructureShape):
        share = rng.choice((0.2, 0.6, 1.0))
        names = [name for name in shape.members if name in shape.required_members or rng.random() < share]
        return {name: _value(shape.members[name], rng, depth + 1) for name in names}
    if isinstance(shape, ListShape):
        return [_value(shape.member, rng, depth + 1) for _ in range(rng.choice((0, 1, 1, 2, 35)) if depth < 4 else 1)]
    if isinstance(shape, MapShape):
        return {rng.choice(_TEXTS): _value(shape.value, rng, depth + 1) for _ in range(rng.choice((0, 1, 3)))}
    if shape.type_name == "boolean":
        return rng.random() < 0.5
    if shape.type_name == "string":
        if isinstance(shape, StringShape) and shape.enum and rng.random() < 0.9:
            return rng.choice(shape.enum)
        return rng.choice(_TEXTS)
    return rng.choice(_NUMBERS)


def _raw(rng: random.Random) -> bytes:
    """Bodies that are hardly JSON."""
    kind = rng.randrange(6)
    if kind == 0:
        return rng.randbytes(rng.randrange(200))
    if kind == 1:
        return ("[" * rng.randrange(5000)).encode()
    if kind == 2:
        return json.dumps({rng.choice(_TEXTS): rng.choice(_ODD) for _ in range(4)}).encode()[: rng.randrange(60)]
    if kind == 3:
        return b'{"HyperParameterTuningJobName": ' + rng.choice((b"1e999", b"NaN", b'"\\ud800"', b"00", b"-", b'"\x01"')) + b"}"
    if kind == 4:
        return json.dumps(
            {"NextToken": base64.b64encode(rng.randbytes(20)).decode(), "MaxResults": rng.choice(_NUMBERS)}
        ).encode()
    return "".join(rng.choices(string.printable, k=rng.randrange(300))).encode("utf-16" if rng.random() < 0.1 else "utf-8")


@pytest.fixture
def api() -> Api:
    return Api(
        store=SqliteStore(None),
        settings=Settings(),
        now=lambda: datetime.now(UTC),
        token=lambda: f"{random.getrandbits(128):032x}",
        chance=lambda: 1.0,
        notify=lambda: None,
        check=lambda _definition, _region: None,
        serving=AnythingServed(),
        check_processing=lambda _: None,
    )


def test_a_full_disk_is_a_limit(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StoreUnavailable("the database of jobs: database or disk is full")

    monkeypatch.setattr(operations, "_TABLE", {"ListTrainingJobs": full})
    code, headers, body = api.answer("ListTrainingJobs", b"{}", "us-east-1")
    assert (code, headers["x-amzn-errortype"]) == (400, "ResourceLimitExceeded")
    assert json.loads(body)["message"] == "ListTrainingJobs was not carried out: the database of jobs: database or disk is full"


def _judge(code: int, body: bytes, seconds: float, sent: bytes) -> str:
    assert code in {200, 400}, sent[:2000]
    assert seconds < _SLOWEST, (seconds, sent[:2000])
    if code == 200:
        return "200"
    error = json.loads(body)
    assert error["__type"] != "InternalFailure", (error, sent[:2000])
    assert error["message"] == error["Message"] != ""
    return str(error["__type"])


def test_requests_in_the_shape_of_the_model(api: Api) -> None:
    rng = random.Random(20261124)
    seen: dict[str, int] = {}
    for number in range(7000):
        name = _OPERATIONS[number % len(_OPERATIONS)]
        shape = schema.operation(name).input_shape
        assert shape is not None
        body = json.dumps(_value(shape, rng)).encode()
        began = time.thread_time()
        code, _, answer = api.answer(name, body, "us-east-1")
        kind = _judge(code, answer, time.thread_time() - began, body)
        seen[kind] = seen.get(kind, 0) + 1
    assert set(seen) >= {"200", "ValidationException", "SerializationException"}, seen


def _good() -> dict[str, Any]:
    """A request that is taken, to be spoilt in one index."""
    return {
        "HyperParameterTuningJobName": "job",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "m"},
            "ResourceLimits": {"MaxParallelTrainingJobs": 1, "MaxNumberOfTrainingJobs": 1},
            "ParameterRanges": {
                "ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1", "ScalingType": "Auto"}],
                "IntegerParameterRanges": [{"Name": "n", "MinValue": "0", "MaxValue": "9"}],
                "CategoricalParameterRanges": [{"Name": "c", "Values": ["a", "b"]}],
            },
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": {"s": "1"},
            "AlgorithmSpecification": {
                "TrainingImage": "i",
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "m", "Regex": "m=(.)"}],
            },
            "RoleArn": "arn:aws:iam::123456789012:role/r",
            "OutputDataConfig": {"S3OutputPath": "s3://b"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        },
    }


def _spoil(value: Any, rng: random.Random) -> Any:
    """The same document with one index changed."""
    if isinstance(value, dict) and value and rng.random() < 0.93:
        name = rng.choice(sorted(value))
        changed = _spoil(value[name], rng)
        return {**value, name: changed} if rng.random() < 0.93 else {key: member for key, member in value.items() if key != name}
    if isinstance(value, list) and value and rng.random() < 0.8:
        index = rng.randrange(len(value))
        return [*value[:index], _spoil(value[index], rng), *value[index + 1 :], *([value[index]] if rng.random() < 0.2 else [])]
    return rng.choice(rng.choice((_TEXTS, _NUMBERS, _ODD)))


def test_good_requests_spoilt_in_one_place(api: Api) -> None:
    rng = random.Random(7)
    seen: dict[str, int] = {}
    for number in range(2000):
        body = json.dumps(_spoil(_good() | {"HyperParameterTuningJobName": f"job-{number}"}, rng)).encode()
        began = time.thread_time()
        code, _, answer = api.answer("CreateHyperParameterTuningJob", body, "us-east-1")
        kind = _judge(code, answer, time.thread_time() - began, body)
        seen[kind] = seen.get(kind, 0) + 1
    assert seen["200"] > 50, seen
    assert seen["ValidationException"] > 500, seen


def test_bodies_that_are_hardly_json_and_headers_that_are_hardly_http(api: Api) -> None:
    def moto(_environ: object, start: Callable[..., Any]) -> list[bytes]:
        start("200 OK", [])
        return [b""]

    runtime: Any = None
    gateway = Gateway(
        api=api,
        runtime=runtime,
        rest=moto,
        settings=Settings(),
        health=dict,
        before=lambda _service, _body: None,
        faults=Faults(),
    )
    rng = random.Random(3)
    for number in range(1500):
        body = _raw(rng)
        name = rng.choice(_OPERATIONS) if rng.random() < 0.9 else rng.choice(_TEXTS)
        status: list[str] = []
        environ: dict[str, Any] = {
            "REQUEST_METHOD": rng.choice(("POST", "POST", "POST", "GET", "PUT", "HEAD")),
            "PATH_INFO": "/" if rng.random() < 0.9 else rng.choice(("/a/b", "/%00", "//", "/_interrupt/x", "/moto-api/reset")),
            "HTTP_HOST": rng.choice(("127.0.0.1:4577", "127.0.0.1:4577", "localhost")),
            "HTTP_X_AMZ_TARGET": f"SageMaker.{name}",
            "HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/sagemaker/aws4_request",
            "CONTENT_TYPE": rng.choice(("application/x-amz-json-1.1", "text/plain", "")),
            "CONTENT_LENGTH": str(len(body)) if number % 7 else rng.choice(("", "x", "-1", str(len(body) // 2))),
            "wsgi.input": _Input(body),
        }
        began = time.thread_time()
        answer = b"".join(gateway(environ, lambda code, _headers, status=status: status.append(code)))
        assert time.thread_time() - began < _SLOWEST
        assert status[0][:3] in {"200", "400", "403", "421"}, (status, environ, body)
        assert b"InternalFailure" not in answer, (answer, environ, body)


class _Input:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, size: int = -1) -> bytes:
        size = len(self._content) if size < 0 else size
        chunk, self._content = self._content[:size], self._content[size:]
        return chunk


def test_what_moto_cannot_take_names_what_was_asked_for(server: Server) -> None:
    outcomes = [fuzz.send(server.port, request) for request in fuzz.requests(240, seed=20261125)]
    at_fault = [
        (outcome.fault, outcome.code, outcome.request.content[:500])
        for outcome in outcomes
        if outcome.fault not in {None, "slow"}
    ]
    assert at_fault == []
    codes = " ".join({outcome.code for outcome in outcomes})
    assert all(code in codes for code in ("200", "421", "431", "UnknownOperationException", "ValidationException")), codes
    assert server.health()["status"] == "ok"
