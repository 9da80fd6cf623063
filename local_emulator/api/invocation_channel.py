"""Connections on which endpoints are invoked: a request is answered by the thread that has it, and the next one read by the same.

waitress reads in one thread, answers in another and lets the first go on: three changes of threads, which take longer than all else
of an invocation. A client that invokes an endpoint again and again is heard by its thread for a moment after each answer. All other
requests, and what does not come at once, take waitress's way.
"""

import io
import select
import threading
import time
from email.utils import formatdate
from typing import Any

from waitress.channel import HTTPChannel

_LINGERS = 0.02  # seconds that a thread waits for the next request
_MOST_LINGERING = 16  # threads, of those that there are for all requests
_CHUNK = 64 * 2**10
_LONGEST = 256 * 2**10  # bytes of a request that is read here

_lingering = threading.BoundedSemaphore(_MOST_LINGERING)


class InvocationChannel(HTTPChannel):  # type: ignore[misc] # waitress ships no types
    """A connection. Requests say by `direct` that they are invocations, and not of streams."""

    moved: float
    served: float
    requests: list[Any]

    def service(self) -> None:
        """Answer a request, in a thread of the pool."""
        with self.requests_lock:  # which the reader has until it has taken all that came together
            alone = len(self.requests) == 1 and self.request is None and not self.total_outbufs_len
        if alone and self._is_direct(self.requests[0]):
            self._answer_directly()
        else:
            super().service()
        self.served = self.moved = time.monotonic()

    @staticmethod
    def _is_direct(request: Any) -> bool:  # noqa: ANN401 - see above
        return bool(request.completed and request.direct and not request.error and request.version == "1.1")

    def _answer_directly(self) -> None:
        """Answer a request, and those that follow at once; then let waitress go on."""
        request, data = self.requests[0], b""
        try:
            while request is not None and self._answer(request):
                request.close()
                request, data = self._next()
            if data:
                self.received(data)  # while there is a request nobody else reads: what follows would be taken for its beginning
        except BaseException:
            self.will_close = True  # the client must not wait for what will not come
            self.server.pull_trigger()
            raise
        finally:
            with self.requests_lock:
                self.requests.pop(0).close()
                if self.connected and self.requests:
                    self.server.add_task(self)
                elif self._waits_to_continue():
                    self.send_continue()
        if self.connected:
            self.server.pull_trigger()

    def _waits_to_continue(self) -> bool:
        """Whether the next request's body will be sent on demand; `received` demands none while there is another request."""
        request = self.request
        return bool(
            self.connected
            and request is not None
            and request.expect_continue
            and request.headers_finished
            and not self.sent_continue
        )

    def _answer(self, request: Any) -> bool:  # noqa: ANN401 - see above
        """Send an answer; whether it is sent and another request may follow."""
        answered: list[Any] = []
        body = b"".join(
            self.server.application(_environ(request, self.addr[0]), lambda status, headers: answered.extend((status, headers)))
        )
        ends = request.headers.get("CONNECTION", "").lower() == "close"
        headers = [*answered[1], ("Date", formatdate(usegmt=True)), *([("Connection", "close")] if ends else [])]
        lines = [f"HTTP/1.1 {answered[0]}", *(f"{name}: {value}" for name, value in headers)]
        whole = "\r\n".join([*lines, "", ""]).encode("latin-1") + body
        self.served = self.moved = time.monotonic()
        try:
            sent = self.socket.send(whole)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.will_close = True
            return False
        if sent < len(whole):
            with self.outbuf_lock:
                self.outbufs[-1].append(whole[sent:])
                self.total_outbufs_len += len(whole) - sent
        self.close_when_flushed = ends
        return sent == len(whole) and not ends

    def _next(self) -> tuple[Any, bytes]:
        """The next request if it comes at once, and is an invocation; else what has come of it."""
        if not _lingering.acquire(blocking=False):
            return None, b""
        request, data = self.parser_class(self.adj), b""
        try:
            while not request.completed and len(data) < _LONGEST:
                part = self._receive()
                if not part:
                    break
                data += part
                while part and not request.completed:
                    part = part[request.received(part) :]
                if part:  # of yet another request
                    break
            else:
                if self._is_direct(request):
                    return request, b""
        finally:
            _lingering.release()
        request.close()
        return None, data

    def _receive(self) -> bytes:
        """What comes at once; nothing if nothing does, or the connection was closed, which waitress will see too."""
        try:
            poll = select.poll()
            poll.register(self.socket, select.POLLIN)
            return bytes(self.socket.recv(_CHUNK)) if poll.poll(_LINGERS * 1000) else b""
        except (OSError, ValueError):  # closed meanwhile
            return b""


def _environ(request: Any, client: str) -> dict[str, Any]:  # noqa: ANN401 - see above
    """What an invocation needs of WSGI's environment."""
    environ = {f"HTTP_{name}": value for name, value in request.headers.items()}
    body = request.get_body_stream().read()
    return {
        **environ,
        "REMOTE_ADDR": client,
        "REQUEST_METHOD": request.command.upper(),
        "PATH_INFO": request.path,
        "QUERY_STRING": request.query,
        "CONTENT_TYPE": environ.get("HTTP_CONTENT_TYPE", ""),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
