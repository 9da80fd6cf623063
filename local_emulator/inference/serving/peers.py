"""Whose a connection is: a port of this machine's own address is open to all its users, a model only to the one who serves it.

The kernel is asked by netlink (`man 7 sock_diag`), as the emulator's API asks it. This program cannot import that, for it may run in
another interpreter.
"""

from __future__ import annotations

import os
import socket
import struct

_SOCK_DIAG, _BY_FAMILY, _REQUEST, _ERROR = 4, 20, 1, 2
_ANY = 0xFFFFFFFF
_HEADER = struct.Struct("=IHHII")
_OWNER = struct.Struct("=II")
_OWNER_AT = _HEADER.size + 64  # behind the addresses, timer and queues of the reply
_ROOT = 0


def may_ask(local: tuple[str, int], remote: tuple[str, int]) -> bool:
    """Whether the other end of an IPv4 connection is this user's or root's, or of another machine: then whoever bound it decides."""
    if not hasattr(socket, "AF_NETLINK"):  # not Linux
        return True
    if local[0] != remote[0] and not remote[0].startswith("127."):
        return True
    try:
        owner = _owner(local, remote)
    except OSError:
        return False
    # A socket without a process, which is gone, is reported as root's, with inode 0.
    return owner is not None and owner[1] != 0 and owner[0] in {_ROOT, os.geteuid()}


def _owner(local: tuple[str, int], remote: tuple[str, int]) -> tuple[int, int] | None:
    """User and inode of the socket at the other end; None if there is none. Raises OSError."""
    ends = [socket.inet_aton(host).ljust(16, b"\0") for host in (remote[0], local[0])]
    asked = struct.pack("=BBBxI", socket.AF_INET, socket.IPPROTO_TCP, 0, _ANY)
    asked += struct.pack("!HH16s16s", remote[1], local[1], *ends) + struct.pack("=III", 0, _ANY, _ANY)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _SOCK_DIAG) as kernel:
        kernel.settimeout(1)
        kernel.send(_HEADER.pack(_HEADER.size + len(asked), _BY_FAMILY, _REQUEST, 1, 0) + asked)
        reply = kernel.recv(4096)
    if _HEADER.unpack_from(reply)[1] == _ERROR:
        return None
    uid, inode = _OWNER.unpack_from(reply, _OWNER_AT)
    return uid, inode
