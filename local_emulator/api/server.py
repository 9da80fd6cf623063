"""The HTTP server: cheroot, and what a front door needs beyond it (docs/decisions/0022)."""

import io
import shutil
import socket
import tempfile
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote_to_bytes

from cheroot.server import HTTPConnection, HTTPRequest
from cheroot.wsgi import Gateway_10
from cheroot.wsgi import Server as WSGIServer

from local_emulator.domain.errors import EmulatorError
from local_emulator.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_THREADS = 16
_IDLE_CONNECTIONS = 500
_PATIENCE = 120  # seconds that a connection may be silent
_LOOKS = 10  # seconds between two looks for connections that were silent for too long
_IN_MEMORY = 2**20  # bytes of a body; a longer one is kept in a temporary file


class PortTaken(EmulatorError):  # noqa: N818 - reads as a fact
    """Somebody else listens there."""


class _Headers(dict[bytes, bytes]):
    """Of two Host headers cheroot takes the last; the guard must see both. WSGI cannot tell `_` from `-`, so no name has one."""

    def __setitem__(self, name: bytes, value: bytes) -> None:
        if name == b"Host" and name in self:
            value = self[name] + b", " + value
        if b"_" not in name:
            super().__setitem__(name, value)


class _Request(HTTPRequest):
    def __init__(self, server: Any, conn: Any) -> None:  # noqa: ANN401 - cheroot's own types
        super().__init__(server, conn, strict_mode=False)  # strict, it would take the key of `//key` for a host
        self.inheaders = _Headers()


class _Connection(HTTPConnection):
    RequestHandlerClass = _Request


class _Gateway(Gateway_10):
    def get_environ(self) -> "WSGIEnvironment":  # type: ignore[override] # cheroot says None
        """The environment, with the whole path decoded: cheroot leaves `%2F` as it is and takes absolute targets apart."""
        environ: WSGIEnvironment = super().get_environ()  # type: ignore[no-untyped-call] # see above
        environ["PATH_INFO"] = unquote_to_bytes(self.req.uri.partition(b"?")[0]).decode("latin-1")
        return environ


class _Server(WSGIServer):
    ConnectionClass = _Connection
    timeout = _PATIENCE
    expiration_interval = _LOOKS
    keep_alive_conn_limit = _IDLE_CONNECTIONS

    def __init__(self, app: "WSGIApplication", listener: socket.socket) -> None:
        super().__init__(
            listener.getsockname()[:2], app, numthreads=_THREADS, server_name="local_emulator", request_queue_size=128
        )
        self._listener = listener
        self.gateway = _Gateway

    def bind(self, _family: int, _kind: int, _protocol: int = 0) -> socket.socket:
        """The socket that listens already."""
        self.socket = self._listener
        return self._listener

    def process_conn(self, conn: Any) -> None:  # noqa: ANN401 - cheroot's own type
        """A connection that has said nothing yet waits without a thread."""
        if conn.last_used is None:
            self.put_conn(conn)
        else:
            super().process_conn(conn)


class Server:
    """An HTTP server that listens already; `url` is where."""

    def __init__(self, app: "WSGIApplication", settings: Settings) -> None:
        listener = _listen(settings.host, settings.port)
        host, port = listener.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._server = _Server(_received(app), listener)
        self._server.prepare()

    def run(self) -> None:
        """Serve until closed, or until a signal handler raises SystemExit."""
        try:
            self._server.serve()
        except SystemExit:
            pass
        finally:
            self.close()

    def close(self) -> None:
        """Stop serving."""
        self._server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _received(app: "WSGIApplication") -> "WSGIApplication":
    """An application whose requests have arrived whole: who sends slowly keeps nobody waiting, and no body is left unread."""

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if environ.pop("HTTP_TRANSFER_ENCODING", None) is None and length <= _IN_MEMORY:
            environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length) if length else b"")
            return app(environ, start_response)
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as body:
            shutil.copyfileobj(environ["wsgi.input"], body)
            environ["CONTENT_LENGTH"] = str(body.tell())
            body.seek(0)
            environ["wsgi.input"] = body
            return app(environ, start_response)

    return answer


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit it. Without, a body waits 40 ms for the client's kernel to acknowledge the head that went before it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"cannot listen on {host} port {port}: {error.strerror}. Choose another with --port (0 takes a free one)"
        ) from error
    return listener


def serve(app: "WSGIApplication", settings: Settings) -> Server:
    """Listen for an application."""
    return Server(app, settings)
