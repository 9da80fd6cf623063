"""The HTTP server: waitress (docs/decisions/0022)."""

import re
import socket
from types import TracebackType
from typing import TYPE_CHECKING, Self

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server
from waitress.task import WSGITask

from local_emulator.domain.errors import EmulatorError
from local_emulator.settings import Settings

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

_METADATA = re.compile(rb"^X-Amz-Meta-[^:]*", re.MULTILINE)


class PortTaken(EmulatorError):  # noqa: N818 - reads as a fact
    """Somebody else listens there."""


class _Task(WSGITask):  # type: ignore[misc] # waitress ships no types
    """Waitress spells every header `Like-This`; S3 gives the names of metadata in lower case, and clients keep them as they are."""

    def build_response_header(self) -> bytes:
        head: bytes = super().build_response_header()
        return _METADATA.sub(lambda found: found[0].lower(), head)


class _Parser(HTTPRequestParser):  # type: ignore[misc] # see above
    """Waitress would wait for ever for the body of a request that expects to be told to go on, and then has none."""

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if not self.chunked and not self.content_length:
            self.expect_continue = False


class _Channel(HTTPChannel):  # type: ignore[misc] # see above
    task_class = _Task
    parser_class = _Parser


class Server:
    """An HTTP server that listens already; `url` is where."""

    def __init__(self, app: "WSGIApplication", settings: Settings) -> None:
        self._closed = False
        listener = _listen(settings.host, settings.port)
        self._server = create_server(
            app,
            sockets=[listener],
            threads=8,
            max_request_body_size=1 << 40,
            channel_timeout=120,
            connection_limit=500,
            ident=None,
            clear_untrusted_proxy_headers=True,
        )
        self._server.channel_class = _Channel
        host, port = listener.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def run(self) -> None:
        """Serve until closed."""
        try:
            self._server.run()
        except OSError:
            if not self._closed:  # else it was waiting for its own sockets when another thread closed them
                raise

    def close(self) -> None:
        """Stop serving; may be called from a signal handler, or from another thread."""
        self._closed = True
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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
