"""Containers that answer one after another: what each is sent, how long all may take, and which is to blame."""

from collections.abc import Mapping
from typing import Any

import pytest

from local_emulator.runs.hosting.backends import BackendTimeout
from local_emulator.runs.hosting.sequence import ContainerSequence, OversizedAnswer


class Answer:
    """An answer that repeats the request's body."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def read(self, most: int) -> bytes | None:
        return self.body if len(self.body) <= most else None


class Programs:
    """Programs by their ports; each adds its port to the body."""

    def __init__(self, statuses: Mapping[int, int] | None = None) -> None:
        self.statuses = statuses or {}
        self.asked: list[tuple[int, Mapping[str, str], bytes, float]] = []

    def request(self, port: int, method: str, path: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Any:
        assert (method, path) == ("POST", "/invocations")
        self.asked.append((port, headers, body, seconds))
        return Answer(self.statuses.get(port, 200), {"content-type": f"text/{port}"} if port == 1 else {}, body + b"%d" % port)


def sequence(programs: Programs) -> ContainerSequence:
    backends: Any = programs
    return ContainerSequence(backends, [("a", 1), ("b", 2), ("c", 3)])


def test_bodies_and_their_types_are_handed_on() -> None:
    programs = Programs()
    asked = sequence(programs)
    answer = asked.ask({"content-type": "x/y", "accept": "z", "x-custom": "k"}, b"0", 5.0, 100)
    assert asked.read(answer, 100) == b"0123"
    assert [(port, headers, body) for port, headers, body, _ in programs.asked] == [
        (1, {"content-type": "x/y", "x-custom": "k"}, b"0"),
        (2, {"content-type": "text/1", "x-custom": "k"}, b"01"),
        (3, {"accept": "z", "x-custom": "k"}, b"012"),
    ]
    assert all(0 < seconds <= 5.0 for *_, seconds in programs.asked)
    assert list(asked.seconds) == ["a", "b", "c"]


def test_what_fails_ends_it() -> None:
    programs = Programs({2: 500})
    asked = sequence(programs)
    assert asked.ask({}, b"0", 5.0, 100).status == 500
    assert (asked.container, len(programs.asked)) == ("b", 2)


def test_too_much_and_too_late() -> None:
    asked = sequence(Programs())
    with pytest.raises(OversizedAnswer):
        asked.ask({}, b"0", 5.0, 2)
    assert asked.container == "b"
    with pytest.raises(BackendTimeout):
        sequence(Programs()).ask({}, b"0", 0.0, 2)
