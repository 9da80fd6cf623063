"""Messages of the fork server: whole or None, with their descriptors, however the socket divides them."""

import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from local_emulator.runs.forkserver.server.messages import receive, send

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    near, far = socket.socketpair()
    with near, far:
        near.settimeout(60)
        far.settimeout(60)
        yield near, far


def test_messages_come_in_order(pair: Pair) -> None:
    messages: list[dict[str, Any]] = [{"a": 1}, {"text": "ü" * 100, "nothing": None}, {}]
    for message in messages:
        send(pair[0], message)
    assert [receive(pair[1])[0] for _ in messages] == messages


def test_a_message_larger_than_the_sockets_buffer(pair: Pair) -> None:
    message = {"env": {f"NAME_{number}": "x" * 1000 for number in range(2000)}}
    sender = threading.Thread(target=send, args=(pair[0], message))
    sender.start()
    assert receive(pair[1])[0] == message
    sender.join()


def test_descriptors_travel_along(pair: Pair) -> None:
    reading, writing = os.pipe()
    send(pair[0], {"id": "run"}, [writing])
    os.close(writing)
    message, (received,) = receive(pair[1], 1)
    os.write(received, b"through")
    os.close(received)
    assert (message, os.read(reading, 10)) == ({"id": "run"}, b"through")
    os.close(reading)


@pytest.mark.parametrize("sent", [b"", b"\0\0", b"\0\0\0\5{}"])
def test_an_end_within_a_message_is_none(pair: Pair, sent: bytes) -> None:
    pair[0].sendall(sent)
    pair[0].shutdown(socket.SHUT_WR)
    assert receive(pair[1], 1) == (None, [])
