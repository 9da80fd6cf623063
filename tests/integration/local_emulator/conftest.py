"""An emulator inside the test's own process, clients of it and of a server, and a guard of its addresses."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from local_emulator.settings import Settings
from local_emulator.testing import emulated_sagemaker
from tests.integration.local_emulator.testing.clients import aws_client


@pytest.fixture(scope="module")
def _emulator() -> Iterator[Any]:
    with emulated_sagemaker(Settings(parallel=4)) as emulator:
        boto3.client("s3").create_bucket(Bucket="bucket")
        yield emulator


@pytest.fixture
def emulator(_emulator: Any) -> Any:
    _emulator.reset()
    _emulator.requests.clear()
    return _emulator


@pytest.fixture
def tune(request_of: Any) -> Any:
    def tune(name: str, **changes: Any) -> Any:
        boto3.client("sagemaker").create_hyper_parameter_tuning_job(**request_of(name, "s3://b/none", bucket="bucket", **changes))
        return name

    return tune


@pytest.fixture(params=["HTTP", "in process"])
def client(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """What makes a client: of a server, or of an emulator inside the test's own process."""
    if request.param == "HTTP":
        yield request.getfixturevalue("server").client
    else:
        with emulated_sagemaker():
            yield aws_client


@pytest.fixture
def no_address_elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody connects to addresses beside this machine's."""
    real = socket.socket.connect
    elsewhere = []

    def connect(connection: socket.socket, address: Any) -> None:
        if connection.family == socket.AF_UNIX or address[0] in {"127.0.0.1", "::1"}:
            return real(connection, address)
        elsewhere.append(address)
        raise ConnectionRefusedError(address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    yield
    assert elsewhere == []
