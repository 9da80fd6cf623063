"""What the recorder leaves behind, and what it makes of calls that get no answer."""

import boto3
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

from local_emulator.testing.requests import Requests


def test_recorders_may_end_in_any_order_and_nothing_stays() -> None:
    name = "_make_api_call"
    before = getattr(BaseClient, name)
    first, second = Requests().recording(), Requests().recording()
    first.__enter__()
    second.__enter__()
    assert getattr(BaseClient, name) is not before
    first.__exit__(None, None, None)
    assert getattr(BaseClient, name) is not before
    second.__exit__(None, None, None)
    assert getattr(BaseClient, name) is before


def test_a_call_without_an_answer_is_noted_by_its_exception() -> None:
    requests, others = Requests(), Requests()
    client = boto3.client(
        "sts",
        endpoint_url="http://127.0.0.1:9",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with requests.recording(), others.recording(), pytest.raises(EndpointConnectionError):
        client.get_caller_identity()
    for recorder in (requests, others):
        assert [(call.operation, call.error) for call in recorder] == [("GetCallerIdentity", "EndpointConnectionError")]
