"""The port of a test's emulator, as other processes, event loops and containers see it."""

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_emulator.settings import Settings
from local_emulator.testing import emulated_sagemaker

BUCKETS = "import boto3; print([bucket['Name'] for bucket in boto3.client('s3').list_buckets()['Buckets']])"


def printed(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run([*command, sys.executable, "-c", BUCKETS], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_process_needs_the_address_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nendpoint_url = http://127.0.0.1:9\n")  # the developer's, for clients of this process put aside
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with emulated_sagemaker() as emulator, emulator.serve() as server:
        boto3.client("s3").create_bucket(Bucket="from-here")
        assert printed({**os.environ, "AWS_ENDPOINT_URL": server.url}) == "['from-here']"


def test_a_process_with_an_environment_of_its_own() -> None:
    with emulated_sagemaker() as emulator, emulator.serve() as server:
        boto3.client("s3").create_bucket(Bucket="from-here")
        assert printed({"PATH": os.defpath, **server.environment}) == "['from-here']"


@pytest.fixture
def bridged() -> Iterator[tuple[str, str]]:
    """A network namespace joined to this machine's as a container on a bridge is: its name, and this machine's address for it."""
    name = f"sm{os.getpid()}"
    third, fourth = divmod(os.getpid() % 16384, 64)
    near, far = (f"10.213.{third % 256}.{fourth * 4 + number}" for number in (1, 2))
    inside = ["ip", "-n", name]
    commands = [
        ["ip", "netns", "add", name],
        ["ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name],
        ["ip", "address", "add", f"{near}/30", "dev", name],
        ["ip", "link", "set", name, "up"],
        [*inside, "address", "add", f"{far}/30", "dev", "eth0"],
        [*inside, "link", "set", "eth0", "up"],
    ]
    try:
        for command in commands:
            if subprocess.run(command, check=False, capture_output=True).returncode:
                pytest.skip(f"making a network needs root and iproute2: {' '.join(command)}")
        yield name, near
    except FileNotFoundError:
        pytest.skip("making a network needs iproute2")
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def test_a_container_on_a_network_of_its_own(bridged: tuple[str, str]) -> None:
    namespace, address = bridged
    with emulated_sagemaker(Settings(host=address, allowed_hosts=(address,))) as emulator, emulator.serve() as server:
        boto3.client("s3").create_bucket(Bucket="from-here")
        environment = {"PATH": os.environ["PATH"], **server.environment_at(address)}
        assert printed(environment, "ip", "netns", "exec", namespace) == "['from-here']"


def test_a_name_that_is_not_allowed_is_refused() -> None:
    with emulated_sagemaker() as emulator, emulator.serve() as server:
        client: Any = boto3.client("sagemaker", endpoint_url=server.url)
        client.meta.events.register("before-send", lambda request, **_: request.headers.__setitem__("Host", "elsewhere"))
        with pytest.raises(client.exceptions.ClientError, match="the Host header 'elsewhere' is not this emulator's"):
            client.list_training_jobs()


def test_the_end_of_a_port_leaves_no_thread_and_no_descriptor() -> None:
    def held() -> tuple[int, int]:
        return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))

    with emulated_sagemaker() as emulator:
        with emulator.serve():
            pass
        before = held()
        for _ in range(3):
            with emulator.serve() as server:
                boto3.client("s3", endpoint_url=server.url).list_buckets()
        gc.collect()  # of the client's connections
        assert held() <= before
