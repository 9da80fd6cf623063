"""Access control, before every route (moto's too) and before a request's body is read.

Another user of this machine must not run code as this one, and a page in the user's browser must neither read nor change anything.
Checking Origin alone would not do: after DNS rebinding a request is of the same origin and may carry none, but Host still names the
attacker. Clients of AWS send neither Origin nor Sec-Fetch headers.
"""

import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from local_emulator import peers
from local_emulator.api import wire
from local_emulator.peers import Peer

TOKEN_HEADER = "X-Sm-Emulator-Proxy"  # noqa: S105 - a name

_TOKEN = f"HTTP_{TOKEN_HEADER.upper().replace('-', '_')}"
_PORT = re.compile(r":\d{1,5}")


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Reason for refusing a request, and the HTTP status."""

    status: str
    reason: str


class Guard:
    """Accepts or refuses requests by peer and headers.

    Args:
        users: Ids of the allowed users. Peers that are not processes of this machine are allowed if `--host` lets them connect.
        allowed_hosts: Allowed Host headers beside those of loopback.
        proxy_token: Token of the emulator's own proxy, whose requests may have any Host header.
        run_key: Access key that our containers sign with; they may run as any user.
        identifies: Whether the kernel is asked for the owners of connections; otherwise all users of this machine are allowed.
    """

    def __init__(
        self,
        *,
        users: Collection[int],
        allowed_hosts: tuple[str, ...] = (),
        proxy_token: str | None = None,
        run_key: str | None = None,
        identifies: bool = True,
    ) -> None:
        self._users = frozenset(users)
        self._hosts = allowed_hosts
        self._proxy_token = proxy_token
        self._run_key = run_key
        self._identifies = identifies

    def peer(self, local: tuple[Any, ...], remote: tuple[Any, ...]) -> Peer:
        """Peer of a connection, from its two socket addresses; raises OSError."""
        return peers.peer_of(local[:2], remote[:2]) if self._identifies else Peer(address=remote[0])

    def knows(self, peer: Peer) -> bool:
        """Whether a peer is allowed with any access key."""
        return peers.may_enter(peer, self._users)

    def refusal(self, environ: Mapping[str, Any], peer: Peer) -> Refusal | None:
        """Reason for refusing a request; None if it is allowed."""
        if not self.knows(peer) and not self._is_run(environ):
            whose = "of an unknown user" if peer.uid is None or peer.gone else f"of the user {peers.described(peer.uid)}"
            others = ", ".join(peers.described(uid) for uid in sorted(self._users))
            reason = f"this emulator answers {others}; this connection is {whose}: serve with --allow-user to answer others"
            return Refusal(status="403 Forbidden", reason=reason)
        return refusal(environ, self._hosts, self._proxy_token)

    def _is_run(self, environ: Mapping[str, Any]) -> bool:
        signed = wire.scope(str(environ.get("HTTP_AUTHORIZATION", "")))
        return signed is not None and _same(signed[0], self._run_key)


def _same(given: str, secret: str | None) -> bool:
    return secret is not None and hmac.compare_digest(given.encode(), secret.encode())


def refusal(  # noqa: PLR0911 - one return for each rule
    environ: Mapping[str, Any], allowed_hosts: tuple[str, ...] = (), proxy_token: str | None = None
) -> Refusal | None:
    """Reason for refusing a request by its headers; None if it is allowed. With the proxy's token any Host header is allowed."""
    host = str(environ.get("HTTP_HOST", ""))
    if not _same(str(environ.get(_TOKEN, "")), proxy_token) and not _is_ours(host, allowed_hosts):
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
    if path.startswith("/moto-api/recorder/"):  # it writes files where the request says, and calls this server from within itself
        return Refusal(status="403 Forbidden", reason="moto's recorder is not served here; the rest of its interface is")
    target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
    if target.startswith("SageMaker.") and not str(environ.get("HTTP_AUTHORIZATION", "")).startswith("AWS4-HMAC-SHA256 "):
        return Refusal(status="403 Forbidden", reason="the request is not signed; dummy credentials will do")
    return None


def _is_ours(host: str, allowed_hosts: tuple[str, ...]) -> bool:
    """Whether a Host header names loopback. Two headers arrive joined by a comma and never match."""
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
