"""AWS's event stream: the binary framing of a response that comes in parts."""

import struct
import zlib
from collections.abc import Mapping

CONTENT_TYPE = "application/vnd.amazon.eventstream"

_STRING = 7  # the type of a header's value


def _message(headers: Mapping[str, str], payload: bytes) -> bytes:
    named = b"".join(
        struct.pack(f"!B{len(name)}sBH", len(name), name.encode(), _STRING, len(value.encode())) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack("!II", 16 + len(named) + len(payload), len(named))
    head = prelude + struct.pack("!I", zlib.crc32(prelude)) + named
    body = head + payload
    return body + struct.pack("!I", zlib.crc32(body))


def part(kind: str, payload: bytes) -> bytes:
    """An event with bytes as they are."""
    return _message({":event-type": kind, ":content-type": "application/octet-stream", ":message-type": "event"}, payload)


def failure(kind: str, document: bytes) -> bytes:
    """An exception, after which nothing follows; its members are JSON."""
    return _message({":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}, document)
