"""Clients of a service on this machine: no proxy of the environment is asked for what lies on loopback."""

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from botocore.config import Config

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def no_proxy() -> "Config":
    """A client's configuration that knows no proxy."""
    from botocore.config import Config  # noqa: PLC0415 - a tenth of a second that describing a job need not pay

    return Config(proxies={})


def client(session: Any, service: str, **words: Any) -> Any:  # noqa: ANN401 - boto3 makes its classes at run time
    """A client of a session, without a proxy where the environment sends the service to this machine."""
    variable = f"AWS_ENDPOINT_URL_{service.upper()}"
    url = os.environ.get(variable) or os.environ.get("AWS_ENDPOINT_URL") or ""
    if urlsplit(url).hostname in LOOPBACK:
        words["config"] = no_proxy()
    return session.client(service, **words)
