"""The tuning job that a word means, and prices where they can be had."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from sm_tuning.cli import session as module
from sm_tuning.cli.session import job_of, prices_of, run_of
from sm_tuning.errors import NotFound


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A session in whose account there are tuning jobs of these names, the latest first."""

    def session_with(*names: str) -> Any:
        def describe(HyperParameterTuningJobName: str) -> Any:  # noqa: N803 - boto3's
            if HyperParameterTuningJobName not in names:
                raise ClientError({"Error": {"Code": "ResourceNotFound", "Message": "no"}}, "Describe")
            return {}

        def nothing(**_: object) -> Any:
            raise ClientError({"Error": {"Code": "ValidationException", "Message": "no"}}, "Describe")

        operations = {"describe_hyper_parameter_tuning_job": describe, "describe_training_job": nothing}
        client = SimpleNamespace(meta=SimpleNamespace(region_name="us-east-1"), **operations)
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
        (("c9", "b2", "b1"), "b", "2 tuning jobs begin with 'b'; there are b2, b1$"),
        (
            ("a7", "a6", "a5", "a4", "a3", "a2", "a1"),
            "a",
            "7 tuning jobs begin with 'a'; there are a7, a6, a5, a4, a3 and 2 more$",
        ),
        (("b2", "b1"), "c", "no tuning jobs begin with 'c'; there are b2, b1"),
        ((), "latest", "no tuning jobs begin with 'latest'; there are none"),
    ],
)
def test_what_means_none_or_several_is_refused_with_what_there_is(
    known: Callable[..., Any], names: tuple[str, ...], word: str, text: str
) -> None:
    with pytest.raises(NotFound, match=text):
        run_of(known(*names), word)


def test_a_training_job_that_no_tuning_job_has_launched_is_none_of_a_tuning_job(
    known: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "training_job", lambda _client, _name: SimpleNamespace(tuning_job=None))
    assert job_of(known("letters"), "alone")[1] == "alone"
    with pytest.raises(NotFound, match="no tuning job has launched the training job alone"):
        run_of(known("letters"), "alone")


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
