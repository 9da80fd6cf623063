"""One call of a program: its errors in AWS's words, and what is measured."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from local_emulator.api import calls
from local_emulator.api.calls import Call, Invocation, InvocationError
from local_emulator.domain.endpoint import Endpoint, EndpointStatus, Instance
from local_emulator.runs.hosting.backends import BackendGone, BackendTimeout
from tests.made_endpoints import endpoint, variant
from tests.made_jobs import SCOPE


class Program:
    """Raises when it is asked."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def request(self, port: int, method: str, path: str, *_: object) -> Any:
        assert (port, method, path) == (1, "POST", "/invocations")
        raise self.error


@pytest.mark.parametrize(
    ("error", "status", "code", "text"),
    [
        (
            BackendTimeout(),
            424,
            "ModelError",
            'Received server error (0) from primary with message "Your invocation timed out while',
        ),
        (
            BackendGone(sent=True),
            424,
            "ModelError",
            'Received server error (0) from primary with message "". See https://us-east-1.',
        ),
        (
            BackendGone(sent=False),
            503,
            "ServiceUnavailable",
            "The program of the variant v has ended and is being started again.",
        ),
        (
            BackendGone(sent=False, short="Too many open files"),
            503,
            "ServiceUnavailable",
            "The program of the variant v cannot be asked now: Too many open files.",
        ),
    ],
)
def test_no_answer(error: Exception, status: int, code: str, text: str) -> None:
    invocation = Invocation("endpoint", "invocations", {}, b"1", SCOPE)
    measured: list[tuple[str, int]] = []

    class Metrics:
        def invoked(self, _endpoint: Endpoint, name: str, status: int, containers: Mapping[str, float], seconds: float) -> None:
            assert 0 <= sum(containers.values()) <= seconds
            measured.append((name, status))

    program: Any = Program(error)
    call = Call(invocation, endpoint(status=EndpointStatus.IN_SERVICE), variant("v"), Instance(run="r", ports=(1,)), program)
    with pytest.raises(InvocationError) as raised:
        call.ask(1.0)
    assert (raised.value.status, raised.value.code) == (status, code)
    assert str(raised.value).startswith(text)
    call.measure(Metrics())
    assert measured == [("v", status)]


class Answer:
    """Good, and read as a whole or in two parts."""

    status = 200
    headers: Mapping[str, str] = {}

    def read(self, _most: int) -> bytes:
        return b"whole"

    def parts(self) -> Iterator[bytes]:
        yield from (b"a", b"b")


def test_a_stream_is_measured_as_its_last_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    measured: dict[str, float] = {}

    class Programs:
        def request(self, port: int, *_: object) -> Any:
            asked.append(port)
            return Answer()

    class Metrics:
        def invoked(self, _endpoint: Endpoint, _name: str, _status: int, containers: Mapping[str, float], seconds: float) -> None:
            assert 0 < sum(containers.values()) <= seconds
            measured.update(containers)

    served = replace(variant("v"), model={"Containers": [{"Image": "a"}, {"Image": "b"}]})
    programs: Any = Programs()
    invocation = Invocation("endpoint", "invocations-response-stream", {}, b"1", SCOPE)
    monkeypatch.setattr(calls, "time", SimpleNamespace(perf_counter=itertools.count(0, 100).__next__))
    call = Call(invocation, endpoint(status=EndpointStatus.IN_SERVICE), served, Instance(run="r", ports=(1, 2)), programs)
    stream = call.events(call.ask(60.0))
    assert [b"a" in next(stream), b"b" in next(stream)] == [True, True]
    stream.close()  # as a client that has enough
    call.measure(Metrics())
    assert asked == [1, 2]
    assert 0 <= measured["container-1"] < 100 <= measured["container-2"] < 200
