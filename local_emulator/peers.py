"""Owners of connections.

The kernel reports the owner of a TCP socket of this machine by netlink (`man 7 sock_diag`), one socket at a time, in 0.02 ms. Reading
/proc/net/tcp takes several milliseconds and may miss a socket while the table changes.
"""

import errno
import os
import pwd
import socket
import struct
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from local_emulator.domain.errors import EmulatorError

Address = tuple[str, int]

_SOCK_DIAG = 4  # NETLINK_SOCK_DIAG
_BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY
_REQUEST = 1  # NLM_F_REQUEST
_ANY = 0xFFFFFFFF
_HEADER = struct.Struct("=IHHII")
_ID = struct.Struct("!HH16s16s")
_OWNER = struct.Struct("=II")
_OWNER_AT = _HEADER.size + 64  # behind the reply's state, addresses, timer and queues
_ERROR = 2  # NLMSG_ERROR


class UnknownUser(EmulatorError):  # noqa: N818 - reads as a fact
    """There is no such user on this machine."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Remote end of a connection. `uid` is None if it is not a process of this machine; `gone`: its socket is already closed."""

    address: str
    uid: int | None = None
    gone: bool = False

    @property
    def group(self) -> str:
        """Key by which connections are counted: the user, or the address."""
        return self.address if self.uid is None else f"uid {self.uid}"


def peer_of(local: Address, remote: Address) -> Peer:
    """Peer of an accepted connection, from the addresses of its socket; raises OSError if the kernel does not answer."""
    family = socket.AF_INET6 if ":" in remote[0] else socket.AF_INET
    owner = _owner(family, local, remote)
    if owner is None:
        return Peer(address=remote[0], gone=_is_of_this_machine(family, remote[0]))
    uid, inode = owner
    # A socket without a process is reported as root's, with inode 0.
    return Peer(address=remote[0], uid=uid, gone=inode == 0)


def why_unknown() -> str | None:
    """Reason why owners of connections cannot be determined on this machine; None if they can."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as near:
            peer = peer_of(listener.getsockname(), near.getsockname())
    except (OSError, AttributeError) as error:  # AttributeError: no AF_NETLINK, so not Linux
        return str(error)
    return None if peer.uid == os.geteuid() else "the kernel names another owner"


def users(names: Iterable[str]) -> frozenset[int]:
    """Ids of users given by name or number; raises UnknownUser."""
    return frozenset(map(_number, names))


def may_enter(peer: Peer, allowed: Collection[int]) -> bool:
    """Whether a peer is an allowed user, or not of this machine (then `--host` decides)."""
    return not peer.gone and (peer.uid is None or peer.uid in allowed)


def described(uid: int) -> str:
    """Name of a user in messages."""
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"


def _number(name: str) -> int:
    if name.isdecimal():
        return int(name)
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError as error:
        raise UnknownUser(f"--allow-user {name}: there is no such user") from error


def _owner(family: int, local: Address, remote: Address) -> tuple[int, int] | None:
    """(uid, inode) of the remote socket; None if this network namespace has no such socket."""
    ends = [socket.inet_pton(family, host.partition("%")[0]).ljust(16, b"\0") for host in (remote[0], local[0])]
    asked = struct.pack("=BBBxI", family, socket.IPPROTO_TCP, 0, _ANY) + _ID.pack(remote[1], local[1], *ends)
    asked += struct.pack("=III", 0, _ANY, _ANY)  # any interface, no cookie
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _SOCK_DIAG) as kernel:
        kernel.settimeout(1)
        kernel.send(_HEADER.pack(_HEADER.size + len(asked), _BY_FAMILY, _REQUEST, 1, 0) + asked)
        reply = kernel.recv(4096)
    if _HEADER.unpack_from(reply)[1] == _ERROR:
        code = -struct.unpack_from("=i", reply, _HEADER.size)[0]
        if code == errno.ENOENT:
            return None
        raise OSError(code, os.strerror(code))
    uid, inode = _OWNER.unpack_from(reply, _OWNER_AT)
    return uid, inode


def _is_of_this_machine(family: int, host: str) -> bool:
    """Whether an address belongs to this machine: then it is also the source address of packets sent to it."""
    mapped = getattr(ip_address(host.partition("%")[0]), "ipv4_mapped", None)
    family, host = (socket.AF_INET, str(mapped)) if mapped else (family, host)
    with socket.socket(family, socket.SOCK_DGRAM) as test:
        try:
            test.connect((host, 9))  # sends nothing: the kernel looks for the way
        except OSError:
            return False
        source = str(test.getsockname()[0])
    return source == host or ip_address(source).is_loopback
