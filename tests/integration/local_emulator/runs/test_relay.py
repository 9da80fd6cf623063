"""A relay into the network of another process, as a container has one: both ways, for this user, and to nothing else."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from local_emulator.runs.hosting.port import free_ports
from local_emulator.runs.relay import relay
from tests.conftest import until

# Makes a network of its own, serves on 8080 there, and tells whom it reaches at the port that it is sent.
PROGRAM = """
import ctypes, fcntl, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(0x40000000):
    raise SystemExit("no network of its own")
with socket.socket() as any:
    fcntl.ioctl(any, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))
server = socket.create_server(("127.0.0.1", 8080))
print("up", flush=True)
while True:
    connection, _ = server.accept()
    with connection:
        port = int(connection.recv(100))
        try:
            with socket.create_connection(("127.0.0.1", port)) as other:
                other.sendall(b"asked")
                other.shutdown(socket.SHUT_WR)
                answer = other.recv(100)
        except OSError as error:
            answer = type(error).__name__.encode()
        connection.sendall(answer)
"""


@pytest.fixture
def process() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            if program.stdout.readline() != "up\n":
                pytest.skip("this user cannot make a network")
            yield program.pid
        finally:
            program.kill()


def ask(port: int, what: int) -> str:
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall(str(what).encode())
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(100).decode()


def test_connections_are_passed_on_both_ways(process: int) -> None:
    inward, hidden = free_ports(2)
    with socket.create_server(("127.0.0.1", 0)) as service:
        port = service.getsockname()[1]
        relay(process, "", (inward, 8080), [port])
        near = socket.create_connection(("127.0.0.1", inward), 60)
        with near:
            near.sendall(str(port).encode())
            far, _ = service.accept()
            with far:
                assert far.recv(100) == b"asked"
                far.sendall(b"answered")
            assert near.recv(100) == b"answered"
    with socket.create_server(("127.0.0.1", hidden)):
        assert ask(inward, hidden) == "ConnectionRefusedError", "no other port of this machine is reached"


def test_another_user_is_not_passed_on(process: int) -> None:
    (inward,) = free_ports(1)
    relay(process, "", (inward, 8080), [])
    connect = f"c = socket.create_connection(('127.0.0.1', {inward})); c.sendall(b'1'); print(c.recv(9))"
    script = f"import os, socket; os.setuid(65534); {connect}"
    asked = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert asked.stdout in {"b''\n", ""}, asked
    until(lambda: ask(inward, 1) == "ConnectionRefusedError")


def test_more_connections_than_this_process_may_have_wait() -> None:
    """Two descriptors are a connection's, and the process of a relay has a limit, after which it answered nobody any more."""
    script = """
import resource, socket, sys
from functools import partial
from local_emulator.runs import relay
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
listener = socket.create_server(("127.0.0.1", 0))
relay._serve(listener, partial(relay._connect_here, int(sys.argv[1])))
print(listener.getsockname()[1], flush=True)
input()
"""
    with (
        socket.create_server(("127.0.0.1", 0)) as service,
        subprocess.Popen(
            [sys.executable, "-c", script, str(service.getsockname()[1])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as program,
    ):
        try:
            service.settimeout(60)
            assert program.stdout is not None
            port = int(program.stdout.readline())
            many = [socket.create_connection(("127.0.0.1", port), 60) for _ in range(60)]
            for number, connection in enumerate(many):
                connection.sendall(bytes([number]))
                connection.shutdown(socket.SHUT_WR)
            assert {first_bytes(service)[0] for _ in many} == set(range(60))
            for connection in many:
                connection.close()
        finally:
            program.kill()


def first_bytes(service: socket.socket) -> bytes:
    """What the next connection sends."""
    connection, _ = service.accept()
    with connection:
        return connection.recv(100)


def test_a_process_that_is_none_of_the_container() -> None:
    with pytest.raises(ProcessLookupError, match="Docker's engine is not on this machine"):
        relay(os.getpid(), json.dumps("no container"), (1, 2), [])
    with suppress(PermissionError), pytest.raises(FileNotFoundError):
        relay(2**30, "x", (1, 2), [])
