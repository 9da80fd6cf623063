"""waitress's connections, with the guard before bodies are read, and limits on time, size and number.

A request is checked when its headers are complete: a refused one is answered at once and its body is never read. Slow connections are
closed. If there are too many, the one that has been silent for longest is closed, of the user with the most connections.
"""

import copy
import errno
import re
import socket
import time
from collections import Counter
from contextlib import suppress
from functools import lru_cache
from typing import Any

from waitress.parser import HTTPRequestParser
from waitress.receiver import ChunkedReceiver
from waitress.server import TcpWSGIServer
from waitress.task import WSGITask
from waitress.utilities import BadRequest, Error, RequestEntityTooLarge, RequestHeaderFieldsTooLarge, ServerNotImplemented

from local_emulator.api import wire
from local_emulator.api.calls import MOST_BODY as MOST_INVOCATION
from local_emulator.api.faults import Faults
from local_emulator.api.guard import Guard
from local_emulator.api.invocation_channel import InvocationChannel
from local_emulator.api.invocation_rules import too_large_answer
from local_emulator.api.invocations import is_invocation
from local_emulator.peers import Peer

MOST_HEAD = 64 * 2**10  # bytes
MOST_JSON = 10 * 2**20
MOST_BODY = 5 * 2**30 + 64 * 2**20  # S3's limit for one upload, and the signatures of its chunks
HEAD_SECONDS = 15.0
SILENT_SECONDS = 60.0  # within a body or an answer
IDLE_SECONDS = 120.0  # between requests
PAUSE = 0.5  # seconds without accepting, when descriptors have run out
SLOWEST_BODY = 1024  # bytes a second, after SILENT_SECONDS
_STRANGERS = 8  # connections of an unknown user, who may be one of our containers
_CHECK_SECONDS = 1.0
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class _RefusedError(Error):  # type: ignore[misc] # waitress ships no types
    """An answer that does not depend on the body."""

    def __init__(self, answer: wire.HttpAnswer) -> None:
        super().__init__("")
        self._answer = answer

    def to_response(self, _ident: str | None = None) -> wire.HttpAnswer:
        return self._answer


class _ExpectationError(BadRequest):  # type: ignore[misc] # see above
    code = 417
    reason = "Expectation Failed"


_METADATA = re.compile(rb"^(x-amz-meta-[!-9;-~]+):[ \t]*(.*?)\r?$", re.IGNORECASE | re.MULTILINE)


def _underscored(head: bytes) -> dict[str, str]:
    """Metadata of S3 objects with an underscore in the name: waitress drops such headers."""
    return {
        name.decode("latin-1"): value.rstrip(b" \t").decode("latin-1") for name, value in _METADATA.findall(head) if b"_" in name
    }


@lru_cache(maxsize=8)
def _limited(adjustments: Any, most: int) -> Any:  # noqa: ANN401 - waitress ships no types
    """Adjustments with another limit of bodies."""
    limited = copy.copy(adjustments)
    limited.max_request_body_size = most
    return limited


def _service(environ: dict[str, str]) -> str:
    """The signing name of a request."""
    signed = wire.scope(environ.get("HTTP_AUTHORIZATION", ""))
    return signed[2] if signed else ""


class Task(WSGITask):  # type: ignore[misc] # see above
    """Keeps the names of S3 metadata in lower case, as S3 does; waitress spells every header `Like-This`."""

    def get_environment(self) -> dict[str, Any]:
        """WSGI environment, with metadata by the names that moto looks for."""
        environ: dict[str, Any] = super().get_environment()
        metadata = {f"HTTP_{name.upper().replace('-', '_')}": name for name in getattr(self.request, "metadata", {})}
        for key, name in metadata.items():
            environ.setdefault(key, self.request.metadata[name])
        environ["moto.preserved_header_names"] = metadata
        return environ

    def build_response_header(self) -> bytes:
        """Status line and headers of an answer."""
        lines = super().build_response_header().split(b"\r\n")
        return b"\r\n".join(map(_metadata_in_lower_case, lines))


def _metadata_in_lower_case(line: bytes) -> bytes:
    if not line.startswith(b"X-Amz-Meta-"):
        return line
    name, colon, value = line.partition(b":")
    return name.lower() + colon + value


class Parser(HTTPRequestParser):  # type: ignore[misc] # see above
    """Refuses a request as soon as its headers are complete. `guard` and `peer` are the channel's."""

    adj: Any
    body_rcv: Any = None

    def __init__(self, adj: Any, guard: Guard, peer: Peer) -> None:  # noqa: ANN401 - waitress ships no types
        super().__init__(adj)
        self._guard = guard
        self._peer = peer
        self.direct = False  # an invocation whose answer is no stream
        self.began = time.monotonic()

    def received(self, data: bytes) -> int:
        """Consume bytes; returns how many belong to this request."""
        consumed: int = super().received(data)
        receiver = self.body_rcv
        if isinstance(receiver, ChunkedReceiver) and len(receiver.control_line) + len(receiver.trailer) > MOST_HEAD:
            self.error = RequestHeaderFieldsTooLarge(f"a chunk's head or the trailer exceeds {MOST_HEAD:,} bytes")
            self.completed = True
        if isinstance(self.error, RequestEntityTooLarge) and self.adj.max_request_body_size == MOST_INVOCATION:
            self.error = _RefusedError(too_large_answer())
        elif isinstance(self.error, RequestEntityTooLarge):
            most = f"the body is larger than {self.adj.max_request_body_size:,} bytes"
            self.error = _RefusedError(wire.error(self._environ(), "RequestEntityTooLarge", most, "413 Request Entity Too Large"))
        if isinstance(self.error, ServerNotImplemented):
            self.error = BadRequest(self.error.body)  # after a 5xx clients would retry
        if self.completed:
            self.expect_continue = False  # waitress would wait for a body that is refused or absent
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the headers and check them."""
        super().parse_header(header_plus)
        self.metadata = _underscored(header_plus)
        environ = self._environ()
        refused = self._guard.refusal(environ, self._peer)
        if refused is not None:
            self._end(_RefusedError(wire.error(environ, "AccessDeniedException", refused.reason, refused.status)))
        elif self.headers.get("EXPECT", "100-continue").lower() != "100-continue":
            self._end(_ExpectationError("of all expectations only 100-continue is met"))
        elif environ.get("HTTP_X_AMZ_TARGET", "").startswith("SageMaker."):
            self.adj = _limited(self.adj, MOST_JSON)
        elif is_invocation(_service(environ), environ["PATH_INFO"]):
            self.adj = _limited(self.adj, MOST_INVOCATION)
            self.direct = environ["PATH_INFO"].endswith("/invocations")

    def _end(self, error: Error) -> None:
        """Answer now: without a body to receive the request is complete for waitress."""
        self.error = error
        self.body_rcv, self.chunked, self.content_length = None, False, 0

    def _environ(self) -> dict[str, str]:
        named = {f"HTTP_{name}": value for name, value in self.headers.items()}
        kind = self.headers.get("CONTENT_TYPE", "")
        return {
            **named,
            "REQUEST_METHOD": getattr(self, "command", ""),
            "PATH_INFO": getattr(self, "path", ""),
            "CONTENT_TYPE": kind,
        }


class Channel(InvocationChannel):
    """A connection. `peer` is looked up on accept: later the socket may have no owner any more."""

    task_class = Task

    def __init__(self, server: "Listener", sock: socket.socket, addr: Any, adj: Any, map: Any, peer: Peer) -> None:  # noqa: A002, ANN401 - waitress's
        self.peer = peer
        self.parser_class = lambda adjustments: Parser(adjustments, server.guard, peer)
        self.moved = time.monotonic()  # time of the last byte in either direction
        self.served = 0.0  # time of the last complete answer
        super().__init__(server, sock, addr, adj, map=map)

    @property
    def waits(self) -> bool:
        """Whether the server waits for the client."""
        return not self.requests and not self.total_outbufs_len

    def received(self, data: bytes) -> bool:
        """Receive bytes from the client."""
        self.moved = time.monotonic()
        received: bool = super().received(data)
        return received

    def send(self, data: bytes, *, do_close: bool = True) -> int:
        """Send bytes to the client; returns how many were sent."""
        sent: int = super().send(data, do_close=do_close)
        if sent:
            self.moved = time.monotonic()
        return sent

    def is_late(self, now: float) -> bool:
        """Whether the client has exceeded a timeout: for headers, body, answer, or between requests."""
        if self.total_outbufs_len:
            return now - self.moved > SILENT_SECONDS
        if not self.waits:
            return False
        request = self.request
        if request is None:
            return now - self.moved > (IDLE_SECONDS if self.served else HEAD_SECONDS)
        took: float = now - max(request.began, self.served)
        if not request.headers_finished:
            return took > HEAD_SECONDS
        enough: float = SILENT_SECONDS + request.body_bytes_received / SLOWEST_BODY
        return now - self.moved > SILENT_SECONDS or took > enough

    def end(self, answer: bytes = b"") -> None:
        """Close now, without waiting for the client to read."""
        with suppress(OSError):
            if answer and not self.total_outbufs_len:
                self.socket.send(answer)
        self.handle_close()


class Listener(TcpWSGIServer):  # type: ignore[misc] # see above
    """Accepts connections and closes excess and slow ones."""

    channel_class = Channel

    def __init__(self, application: Any, *, guard: Guard, faults: Faults, most: int, **options: Any) -> None:  # noqa: ANN401 - see above
        self.guard = guard
        self._faults = faults
        self._most = most
        self._paused_until = 0.0
        self._unnamed: tuple[Any, Any] | None = None  # a connection whose peer could not be told yet, for want of a descriptor
        self._next_check = 0.0
        super().__init__(application, **options)

    def readable(self) -> bool:
        """Whether to accept connections now; waitress calls this in each iteration of its loop."""
        now = time.monotonic()
        if now >= self._next_check:
            self._next_check = now + _CHECK_SECONDS
            self.maintenance(now)
        if self._unnamed is not None and now >= self._paused_until:
            self.handle_accept()
        return bool(self.accepting) and now >= self._paused_until

    def handle_accept(self) -> None:
        """Accept a connection."""
        try:
            accepted, self._unnamed = self._unnamed or self.accept(), None
            if accepted is None:
                return
            connection, address = accepted
        except OSError as error:
            self._cannot_accept(error)
            return
        try:
            self.set_socket_options(connection)
            peer = self.guard.peer(connection.getsockname(), address)
        except OSError as error:
            if error.errno in _EXHAUSTED:
                self._unnamed = accepted
                self._cannot_accept(error)
            else:
                connection.close()  # already closed by the client
            return
        if self._has_room(peer):
            self.channel_class(self, connection, address, self.adj, map=self._map, peer=peer)
        else:
            connection.close()

    def _cannot_accept(self, error: OSError) -> None:
        if error.errno not in _EXHAUSTED:
            return  # closed by the client
        self._faults.report("accept", f"no connection can be accepted: {error.strerror}; silent ones are closed")
        self._end_longest_silent()
        self._paused_until = time.monotonic() + PAUSE

    def _has_room(self, peer: Peer) -> bool:
        channels = self.active_channels.values()
        if not self.guard.knows(peer) and sum(channel.peer.group == peer.group for channel in channels) >= _STRANGERS:
            return False
        if len(channels) < self._most:
            return True
        self._faults.report("full", f"{self._most} connections are open; the longest silent are closed for new ones")
        return self._end_longest_silent()

    def _end_longest_silent(self) -> bool:
        """Close the longest silent connection of the peer with the most; False if no connection is idle."""
        waiting = [channel for channel in self.active_channels.values() if channel.waits]
        if not waiting:
            return False
        held = Counter(channel.peer.group for channel in waiting)
        most = max(held, key=held.__getitem__)
        min((channel for channel in waiting if channel.peer.group == most), key=lambda channel: channel.moved).end()
        return True

    def maintenance(self, now: float) -> None:
        """Close connections after a timeout. waitress itself would use the wall clock, which can be set."""
        for channel in [channel for channel in self.active_channels.values() if channel.is_late(now)]:
            channel.end(_LATE if channel.request is not None else b"")
