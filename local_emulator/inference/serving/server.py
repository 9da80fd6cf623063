"""An HTTP/1.1 server of one process: a thread for each connection, which is kept alive."""

from __future__ import annotations

import http.server
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import peers
from .messages import Application, Request, Response, failure, page

if TYPE_CHECKING:
    from io import BufferedIOBase

_LONGEST_LINE = 1 << 16
_LONGEST_DISCARDED = 1 << 28
_AT_ONCE = 1 << 20
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")

AccessLog = Callable[[Request, Response, "tuple[str, int]", float], str]
"""The line for a request, its response, the client's address, and the seconds that it took."""


class BadRequestError(Exception):
    """A request that is no HTTP."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Server(http.server.ThreadingHTTPServer):
    """Serves an application on a socket that is bound already, and listens only now: an application that is not loaded has no port."""

    daemon_threads = True

    def __init__(self, bound: socket.socket, application: Application, access_log: AccessLog) -> None:
        super().__init__(bound.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = bound
        self.application = application
        self._access_log = access_log
        self._active = 0
        self._changed = threading.Condition()
        bound.listen(128)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections inherit it: none keeps the next server away
        bound.setblocking(False)  # several processes accept: who comes too late must not wait

    def respond(self, request: Request, client: tuple[str, int]) -> tuple[Response, Callable[[], None]]:
        """The response to a request, and what is to be called when it has been sent."""
        start = time.perf_counter()
        with self._changed:
            self._active += 1
        try:
            response = self.application.answer(request)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a fault of an application is one request's
            traceback.print_exc()
            response = page(500, failure(error))

        def sent() -> None:
            line = self._access_log(request, response, client, time.perf_counter() - start)
            os.write(1, f"{line}\n".encode(errors="replace"))
            with self._changed:
                self._active -= 1
                self._changed.notify_all()

        return response, sent

    def wait_until_idle(self, within: float) -> None:
        """Wait until no request is being answered, or so many seconds have passed."""
        with self._changed:
            self._changed.wait_for(lambda: not self._active, within)

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ANN401 - socketserver's
        """Whether a connection is served; others are closed."""
        return peers.may_ask(request.getsockname(), client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's
        """A client that has gone is no error; anything else is told."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def setup(self) -> None:
        super().setup()
        for method in _METHODS:
            setattr(self, f"do_{method}", self._do)

    def _do(self) -> None:
        try:
            self._answer()
        except BadRequestError as error:
            self.close_connection = True
            self._send(page(error.status))

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = _body(self.rfile, headers, self.server.application.max_body)
        request = Request(self.command, self.path.partition("?")[0], body, headers)
        response, sent = self.server.respond(request, self.client_address)
        try:
            self._send(response)
        finally:
            sent()

    def _send(self, response: Response) -> None:
        self.send_response_only(response.status)
        self.send_header("Date", self.date_time_string())
        self.send_header("Connection", "close" if self.close_connection else "keep-alive")
        if response.content_type is not None:
            self.send_header("Content-Type", response.content_type)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - http.server's
        """Say nothing: access is logged with the response."""


def _body(source: BufferedIOBase, headers: dict[str, str], longest: int | None) -> bytes:
    """The body of a request; raises BadRequestError."""
    if "transfer-encoding" in headers:
        if headers["transfer-encoding"].strip().lower() != "chunked":
            raise BadRequestError(501)
        return b"".join(_chunks(source, longest))
    length = headers.get("content-length", "0").strip()
    if not length.isdecimal():
        raise BadRequestError(400)
    if longest is not None and int(length) > longest:
        _discard(source, int(length))
        raise BadRequestError(413)
    body = source.read(int(length))
    if len(body) < int(length):
        raise ConnectionResetError  # nobody is there to be answered
    return body


def _discard(source: BufferedIOBase, length: int) -> None:
    """Read a body that is too long: its client reads the answer only when it has written. One far too long is cut off."""
    left = min(length, _LONGEST_DISCARDED)
    while left > 0 and (part := source.read(min(left, _AT_ONCE))):
        left -= len(part)


def _chunks(source: BufferedIOBase, longest: int | None) -> list[bytes]:
    chunks: list[bytes] = []
    total = 0
    while True:
        text = source.readline(_LONGEST_LINE).partition(b";")[0].strip()
        try:
            size = int(text, 16)
        except ValueError:
            raise BadRequestError(400) from None
        if size == 0:
            while source.readline(_LONGEST_LINE).strip():  # trailers
                pass
            return chunks
        total += size
        if size < 0:
            raise BadRequestError(400)
        if longest is not None and total > longest:
            raise BadRequestError(413)
        chunks.append(source.read(size))
        if len(chunks[-1]) < size or source.readline(_LONGEST_LINE).strip():
            raise BadRequestError(400)
