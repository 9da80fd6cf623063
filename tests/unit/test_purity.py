"""What makes a unit test: tests/conftest.py refuses it what others need."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest


def _connect() -> None:
    with socket.socket() as connection:
        connection.connect(("127.0.0.1", 9))


def _listen() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))


def _start() -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)


def _spawn() -> None:
    os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {})


@pytest.mark.parametrize("needed", [_connect, _listen, _start, _spawn])
def test_neither_sockets_nor_programs(needed: Callable[[], None]) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"calls .*: unit tests open no socket and start no program\. Move it"):
        needed()
