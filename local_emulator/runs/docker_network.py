"""The network of a container that serves: its own, for most images listen on the port 8080 whatever they are told.

Docker's bridge, or none where the engine has none or the container is to be isolated. It is reached by a relay (`runs.relay`), which
needs root, as entering a container's network does; or else by Docker's proxy, which needs the bridge and answers every user.
"""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from local_emulator.runs import relay
from local_emulator.runs.hosting.port import BIND_TO_PORT
from local_emulator.runs.run import Cause

_PORT = 8080
_BRIDGE = "bridge"
_ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "S3_ENDPOINT_URL")
_LOOPBACK = {"127.0.0.1", "localhost"}


class ContainerError(Exception):
    """A container cannot do its work; `cause` is START if that is its user's business, else ENGINE."""

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(message)
        self.cause = cause


def may_relay() -> bool:
    """Whether this user may enter the network of a container."""
    return os.geteuid() == 0


class ServingNetwork:
    """The network of one container, which is reached on a port of this machine. Without `internet` it reaches nothing itself.

    `env` names the services of this machine, of which the emulator is one, that the program may ask.
    """

    def __init__(self, port: int, env: Mapping[str, str], *, internet: bool) -> None:
        self._port = port
        self._internet = internet
        urls = [urlsplit(env.get(name, "")) for name in _ENDPOINTS] if internet else []
        self._services = sorted({url.port for url in urls if url.port is not None and url.hostname in _LOOPBACK})

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """The environment of the program: where AWS's containers listen, on all addresses."""
        return {**env, BIND_TO_PORT: str(_PORT), "SAGEMAKER_BIND_TO_HOST": "0.0.0.0"}  # noqa: S104 - of a network of its own

    def options(self, engine: Any) -> dict[str, Any]:  # noqa: ANN401 - the package has no types
        """How Docker makes the container; raises ContainerError if it cannot be reached then."""
        bridged = self._internet and any(network.name == _BRIDGE for network in engine.networks.list(names=[_BRIDGE]))
        if may_relay():
            return {"network_mode": _BRIDGE if bridged else "none"}
        if bridged:
            return {"network_mode": _BRIDGE, "ports": {f"{_PORT}/tcp": ("127.0.0.1", self._port)}}
        raise ContainerError(
            Cause.START,
            "ClientError: A container that serves is reached by Docker's network `bridge`, which this engine has not (dockerd "
            "--bridge=none): start the engine with it, or the emulator as root.",
        )

    def connect(self, container: Any) -> None:  # noqa: ANN401 - see above
        """Make a container that has just been started reachable, and this machine's services for it; raises ContainerError."""
        if not may_relay():
            return
        container.reload()
        process = int(container.attrs["State"]["Pid"])
        if process == 0:
            return  # it has ended; its exit code says why
        try:
            relay.relay(process, container.id, (self._port, _PORT), self._services)
        except OSError as error:
            container.reload()
            if not container.attrs["State"]["Running"]:
                return
            raise ContainerError(Cause.START, f"ClientError: The container cannot be reached: {error}") from error
