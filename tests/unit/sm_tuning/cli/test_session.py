"""Sessions of commands: for the emulator whatever the environment holds, for AWS with a timeout; and the job that a word means."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError

from sm_tuning.cli import emulator_process
from sm_tuning.cli import session as module
from sm_tuning.cli.session import LocalSession, boto_session, local_session, prices_of, run_of
from sm_tuning.errors import Invalid, NotFound

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
    client = LocalSession(URL).client("sagemaker")
    assert (client.meta.endpoint_url, client.meta.region_name, client.meta.config.proxies) == (URL, "us-east-1", {})
    credentials = client._request_signer._credentials
    assert (credentials.access_key, credentials.secret_key) == ("test", "test")


def test_a_clients_own_configuration_counts_but_for_proxies() -> None:
    client = LocalSession(URL).client("sagemaker", config=Config(read_timeout=7, proxies={"http": "http://127.0.0.1:9"}))
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
    assert LocalSession(URL, given).client("sagemaker", region_name=asked).meta.region_name == region


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
    session, started = local_session(tmp_path, "eu-west-1", None)
    assert (session.url, started) == (URL, False)


@pytest.mark.parametrize(("parallel", "words"), [(None, []), (3, ["--parallel", "3"])])
def test_an_emulator_is_started_on_the_state_folder(
    parallel: int | None, words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []

    def ensure(state: Path, arguments: list[str]) -> tuple[dict[str, Any], bool]:
        asked.append((state, arguments))
        return {"url": URL, "installation": None, "asking": {}}, True

    monkeypatch.setattr(emulator_process, "ensure", ensure)
    session, started = local_session(tmp_path, None, parallel)
    assert (session.url, started) == (URL, True)
    assert asked == [(tmp_path, ["--port", "0", "--idle-exit", str(emulator_process.IDLE_EXIT), *words])]
    assert capsys.readouterr().err == "", "what was started now is this program's"


def test_another_installations_emulator_is_told_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(emulator_process, "ensure", lambda *_: ({"url": URL, "installation": None, "asking": {}}, False))
    local_session(tmp_path, None, None)
    error = " ".join(capsys.readouterr().err.split())
    assert f"the emulator at {URL} is another than this program's: it does not say what it is" in error


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A session in whose account there are tuning jobs of these names, the latest first."""

    def session_with(*names: str) -> Any:
        def describe(HyperParameterTuningJobName: str) -> Any:  # noqa: N803 - boto3's
            if HyperParameterTuningJobName not in names:
                raise ClientError({"Error": {"Code": "ResourceNotFound", "Message": "no"}}, "Describe")
            return {}

        client = SimpleNamespace(meta=SimpleNamespace(region_name="us-east-1"), describe_hyper_parameter_tuning_job=describe)
        monkeypatch.setattr(module, "tuning_jobs", lambda _client: [SimpleNamespace(name=name) for name in names])
        return SimpleNamespace(client=lambda _service: client)

    return session_with


@pytest.mark.parametrize(
    ("word", "name"), [("digits-2", "digits-2"), ("digits-22", "digits-22"), ("latest", "letters"), ("l", "letters")]
)
def test_a_name_its_beginning_or_latest_means_a_tuning_job(known: Callable[..., Any], word: str, name: str) -> None:
    assert run_of(known("letters", "digits-22", "digits-2"), word).name == name


@pytest.mark.parametrize(
    ("names", "word", "text"),
    [
        (("b2", "b1"), "b", "2 tuning jobs begin with 'b'; there are b2, b1"),
        (("b2", "b1"), "c", "no tuning jobs begin with 'c'; there are b2, b1"),
        ((), "latest", "no tuning jobs begin with 'latest'; there are none"),
    ],
)
def test_what_means_none_or_several_is_refused_with_what_there_is(
    known: Callable[..., Any], names: tuple[str, ...], word: str, text: str
) -> None:
    with pytest.raises(NotFound, match=text):
        run_of(known(*names), word)


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://api.pricing.us-east-1.amazonaws.com"),
        ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetProducts"),
    ],
)
def test_without_the_price_list_there_are_no_prices(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(module, "price_list", refuse)
    assert prices_of(SimpleNamespace(), ["ml.m5.large"]) == {}
