"""A port for the emulator of a test: for clients that are not botocore's, other processes, containers."""

import os
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local_emulator import peers
from local_emulator.api.faults import Faults
from local_emulator.api.guard import Guard
from local_emulator.api.server import Server

if TYPE_CHECKING:
    from local_emulator.assembly import Emulator


@dataclass(frozen=True, kw_only=True)
class EmulatorServer:
    """Where the emulator of a test answers HTTP: the same jobs and the same moto as inside the test's process.

    Attributes:
        url: Its address.
        region: The region of requests that name none.
    """

    url: str
    region: str

    @property
    def port(self) -> int:
        """The port that it listens at."""
        return urlsplit(self.url).port or 0

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables that AWS clients of other processes need, and containers on this machine's network."""
        return self._environment(self.url)

    def environment_at(self, host: str) -> Mapping[str, str]:
        """The same for those that know this machine by another name or address, as containers on a network of their own do.

        `settings.host` has to be an address that they reach, `settings.allowed_hosts` has to have the name.
        """
        return self._environment(f"http://{host}:{self.port}")

    def _environment(self, url: str) -> Mapping[str, str]:
        return {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": self.region,
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
        }


@contextmanager
def serving(emulator: "Emulator") -> Iterator[EmulatorServer]:
    """Answer at a free port of loopback, or of `settings.host`, until the context ends."""
    settings, faults = replace(emulator.settings, port=0), Faults()
    guard = Guard(
        users={0, os.geteuid(), *peers.users(settings.allowed_users)},
        allowed_hosts=settings.allowed_hosts,
        proxy_token=secrets.token_hex(16),
        run_key=emulator.run_key,
        identifies=peers.why_unknown() is None,
    )
    gateway = emulator.gateway(faults)
    with Server(gateway, settings, guard, faults) as server:
        thread = threading.Thread(target=server.run, name="server", daemon=True)
        thread.start()
        try:
            yield EmulatorServer(url=server.url, region=settings.region)
        finally:
            server.close()
            thread.join()
