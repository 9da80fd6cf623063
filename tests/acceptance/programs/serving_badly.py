"""Serves: the body of a request names the answer, good or bad; BEHAVIOUR says what is wrong with the program."""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BEHAVIOUR = os.environ.get("BEHAVIOUR", "")
CLOSE = b"Connection: close\r\n"  # as it does; who is not told may send a request into a connection that is being closed
OK = b"HTTP/1.1 200 OK\r\n" + CLOSE
ANSWERS = {
    "half": OK + b"Content-Length: 1000\r\n\r\nhalf",
    "half-a-chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhe",
    "half-a-head": b"HTTP/1.1 200 O",
    "nothing": b"",
    "bytes": b"\x00\xff\xfe no HTTP\r\n\r\n",
    "endless-head": OK + b"X: y\r\n" * 200_000,
    "no-size-of-a-chunk": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    "size-below-zero": OK + b"Content-Length: -5\r\n\r\nhello",
    "two-sizes": OK + b"Content-Length: 5\r\nContent-Length: 3\r\n\r\nhello",
    "elsewhere": b"HTTP/1.1 302 Found\r\n" + CLOSE + b"Location: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    "bytes-as-error": b"HTTP/1.1 500 Bad\r\n" + CLOSE + b"Content-Length: 3\r\n\r\n\xff\x00\x1b",
    "more-than-its-size": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[2] and HTTP/1.1 200 OK\r\n\r\n",
    "large": OK + b"Content-Length: 209715200\r\n\r\n",
}


class Handler(BaseHTTPRequestHandler):
    """Answers [2] to what it does not know."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._send(b"HTTP/1.1 %d -\r\n%bContent-Length: 0\r\n\r\n" % (500 if BEHAVIOUR == "sick" else 200, CLOSE))

    def do_POST(self) -> None:
        name = self.rfile.read(int(self.headers["Content-Length"])).decode().strip()
        if name == "children":
            for _ in range(5):
                if os.fork() == 0:
                    os.setsid()
                    signal.pause()
        self._send(ANSWERS.get(name, OK + b"Content-Length: 3\r\n\r\n[2]"))
        for _ in range(200 if name == "large" else 0):
            self._send(b"x" * 2**20)

    def _send(self, answer: bytes) -> None:
        self.close_connection = True
        self.wfile.write(answer)


if BEHAVIOUR == "ends":
    sys.exit(0)
if BEHAVIOUR == "prints":
    for _ in range(100_000):
        print("x" * 300)
ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
