"""Requests that nobody would send on purpose, to a server of its own: how each is answered.

    python benchmarks/fuzz.py [--requests 12000] [--seed 1]

Three kinds, in turn: in the shape of botocore's models of many services, with values of any kind; SageMaker requests whose body is
hardly JSON; and bytes that are hardly HTTP. Every one must be answered within a second, never with a 5xx or an InternalFailure, and
what moto cannot take must be an UnknownOperationException that names what was asked for.
"""

import argparse
import json
import random
import re
import socket
import string
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StringShape, StructureShape
from botocore.serialize import create_serializer

ROOT = Path(__file__).parents[1]
SERVICES = (
    *("s3", "iam", "sts", "logs", "cloudwatch", "events", "ecr", "ec2", "dynamodb", "sqs", "sns", "kms", "secretsmanager", "ssm"),
    *("cloudformation", "stepfunctions", "kinesis", "athena", "glue", "ecs", "apigateway", "route53", "autoscaling", "rds"),
    *("lambda", "codebuild", "codepipeline", "service-quotas", "pricing", "servicediscovery", "efs", "elbv2", "acm", "firehose"),
    *("scheduler", "resourcegroupstaggingapi", "sagemaker", "sagemaker-runtime", "sagemaker-metrics", "cloudtrail"),
)
_TEXTS = (
    *(
        "",
        "a",
        "A-1",
        "s3://b/k",
        "arn:aws:iam::123456789012:role/r",
        "0.5",
        "1e400",
        "nan",
        "-1",
        "job",
        "null",
        "{}",
        "[",
        "a,b",
    ),
    *(
        "é\U0001f600",
        "\0",
        "\n",
        "a" * 300,
        "(a+)+$",
        "../../etc",
        "2026-01-01",
        "{{7*7}}",
        "%s%n",
        "<x>&",
        '{"a": 1}',
        "us-east-1",
    ),
)
_NUMBERS = (0, 1, -1, 2, 3, 10, 100, 0.5)
_HUGE = (2**31, -(2**63), 2**70, 1e308, -0.0)
_ODD: tuple[Any, ...] = (None, True, [], {}, "x", 7, [[]], {"a": {"b": []}})
_DEEPEST = 6
_JSON_BODIES = (
    *(b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"a": NaN}', b'{"a": 1e999}', b'{"a": 1, "a": 2}', b"[" * 100_000),
    *(
        b'{"a":' * 100_000,
        b'{"TrainingJobName": "\\ud800"}',
        b'{"MaxResults": ' + b"9" * 5000 + b"}",
        b"<xml/>",
        b"\xbf\x61a\xff",
    ),
)
_SLOWEST = 1.0  # seconds


@dataclass(frozen=True)
class Request:
    """What is sent, and what it was meant to be; `whole` is False if an answer need not come because the request has no end."""

    what: str
    content: bytes
    whole: bool = True


@dataclass(frozen=True)
class Outcome:
    """How a request was answered. `fault` says what is wrong with that, if anything."""

    request: Request
    code: str
    seconds: float
    fault: str | None = None


@cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def _value(shape: Shape, rng: random.Random, *, huge: bool, depth: int = 0) -> Any:  # noqa: ANN401, PLR0911 - one return for each type
    """A value mostly of the right type."""
    if depth > _DEEPEST:
        return None
    if isinstance(shape, StructureShape):
        share = rng.choice((0.1, 0.4, 0.8))
        names = [name for name in shape.members if name in shape.required_members or rng.random() < share]
        members = {name: _value(shape.members[name], rng, huge=huge, depth=depth + 1) for name in names}
        return {name: value for name, value in members.items() if value is not None}
    if isinstance(shape, ListShape):
        return [_value(shape.member, rng, huge=huge, depth=depth + 1) or "x" for _ in range(rng.choice((0, 1, 1, 2)))]
    if isinstance(shape, MapShape):
        return {rng.choice(_TEXTS): _value(shape.value, rng, huge=huge, depth=depth + 1) for _ in range(rng.choice((0, 1, 2)))}
    if shape.type_name == "boolean":
        return rng.random() < 0.5
    if isinstance(shape, StringShape):
        return rng.choice(shape.enum if shape.enum and rng.random() < 0.8 else _TEXTS)
    if shape.type_name == "blob":
        return rng.choice(_TEXTS).encode()
    if shape.type_name == "timestamp":
        return rng.choice((0, 1_700_000_000, "2026-01-01T00:00:00Z"))
    return rng.choice((*_NUMBERS, *_HUGE) if huge else _NUMBERS)


def _head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace")


def _signed(service: str) -> str:
    name = _model(service).metadata.get("signingName") or _model(service).endpoint_prefix
    return f"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{name}/aws4_request, SignedHeaders=host, Signature=0"


def modelled(rng: random.Random) -> Request:
    """One operation of one service."""
    service = rng.choice(SERVICES)
    operation: OperationModel = _model(service).operation_model(rng.choice(_model(service).operation_names))
    values = _value(operation.input_shape, rng, huge=service == "sagemaker") if operation.input_shape else {}
    protocol = operation.service_model.metadata["protocol"]
    try:
        parts = create_serializer(protocol, include_validation=False).serialize_to_request(values, operation)
    except Exception:  # noqa: BLE001 - botocore itself cannot write every value
        return modelled(rng)
    body = parts["body"]
    content = (
        urlencode(body, doseq=True).encode()
        if isinstance(body, dict)
        else body.encode()
        if isinstance(body, str)
        else bytes(body)
    )
    query = parts["query_string"]
    query = urlencode(query, doseq=True) if isinstance(query, dict) else query
    target = re.sub(r"[^!-~]", "%20", parts["url_path"]) + (f"?{query}" if query else "")
    headers = {
        "Host": "localhost",
        "Authorization": _signed(service),
        **{name: re.sub(r"[^ -~]", "?", str(value)) for name, value in parts["headers"].items()},
        "Content-Length": str(len(content)),
    }
    return Request(f"{service} {operation.name}", _head(parts["method"], target, headers) + content)


def hardly_json(rng: random.Random) -> Request:
    """An operation of SageMaker with a body that is not what the model says."""
    name = rng.choice(_model("sagemaker").operation_names) if rng.random() < 0.9 else rng.choice(("", "Nothing", "é", "A" * 9000))
    bodies = (
        *_JSON_BODIES,
        rng.randbytes(rng.randrange(200)),
        json.dumps({rng.choice(_TEXTS): rng.choice(_ODD) for _ in range(4)}).encode()[: rng.randrange(60)],
        json.dumps({rng.choice(("TrainingJobName", "NextToken", "MaxResults", "Tags")): rng.choice(_ODD)}).encode(),
    )
    body = rng.choice(bodies)
    headers = {
        "Host": "localhost",
        "X-Amz-Target": f"SageMaker.{name}",
        "Authorization": _signed("sagemaker"),
        "Content-Type": rng.choice(("application/x-amz-json-1.1", "application/cbor", "text/xml", "")),
        **rng.choice(({}, {"Content-Encoding": "gzip"}, {"Accept": "text/html"}, {"Accept-Encoding": "br;q=x"})),
        "Content-Length": str(len(body)),
    }
    return Request(f"sagemaker {name[:40]}", _head("POST", "/", headers) + body)


def hardly_http(rng: random.Random) -> Request:
    """Bytes that break HTTP's rules, or the guard's."""
    method = rng.choice(("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PATCH", "get", "G E T", ""))
    path = rng.choice(
        ("/", "//", "/%00", "/%zz", "/b/k", "/b?acl", "http://evil.test/", "*", "/" + "a" * 9000, "/é", "/_health", "/?Action=X")
    )
    headers = {
        "Host": rng.choice(("localhost", "127.0.0.1:1", "evil.test", "", "b.localhost")),
        **rng.choice(
            ({}, {"Origin": "null"}, {"Sec-Fetch-Site": "none"}, {"Authorization": rng.choice(("", "x", "Credential=" * 900))})
        ),
        **rng.choice(
            ({}, {"Expect": rng.choice(("100-continue", "x"))}, {"X-Amz-Target": rng.choice(("", "X.Y", "Logs_20140328."))})
        ),
        **rng.choice(({}, {"X": "a" * 70_000}, {"A\0B": "x"}, {"X_Y": "z"}, {"Cookie": "\x01"})),
    }
    kind = rng.randrange(6)
    if kind == 0:
        return Request("random bytes", "".join(rng.choices(string.printable, k=rng.randrange(200))).encode(), whole=False)
    if kind == 1:
        bodies = (
            b"0\r\n\r\n",
            b"3\r\nabc\r\n0\r\n\r\n",
            b"x\r\n",
            b"-1\r\n\r\n",
            b"3;a=b\r\nabc\r\n0\r\n\r\n",
            b"ffffffffffff\r\n",
        )
        return Request(
            "chunked", _head(method, path, headers | {"Transfer-Encoding": "chunked"}) + rng.choice(bodies), whole=False
        )
    if kind == 2:
        length = rng.choice(("-1", "x", "99999999999999999", "1, 2", ""))
        return Request("wrong length", _head(method, path, headers | {"Content-Length": length}), whole=False)
    if kind == 3:
        once = _head("GET", "/_health", {"Host": "localhost"})
        return Request("pipelined", once * rng.randrange(2, 20))
    if kind == 4:
        whole = _head(method, path, headers)
        return Request("cut off", whole[: rng.randrange(len(whole))], whole=False)
    return Request(f"{method} {path[:20]}", _head(method, path, headers))


KINDS: Sequence[Callable[[random.Random], Request]] = (modelled, modelled, hardly_json, hardly_http)


def requests(count: int, seed: int) -> Iterator[Request]:
    """So many requests, the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    for number in range(count):
        yield KINDS[number % len(KINDS)](rng)


def send(port: int, request: Request) -> Outcome:
    """Send one request on a connection of its own, and judge the answer."""
    began = time.perf_counter()
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError):
            connection.sendall(request.content)
            connection.shutdown(socket.SHUT_WR)  # there is no more
        with suppress(OSError):
            while chunk := connection.recv(1 << 16):
                answer += chunk
    seconds = time.perf_counter() - began
    return Outcome(request, _code(answer), seconds, _fault(request, answer, seconds))


def _code(answer: bytes) -> str:
    status = answer[9:12].decode("latin-1") if answer else "no answer"
    named = re.search(rb'"__type": ?"([^"]{1,80})"|<Code>([^<]{1,80})</Code>', answer)
    return f"{status} {(named[1] or named[2]).decode('latin-1')}" if named else status


def _fault(request: Request, answer: bytes, seconds: float) -> str | None:
    if not answer:
        return "no answer" if request.whole else None
    if answer.startswith((b"HTTP/1.1 5", b"HTTP/1.0 5")):
        return "5xx"
    if b"InternalFailure" in answer:
        return "InternalFailure"
    service, _, operation = request.what.partition(" ")
    if b"UnknownOperationException" in answer and service in SERVICES and not _names(answer, service, operation):
        return "does not name the operation"
    return "slow" if seconds > _SLOWEST else None


def _names(answer: bytes, service: str, operation: str) -> bool:
    """Whether an answer names an operation: by its name, or where the wire has only that, by method and path."""
    if not operation.isascii() or b"needs packages that are not installed" in answer:
        return True
    rest = _model(service).metadata["protocol"].startswith("rest")
    return operation.encode() in answer or (rest and re.search(rb"(GET|PUT|POST|DELETE|HEAD|PATCH) /", answer) is not None)


@contextmanager
def served() -> Iterator[tuple[int, Path]]:
    """A server with a state of its own: its port, and its log."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        command = [sys.executable, "-m", "local_emulator", "serve", "--port", "0", "--state", str(Path(folder) / "state")]
        with (
            log.open("wb") as errors,
            subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
        ):
            try:
                assert process.stdout is not None  # noqa: S101 - it is a pipe
                line = next(line for line in process.stdout if "http://" in line)
                yield int(line.split("http://127.0.0.1:")[1].split(",")[0]), log
                if process.poll() is not None:
                    raise RuntimeError(f"the server has ended: {log.read_text()[-3000:]}")
            finally:
                process.terminate()


def main(argv: Sequence[str] | None = None) -> int:
    """Print how the requests were answered; 1 if any answer is at fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=12_000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--show", type=int, default=20, help="answers at fault to show (default: %(default)s)")
    options = parser.parse_args(argv)
    with served() as (port, log):
        for service in SERVICES:  # moto imports each when it is first asked
            send(port, Request(service, _head("POST", "/", {"Host": "localhost", "Authorization": _signed(service)})))
        outcomes = [send(port, request) for request in requests(options.requests, options.seed)]
        kilobytes = log.stat().st_size / 1024
    codes = Counter(outcome.code for outcome in outcomes)
    faults = Counter(outcome.fault for outcome in outcomes if outcome.fault)
    slowest = max(outcomes, key=lambda outcome: outcome.seconds)
    print(f"{len(outcomes):,} requests; at fault: {dict(faults) or 'none'}")
    print(f"slowest {slowest.seconds:.2f} s ({slowest.request.what}); the server's log {kilobytes:,.0f} KiB")
    print("most frequent answers: " + ", ".join(f"{code} {count:,}" for code, count in codes.most_common(12)))
    for outcome in [outcome for outcome in outcomes if outcome.fault][: options.show]:
        print(f"  {outcome.fault} after {outcome.seconds:.2f} s: {outcome.request.what}: {outcome.code}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
