"""Messages between a supervisor, the fork server and its forks: JSON with a length in front, over Unix sockets."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKER = "SM_EMULATOR_RUN"
"""The environment variable by which the processes of a run are found."""
NO_SERVER, NOT_NOW = 5, 6
"""Exit codes of the fork server: there is none for these imports, or none at this moment."""

_SIZE = struct.Struct(">I")


def send(connection: socket.socket, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
    """Send a message, with descriptors if there are any."""
    body = json.dumps(message).encode()
    head = _SIZE.pack(len(body))
    if descriptors:
        socket.send_fds(connection, [head], descriptors)
        connection.sendall(body)
    else:
        connection.sendall(head + body)


def receive(connection: socket.socket, most: int = 0) -> tuple[dict[str, Any] | None, list[int]]:
    """The next message and at most `most` descriptors; None when the other end is gone."""
    head, descriptors, _, _ = socket.recv_fds(connection, _SIZE.size, most)
    while head and len(head) < _SIZE.size:
        more = connection.recv(_SIZE.size - len(head))
        head = head + more if more else b""
    if not head:
        return None, descriptors
    (missing,) = _SIZE.unpack(head)
    parts = []
    while missing:
        part = connection.recv(min(missing, 1 << 20))
        if not part:
            return None, descriptors
        parts.append(part)
        missing -= len(part)
    message: dict[str, Any] = json.loads(b"".join(parts))
    return message, descriptors


@contextlib.contextmanager
def reachable(path: str) -> Iterator[str]:
    """An address of a socket file that is short enough for the kernel, however deep the file lies."""
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)  # noqa: PTH120 - pathlib is not imported here
    try:
        yield f"/proc/self/fd/{folder}/{os.path.basename(path)}"  # noqa: PTH119 - see above
    finally:
        os.close(folder)


def listen(path: str) -> socket.socket:
    """A socket that listens at a path as soon as there is a file."""
    listener = socket.socket(socket.AF_UNIX)
    with reachable(path) as address:
        temporary = f"{address}.{os.getpid()}"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)  # noqa: PTH108 - see above
        listener.bind(temporary)
        listener.listen(128)
        os.rename(temporary, address)  # noqa: PTH104 - see above
    return listener
