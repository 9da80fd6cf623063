"""Answers only this user and root."""

import os
import socket
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_TRIES = 3  # a table that changes while it is read can leave a line out


class OwnerOnly:
    """WSGI middleware that refuses connections of other users of this machine."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        if is_ours(environ["REMOTE_ADDR"], int(environ["REMOTE_PORT"]), int(environ["SERVER_PORT"])):
            return self._app(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
        return [b"This dashboard answers the user who started it.\n"]


def is_ours(address: str, port: int, own_port: int) -> bool:
    """Whether the process at the other end of a connection over loopback is this user's or root's.

    True where the system does not show it (no Linux); False for a socket that its process has closed already.
    """
    number = f"{struct.unpack('=I', socket.inet_aton(address))[0]:08X}"
    here = f"{struct.unpack('=I', socket.inet_aton('127.0.0.1'))[0]:08X}"
    if not _TABLES[0].exists():
        return True
    for _ in range(_TRIES):
        for table in _TABLES:
            for line in table.read_text().splitlines()[1:] if table.exists() else ():
                _, local, remote, _, _, _, _, uid, _, inode, *_ = line.split()
                if local.endswith(f"{number}:{port:04X}") and remote.endswith(f"{here}:{own_port:04X}"):
                    return int(uid) in {0, os.geteuid()} and inode != "0"
    return False
