"""The table of operations: which are ours, and every failure an error that clients understand."""

import json
from collections.abc import Callable

import pytest

from local_emulator.api.operations import Api
from local_emulator.domain.errors import StoreUnavailable
from local_emulator.settings import Faults, Settings

LIST = "ListHyperParameterTuningJobs"
MODEL = "arn:aws:sagemaker:us-east-1:123456789012:model-card/m"
JOB = "arn:aws:sagemaker:us-east-1:123456789012:training-job/j"


def code(api: Api, operation: str, body: bytes = b"{}") -> tuple[int, str]:
    status, headers, answer = api.answer(operation, body, "us-east-1")
    assert headers.get("x-amzn-errortype", "") == json.loads(answer).get("__type", "")
    return status, headers.get("x-amzn-errortype", "")


@pytest.mark.parametrize(
    ("operation", "request_", "ours"),
    [
        (LIST, {}, True),
        ("CreateModelCard", {}, False),
        ("ListTags", {"ResourceArn": JOB}, True),
        ("ListTags", {"ResourceArn": MODEL}, False),
        ("Search", {"Resource": "TrainingJob"}, True),
        ("Search", {"Resource": "Model"}, False),
        ("Search", {"Resource": ["TrainingJob"]}, True),
    ],
)
def test_which_requests_are_ours(operation: str, request_: object, *, ours: bool, make_api: Callable[..., Api]) -> None:
    assert make_api().owns(operation, json.dumps(request_).encode()) is ours


def test_what_cannot_be_read_is_ours_to_refuse(make_api: Callable[..., Api]) -> None:
    assert make_api().owns("ListTags", b"{")
    assert code(make_api(), "ListTags", b"{") == (400, "SerializationException")
    assert code(make_api(), "Search", b'{"Resource": []}') == (400, "SerializationException")


def test_failures_are_modelled_errors(make_api: Callable[..., Api], capsys: pytest.CaptureFixture[str]) -> None:
    api = make_api()
    assert code(api, LIST) == (200, "")
    assert code(api, "NoSuchOperation") == (400, "UnknownOperationException")
    assert code(api, LIST, b'{"MaxResults": "many"}') == (400, "SerializationException")
    throttled = make_api(settings=Settings(faults=Faults(throttle=0.5)), chance=lambda: 0.4)
    assert code(throttled, LIST) == (400, "ThrottlingException")

    class Store:
        class tunings:  # noqa: N801 - a member of the store
            @staticmethod
            def find(_: object) -> None:
                raise Store.error

        error: Exception = StoreUnavailable("the disk is full")

    assert code(make_api(store=Store()), LIST) == (400, "ResourceLimitExceeded")
    Store.error = KeyError("ours")
    assert code(make_api(store=Store()), LIST) == (400, "InternalFailure")
    assert "KeyError: 'ours'" in capsys.readouterr().err
