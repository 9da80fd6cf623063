"""HTTP to serving programs."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from local_emulator.runs.hosting import health
from local_emulator.runs.hosting.backends import BackendGone, Backends, BackendTimeout
from tests.serving_programs import Response, serving


@pytest.fixture
def backends() -> Iterator[Backends]:
    made = Backends()
    yield made
    made.close()


def test_connections_are_used_again(backends: Backends) -> None:
    with serving(lambda path, headers, body: Response(f"{path} {headers['accept']} {len(body)}".encode())) as program:
        for number in range(20):
            answer = backends.request(program.port, "POST", "/x", {"accept": "a/b"}, b"." * number, 5.0)
            assert answer.read(100) == f"/x a/b {number}".encode()
        assert program.connections == 1


def test_a_program_that_closes_its_connections_is_asked_on_new_ones(backends: Backends) -> None:
    with serving(lambda _path, _headers, _body: Response(b"ok", headers={"Connection": "close"})) as program:
        assert [backends.request(program.port, "POST", "/", {}, b"", 5.0).read(9) for _ in range(3)] == [b"ok"] * 3
        assert program.connections == 3


def test_parts_come_as_they_are_made(backends: Backends) -> None:
    go_on = threading.Event()

    def parts(*_: object) -> Response:
        def made() -> object:
            yield b"first"
            assert go_on.wait(30)
            yield b"second"

        return Response(made())  # type: ignore[arg-type] # it is a generator of bytes

    with serving(parts) as program:
        received = backends.request(program.port, "POST", "/", {}, b"", 30.0).parts()
        assert next(received) == b"first"
        go_on.set()
        assert list(received) == [b"second"]
        assert backends.request(program.port, "POST", "/", {}, b"", 30.0).read(100) == b"firstsecond"
        assert program.connections == 1


def test_too_much_is_not_read(backends: Backends) -> None:
    with serving(lambda _path, _headers, _body: Response(b"x" * 100)) as program:
        assert backends.request(program.port, "POST", "/", {}, b"", 5.0).read(99) is None


def test_nobody_listens_and_no_answer(backends: Backends) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(BackendGone) as gone:
        backends.request(port, "POST", "/", {}, b"", 5.0)
    assert not gone.value.sent
    with serving(lambda *_: Response(status=None)) as program, pytest.raises(BackendGone) as gone:
        backends.request(program.port, "POST", "/", {}, b"", 5.0)
    assert gone.value.sent


def test_an_answer_has_a_deadline_however_slowly_it_comes(backends: Backends) -> None:
    go_on = threading.Event()

    def dripping(*_: object) -> Response:
        def drops() -> object:
            while not go_on.wait(0.02):
                yield b"."

        return Response(drops())  # type: ignore[arg-type] # see above

    with serving(dripping) as program:
        began = time.monotonic()
        with pytest.raises(BackendTimeout):
            backends.request(program.port, "POST", "/", {}, b"", 0.3).read(10_000)
        assert time.monotonic() - began >= 0.3
        go_on.set()


def test_health_is_waited_for(backends: Backends) -> None:
    pings: list[str] = []

    def up_at_the_third(path: str, *_: object) -> Response:
        pings.append(path)
        return Response(status=200 if len(pings) > 2 else 503)

    with serving(up_at_the_third) as program:
        assert health.wait_until_healthy(backends, program.port, 30.0, lambda: True)
        assert pings == ["/ping"] * 3
    with serving(lambda *_: Response(status=404)) as program:
        assert not health.wait_until_healthy(backends, program.port, 0.1, lambda: True)
        assert not health.wait_until_healthy(backends, program.port, 30.0, lambda: False)


def test_an_answer_that_ends_after_the_close_leaves_no_connection_open() -> None:
    backends = Backends()
    with serving(lambda _path, _headers, _body: Response(b"late")) as program:
        answer = backends.request(program.port, "POST", "/", {}, b"", 60.0)
        backends.close()
        assert answer.read(9) == b"late"
        assert not answer.connection.usable
