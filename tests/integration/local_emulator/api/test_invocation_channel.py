"""Invocations on one connection: answered by one thread while they come at once, by waitress's way otherwise."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from local_emulator.api import connections, invocation_channel
from local_emulator.api.faults import Faults
from local_emulator.api.guard import Guard
from local_emulator.api.server import Server
from local_emulator.settings import Settings

LARGE = 16 * 2**20
LOOP = "loop"
ASKED, MAY_ANSWER = threading.Event(), threading.Event()


def application(environ: Any, start_response: Any) -> list[bytes]:
    """Tells its thread and what it got; or is as large, as slow, or as broken, as the body says."""
    body = environ["wsgi.input"].read()
    if body == b"wait":
        ASKED.set()
        MAY_ANSWER.wait(60)
    if body == b"raise":
        raise ValueError(body)
    said = {"thread": threading.get_ident(), "path": environ["PATH_INFO"], "body": body.decode(), "type": environ["CONTENT_TYPE"]}
    content = b"x" * LARGE if body == b"large" else json.dumps(said).encode()
    start_response("200 OK", [("Content-Length", str(len(content)))])
    return [content]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    state = tmp_path_factory.mktemp("state")
    with Server(application, Settings(state=state, port=0), Guard(users={os.geteuid()}), Faults()) as server:
        thread = threading.Thread(target=server.run, name=LOOP, daemon=True)
        thread.start()
        yield server
        server.close()
        thread.join(20)


class Client:
    """One connection."""

    def __init__(self, server: Server) -> None:
        self.connection = socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=60)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answers = self.connection.makefile("rb")

    def close(self) -> None:
        self.answers.close()
        self.connection.close()

    def send(self, body: bytes, path: str = "/endpoints/e/invocations", *headers: str) -> None:
        self.connection.sendall(request(body, path, *headers))

    def answer(self) -> bytes:
        """The body of the next answer; nothing if the connection has been closed."""
        length = 0
        while (line := self.answers.readline()) not in {b"\r\n", b""}:
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return self.answers.read(length)


def request(body: bytes, path: str = "/endpoints/e/invocations", *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: a/b", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    client = Client(server)
    yield client
    client.close()


def test_one_thread_answers_what_comes_at_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invocation_channel, "_LINGERS", 60.0)
    said = []
    for number in range(5):
        client.send(str(number).encode())
        said.append(json.loads(client.answer()))
    assert [answer["body"] for answer in said] == list("01234")
    assert len({answer["thread"] for answer in said}) == 1
    assert {(answer["path"], answer["type"]) for answer in said} == {("/endpoints/e/invocations", "a/b")}
    client.send(b"other", "/elsewhere")
    assert json.loads(client.answer())["path"] == "/elsewhere"
    client.send(b"again")
    assert json.loads(client.answer())["body"] == "again"


@pytest.mark.parametrize("lingers", [0.0, 60.0])
def test_requests_in_pieces_and_at_once(client: Client, monkeypatch: pytest.MonkeyPatch, lingers: float) -> None:
    monkeypatch.setattr(invocation_channel, "_LINGERS", lingers)
    client.connection.sendall(request(b"1") + request(b"2", "/elsewhere") + request(b"3"))
    assert [json.loads(client.answer())["body"] for _ in range(3)] == ["1", "2", "3"]
    whole = request(b"x" * 200_000)
    client.send(b"before")
    assert json.loads(client.answer())["body"] == "before"
    for piece in (whole[:20], whole[20:150], whole[150:]):
        client.connection.sendall(piece)
    assert len(json.loads(client.answer())["body"]) == 200_000


def test_nobody_else_reads_until_what_was_read_is_handed_on(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invocation_channel, "_LINGERS", 0.1)
    read_by_others: list[bool] = []

    def received(channel: connections.Channel, data: bytes) -> bool:
        if threading.current_thread().name != LOOP:
            read_by_others.append(bool(channel.readable()))
        return original(channel, data)

    original = connections.Channel.received
    monkeypatch.setattr(connections.Channel, "received", received)
    whole = request(b"rest", "/endpoints/e/invocations", "Expect: 100-continue")
    head = whole.removesuffix(b"rest")
    client.send(b"wait")
    assert ASKED.wait(60)
    client.connection.sendall(head)
    MAY_ANSWER.set()
    assert json.loads(client.answer())["body"] == "wait"
    assert client.answers.readline() == b"HTTP/1.1 100 Continue\r\n"
    assert client.answers.readline() == b"\r\n"
    client.connection.sendall(b"rest")
    assert json.loads(client.answer())["body"] == "rest"
    assert read_by_others == [False]


def test_an_answer_that_is_not_read_at_once(client: Client) -> None:
    client.send(b"large")
    client.send(b"next")
    assert len(client.answer()) == LARGE
    assert json.loads(client.answer())["body"] == "next"


def test_it_ends_when_the_client_says_so_and_when_the_application_fails(server: Server) -> None:
    for body, headers, expected in ((b"1", ["Connection: close"], True), (b"raise", [], False)):
        client = Client(server)
        client.send(body, "/endpoints/e/invocations", *headers)
        assert bool(client.answer()) is expected
        assert client.answers.read() == b""
        client.close()


def test_at_most_some_threads_wait_for_a_next_request(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invocation_channel, "_lingering", threading.BoundedSemaphore(1))
    monkeypatch.setattr(invocation_channel, "_LINGERS", 60.0)
    clients = [Client(server) for _ in range(3)]
    for _ in range(3):
        for client in clients:
            client.send(b"1")
        assert [json.loads(client.answer())["body"] for client in clients] == ["1"] * 3
    for client in clients:
        client.close()
