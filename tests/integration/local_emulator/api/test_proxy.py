"""Programs that insist on AWS's own addresses reach the emulator, and nobody else does by that way."""

import socket
import ssl
import stat
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_emulator.api.proxy import Authority, is_aws
from tests.conftest import ROLE, Server

PROGRAM = """
import boto3
sts = boto3.client("sts", endpoint_url="https://sts.us-east-1.amazonaws.com")
print(sts.get_caller_identity()["Arn"])
s3 = boto3.client("s3", endpoint_url="https://s3.us-east-1.amazonaws.com")
s3.create_bucket(Bucket="by-the-proxy")
s3.put_object(Bucket="by-the-proxy", Key="a/b", Body=b"x" * 5_000_000, Metadata={"kind": "test"})
got = s3.get_object(Bucket="by-the-proxy", Key="a/b")
print(len(got["Body"].read()), got["Metadata"])
print(boto3.client("sagemaker", endpoint_url="https://api.sagemaker.us-east-1.amazonaws.com").list_training_jobs()["TrainingJobSummaries"])
print(boto3.client("s3").list_buckets()["Buckets"][0]["Name"])
"""


def test_clients_with_addresses_of_their_own(new_server: Server) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=new_server.proxied, capture_output=True, text=True, check=False)
    identity, content, jobs, bucket = done.stdout.splitlines() or [done.stderr] * 4
    assert identity == ROLE.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/local"
    assert content == "5000000 {'kind': 'test'}"
    assert jobs == "[]"
    assert bucket == "by-the-proxy"  # the same emulator, whichever way


def test_the_token_is_needed(server: Server) -> None:
    """Who comes to the front door with a Host of AWS's is turned away, with a wrong token too."""
    for token in ({}, {"X-Sm-Emulator-Proxy": "0" * 32}, {"X-Sm-Emulator-Proxy": ""}):
        request = urllib.request.Request(f"{server.url}/_health", headers={"Host": "sts.amazonaws.com", **token})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)
        assert refused.value.code == 421
        refused.value.close()


@pytest.fixture
def echo() -> Iterator[int]:
    """A port that sends back what it gets, in capitals."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.sendall(peer.recv(100).upper())

        threading.Thread(target=answer, daemon=True).start()
        yield listener.getsockname()[1]


def said(server: Server, request: bytes, then: bytes = b"") -> bytes:
    """What the proxy says to raw bytes."""
    port = int(server.proxied["HTTPS_PROXY"].rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
        peer.sendall(request)
        answer = peer.recv(1000)
        if then:
            peer.sendall(then)
            answer += peer.recv(1000)
        return answer


def test_other_hosts_are_passed_on(server: Server, echo: int) -> None:
    answer = said(server, f"CONNECT 127.0.0.1:{echo} HTTP/1.1\r\n\r\n".encode(), b"hello")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"HELLO")


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (b"GET http://sts.amazonaws.com/ HTTP/1.1\r\n\r\n", b"HTTP/1.1 405 "),
        (b"CONNECT nowhere HTTP/1.1\r\n\r\n", b"HTTP/1.1 405 "),
        (b"CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n", b"HTTP/1.1 502 "),
        (b"CONNECT 127.0.0.1:99999 HTTP/1.1\r\n\r\n", b"HTTP/1.1 502 "),
        (b"x" * 100_000, b""),
    ],
)
def test_what_is_no_request_is_refused(server: Server, request_: bytes, answer: bytes) -> None:
    try:
        assert said(server, request_).startswith(answer)
    except ConnectionResetError:
        assert not answer
    assert server.health()["status"] == "ok"


def test_the_authority(tmp_path: Path) -> None:
    """It keeps its key to itself, stays the same, and is good for AWS's hosts alone."""
    authority = Authority(tmp_path)
    assert stat.S_IMODE((tmp_path / "ca-key.pem").stat().st_mode) == 0o600
    before = authority.bundle.read_bytes()
    again = Authority(tmp_path)
    assert again.bundle.read_bytes() == before
    trusting = ssl.create_default_context(cafile=str(authority.bundle))
    assert shaken(again.context("sts.us-east-1.amazonaws.com"), trusting, "sts.us-east-1.amazonaws.com")
    assert not shaken(again.context("example.com"), trusting, "example.com")
    assert not shaken(again.context("sts.us-east-1.amazonaws.com"), ssl.create_default_context(), "sts.us-east-1.amazonaws.com")


def shaken(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> bool:
    """Whether a client trusts a server."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    there = server.wrap_bio(up, down, server_side=True)
    here = client.wrap_bio(down, up, server_hostname=host)
    for _ in range(5):
        for end in (here, there):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return here.version() is not None and here.getpeercert() is not None


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("sts.us-east-1.amazonaws.com", True),
        ("bucket.s3.amazonaws.com", True),
        ("STS.AMAZONAWS.COM.", True),
        ("s3.cn-north-1.amazonaws.com.cn", True),
        ("lambda.us-east-1.api.aws", True),
        ("amazonaws.com.evil.org", False),
        ("evilamazonaws.com", False),
        ("pypi.org", False),
    ],
)
def test_which_hosts_are_aws(host: str, ours: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert is_aws(host) is ours
