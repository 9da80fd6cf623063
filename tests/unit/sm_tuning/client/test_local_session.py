"""Sessions: for the emulator whatever the environment holds, for AWS with a timeout."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sm_tuning.client import emulator_process
from sm_tuning.client.local_session import Emulator, LocalSession, boto_session, local_session, make_bucket
from sm_tuning.errors import Invalid

URL = "http://127.0.0.1:4577"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SAGEMAKER", "AWS_DEFAULT_REGION", "AWS_PROFILE", "SM_TUNING_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)


def test_clients_of_the_emulator_take_nothing_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "AWS_SECRET_ACCESS_KEY": "real",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL": "https://elsewhere.example",
    }.items():
        monkeypatch.setenv(name, value)
    client = LocalSession(Emulator(URL)).client("sagemaker")
    assert (client.meta.endpoint_url, client.meta.region_name, client.meta.config.proxies) == (URL, "us-east-1", {})
    credentials = client._request_signer._credentials
    assert (credentials.access_key, credentials.secret_key) == ("test", "test")


def test_a_clients_own_configuration_counts_but_for_proxies() -> None:
    client = LocalSession(Emulator(URL)).client(
        "sagemaker", config=Config(read_timeout=7, proxies={"http": "http://127.0.0.1:9"})
    )
    assert client.meta.config.read_timeout == 7
    assert client.meta.config.proxies == {"http": "http://127.0.0.1:9"}, "what a caller asks for"


@pytest.mark.parametrize(
    ("given", "environment", "asked", "region"),
    [
        (None, None, None, "us-east-1"),
        (None, "eu-west-1", None, "eu-west-1"),
        ("eu-north-1", "eu-west-1", None, "eu-north-1"),
        ("eu-north-1", None, "us-west-2", "us-west-2"),
    ],
)
def test_the_region_is_the_nearest_that_is_said(
    given: str | None, environment: str | None, asked: str | None, region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if environment is not None:
        monkeypatch.setenv("AWS_DEFAULT_REGION", environment)
    assert LocalSession(Emulator(URL), given).client("sagemaker", region_name=asked).meta.region_name == region


@pytest.mark.parametrize("text", ["soon", "0", "-1", "inf", "nan"])
def test_a_timeout_is_a_number_of_seconds(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SM_TUNING_TIMEOUT", text)
    with pytest.raises(Invalid, match=f"SM_TUNING_TIMEOUT is '{text}'; it must be a number of seconds above 0"):
        boto_session()


@pytest.mark.parametrize(("text", "connect", "read"), [(None, 10.0, 60.0), ("2.5", 2.5, 2.5), ("600", 10.0, 600.0)])
def test_an_answer_is_waited_for_as_long_as_the_timeout_says(
    text: str | None, connect: float, read: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    if text is not None:
        monkeypatch.setenv("SM_TUNING_TIMEOUT", text)
    session = boto_session(region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    config = session.client("sagemaker").meta.config
    assert (config.connect_timeout, config.read_timeout) == (connect, read)


def test_the_emulator_of_the_environment_is_used_and_none_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", URL)
    session = local_session(tmp_path, region="eu-west-1")
    assert session.emulator == Emulator(URL)


@pytest.mark.parametrize(("parallel", "words"), [(None, []), (3, ["--parallel", "3"])])
def test_an_emulator_is_started_on_the_state_folder(
    parallel: int | None, words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Any] = []

    def ensure(state: Path, arguments: list[str]) -> tuple[dict[str, Any], bool]:
        asked.append((state, arguments))
        return {"url": URL, "installation": None, "asking": {}}, True

    monkeypatch.setattr(emulator_process, "ensure", ensure)
    assert local_session(tmp_path, parallel=parallel).emulator == Emulator(URL, started=True)
    assert asked == [(tmp_path, ["--port", "0", "--idle-exit", str(emulator_process.IDLE_EXIT), *words])]


def test_another_installations_emulator_says_how_it_differs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(emulator_process, "ensure", lambda *_: ({"url": URL, "installation": None, "asking": {}}, False))
    assert local_session(tmp_path).emulator.differences == ["does not say what it is, so it is of an earlier version"]


@pytest.mark.parametrize("error", [None, "404"])
def test_a_bucket_that_is_not_there_is_made(error: str | None) -> None:
    made: list[str] = []

    def head_bucket(**_: str) -> None:
        if error is not None:
            raise ClientError({"Error": {"Code": error, "Message": "no"}}, "HeadBucket")

    def create_bucket(Bucket: str) -> None:  # noqa: N803 - boto3's
        made.append(Bucket)

    s3 = SimpleNamespace(head_bucket=head_bucket, create_bucket=create_bucket)
    session: Any = SimpleNamespace(client=lambda *_, **__: s3)
    make_bucket(session, "s3://box/prefix/deep")
    assert made == ([] if error is None else ["box"])
