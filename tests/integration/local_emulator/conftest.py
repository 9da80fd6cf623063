"""An emulator inside the test's own process, and a guard of its addresses."""

import socket
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from local_emulator.settings import Settings
from local_emulator.testing import emulated_sagemaker


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
