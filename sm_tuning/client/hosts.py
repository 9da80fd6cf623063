"""Addresses where no AWS is."""

from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def is_local(url: str) -> bool:
    """Whether a URL leads to this machine, or to a container beside this one: the names of services have no dot."""
    host = urlsplit(url).hostname or ""
    return host in LOOPBACK or (host != "" and "." not in host and ":" not in host)
