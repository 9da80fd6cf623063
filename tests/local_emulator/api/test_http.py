"""What the HTTP server hands to the application, and what it makes of the answer."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from local_emulator.api.guard import refusal
from local_emulator.api.server import PortTaken, Server, serve
from local_emulator.settings import Settings


def echo(environ: Any, start_response: Any) -> list[bytes]:
    """Tells how a request arrived."""
    body = environ["wsgi.input"].read()
    told: dict[str, Any] = {name: value for name, value in environ.items() if isinstance(value, str)}
    told |= {"size": len(body), "begin": body[:20].decode(), "refused": getattr(refusal(environ), "status", None)}
    content = json.dumps(told).encode()
    start_response("200 OK", [("x-amz-meta-odd-Name", "v"), ("Content-Length", str(len(content)))])
    return [content]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serve(echo, Settings(state=tmp_path, port=0)) as one:
        thread = threading.Thread(target=one.run, daemon=True)
        thread.start()
        yield one
        one.close()
        thread.join(20)
        one._server.task_dispatcher.shutdown()
        for channel in list(one._server.active_channels.values()):
            channel.close()


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=20)


def exchange(server: Server, *parts: bytes) -> tuple[str, dict[str, Any]]:
    """Head and body of the answer to a request whose parts are sent one by one."""
    with connect(server) as one:
        for part in parts:
            one.sendall(part)
        with one.makefile("rb") as answer:
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
    _, told = exchange(server, HEAD % b"GET /bucket/a%2Fb%20%C3%BC%3F?x=%2F" + b"\r\n")
    assert told["PATH_INFO"] == "/bucket/a/b ü?".encode().decode("latin-1")
    assert (told["QUERY_STRING"], told["REQUEST_URI"]) == ("x=%2F", "/bucket/a%2Fb%20%C3%BC%3F?x=%2F")
    assert exchange(server, HEAD % b"GET //key" + b"\r\n")[1]["REQUEST_URI"] == "//key"


def test_names_of_metadata_are_lower_case(server: Server) -> None:
    assert "x-amz-meta-odd-name: v" in exchange(server, HEAD % b"GET /" + b"\r\n")[0]


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        (b"", None),
        (b"Host: evil.test\r\n", "421 Misdirected Request"),
        (b"Host: localhost\r\n", "421 Misdirected Request"),
        (b" evil.test\r\n", "421 Misdirected Request"),
        (b"Origin: null\r\n", "403 Forbidden"),
    ],
)
def test_the_guard_sees_every_header(server: Server, headers: bytes, refused: str | None) -> None:
    assert exchange(server, HEAD % b"GET /" + headers + b"\r\n")[1]["refused"] == refused


def test_names_with_underscores_do_not_pass_for_others(server: Server) -> None:
    told = exchange(server, HEAD % b"GET /" + b"X_Sm_Emulator_Proxy: 1\r\nX-Amz-Target: a\r\nX_Amz_Target: b\r\n\r\n")[1]
    assert told["HTTP_X_AMZ_TARGET"] == "a"
    assert "HTTP_X_SM_EMULATOR_PROXY" not in told


@pytest.mark.parametrize("size", [0, 10, 3 * 2**20])
def test_bodies_arrive_whole(server: Server, size: int) -> None:
    head = HEAD % b"PUT /b/k"
    sized = exchange(server, head + b"Content-Length: %d\r\n\r\n" % size, b"x" * size)[1]
    chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in (b"x" * (size // 3), b"x" * (size - size // 3)) if part]
    chunked = exchange(server, head + b"Transfer-Encoding: chunked\r\n\r\n", *chunks, b"0\r\n\r\n")[1]
    for told in (sized, chunked):
        assert (told["size"], told["CONTENT_LENGTH"]) == (size, str(size))


def test_silent_connections_keep_nobody_waiting(server: Server) -> None:
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(connect(server))
        assert exchange(server, HEAD % b"GET /" + b"\r\n")[0].startswith("HTTP/1.1 200")


def test_a_taken_port_is_told(server: Server, tmp_path: Path) -> None:
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(PortTaken, match=f"cannot listen on 127.0.0.1 port {port}: Address already in use"):
        serve(echo, Settings(state=tmp_path, port=port))
