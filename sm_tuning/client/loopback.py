"""Clients of a service on this machine, which no proxy of the environment stands before."""

import os
from typing import Any

from botocore.config import Config

from sm_tuning.boto import Client, Session
from sm_tuning.client.hosts import is_local


def no_proxy() -> Config:
    """A client's configuration without a proxy."""
    return Config(proxies={})


def client(session: Session, service: str, **words: Any) -> Client:  # noqa: ANN401 - boto3's own
    """A client of a session, without a proxy where the environment sends the service to this machine."""
    url = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or os.environ.get("AWS_ENDPOINT_URL") or ""
    if is_local(url):
        words["config"] = no_proxy()
    return session.client(service, **words)
