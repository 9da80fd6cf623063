"""Who may come in. In front of every route, moto's too: a page in the user's browser must neither read nor change anything.

Checking Origin alone would not do: after DNS rebinding a request is of the same origin and may carry none, but Host still names the
attacker. Clients of AWS send neither Origin nor Sec-Fetch headers.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TOKEN_HEADER = "X-Sm-Emulator-Proxy"  # noqa: S105 - a name

_TOKEN = f"HTTP_{TOKEN_HEADER.upper().replace('-', '_')}"
_PORT = re.compile(r":\d{1,5}")


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a request may not come in."""

    status: str
    reason: str


def refusal(  # noqa: PLR0911 - one return for each rule
    environ: Mapping[str, Any], allowed_hosts: tuple[str, ...] = (), proxy_token: str | None = None
) -> Refusal | None:
    """Why a WSGI request may not come in; None if it may. What our own proxy brings, by its token, may be for any host."""
    host = str(environ.get("HTTP_HOST", ""))
    told = str(environ.get(_TOKEN, ""))
    proxied = proxy_token is not None and hmac.compare_digest(told.encode(), proxy_token.encode())
    if not proxied and not _is_ours(host, allowed_hosts):
        return Refusal(status="421 Misdirected Request", reason=f"the Host header {host!r} is not this emulator's")
    if environ["REQUEST_METHOD"] in {"OPTIONS", "TRACE", "CONNECT"}:
        return Refusal(status="403 Forbidden", reason=f"the method {environ['REQUEST_METHOD']} is not answered")
    if "HTTP_ORIGIN" in environ:
        return Refusal(status="403 Forbidden", reason="requests of web pages are not answered (an Origin header was sent)")
    fetch = [name for name in environ if name.startswith("HTTP_SEC_FETCH_")]
    if fetch:
        return Refusal(status="403 Forbidden", reason="requests of browsers are not answered (a Sec-Fetch header was sent)")
    path = str(environ.get("PATH_INFO", ""))
    if not path.startswith("/"):
        return Refusal(status="400 Bad Request", reason="the request target must be a path")
    if path == "/moto-api" or path.startswith("/moto-api/"):
        return Refusal(status="403 Forbidden", reason="moto's own interface is closed; use `python -m local_emulator reset`")
    target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
    if target.startswith("SageMaker.") and not str(environ.get("HTTP_AUTHORIZATION", "")).startswith("AWS4-HMAC-SHA256 "):
        return Refusal(status="403 Forbidden", reason="the request is not signed; dummy credentials will do")
    return None


def _is_ours(host: str, allowed_hosts: tuple[str, ...]) -> bool:
    """Whether a Host header is a name of this machine's loopback; two headers arrive joined by a comma and match nothing."""
    name = host.lower()
    if name.startswith("["):
        address, _, rest = name.partition("]")
        bare, port = address + "]", rest
    else:
        bare, colon, number = name.partition(":")
        port = colon + number
    if port and not _PORT.fullmatch(port):
        return False
    return (
        bare in {"127.0.0.1", "localhost", "[::1]"}
        or bare.endswith(".localhost")
        or bare in allowed_hosts
        or name in allowed_hosts
    )
