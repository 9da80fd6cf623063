"""How a container that serves is connected, by what the engine and the user can."""

from types import SimpleNamespace
from typing import Any

import pytest

from local_emulator.documents.hosting import ContainerSpec
from local_emulator.runs import docker_network, relay
from local_emulator.runs.docker_network import ContainerError, ServingNetwork
from local_emulator.runs.hosting import programs
from local_emulator.settings import Docker, Settings

ENV = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "S3_ENDPOINT_URL": "http://localhost:9000", "SAGEMAKER_BIND_TO_PORT": "1"}


def engine(*networks: str) -> Any:
    """An engine with networks: Docker finds them by parts of their names."""
    return SimpleNamespace(
        networks=SimpleNamespace(list=lambda names: [SimpleNamespace(name=name) for name in networks if names])
    )


def container(process: int) -> Any:
    return SimpleNamespace(id="c", attrs={"State": {"Pid": process, "Running": process != 0}}, reload=lambda: None)


@pytest.mark.parametrize(
    ("root", "internet", "networks", "options"),
    [
        (True, True, ("bridge",), {"network_mode": "bridge"}),
        (True, True, ("my-bridge",), {"network_mode": "none"}),
        (True, False, ("bridge",), {"network_mode": "none"}),
        (False, True, ("bridge",), {"network_mode": "bridge", "ports": {"8080/tcp": ("127.0.0.1", 5)}}),
    ],
)
def test_networks(
    monkeypatch: pytest.MonkeyPatch, *, root: bool, internet: bool, networks: tuple[str, ...], options: dict[str, Any]
) -> None:
    monkeypatch.setattr(docker_network, "may_relay", lambda: root)
    assert ServingNetwork(5, ENV, internet=internet).options(engine(*networks)) == options


def test_without_root_and_bridge_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_network, "may_relay", lambda: False)
    with pytest.raises(ContainerError, match="start the engine with it, or the emulator as root"):
        ServingNetwork(5, ENV, internet=True).options(engine())
    monkeypatch.setattr(programs, "may_relay", lambda: False)
    isolated = ContainerSpec(image="mine", environment={}, data=None, network_isolation=True)
    assert "needs root" in str(programs.unservable(isolated, Settings(images={"mine": Docker()})))


def test_the_program_listens_where_aws_has_it() -> None:
    env = ServingNetwork(5, ENV, internet=True).environment(ENV)
    assert (env["SAGEMAKER_BIND_TO_PORT"], env["SAGEMAKER_BIND_TO_HOST"]) == ("8080", "0.0.0.0")


@pytest.mark.parametrize(("internet", "services"), [(True, [4566, 9000]), (False, [])])
def test_what_is_relayed(monkeypatch: pytest.MonkeyPatch, *, internet: bool, services: list[int]) -> None:
    relayed: list[Any] = []
    monkeypatch.setattr(relay, "relay", lambda *arguments: relayed.append(arguments))
    monkeypatch.setattr(docker_network, "may_relay", lambda: True)
    network = ServingNetwork(5, ENV, internet=internet)
    network.connect(container(7))
    network.connect(container(0))  # has ended
    assert relayed == [(7, "c", (5, 8080), services)]


def test_what_cannot_be_entered_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ProcessLookupError("Docker's engine is not on this machine")

    monkeypatch.setattr(relay, "relay", fail)
    monkeypatch.setattr(docker_network, "may_relay", lambda: True)
    with pytest.raises(ContainerError, match="cannot be reached: Docker's engine is not on this machine"):
        ServingNetwork(5, ENV, internet=True).connect(container(7))
