"""Inside a test nothing reaches AWS, nothing is dropped, and moto and the environment are afterwards as before."""

import asyncio
import http.server
import os
import pickle
import socket
import subprocess
import sys
import textwrap
import threading
import time
import unittest
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws

from local_emulator.domain.errors import EmulatorError
from local_emulator.settings import Settings
from local_emulator.testing import RequestRefused, emulated_sagemaker

_SESSION: Any = boto3.Session()  # one, since it reads the models of services once
_ONCE = Config(retries={"total_max_attempts": 1})


@pytest.fixture(autouse=True)
def canary(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Addresses beside this machine's that somebody wanted to connect to: none."""
    real = socket.socket.connect
    elsewhere = []

    def connect(connection: socket.socket, address: Any) -> None:
        if connection.family == socket.AF_UNIX or address[0] in {"127.0.0.1", "::1"}:
            return real(connection, address)
        elsewhere.append(address)
        raise ConnectionRefusedError(address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    yield elsewhere
    assert elsewhere == []


def _client(service: str = "sagemaker", **words: Any) -> Any:
    words = {"region_name": "us-east-1", "aws_access_key_id": "real", "aws_secret_access_key": "real"} | words
    return _SESSION.client(service, config=_ONCE, **words)


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
        for call in (_client().list_training_jobs, _client().list_models, _client("s3").list_buckets):
            with pytest.raises(RequestRefused, match="mock_aws was stopped"):
                call()


def test_mock_false_needs_moto() -> None:
    with pytest.raises(EmulatorError, match="not active"), emulated_sagemaker(mock=False):
        pass
    with mock_aws(), emulated_sagemaker(mock=False):
        assert _client().list_training_jobs()["TrainingJobSummaries"] == []


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
        client = _client(endpoint_url=endpoint)
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
                client = _client(endpoint_url=f"http://{host}:{server.server_port}")
                for call in (client.list_training_jobs, client.list_models):
                    with pytest.raises(ClientError, match="somebody else's"):
                        call()
        server.shutdown()


def test_forked_child_is_told_at_once() -> None:
    with emulated_sagemaker():
        client = _client()
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


# --- environment and moto -------------------------------------------------------------------------------------------------


def test_environment_is_dummy_inside_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "real")
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", "https://elsewhere.example.com")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    before = dict(os.environ)
    with suppress(ZeroDivisionError), emulated_sagemaker():
        assert os.environ["AWS_ACCESS_KEY_ID"] != "real"
        assert "AWS_PROFILE" not in os.environ
        assert not [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL")]
        client = boto3.client("sagemaker")
        assert client.meta.region_name == "eu-central-1"
        assert client.list_models()["Models"] == []
        os.environ["A_TESTS_OWN"] = "kept"
        raise ZeroDivisionError
    assert os.environ.pop("A_TESTS_OWN") == "kept"
    assert dict(os.environ) == before


def test_configured_endpoint_of_a_profile_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nendpoint_url = http://127.0.0.1:9\nregion = eu-west-3\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with emulated_sagemaker():
        assert boto3.client("sagemaker").list_models()["Models"] == []


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
            assert _client("iam").get_role(RoleName="SageMakerRole")["Role"]["Arn"].endswith(":role/SageMakerRole")
            assert _client("service-quotas").list_service_quotas(ServiceCode="sagemaker")["Quotas"]
        assert _client("iam").list_roles()["Roles"] == []
        assert _client("sts").get_caller_identity()["Arn"].endswith("user/moto")
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
    assert _client().list_training_jobs()["TrainingJobSummaries"] == []
    second.__exit__(None, None, None)
    assert time.sleep is sleep
    assert botocore.httpsession.URLLib3Session.send is send
    assert _additions() == before


def test_session_wide_emulator_beside_mocks_of_functions() -> None:
    with emulated_sagemaker():
        _client("s3").create_bucket(Bucket="session")
        for _ in range(2):
            with mock_aws():
                assert _client().list_training_jobs()["TrainingJobSummaries"] == []
                assert [bucket["Name"] for bucket in _client("s3").list_buckets()["Buckets"]] == ["session"]
        assert _client("s3").list_buckets()["Buckets"]


# --- accounts -------------------------------------------------------------------------------------------------------------


def test_role_and_caller_are_those_of_the_server() -> None:
    with emulated_sagemaker():
        arn = _client("sts").get_caller_identity()["Arn"]
        assert arn == "arn:aws:sts::123456789012:assumed-role/SageMakerRole/local"
        role = _client("iam").get_role(RoleName=arn.split("/")[1])["Role"]["Arn"]
        simulated = _client("iam").simulate_principal_policy(PolicySourceArn=role, ActionNames=["sagemaker:CreateTrainingJob"])
        assert simulated["EvaluationResults"][0]["EvalDecision"] == "allowed"


def test_checked_role_is_there() -> None:
    with emulated_sagemaker(Settings(check_roles=True)) as emulator:
        assert emulator.cloud.role_exists("arn:aws:iam::123456789012:role/SageMakerRole")
        assert not emulator.cloud.role_exists("arn:aws:iam::123456789012:role/Nobody")


def _tune(client: Any, name: str, request_of: Any) -> str:
    request = request_of(name, "s3://bucket/nothing.tar.gz", bucket="bucket", jobs=1)
    arn: str = client.create_hyper_parameter_tuning_job(**request)["HyperParameterTuningJobArn"]
    return arn


def test_assumed_role_of_another_account_sees_its_own(request_of: Any) -> None:
    with emulated_sagemaker():
        assert ":123456789012:" in _tune(_client("sagemaker"), "mine", request_of)
        assumed = _client("sts").assume_role(RoleArn="arn:aws:iam::210987654321:role/other", RoleSessionName="session")
        keys = assumed["Credentials"]
        other = _client(
            "sagemaker",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )
        assert other.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"] == []
        assert ":210987654321:" in _tune(other, "theirs", request_of)


def test_moto_account_id_alone_suffices(monkeypatch: pytest.MonkeyPatch, request_of: Any) -> None:
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "111122223333")
    with emulated_sagemaker():
        assert ":111122223333:" in _tune(_client("sagemaker"), "job", request_of)
        assert _client("sts").get_caller_identity()["Arn"] == "arn:aws:sts::111122223333:assumed-role/SageMakerRole/local"
        monkeypatch.setenv("MOTO_ACCOUNT_ID", "444455556666")  # moto reads it with each request
        assert _client("sagemaker").list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"] == []


def test_account_of_the_settings_is_moto_s_too(request_of: Any) -> None:
    with emulated_sagemaker(Settings(account="999988887777")):
        assert ":999988887777:" in _tune(_client("sagemaker"), "job", request_of)
        assert _client("sts").get_caller_identity()["Account"] == "999988887777"
    assert "MOTO_ACCOUNT_ID" not in os.environ


def _children(request_of: Any, **config: int) -> list[str]:
    """The names of two training jobs of a tuning job."""
    with emulated_sagemaker():
        client = _client("sagemaker")
        client.create_hyper_parameter_tuning_job(
            **request_of("job", "s3://bucket/nothing", bucket="bucket", jobs=2, config=config)
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            names = [job["TrainingJobName"] for job in client.list_training_jobs(SortBy="Name")["TrainingJobSummaries"]]
            if len(names) == 2:
                return sorted(names)
            time.sleep(0.02)
    raise AssertionError(names)


def test_names_of_training_jobs_follow_the_seed(request_of: Any) -> None:
    seeded = _children(request_of, RandomSeed=7)
    assert seeded == _children(request_of, RandomSeed=7)
    assert not set(seeded) & set(_children(request_of, RandomSeed=8))
    assert not set(seeded) & set(_children(request_of))


# --- decorators -----------------------------------------------------------------------------------------------------------


def _is_emulated() -> bool:
    """Whether the emulator answers: moto alone knows no role of SageMaker's."""
    return bool(_client("iam").get_role(RoleName="SageMakerRole"))


@pytest.mark.parametrize("decorator", [emulated_sagemaker, emulated_sagemaker()], ids=["bare", "called"])
def test_functions_of_all_kinds(decorator: Any) -> None:
    def plain(value: int) -> int:
        assert _is_emulated()
        return value

    async def coroutine(value: int) -> int:
        await asyncio.sleep(0)
        assert _is_emulated()
        return value

    def generator(value: int) -> Iterator[int]:
        assert _is_emulated()
        yield value
        assert _is_emulated()

    async def async_generator(value: int) -> Any:
        assert _is_emulated()
        yield value
        assert _is_emulated()

    async def read() -> list[int]:
        return [item async for item in decorator(async_generator)(4)]

    assert decorator(plain)(1) == 1
    assert asyncio.run(decorator(coroutine)(2)) == 2
    assert list(decorator(generator)(3)) == [3]
    assert asyncio.run(read()) == [4]
    assert decorator(plain).__name__ == "plain"


@pytest.mark.parametrize("target", [3, "text", pytest.fixture(lambda: None), property(lambda self: self), pickle])
def test_what_is_no_function_is_refused(target: Any) -> None:
    with pytest.raises(TypeError, match="decorates functions"):
        emulated_sagemaker()(target)
    with pytest.raises(TypeError, match="decorates functions"):
        emulated_sagemaker(target)


def test_every_test_of_a_test_case_runs_in_an_emulator_of_its_own() -> None:
    seen = []

    @emulated_sagemaker
    class Case(unittest.TestCase):
        def setUp(self) -> None:
            seen.append(("setUp", _is_emulated()))
            self.addCleanup(lambda: seen.append(("clean-up", _is_emulated())))
            _client("s3").create_bucket(Bucket="bucket")

        def tearDown(self) -> None:
            seen.append(("tearDown", _is_emulated()))

        def test_first(self) -> None:
            seen.append(("test", len(_client("s3").list_buckets()["Buckets"]) == 1))

        def test_second(self) -> None:
            self.test_first()

        def test_failing(self) -> None:
            self.fail("as it is to")

    class AsyncCase(unittest.IsolatedAsyncioTestCase):
        async def test_first(self) -> None:
            seen.append(("async", _is_emulated()))

    result = unittest.TestResult()
    loader = unittest.TestLoader()
    loader.loadTestsFromTestCase(Case).run(result)
    loader.loadTestsFromTestCase(emulated_sagemaker()(AsyncCase)).run(result)
    assert (result.testsRun, len(result.failures), result.errors) == (4, 1, [])
    steps = [step for step, _ in seen]
    assert [steps.count(step) for step in ("setUp", "test", "tearDown", "clean-up", "async")] == [3, 2, 3, 3, 1]
    assert all(emulated for _, emulated in seen)


_CLASSES = textwrap.dedent("""
    import boto3, pytest, unittest
    from local_emulator.testing import emulated_sagemaker

    IAM, S3 = (boto3.client(name, region_name="us-east-1") for name in ("iam", "s3"))

    def check():
        assert IAM.get_role(RoleName="SageMakerRole")

    @emulated_sagemaker()
    class TestPlain:
        def setup_method(self):
            check(); S3.create_bucket(Bucket="bucket")
        def teardown_method(self, method): check()
        @pytest.fixture
        def buckets(self):
            yield S3.list_buckets()["Buckets"]
            check()
        def test_fails(self): check(); assert False
        def test_passes(self, buckets): assert len(buckets) == 1
        @pytest.mark.parametrize("number", [1, 2])
        def test_parameters(self, number, emulated_sagemaker): check()
        class TestNested:
            def test_nested_fails(self): check(); assert False
        @staticmethod
        def test_static(): check()

    class TestDerived(TestPlain):
        def test_more(self): check()

    @emulated_sagemaker
    class Case(unittest.TestCase):
        def test_fails(self): check(); self.fail()
        def test_passes(self): check()

    @pytest.fixture
    @emulated_sagemaker
    def emulated():
        yield
        check()

    def test_fixture(emulated): check()

    def test_is_not_emulated():
        from moto.core.models import botocore_stubber
        assert not botocore_stubber.enabled
""")


def test_classes_under_pytest(tmp_path: Path) -> None:
    (tmp_path / "test_classes.py").write_text(_CLASSES)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-W",
        "error",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "real", "AWS_SECRET_ACCESS_KEY": "real"}
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path, env=environment)
    assert result.returncode == 1, result.stdout
    assert "5 failed, 12 passed" in result.stdout, result.stdout
    assert result.stdout.count("assert False") + result.stdout.count("self.fail()") >= 5
