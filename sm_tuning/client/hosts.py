"""Addresses of this machine."""

from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def on_this_machine(url: str) -> bool:
    """Whether a URL leads to this machine."""
    return urlsplit(url).hostname in LOOPBACK
