"""Inside a test nothing reaches AWS, nothing is dropped, and moto and clients are afterwards as before."""

import http.server
import os
import subprocess
import sys
import textwrap
import threading
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local_emulator.testing import RequestRefused, emulated_sagemaker
from tests.integration.local_emulator.testing.clients import aws_client

pytestmark = pytest.mark.usefixtures("no_address_elsewhere")


_BEFORE = textwrap.dedent("""
    import socket, sys, boto3
    def no_socket(*_): raise SystemExit("a socket was opened")
    client = boto3.client("sagemaker", region_name="eu-west-1", aws_access_key_id="A" * 20, aws_secret_access_key="real")
    store = boto3.client("s3", region_name="eu-west-1", aws_access_key_id="A" * 20, aws_secret_access_key="real")
    assert "moto" not in sys.modules
    from local_emulator.testing import emulated_sagemaker
    socket.getaddrinfo = no_socket
    with emulated_sagemaker():
        assert client.list_training_jobs()["TrainingJobSummaries"] == []
        assert client.list_models()["Models"] == []
        store.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        store.put_object(Bucket="bucket", Key="key", Body=b"content")
        assert store.get_object(Bucket="bucket", Key="key")["Body"].read() == b"content"
    assert [name for name in sys.modules if name == "moto"]
""")


def test_client_made_before_moto_was_imported_is_answered() -> None:
    subprocess.run([sys.executable, "-c", _BEFORE], check=True, timeout=300)


def test_nothing_goes_elsewhere_when_moto_was_stopped_first() -> None:
    mock = mock_aws()
    mock.start()
    with emulated_sagemaker(mock=False):
        mock.stop()
        for call in (aws_client().list_training_jobs, aws_client().list_models, aws_client("s3").list_buckets):
            with pytest.raises(RequestRefused, match="mock_aws was stopped"):
                call()


@pytest.mark.parametrize("call", ["list_training_jobs", "list_models"])
@pytest.mark.parametrize(
    ("endpoint", "answered"),
    [
        (None, True),
        ("https://api-fips.sagemaker.us-east-1.amazonaws.com", True),
        ("https://vpce-0123-abc.api.sagemaker.us-east-1.vpce.amazonaws.com", True),
        ("https://sagemaker.us-east-1.api.aws", True),
        ("https://sagemaker.example.com", False),
        ("http://10.0.0.7:4566", False),
        ("https://amazonaws.com.example.org", False),
    ],
)
def test_address_alone_says_who_answers(call: str, endpoint: str | None, answered: bool) -> None:  # noqa: FBT001 - a row of the table
    with emulated_sagemaker():
        client = aws_client(endpoint_url=endpoint)
        if answered:
            assert getattr(client, call)()["ResponseMetadata"]["HTTPStatusCode"] == 200
        else:
            with pytest.raises(RequestRefused, match="loopback address"):
                getattr(client, call)()


class _Teapot(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"__type": "Teapot", "message": "I am somebody else\'s"}'
        self.send_response(418)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_server_on_loopback_is_the_users_own() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Teapot) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with emulated_sagemaker():
            for host in ("127.0.0.1", "localhost"):
                client = aws_client(endpoint_url=f"http://{host}:{server.server_port}")
                for call in (client.list_training_jobs, client.list_models):
                    with pytest.raises(ClientError, match="somebody else's"):
                        call()
        server.shutdown()


def test_forked_child_is_told_at_once() -> None:
    with emulated_sagemaker():
        client = aws_client()
        reading, writing = os.pipe()
        if os.fork() == 0:
            try:
                client.list_training_jobs()
                text = b"answered"
            except BaseException as error:  # noqa: BLE001 - whatever it is, the parent wants to know
                text = f"{type(error).__name__}: {error}".encode()
            os.write(writing, text)
            os._exit(0)
        os.wait()
        os.close(writing)
        printed = os.read(reading, 4096)
        os.close(reading)
        assert b"RequestRefused" in printed
        assert b"forked child" in printed
        assert client.list_training_jobs()["TrainingJobSummaries"] == []


def _additions() -> dict[str, Any]:
    from moto.core.botocore_stubber import BotocoreStubber  # noqa: PLC0415 - as the others
    from moto.core.models import botocore_stubber  # noqa: PLC0415 - as the others
    from moto.iam.responses import IamResponse  # noqa: PLC0415 - heavy
    from moto.logs.responses import LogsResponse  # noqa: PLC0415 - heavy
    from moto.servicequotas.responses import ServiceQuotasResponse  # noqa: PLC0415 - heavy

    classes = (BotocoreStubber, IamResponse, LogsResponse, ServiceQuotasResponse)
    methods = {kind.__name__: {name: member for name, member in vars(kind).items() if callable(member)} for kind in classes}
    return methods | {"stubber": {name: member for name, member in vars(botocore_stubber).items() if name != "enabled"}}


def test_moto_is_afterwards_as_before() -> None:
    import botocore.httpsession  # noqa: PLC0415 - what is looked at

    with mock_aws():
        pass
    before, send = _additions(), botocore.httpsession.URLLib3Session.send
    with mock_aws():
        with emulated_sagemaker(mock=False):
            assert aws_client("iam").get_role(RoleName="SageMakerRole")["Role"]["Arn"].endswith(":role/SageMakerRole")
            assert aws_client("service-quotas").list_service_quotas(ServiceCode="sagemaker")["Quotas"]
        assert aws_client("iam").list_roles()["Roles"] == []
        assert aws_client("sts").get_caller_identity()["Arn"].endswith("user/moto")
        assert _additions() == before
    assert botocore.httpsession.URLLib3Session.send is send
    assert _additions() == before


def test_contexts_that_overlap_leave_nothing() -> None:
    import botocore.httpsession  # noqa: PLC0415 - what is looked at

    with mock_aws():
        pass
    before, send, sleep = _additions(), botocore.httpsession.URLLib3Session.send, time.sleep
    first, second = emulated_sagemaker(), emulated_sagemaker()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert aws_client().list_training_jobs()["TrainingJobSummaries"] == []
    second.__exit__(None, None, None)
    assert time.sleep is sleep
    assert botocore.httpsession.URLLib3Session.send is send
    assert _additions() == before


def test_buckets_of_jumpstart_are_there() -> None:
    with emulated_sagemaker():
        s3 = aws_client("s3")
        answer = s3.get_object(Bucket="jumpstart-cache-prod-us-east-1", Key="models_manifest.json")
        assert b"lightgbm-classification-model" in answer["Body"].read()
        assert s3.list_buckets()["Buckets"] == []
