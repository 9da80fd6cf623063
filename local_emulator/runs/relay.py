"""Connections between this machine and a container with a network of its own, of which nobody else on the machine has the address.

A socket belongs to the network namespace of the thread that has made it (`man 2 setns`): so threads that have entered the container's
network make those of that side.
"""

import ctypes
import errno
import os
import resource
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

from local_emulator import peers

_HOST = "127.0.0.1"
_CLONE_NEWNET = 0x40000000
_CHUNK = 64 * 2**10
_BACKLOG = 128
_AGAIN_AFTER = 0.05  # seconds
_SHARE = 8  # descriptors of this process for each connection of a listener: a run has up to three listeners

_libc = ctypes.CDLL(None, use_errno=True)


def relay(process: int, container: str, inward: tuple[int, int], outward: Sequence[int]) -> None:
    """Pass connections on until this process ends, in threads of its own.

    From the first port of `inward` on this machine, where this user and root alone are heard, to the second in the network of the
    container, whose main process is given; and from the ports `outward` there to the same here. Raises OSError.
    """
    network = _network_of(process, container)
    with ThreadPoolExecutor(1) as inside:
        listeners = [inside.submit(_listen_inside, network, port).result() for port in outward]
    for listener, port in zip(listeners, outward, strict=True):
        _serve(listener, partial(_connect_here, port))
    _serve(socket.create_server((_HOST, inward[0]), backlog=_BACKLOG), partial(_connect_inside, network, inward[1]))


def _network_of(process: int, container: str) -> int:
    """A descriptor of the network of a container's main process; raises OSError if no process of this machine is that."""
    network = os.open(f"/proc/{process}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    if container not in Path(f"/proc/{process}/mountinfo").read_text():
        os.close(network)
        raise ProcessLookupError(f"the process {process} is none of the container: Docker's engine is not on this machine")
    return network


def _enter(network: int) -> None:
    """Enter a network with the thread that calls this."""
    if _libc.setns(network, _CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"the container's network cannot be entered: {os.strerror(code)}")


def _listen_inside(network: int, port: int) -> socket.socket:
    _enter(network)
    return socket.create_server((_HOST, port), backlog=_BACKLOG)


def _connect_here(port: int, _near: socket.socket) -> socket.socket:
    return socket.create_connection((_HOST, port))


def _connect_inside(network: int, port: int, near: socket.socket) -> socket.socket:
    peer = peers.peer_of(near.getsockname()[:2], near.getpeername()[:2])  # asks the kernel in the network of this machine
    if peer.gone or peer.uid not in {0, os.geteuid()}:
        raise PermissionError(errno.EACCES, "another user's connection")
    _enter(network)
    return socket.create_connection((_HOST, port))


def _serve(listener: socket.socket, connect: Callable[[socket.socket], socket.socket]) -> None:
    """Accept connections in a thread, and pass each on in another, which `connect` is called in.

    Those beyond this listener's share of the descriptors of this process wait: each needs two, and with one it would be lost.
    """
    free = threading.Semaphore(max(resource.getrlimit(resource.RLIMIT_NOFILE)[0] // _SHARE, 1))

    def pass_on(near: socket.socket) -> None:
        try:
            _relay(near, connect)
        finally:
            free.release()

    def accept() -> None:
        while free.acquire():
            _begin(pass_on, _accept(listener))

    threading.Thread(target=accept, daemon=True).start()


def _accept(listener: socket.socket) -> socket.socket:
    while True:
        try:
            return listener.accept()[0]
        except OSError:  # this process has too many descriptors, or the connection has ended already
            time.sleep(_AGAIN_AFTER)


def _begin(pass_on: Callable[[socket.socket], None], near: socket.socket) -> None:
    """Pass a connection on in a thread, as soon as there is one for it."""
    while True:
        try:
            threading.Thread(target=pass_on, args=(near,), daemon=True).start()
        except RuntimeError:  # this machine has no more threads, now
            time.sleep(_AGAIN_AFTER)
        else:
            return


def _relay(near: socket.socket, connect: Callable[[socket.socket], socket.socket]) -> None:
    with near, suppress(OSError), connect(near) as far:
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _pass_on(near, far)


def _pass_on(near: socket.socket, far: socket.socket) -> None:
    """Pass on what either end sends, until both have said that nothing more comes."""
    ends = {near.fileno(): (near, far), far.fileno(): (far, near)}
    poll = select.poll()
    for descriptor in ends:
        poll.register(descriptor, select.POLLIN)
    while ends:
        for descriptor, _ in poll.poll():
            source, target = ends[descriptor]
            part = source.recv(_CHUNK)
            if part:
                target.sendall(part)
                continue
            poll.unregister(descriptor)
            del ends[descriptor]
            with suppress(OSError):
                target.shutdown(socket.SHUT_WR)
