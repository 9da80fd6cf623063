"""The HTTP server: waitress (docs/decisions/0022)."""

import resource
import socket
from types import TracebackType
from typing import TYPE_CHECKING, Self

from waitress.adjustments import Adjustments

from local_emulator.api.connections import MOST_BODY, MOST_HEAD, Listener
from local_emulator.api.faults import Faults, logged
from local_emulator.api.guard import Guard
from local_emulator.domain.errors import InUse
from local_emulator.settings import Settings

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - all addresses of this machine, and the one that reaches it from here
_LAST_ANSWERS = 1.0  # seconds that those in hand may take when serving ends
_THREADS = 64  # of which invocations of endpoints, which wait for programs, take 48 at most
_MOST_CONNECTIONS = 500
_DESCRIPTORS = 4  # connections may use 1/4 of the process's file descriptors


class PortTaken(InUse):
    """The port is in use."""


class Server:
    """A listening HTTP server; `url` is its address, that of loopback if it listens on all."""

    def __init__(self, app: "WSGIApplication", settings: Settings, guard: Guard, faults: Faults) -> None:
        self._closed = False
        self._faults = faults
        listener = _listen(settings.host, settings.port)
        try:
            self._server = _listener(app, listener, guard, faults)
        except BaseException:
            listener.close()
            raise
        host, port = listener.getsockname()[:2]
        host = _ANY.get(host, host)
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def run(self) -> None:
        """Serve until closed."""
        try:
            with logged(self._faults, "waitress", "waitress.queue"):
                self._server.run()
        except OSError:
            if not self._closed:  # otherwise another thread closed the sockets during poll()
                raise
        finally:
            self._server.task_dispatcher.shutdown(timeout=_LAST_ANSWERS)

    def close(self) -> None:
        """Stop serving; may be called from a signal handler, or from another thread."""
        self._closed = True
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _listener(app: "WSGIApplication", listener: socket.socket, guard: Guard, faults: Faults) -> Listener:
    adjustments = Adjustments(
        sockets=[listener],
        threads=_THREADS,
        max_request_header_size=MOST_HEAD,
        max_request_body_size=MOST_BODY,
        connection_limit=1 << 30,  # the listener's own limit comes first
        asyncore_use_poll=True,  # select() takes no descriptor above 1023
        log_socket_errors=False,
        ident=None,
        clear_untrusted_proxy_headers=True,
    )
    return Listener(
        app,
        guard=guard,
        faults=faults,
        most=min(_MOST_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // _DESCRIPTORS),
        _sock=listener,
        adj=adjustments,
        bind_socket=False,
        sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
    )


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
