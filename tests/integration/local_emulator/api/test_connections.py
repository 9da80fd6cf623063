"""What the HTTP server hands to the application, and what it makes of the answer."""

import errno
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from local_emulator.api import connections
from local_emulator.api.faults import Faults
from local_emulator.api.guard import Guard
from local_emulator.api.server import PortTaken, Server
from local_emulator.settings import Settings


def echo(environ: Any, start_response: Any) -> list[bytes]:
    """Tells how a request arrived."""
    body = environ["wsgi.input"].read()
    received: dict[str, Any] = {name: value for name, value in environ.items() if isinstance(value, str)}
    received |= {"size": len(body), "begin": body[:20].decode()}
    content = json.dumps(received).encode()
    start_response("200 OK", [("x-amz-meta-odd-Name", "v"), ("Content-Length", str(len(content)))])
    return [content]


def listening(tmp_path: Path, port: int = 0) -> Server:
    return Server(echo, Settings(state=tmp_path, port=port), Guard(users={os.geteuid()}), Faults())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with listening(tmp_path) as server:
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        yield server
        server.close()
        thread.join(20)
        server._server.task_dispatcher.shutdown()
        for channel in list(server._server.active_channels.values()):
            channel.close()


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=20)


def exchange(server: Server, *parts: bytes) -> tuple[str, dict[str, Any]]:
    """Head and body of the answer to a request whose parts are sent one by one."""
    with connect(server) as connection:
        for part in parts:
            connection.sendall(part)
        with connection.makefile("rb") as answer:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = answer.readline()
                assert line, head
                head += line
            text = head.decode()
            length = int(text.lower().split("content-length: ")[1].split("\r\n")[0])
            body = answer.read(length)
    return text, json.loads(body) if body.startswith(b"{") else {}


HEAD = b"%s HTTP/1.1\r\nHost: localhost\r\n"


def test_paths_are_decoded_whole_and_kept_as_they_were_sent(server: Server) -> None:
    _, received = exchange(server, HEAD % b"GET /bucket/a%2Fb%20%C3%BC%3F?x=%2F" + b"\r\n")
    assert received["PATH_INFO"] == "/bucket/a/b ü?".encode().decode("latin-1")
    assert (received["QUERY_STRING"], received["REQUEST_URI"]) == ("x=%2F", "/bucket/a%2Fb%20%C3%BC%3F?x=%2F")
    assert exchange(server, HEAD % b"GET //key" + b"\r\n")[1]["REQUEST_URI"] == "//key"


def test_names_of_metadata_are_lower_case(server: Server) -> None:
    assert "x-amz-meta-odd-name: v" in exchange(server, HEAD % b"GET /" + b"\r\n")[0]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"", "200 OK"),
        (b"Host: evil.test\r\n", "421 Misdirected Request"),
        (b"Host: localhost\r\n", "421 Misdirected Request"),
        (b" evil.test\r\n", "421 Misdirected Request"),
        (b"Origin: null\r\n", "403 Forbidden"),
    ],
)
def test_the_guard_sees_every_header(server: Server, headers: bytes, status: str) -> None:
    assert exchange(server, HEAD % b"GET /" + headers + b"\r\n")[0].startswith(f"HTTP/1.1 {status}\r\n")


SIGNED = b"X-Amz-Target: SageMaker.ListTrainingJobs\r\nAuthorization: AWS4-HMAC-SHA256 x\r\n"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"Origin: http://evil.test\r\nContent-Length: 5000000\r\n", 403),
        (b"Origin: http://evil.test\r\nContent-Length: 5000000\r\nExpect: 100-continue\r\n", 403),
        (b"Origin: http://evil.test\r\nTransfer-Encoding: chunked\r\n", 403),
        (b"Content-Length: 99999999999999\r\n", 413),
        (b"Content-Length: 99999999999999\r\nExpect: 100-continue\r\n", 413),
        (SIGNED + b"Content-Length: %d\r\n" % (connections.MOST_JSON + 1), 413),
        (b"Content-Length: x\r\nExpect: 100-continue\r\n", 400),
        (b"Content-Length: 5\r\nExpect: nonsense\r\n", 417),
        (b"X: %s\r\n" % (b"x" * connections.MOST_HEAD), 431),
    ],
)
def test_what_is_refused_is_answered_before_its_body_comes(server: Server, headers: bytes, status: int) -> None:
    text, _ = exchange(server, HEAD % b"PUT /b/k" + headers + b"\r\n")
    assert text.split()[1] == str(status)
    assert "connection: close" in text.lower()


def test_a_refused_upload_ends_soon(server: Server) -> None:
    with connect(server) as client:
        client.sendall(HEAD % b"PUT /b/k" + b"Origin: http://evil.test\r\nContent-Length: 1000000000\r\n\r\n")
        sent = 0
        with suppress(OSError):
            while sent < 100 * 2**20:
                sent += client.send(b"x" * 2**16)
    assert sent < 20 * 2**20  # what the kernel holds for both sides


def test_a_chunked_body_of_json_is_limited_too(server: Server) -> None:
    head = HEAD % b"POST /" + SIGNED + b"Transfer-Encoding: chunked\r\n\r\n"
    size = connections.MOST_JSON + 2**20
    try:
        text, _ = exchange(server, head, b"%x\r\n" % size, b"x" * size)
    except OSError:  # the answer came while the body was sent, and was lost with it
        return
    assert text.split()[1] == "413"


def test_a_chunk_without_end_is_refused(server: Server) -> None:
    text, _ = exchange(server, HEAD % b"PUT /b/k" + b"Transfer-Encoding: chunked\r\n\r\n", b"1" * (connections.MOST_HEAD + 10))
    assert text.split()[1] == "431"


def test_a_body_that_is_expected_is_asked_for(server: Server) -> None:
    with connect(server) as client:
        client.sendall(HEAD % b"PUT /b/k" + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"12345")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("sent", "limit"),
    [
        (b"", "HEAD_SECONDS"),
        (b"GET / HT", "HEAD_SECONDS"),
        (HEAD % b"PUT /b/k" + b"Content-Length: 9\r\n\r\n123", "SILENT_SECONDS"),
        (HEAD % b"GET /" + b"\r\n", "IDLE_SECONDS"),
    ],
)
def test_who_is_silent_too_long_is_closed(server: Server, sent: bytes, limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, limit, 0.1)
    with connect(server) as client:
        client.sendall(sent)
        with client.makefile("rb") as answer:
            answer.read()  # until it is closed; the socket's own timeout fails the test


def test_bytes_now_and_then_do_not_keep_a_connection(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    with connect(server) as client, suppress(OSError):
        for sent in range(1000):  # noqa: B007 - how far it came is looked at below
            client.sendall(b"x")
            time.sleep(0.05)
    assert sent < 999, "the connection was still open"


def test_many_half_open_connections_keep_nobody_waiting(server: Server) -> None:
    with ExitStack() as stack:
        half_open = [stack.enter_context(connect(server)) for _ in range(server._server._most + 20)]
        for client in half_open[-10:]:
            client.sendall(b"GET / HT")
        assert exchange(server, HEAD % b"GET /" + b"\r\n")[0].startswith("HTTP/1.1 200")
        assert len(server._server.active_channels) <= server._server._most
        assert half_open[0].recv(1) == b""  # the longest silent made room


def test_names_with_underscores_do_not_pass_for_others(server: Server) -> None:
    received = exchange(server, HEAD % b"GET /" + b"X_Sm_Emulator_Proxy: 1\r\nX-Amz-Target: a\r\nX_Amz_Target: b\r\n\r\n")[1]
    assert received["HTTP_X_AMZ_TARGET"] == "a"
    assert "HTTP_X_SM_EMULATOR_PROXY" not in received


@pytest.mark.parametrize("size", [0, 10, 3 * 2**20])
def test_bodies_arrive_whole(server: Server, size: int) -> None:
    head = HEAD % b"PUT /b/k"
    sized = exchange(server, head + b"Content-Length: %d\r\n\r\n" % size, b"x" * size)[1]
    chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in (b"x" * (size // 3), b"x" * (size - size // 3)) if part]
    chunked = exchange(server, head + b"Transfer-Encoding: chunked\r\n\r\n", *chunks, b"0\r\n\r\n")[1]
    for received in (sized, chunked):
        assert (received["size"], received["CONTENT_LENGTH"]) == (size, str(size))


def test_silent_connections_keep_nobody_waiting(server: Server) -> None:
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(connect(server))
        assert exchange(server, HEAD % b"GET /" + b"\r\n")[0].startswith("HTTP/1.1 200")


def test_a_taken_port_is_told(server: Server, tmp_path: Path) -> None:
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(PortTaken, match=f"cannot listen on 127.0.0.1 port {port}: Address already in use"):
        listening(tmp_path, port)


def test_a_connection_waits_while_there_is_no_descriptor_to_tell_its_peer(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[object] = []
    peer = Guard.peer

    def short(guard: Guard, *addresses: Any) -> Any:
        tries.append(addresses)
        if len(tries) == 1:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return peer(guard, *addresses)

    monkeypatch.setattr(Guard, "peer", short)
    head, _ = exchange(server, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK")
    assert len(set(map(str, tries))) == 1, "the same connection"
    assert len(tries) == 2
