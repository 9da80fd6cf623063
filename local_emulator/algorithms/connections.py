"""Connections between the hosts of a job.

Every user of this machine reaches their ports. So who connects says first of which run it is, which only the job's processes know.
"""

import json
import os
import socket
import time
from collections.abc import Mapping
from typing import IO, Any

_RUN = "SM_EMULATOR_RUN"
_AGAIN_AFTER = 0.05  # seconds
_SPEAKS_WITHIN = 30.0  # seconds; hosts do at once, on however busy a machine
_LONGEST_MESSAGE = 64 * 2**20  # bytes


def connect(host: str, port: int, message: Mapping[str, Any]) -> socket.socket:
    """A connection to a host, once that listens, with a message as its first line."""
    while True:  # the job's limits end it
        try:
            connection = socket.create_connection((host, port))
            break
        except ConnectionRefusedError:
            time.sleep(_AGAIN_AFTER)
    connection.sendall(json.dumps({**message, "run": os.environ.get(_RUN)}).encode() + b"\n")
    return connection


def accept(server: socket.socket) -> tuple[socket.socket, IO[bytes], Mapping[str, Any]]:
    """The next connection of another host, what is read from it, and its message."""
    while True:
        connection, _ = server.accept()
        connection.settimeout(_SPEAKS_WITHIN)
        stream = connection.makefile("rb")
        message = _message(stream)
        if message is not None:
            connection.settimeout(None)
            return connection, stream, message
        stream.close()
        connection.close()


def _message(stream: IO[bytes]) -> Mapping[str, Any] | None:
    """What a process of this run says; None if it is none of this run."""
    try:
        message = json.loads(stream.readline(_LONGEST_MESSAGE))
    except (ValueError, RecursionError, OSError):
        return None
    return message if isinstance(message, dict) and message.get("run") == os.environ.get(_RUN) else None
