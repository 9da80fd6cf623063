"""What the address of a request means inside a test: AWS, this machine, or elsewhere."""

import ipaddress
from urllib.parse import urlsplit

from local_emulator.domain.errors import EmulatorError

_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn", ".amazonaws.eu")
_METADATA = frozenset({"169.254.169.254", "169.254.170.2"})  # of instances and of containers


class RequestRefused(EmulatorError):  # noqa: N818 - what happened to it
    """A request to AWS, or to elsewhere, that nobody can answer inside a test."""


def is_aws(url: str) -> bool:
    """Whether an address is one of AWS's own."""
    host = urlsplit(url).hostname or ""
    return host.endswith(_AWS) or host in _METADATA


def is_loopback(url: str) -> bool:
    """Whether an address is this machine's own; names are not looked up."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
