"""HTTP to the programs that serve models: connections are kept for the next request.

Its own client, as http.client takes a third of an invocation's time: it sends head and body apart, and parses headers as e-mail.
"""

import select
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from local_emulator.domain.errors import is_passing

_HOST = "127.0.0.1"
_FRESH = 1.0  # seconds that a connection is kept: servers close idle ones after two or more
_CHUNK = 64 * 2**10
_LONGEST_HEAD = 64 * 2**10  # bytes of an answer's status line and headers, or of the head of a chunk
_MOST_IDLE = 32  # connections that are kept for one program
_NO_BODY = {204, 304}
_CONTINUE = range(100, 200)


class BackendTimeout(Exception):  # noqa: N818 - reads as a fact
    """The program has not answered in time."""


class BackendGone(Exception):  # noqa: N818 - reads as a fact
    """No program listens there, or it has closed the connection without a whole answer; `sent`: it may have seen the request.

    `short` says what this process lacks to ask it; None if it lacks nothing, so that the program is to blame.
    """

    def __init__(self, *, sent: bool, short: str | None = None) -> None:
        super().__init__()
        self.sent = sent
        self.short = short


@dataclass
class BackendAnswer:
    """What a program has answered; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    connection: "_Connection"
    backends: "Backends"
    done: bool = False

    def read(self, most: int) -> bytes | None:
        """The whole body; None if it is longer than that. Raises BackendTimeout, BackendGone."""
        parts, size = [], 0
        for part in self.parts():
            parts.append(part)
            size += len(part)
            if size > most:
                self.discard()
                return None
        return b"".join(parts)

    def parts(self) -> Iterator[bytes]:
        """The body in parts, as they come. Raises BackendTimeout, BackendGone."""
        with _translated(self.connection):
            yield from self._body()
        self.done = True
        if self.headers.get("connection", "").lower() == "close" or ("content-length" not in self.headers and not self._chunked):
            self.connection.close()
        else:
            self.backends.keep(self.connection)

    @property
    def _chunked(self) -> bool:
        return self.headers.get("transfer-encoding", "").lower() == "chunked"

    def _body(self) -> Iterator[bytes]:
        if self.status in _NO_BODY:
            return
        if self._chunked:
            yield from self.connection.chunks()
        elif (length := self.headers.get("content-length")) is not None:
            yield from self.connection.exactly(_number(length, 10))
        else:
            yield from self.connection.until_closed()

    def discard(self) -> None:
        """Close the connection, unless the whole body has been read."""
        if not self.done:
            self.done = True
            self.connection.close()


class _ProtocolError(OSError):
    """What has come is no HTTP."""


def _number(text: str, base: int) -> int:
    try:
        number = int(text, base)
    except ValueError as error:
        raise _ProtocolError(f"{text!r} is no number") from error
    if number < 0:
        raise _ProtocolError(f"{text!r} is no size")
    return number


class _Connection:
    """A connection on which a request ends at a deadline, however slowly parts of the answer come."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.idle_since = 0.0
        self._deadline = 0.0
        self._socket: socket.socket | None = None
        self._received = b""

    def open(self, seconds: float) -> None:
        """Connect if it is not connected; what follows may take so many seconds."""
        self._deadline = time.monotonic() + seconds
        if self._socket is None:
            self._socket = socket.create_connection((_HOST, self.port), seconds)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self._socket.settimeout(seconds)

    def close(self) -> None:
        """Close it."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @property
    def usable(self) -> bool:
        """Whether it is still open, and nothing unexpected has come."""
        if self._socket is None or self._received or time.monotonic() - self.idle_since > _FRESH:
            return False
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return not poll.poll(0)

    def send(self, request: bytes) -> None:
        """Send a whole request."""
        if self._socket is not None:
            self._socket.sendall(request)

    def head(self) -> tuple[int, Mapping[str, str]]:
        """Status and headers of the answer."""
        while True:
            lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
            version, _, rest = lines[0].partition(" ")
            if not version.startswith("HTTP/1."):
                raise _ProtocolError(f"{lines[0]!r} is no status line")
            status = _number(rest[:3], 10)
            if status not in _CONTINUE:
                break
        pairs = [line.partition(":") for line in lines[1:]]
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        if len(headers) < len(pairs):
            lengths = {value.strip() for name, _, value in pairs if name.strip().lower() == "content-length"}
            if len(lengths) > 1:
                raise _ProtocolError(f"the Content-Length is {' and '.join(sorted(lengths))}")
        return status, headers if version == "HTTP/1.1" else {"connection": "close", **headers}

    def exactly(self, size: int) -> Iterator[bytes]:
        """So many bytes, as they come."""
        while size:
            part = self._received or self._receive()
            self._received = part[size:]
            yield (part := part[:size])
            size -= len(part)

    def chunks(self) -> Iterator[bytes]:
        """The content of chunks, as they come."""
        while size := _number(self._until(b"\r\n").partition(b";")[0].strip().decode("latin-1"), 16):
            yield from self.exactly(size)
            self._until(b"\r\n")
        while self._until(b"\r\n"):  # trailers
            pass

    def until_closed(self) -> Iterator[bytes]:
        """What comes until the program closes the connection."""
        part, self._received = self._received, b""
        while part or (part := self._receive(closes=True)):
            yield part
            part = b""

    def _until(self, end: bytes) -> bytes:
        """What comes before an end mark."""
        while (at := self._received.find(end)) < 0:
            if len(self._received) > _LONGEST_HEAD:
                raise _ProtocolError(f"there are more than {_LONGEST_HEAD} bytes before an end of line")
            self._received += self._receive()
        line, self._received = self._received[:at], self._received[at + len(end) :]
        return line

    def _receive(self, *, closes: bool = False) -> bytes:
        """What has come next; nothing if the connection was closed, which it may be if it `closes`."""
        left = self._deadline - time.monotonic()
        if left <= 0 or self._socket is None:
            raise TimeoutError
        self._socket.settimeout(left)
        part = self._socket.recv(_CHUNK)
        if not part and not closes:
            raise _ProtocolError("the connection was closed")
        return part


class _translated:  # noqa: N801 - a context manager, faster than a generator
    def __init__(self, connection: _Connection, *, sent: bool = True) -> None:
        self._connection = connection
        self._sent = sent

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if error is None:
            return
        self._connection.close()
        if isinstance(error, TimeoutError):
            raise BackendTimeout from error
        if isinstance(error, OSError):
            raise BackendGone(sent=self._sent, short=error.strerror if is_passing(error) else None) from error


class Backends:
    """Connections to serving programs by their ports. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[int, list[_Connection]] = {}
        self._closed = False

    def request(
        self, port: int, method: str, path: str, headers: Mapping[str, str], body: bytes | None, seconds: float
    ) -> BackendAnswer:
        """Send a request; returns when the headers of the answer are there. Raises BackendTimeout, BackendGone."""
        connection = self._connection(port)
        with _translated(connection, sent=False):
            connection.open(seconds)
        content = body or b""
        named = "".join(f"{name}: {' '.join(value.splitlines())}\r\n" for name, value in headers.items())
        head = f"{method} {path} HTTP/1.1\r\nHost: {_HOST}:{port}\r\nContent-Length: {len(content)}\r\n{named}\r\n"
        with _translated(connection):
            connection.send(head.encode("latin-1", "replace") + content)
            status, answered = connection.head()
        return BackendAnswer(status, answered, connection, self)

    def keep(self, connection: _Connection) -> None:
        """Keep a connection, on which an answer is complete, for the next request."""
        connection.idle_since = time.monotonic()
        with self._lock:
            idle = self._idle.setdefault(connection.port, [])
            idle.append(connection)
            old = idle.pop(0) if self._closed or len(idle) > _MOST_IDLE else None
        if old is not None:
            old.close()

    def close(self) -> None:
        """Close all connections that are idle, and from now on each when its answer is complete."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection in connections:
                with suppress(OSError):
                    connection.close()

    def _connection(self, port: int) -> _Connection:
        while True:
            with self._lock:
                idle = self._idle.get(port)
                connection = idle.pop() if idle else None
                if idle is not None and not idle:
                    del self._idle[port]
            if connection is None:
                return _Connection(port)
            if connection.usable:
                return connection
            connection.close()
