"""waitress's connections, with the guard in front of bodies and with limits on time, size and number.

A request is judged when its headers are complete: what is refused is answered at once and its body is never read. Who sends too
slowly is closed; when there are too many connections, the one that has been silent for longest makes room, of whoever holds most.
"""

import copy
import errno
import re
import socket
import time
from collections import Counter
from contextlib import suppress
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.receiver import ChunkedReceiver
from waitress.server import TcpWSGIServer
from waitress.task import WSGITask
from waitress.utilities import BadRequest, Error, RequestEntityTooLarge, RequestHeaderFieldsTooLarge, ServerNotImplemented

from local_emulator.api import wire
from local_emulator.api.faults import Faults
from local_emulator.api.guard import Guard
from local_emulator.api.peers import Peer

MOST_HEAD = 64 * 2**10  # bytes
MOST_JSON = 10 * 2**20
MOST_BODY = 5 * 2**30 + 64 * 2**20  # what S3 takes at once, and the signatures of its chunks
HEAD_SECONDS = 15.0
SILENT_SECONDS = 60.0  # amid a body or an answer
IDLE_SECONDS = 120.0  # between requests
SLOWEST_BODY = 1024  # bytes a second, after SILENT_SECONDS
_STRANGERS = 8  # connections at a time of a user that is not answered, who may be a container of ours
_CHECK_SECONDS = 1.0
_PAUSE = 0.5  # seconds without accepting, when descriptors have run out
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class _RefusedError(Error):  # type: ignore[misc] # waitress ships no types
    """An answer that is known before the body is."""

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
    """The metadata of S3 objects whose names have an underscore, which waitress leaves out of a request's headers."""
    return {
        name.decode("latin-1"): value.rstrip(b" \t").decode("latin-1") for name, value in _METADATA.findall(head) if b"_" in name
    }


class Task(WSGITask):  # type: ignore[misc] # see above
    """Waitress spells every header `Like-This`; S3 gives the names of metadata in lower case, and clients keep them as they are."""

    def get_environment(self) -> dict[str, Any]:
        """The environment of WSGI, with metadata by the names that moto is to find them by."""
        environ: dict[str, Any] = super().get_environment()
        metadata = {f"HTTP_{name.upper().replace('-', '_')}": name for name in getattr(self.request, "metadata", {})}
        for key, name in metadata.items():
            environ.setdefault(key, self.request.metadata[name])
        environ["moto.preserved_header_names"] = metadata
        return environ

    def build_response_header(self) -> bytes:
        """The head of an answer."""
        lines = super().build_response_header().split(b"\r\n")
        return b"\r\n".join(map(_metadata_in_lower_case, lines))


def _metadata_in_lower_case(line: bytes) -> bytes:
    if not line.startswith(b"X-Amz-Meta-"):
        return line
    name, colon, value = line.partition(b":")
    return name.lower() + colon + value


class Parser(HTTPRequestParser):  # type: ignore[misc] # see above
    """Refuses a request as soon as its headers are there. `guard` and `peer` are the channel's."""

    adj: Any
    body_rcv: Any = None

    def __init__(self, adj: Any, guard: Guard, peer: Peer) -> None:  # noqa: ANN401 - waitress ships no types
        super().__init__(adj)
        self._guard = guard
        self._peer = peer
        self.began = time.monotonic()

    def received(self, data: bytes) -> int:
        """Take bytes; how many of them belong to this request."""
        consumed: int = super().received(data)
        receiver = self.body_rcv
        if isinstance(receiver, ChunkedReceiver) and len(receiver.control_line) + len(receiver.trailer) > MOST_HEAD:
            self.error = RequestHeaderFieldsTooLarge(f"a chunk's head or the trailer exceeds {MOST_HEAD:,} bytes")
            self.completed = True
        if isinstance(self.error, RequestEntityTooLarge):
            most = f"the body is larger than {self.adj.max_request_body_size:,} bytes"
            self.error = _RefusedError(wire.error(self._environ(), "RequestEntityTooLarge", most, "413 Request Entity Too Large"))
        if isinstance(self.error, ServerNotImplemented):
            self.error = BadRequest(self.error.body)  # a 5xx would make clients send it again
        if self.completed:
            self.expect_continue = False  # waitress would wait for a body that has been refused, or that there is not
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Read the headers, and judge by them."""
        super().parse_header(header_plus)
        self.metadata = _underscored(header_plus)
        environ = self._environ()
        refused = self._guard.refusal(environ, self._peer)
        if refused is not None:
            self._end(_RefusedError(wire.error(environ, "AccessDeniedException", refused.reason, refused.status)))
        elif self.headers.get("EXPECT", "100-continue").lower() != "100-continue":
            self._end(_ExpectationError("of all expectations only 100-continue is met"))
        elif environ.get("HTTP_X_AMZ_TARGET", "").startswith("SageMaker."):
            self.adj = copy.copy(self.adj)
            self.adj.max_request_body_size = MOST_JSON

    def _end(self, error: Error) -> None:
        """Answer now; without a body to receive, waitress takes the request for complete."""
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


class Channel(HTTPChannel):  # type: ignore[misc] # see above
    """One connection. `peer` is looked up when it is accepted: later its socket may have no owner any more."""

    task_class = Task

    def __init__(self, server: "Listener", sock: socket.socket, addr: Any, adj: Any, map: Any, peer: Peer) -> None:  # noqa: A002, ANN401 - waitress's
        self.peer = peer
        self.parser_class = lambda adjustments: Parser(adjustments, server.guard, peer)
        self.moved = time.monotonic()  # when a byte last came or went
        self.served = 0.0  # when the last answer was complete
        super().__init__(server, sock, addr, adj, map=map)

    @property
    def waits(self) -> bool:
        """Whether it is the client's turn to say something."""
        return not self.requests and not self.total_outbufs_len

    def received(self, data: bytes) -> bool:
        """Take bytes of the client."""
        self.moved = time.monotonic()
        received: bool = super().received(data)
        return received

    def send(self, data: bytes, *, do_close: bool = True) -> int:
        """Give bytes to the client; how many it took."""
        sent: int = super().send(data, do_close=do_close)
        if sent:
            self.moved = time.monotonic()
        return sent

    def service(self) -> None:
        """Answer a request, in a thread of the pool."""
        super().service()
        self.served = self.moved = time.monotonic()

    def is_late(self, now: float) -> bool:
        """Whether the client has had its time: for headers, for a body, to take an answer, or between requests."""
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
        """Close now, whether or not the client reads."""
        with suppress(OSError):
            if answer and not self.total_outbufs_len:
                self.socket.send(answer)
        self.handle_close()


class Listener(TcpWSGIServer):  # type: ignore[misc] # see above
    """Accepts connections, and ends those that are too many or too slow."""

    channel_class = Channel

    def __init__(self, application: Any, *, guard: Guard, faults: Faults, most: int, **options: Any) -> None:  # noqa: ANN401 - see above
        self.guard = guard
        self._faults = faults
        self._most = most
        self._paused_until = 0.0
        self._next_check = 0.0
        super().__init__(application, **options)

    def readable(self) -> bool:
        """Whether to accept connections now; waitress asks at every turn of its loop."""
        now = time.monotonic()
        if now >= self._next_check:
            self._next_check = now + _CHECK_SECONDS
            self.maintenance(now)
        return bool(self.accepting) and now >= self._paused_until

    def handle_accept(self) -> None:
        """Accept one connection."""
        try:
            accepted = self.accept()
            if accepted is None:
                return
            connection, address = accepted
        except OSError as error:
            self._cannot_accept(error)
            return
        try:
            self.set_socket_options(connection)
            peer = self.guard.peer(connection.getsockname(), address)
        except OSError:
            connection.close()  # it has gone already
            return
        if self._has_room(peer):
            self.channel_class(self, connection, address, self.adj, map=self._map, peer=peer)
        else:
            connection.close()

    def _cannot_accept(self, error: OSError) -> None:
        if error.errno not in _EXHAUSTED:
            return  # the client has gone again
        self._faults.tell("accept", f"no connection can be accepted: {error.strerror}; silent ones are closed")
        self._end_longest_silent()
        self._paused_until = time.monotonic() + _PAUSE

    def _has_room(self, peer: Peer) -> bool:
        channels = self.active_channels.values()
        if not self.guard.knows(peer) and sum(channel.peer.group == peer.group for channel in channels) >= _STRANGERS:
            return False
        if len(channels) < self._most:
            return True
        self._faults.tell("full", f"{self._most} connections are open; the longest silent are closed for new ones")
        return self._end_longest_silent()

    def _end_longest_silent(self) -> bool:
        """Close the connection that has waited for longest, of the peer that has most; False if none waits."""
        waiting = [channel for channel in self.active_channels.values() if channel.waits]
        if not waiting:
            return False
        held = Counter(channel.peer.group for channel in waiting)
        most = max(held, key=held.__getitem__)
        min((channel for channel in waiting if channel.peer.group == most), key=lambda channel: channel.moved).end()
        return True

    def maintenance(self, now: float) -> None:
        """Close the connections whose clients have had their time. Waitress would go by a clock that can be set."""
        for channel in [channel for channel in self.active_channels.values() if channel.is_late(now)]:
            channel.end(_LATE if channel.request is not None else b"")
